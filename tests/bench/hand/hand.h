/* What the hand-written programs share: reading a packet as a careful BPF programmer does it for a policy
   that must not fail open, and counters. It follows the meaning of the policies beside it: tags are stepped
   over, options and extension headers walked, later fragments and headers that contradict their length have
   no ports. */
#ifndef XDPC_BENCH_HAND_H
#define XDPC_BENCH_HAND_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct counter {
    __u64 packets;
    __u64 bytes;
};

#define COUNTERS(n)                                                                                          \
    struct {                                                                                                 \
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                             \
        __uint(max_entries, n);                                                                              \
        __type(key, __u32);                                                                                  \
        __type(value, struct counter);                                                                       \
    } counters SEC(".maps");                                                                                 \
    static __always_inline int end(struct xdp_md* ctx, __u32 rule, int verdict) {                            \
        struct counter* c = bpf_map_lookup_elem(&counters, &rule);                                           \
        if (c) {                                                                                             \
            c->packets += 1;                                                                                 \
            c->bytes += ctx->data_end - ctx->data;                                                           \
        }                                                                                                    \
        return verdict;                                                                                      \
    }                                                                                                        \
    char license_[] SEC("license") = "GPL"

#define RULE(number, condition, verdict)                                                                     \
    if (condition)                                                                                           \
    return end(ctx, number, verdict)

/* Addresses in network order, as they are in the packet; ports in host order. */
struct packet {
    __u16 type; /* EtherType behind the tags */
    __u8
        protocol; /* what the walk over extension headers found; 0 where there is no sound transport header */
    __u8 icmp_type; /* of IPv4 */
    __u16 sport, dport;
    __be32 saddr, daddr;
    __u64 saddr6_hi;
};

#define PREFIX4(a, b, c, d, length) bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d)), (length)
#define MASK4(length) bpf_htonl((__u32)(0xffffffff00000000ULL >> (length)))
#define IN4_(address, net, length) (((address) & MASK4(length)) == (net))
#define IN4(address, ...) IN4_(address, __VA_ARGS__)
#define OUT4_(address, net, length) (differs(address, net) & MASK4(length))
#define OUT4(address, ...) OUT4_(address, __VA_ARGS__)

/* Addresses, protocol and port ranges, in a form that tells the verifier nothing of the fields: else it
   carries what each branch told it on to all later rules, and 100 rules are "too large". */
static __always_inline __u32 differs(__u32 a, __u32 b) {
    __u32 x = a ^ b;
    asm("" : "+r"(x));
    return x;
}
#define BELOW(a, b) ((__u32)(a) - (__u32)(b)) /* the top bit is set if a < b */
#define RULE5(number, source, destination, protocol_, sport_lo, sport_hi, dport_lo, dport_hi, verdict)       \
    RULE(number,                                                                                             \
         !OUT4(p.saddr, source) && !(OUT4(p.daddr, destination) | (p.protocol ^ (protocol_)) |               \
                                     (BELOW(p.sport, sport_lo) | BELOW(sport_hi, p.sport) |                  \
                                      BELOW(p.dport, dport_lo) | BELOW(dport_hi, p.dport)) >>                \
                                         31),                                                                \
         verdict)

static __always_inline void* parse_tags(void* data, void* end, __u16* type) {
    struct ethhdr* eth = data;
    if ((void*)(eth + 1) > end)
        return 0;
    *type = bpf_ntohs(eth->h_proto);
    void* at = eth + 1;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
        if (*type != 0x8100 && *type != 0x88a8 && *type != 0x9100)
            break;
        if (at + 4 > end)
            return 0;
        *type = bpf_ntohs(*(__be16*)(at + 2));
        at += 4;
    }
    return at;
}

static __always_inline int is_extension(__u32 protocol) {
    return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
           protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH || protocol == 135;
}

/* Steps over extension headers from `offset` on: offset << 8 | protocol of what follows, or -1 where the walk
   leaves the frame or meets a later fragment. A global function: the verifier walks its loop once, not once
   for each rule. */
__noinline int walk_extensions(struct xdp_md* ctx, __u32 offset, __u32 protocol) {
    void* end = (void*)(long)ctx->data_end;
    for (int i = 0; i < 12 && is_extension(protocol); ++i) {
        __u8* header = (void*)(long)ctx->data + (offset & 0x3fff);
        if ((void*)(header + 8) > end)
            return -1;
        if (protocol == IPPROTO_FRAGMENT) {
            if (*(__be16*)(header + 2) & bpf_htons(0xfff8))
                return -1;
            offset += 8;
        } else {
            offset += protocol == IPPROTO_AH ? (header[1] + 2) * 4 : (header[1] + 1) * 8;
        }
        protocol = header[0];
    }
    return is_extension(protocol) ? -1 : (int)((offset & 0x3fff) << 8 | protocol);
}

static __always_inline void parse_transport(struct xdp_md* ctx, struct packet* p, void* at, void* end,
                                            __u32 protocol) {
    if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && is_extension(protocol)) {
        int found = walk_extensions(ctx, at - (void*)(long)ctx->data, protocol);
        if (found < 0)
            return;
        at = (void*)(long)ctx->data + (found >> 8 & 0x3fff);
        end = (void*)(long)ctx->data_end;
        protocol = found & 0xff;
    }
    if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP) {
        if (at + 4 > end)
            return;
        p->sport = bpf_ntohs(*(__be16*)at);
        p->dport = bpf_ntohs(*(__be16*)(at + 2));
        p->protocol = protocol;
    } else if (protocol == IPPROTO_ICMP && p->type == ETH_P_IP) {
        if (at + 1 > end)
            return;
        p->icmp_type = *(__u8*)at;
        p->protocol = protocol;
    }
}

static __always_inline void parse_ip(struct xdp_md* ctx, struct packet* p, void* at, void* end) {
    struct iphdr* ip = at;
    if ((void*)(ip + 1) > end) {
        p->type = 0;
        return;
    }
    p->saddr = ip->saddr;
    p->daddr = ip->daddr;
    __u32 length = bpf_ntohs(ip->tot_len);
    if (ip->version != 4 || ip->ihl < 5 || ip->ihl * 4U > length || at + length > end ||
        (ip->frag_off & bpf_htons(0x1fff)))
        return;
    /* AH is all that may stand before the transport header here. */
    if (ip->protocol == IPPROTO_AH || !is_extension(ip->protocol))
        parse_transport(ctx, p, at + ip->ihl * 4, end, ip->protocol);
}

static __always_inline void parse_ip6(struct xdp_md* ctx, struct packet* p, void* at, void* end) {
    struct ipv6hdr* ip6 = at;
    if ((void*)(ip6 + 1) > end) {
        p->type = 0;
        return;
    }
    p->saddr6_hi =
        (__u64)bpf_ntohl(ip6->saddr.in6_u.u6_addr32[0]) << 32 | bpf_ntohl(ip6->saddr.in6_u.u6_addr32[1]);
    if (ip6->version != 6 || at + 40 + bpf_ntohs(ip6->payload_len) > end)
        return;
    parse_transport(ctx, p, at + 40, end, ip6->nexthdr);
}

#endif
