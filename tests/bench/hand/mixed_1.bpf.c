/* policies/mixed_1.xdp by hand. */
#include "hand.h"

COUNTERS(2);

SEC("xdp")
int hand(struct xdp_md* ctx) {
    void* data_end = (void*)(long)ctx->data_end;
    struct packet p = {};
    void* at = parse_tags((void*)(long)ctx->data, data_end, &p.type);
    if (at && p.type == ETH_P_IP)
        parse_ip(ctx, &p, at, data_end);
    const int v4 = p.type == ETH_P_IP;

    RULE(0, v4 && IN4(p.saddr, PREFIX4(198, 51, 100, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_DROP);
    return end(ctx, 1, XDP_PASS);
}
