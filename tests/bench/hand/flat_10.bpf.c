/* policies/flat_10.xdp by hand: only IPv4 with ports can match, all else goes to the policy at once. */
#include "hand.h"

COUNTERS(11);

SEC("xdp")
int hand(struct xdp_md* ctx) {
    void* data_end = (void*)(long)ctx->data_end;
    struct packet p = {};
    void* at = parse_tags((void*)(long)ctx->data, data_end, &p.type);
    if (at && p.type == ETH_P_IP)
        parse_ip(ctx, &p, at, data_end);
    if (!p.protocol)
        return end(ctx, 10, XDP_DROP);

    RULE5(0, PREFIX4(45, 5, 61, 0, 24), PREFIX4(198, 204, 110, 0, 24), IPPROTO_TCP, 502, 502, 25, 25,
          XDP_PASS);
    RULE5(1, PREFIX4(185, 7, 183, 0, 24), PREFIX4(198, 52, 130, 24, 32), IPPROTO_TCP, 497, 497, 53, 53,
          XDP_PASS);
    RULE5(2, PREFIX4(185, 65, 0, 0, 16), PREFIX4(198, 215, 46, 16, 28), IPPROTO_TCP, 383, 383, 993, 993,
          XDP_DROP);
    RULE5(3, PREFIX4(103, 3, 165, 96, 28), PREFIX4(198, 49, 7, 96, 28), IPPROTO_TCP, 1024, 65535, 80, 80,
          XDP_DROP);
    RULE5(4, PREFIX4(11, 181, 213, 177, 32), PREFIX4(198, 80, 134, 0, 24), IPPROTO_TCP, 1024, 65535, 8080,
          8080, XDP_PASS);
    RULE5(5, PREFIX4(185, 187, 6, 0, 24), PREFIX4(198, 169, 122, 0, 24), IPPROTO_TCP, 1024, 65535, 5432, 5432,
          XDP_DROP);
    RULE5(6, PREFIX4(185, 93, 48, 0, 24), PREFIX4(198, 238, 51, 96, 28), IPPROTO_TCP, 1024, 65535, 443, 458,
          XDP_PASS);
    RULE5(7, PREFIX4(45, 122, 26, 0, 24), PREFIX4(198, 240, 186, 0, 24), IPPROTO_UDP, 864, 864, 5432, 5432,
          XDP_PASS);
    RULE5(8, PREFIX4(195, 107, 167, 0, 24), PREFIX4(198, 177, 56, 83, 32), IPPROTO_TCP, 1024, 65535, 123, 123,
          XDP_DROP);
    RULE5(9, PREFIX4(195, 39, 167, 0, 24), PREFIX4(198, 223, 251, 108, 32), IPPROTO_TCP, 444, 444, 3306, 3306,
          XDP_DROP);
    return end(ctx, 10, XDP_DROP);
}
