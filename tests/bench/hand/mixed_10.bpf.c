/* policies/mixed_10.xdp by hand. */
#include "hand.h"

COUNTERS(11);

SEC("xdp")
int hand(struct xdp_md* ctx) {
    void* data_end = (void*)(long)ctx->data_end;
    struct packet p = {};
    void* at = parse_tags((void*)(long)ctx->data, data_end, &p.type);
    if (at && p.type == ETH_P_IP)
        parse_ip(ctx, &p, at, data_end);
    else if (at && p.type == ETH_P_IPV6)
        parse_ip6(ctx, &p, at, data_end);
    const int v4 = p.type == ETH_P_IP;
    const int v6 = p.type == ETH_P_IPV6;

    RULE(0, p.type == ETH_P_ARP, XDP_PASS);
    RULE(1, v4 && IN4(p.saddr, PREFIX4(10, 0, 0, 0, 8)), XDP_DROP);
    RULE(2, v4 && IN4(p.saddr, PREFIX4(192, 168, 0, 0, 16)), XDP_DROP);
    RULE(3, v4 && IN4(p.saddr, PREFIX4(203, 0, 113, 7, 32)), XDP_DROP);
    RULE(4, v4 && IN4(p.saddr, PREFIX4(198, 51, 100, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(5, v6 && p.saddr6_hi >> 16 == 0x20010db80001 && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(6, p.protocol == IPPROTO_TCP && (p.dport == 80 || p.dport == 443), XDP_PASS);
    RULE(7, p.protocol == IPPROTO_TCP && p.dport >= 8080 && p.dport <= 8089, XDP_PASS);
    RULE(8, p.protocol == IPPROTO_UDP && p.dport == 53, XDP_PASS);
    RULE(9, v4 && p.protocol == IPPROTO_ICMP && p.icmp_type == 8, XDP_PASS);
    return end(ctx, 10, XDP_DROP);
}
