/* `route`: the kernel's look-up, and what becomes of the packet by it (compiler/fields/README.md, "How
 * packets are routed"). */
#include "codegen-templates/rewrite.h"

/* The interfaces that take frames, by index. */
extern char ports;

static long (*const fib_lookup)(struct xdp_md*, void*, int, u32) = (void*)69;
static long (*const redirect_by_map)(void*, u64, u64) = (void*)51;

enum { FAMILY_IP4 = 2, FAMILY_IP6 = 10 };
enum { FIB_DIRECT = 1, FIB_BY_TABLE = 8 }; /* flags of the helper */
/* What it says. Up to NO_NEIGHBOUR and the like are for the stack, which answers. */
enum { FIB_FOUND = 0, FIB_PROHIBIT = 3, FIB_NO_SOURCE = 9 };
enum { REDIRECTED = 4, IF_THERE_IS_NONE = 2 }; /* enum xdp_action */

/* struct bpf_fib_lookup of the kernel, all of it in network byte order but for `total` and `ifindex`. */
struct fib {
    u8 family;
    u8 protocol;
    u16 sport;
    u16 dport;
    u16 total;
    u32 ifindex; /* where it came in; then where it goes */
    u32 tos;     /* of IPv6 with the flow label */
    u32 from[4];
    u32 to[4];
    u32 table; /* then a tag, 0 */
    u16 smac[3];
    u16 dmac[3];
};

/* Whether no router sends on what has this address. */
INLINE int stays4(const u8* address) {
    return address[0] == 0 || address[0] == 127 || address[0] >= 224;
}
INLINE int stays6(const u8* address) {
    u32 first = be32(address), rest = be32(address + 4) | be32(address + 8);
    return first >> 24 == 0xff || first >> 22 == 0x3fa || (!first && !rest && be32(address + 12) <= 1);
}

INLINE void put_ports(struct fib* fib, struct place* p) {
    u32 proto = p->ip & XDPC_IP_PROTO_KNOWN ? p->proto : 0;
    int has_ports =
        proto == TCP || proto == UDP || proto == UDPLITE || proto == DCCP || proto == 132; /* SCTP */
    u8* at = has_ports && p->th && !(p->ip >> 28 & 3) ? bytes_at(unrelated(p->f), p->th, 4) : 0;
    fib->protocol = proto;
    if (at) {
        fib->sport = *(u16*)at;
        fib->dport = *(u16*)(at + 2);
    }
}

/* Asks the kernel; false if it is the stack's whatever that says. */
INLINE int describe4(struct fib* fib, const u8* ip) {
    if ((ip[0] & 15) != 5 || ip[8] <= 1 || stays4(ip + 12) || stays4(ip + 16)) {
        return 0;
    }
    fib->family = FAMILY_IP4;
    *(u8*)&fib->tos = ip[1];
    fib->from[0] = *(u32*)(ip + 12);
    fib->to[0] = *(u32*)(ip + 16);
    return 1;
}
INLINE int describe6(struct fib* fib, const u8* ip) {
    if (ip[6] == 0 || ip[7] <= 1 || stays6(ip + 8) || stays6(ip + 24)) { /* 0: hop-by-hop options */
        return 0;
    }
    fib->family = FAMILY_IP6;
    fib->tos = *(u32*)ip & __builtin_bswap32(0x0fffffff);
    for (int i = 0; i < 4; ++i) {
        fib->from[i] = *(u32*)(ip + 8 + 4 * i);
        fib->to[i] = *(u32*)(ip + 24 + 4 * i);
    }
    return 1;
}

/* One hop less, and the addresses of the next link. */
INLINE void send_on(struct place* p, u8* link, u8* ip, int v6, struct fib* fib) {
    if (v6) {
        ip[7] -= 1;
    } else {
        u32 ttl = ip[8];
        ip[8] = ttl - 1;
        keep(p->f, (struct sum){p->nh + 10, 0, 0}, 0xffff - 0x100);
    }
    for (int i = 0; i < 3; ++i) {
        ((u16*)link)[i] = fib->dmac[i];
        ((u16*)link)[3 + i] = fib->smac[i];
    }
}

/* By table `table` if `by_table`. Bits 0-31: XDPC_ROUTE_*; 32-63: where it goes. */
NOINLINE u64 xdpc_route(struct xdp_md* ctx, u32 table, u32 by_table) {
    struct place p = find_headers(ctx, 1);
    int v6 = p.type == 0x86dd;
    u8* link = bytes_at(p.f, 0, 14);
    u8* ip = p.nh && p.ip & XDPC_IP_SOUND ? bytes_at(unrelated(p.f), p.nh, v6 ? 40 : 20) : 0;
    if (!link || !ip) {
        return XDPC_ROUTE_ABSENT;
    }
    struct fib fib = {};
    if (p.nh != 14 || link[0] & 1 || !(v6 ? describe6(&fib, ip) : describe4(&fib, ip))) {
        return XDPC_ROUTE_STACK;
    }
    put_ports(&fib, &p);
    fib.total = (u32)(p.ip >> 32) - p.nh;
    fib.ifindex = ctx->ingress_ifindex;
    fib.table = by_table ? table : 0;
    long said = fib_lookup(ctx, &fib, sizeof fib, by_table ? FIB_DIRECT | FIB_BY_TABLE : 0);
    if (said < 0 || (said > FIB_FOUND && said <= FIB_PROHIBIT) || said > FIB_NO_SOURCE) {
        return XDPC_ROUTE_REFUSED;
    }
    if (said != FIB_FOUND || fib.table ||
        redirect_by_map(&ports, fib.ifindex, IF_THERE_IS_NONE) != REDIRECTED) {
        return XDPC_ROUTE_STACK;
    }
    send_on(&p, link, ip, v6, &fib);
    return XDPC_ROUTE_SENT | (u64)fib.ifindex << 32;
}
