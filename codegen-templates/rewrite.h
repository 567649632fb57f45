/* What statements that change the packet share; behind parse.bpf.c, whose functions it calls. */
#ifndef XDPC_REWRITE_H
#define XDPC_REWRITE_H

#include "codegen-templates/templates.h"

/* Some return structures, which only what is inlined can. */
#define INLINE static inline __attribute__((always_inline))

enum { TCP = 6, UDP = 17, UDPLITE = 136, DCCP = 33, ICMP = 1, IGMP = 2, ICMPV6 = 58 };

static long (*const adjust_head)(struct xdp_md*, int) = (void*)44;
static long (*const adjust_tail)(struct xdp_md*, int) = (void*)65;

/* Where the headers are. */
struct place {
    struct frame f;
    u32 type;  /* inner EtherType, 0 if none is known */
    u32 nh;    /* 0 if it is not reached */
    u32 th;    /* 0 if it is not reached */
    u32 proto; /* of what is there */
    u64 ip;    /* XDPC_IP_* */
};

/* The same frame to a compiler that must not conclude from one check to another: the verifier does not. */
INLINE struct frame unrelated(struct frame f) {
    __asm__ volatile("" : "+r"(f.begin), "+r"(f.end));
    return f;
}

INLINE struct place find_headers(struct xdp_md* ctx, int transport) {
    struct place p = {};
    u64 net = xdpc_network(ctx);
    if (net & XDPC_NET_REACHED) {
        p.type = net >> 16 & 0xffff;
        p.nh = net & 0xffff;
    }
    if (transport && p.nh && (p.type == 0x0800 || p.type == 0x86dd)) {
        p.ip = xdpc_transport(ctx, p.nh, p.type);
        p.th = p.ip & XDPC_IP_TRANSPORT ? p.ip & 0xffff : 0;
        p.proto = p.ip >> 16 & 0xff;
    }
    p.f = frame_of(ctx);
    return p;
}

INLINE void put16(u8* p, u32 value) {
    *(u16*)p = __builtin_bswap16((u16)value);
}

INLINE void put32(u8* p, u32 value) {
    *(u32*)p = __builtin_bswap32(value);
}
INLINE u32 be32(const u8* p) {
    return __builtin_bswap32(*(const u32*)p);
}
INLINE u32 fold(u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum & 0xffff;
}

/* A checksum that is a sum of words: where it is, and whether 0 stands for none. */
struct sum {
    u32 at; /* 0: none */
    u32 optional;
    u32 addresses; /* covers those of IP too */
};

/* The transport header's, if it is reached with its fixed part. */
INLINE struct sum transport_sum(struct place* p) {
    int v6 = p->type == 0x86dd;
    u32 at = 0, size = 8;
    switch (p->proto) {
    case TCP:
        at = 16, size = 20;
        break;
    case UDP:
    case UDPLITE:
        at = 6;
        break;
    case DCCP:
        at = 6, size = 12;
        break;
    case ICMP:
    case IGMP:
        at = v6 ? 0 : 2;
        break;
    case ICMPV6:
        at = v6 ? 2 : 0;
        break;
    default:
        break;
    }
    if (!at || !p->th || !bytes_at(p->f, p->th, size)) {
        return (struct sum){};
    }
    return (struct sum){p->th + at, p->proto == UDP || p->proto == UDPLITE,
                        p->proto != ICMP && p->proto != IGMP};
}

/* `delta`: what the sum of the covered words became more by, modulo 0xffff. */
INLINE void keep(struct frame f, struct sum sum, u32 delta) {
    u8* p = sum.at ? bytes_at(f, sum.at, 2) : 0;
    if (!p) {
        return;
    }
    u32 old = be16(p);
    if (sum.optional && !old) {
        return;
    }
    u32 all = (~old & 0xffff) + (delta & 0xffff) + (delta >> 16);
    all = (all & 0xffff) + (all >> 16);
    all = (all & 0xffff) + (all >> 16);
    all = ~(all ? all : 0xffff) & 0xffff;
    put16(p, sum.optional && !all ? 0xffff : all);
}

INLINE void swap16(u8* a, u8* b, u32 words) {
    for (u32 i = 0; i < words; ++i) {
        u16 t = ((u16*)a)[i];
        ((u16*)a)[i] = ((u16*)b)[i];
        ((u16*)b)[i] = t;
    }
}

#endif
