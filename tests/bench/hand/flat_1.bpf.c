/* policies/flat_1.xdp by hand: only IPv4 with ports can match, all else goes to the policy at once. */
#include "hand.h"

COUNTERS(2);

SEC("xdp")
int hand(struct xdp_md* ctx) {
    void* data_end = (void*)(long)ctx->data_end;
    struct packet p = {};
    void* at = parse_tags((void*)(long)ctx->data, data_end, &p.type);
    if (at && p.type == ETH_P_IP)
        parse_ip(ctx, &p, at, data_end);
    if (!p.protocol)
        return end(ctx, 1, XDP_DROP);

    RULE5(0, PREFIX4(45, 5, 61, 0, 24), PREFIX4(198, 204, 110, 0, 24), IPPROTO_TCP, 502, 502, 25, 25,
          XDP_PASS);
    return end(ctx, 1, XDP_DROP);
}
