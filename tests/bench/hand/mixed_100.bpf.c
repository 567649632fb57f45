/* policies/mixed_100.xdp by hand. */
#include "hand.h"

COUNTERS(101);

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
    RULE(3, v4 && IN4(p.saddr, PREFIX4(172, 16, 0, 0, 12)), XDP_DROP);
    RULE(4, v4 && IN4(p.saddr, PREFIX4(45, 223, 23, 170, 32)), XDP_DROP);
    RULE(5, v4 && IN4(p.saddr, PREFIX4(11, 214, 80, 0, 20)), XDP_DROP);
    RULE(6, v4 && IN4(p.saddr, PREFIX4(195, 174, 49, 0, 24)), XDP_DROP);
    RULE(7, v4 && IN4(p.saddr, PREFIX4(185, 88, 94, 0, 24)), XDP_DROP);
    RULE(8, v4 && IN4(p.saddr, PREFIX4(11, 142, 176, 0, 20)), XDP_DROP);
    RULE(9, v4 && IN4(p.saddr, PREFIX4(103, 156, 180, 0, 22)), XDP_DROP);
    RULE(10, v4 && IN4(p.saddr, PREFIX4(45, 2, 0, 0, 16)), XDP_DROP);
    RULE(11, v4 && IN4(p.saddr, PREFIX4(195, 66, 68, 0, 22)), XDP_DROP);
    RULE(12, v4 && IN4(p.saddr, PREFIX4(11, 211, 247, 0, 24)), XDP_DROP);
    RULE(13, v4 && IN4(p.saddr, PREFIX4(185, 154, 120, 0, 24)), XDP_DROP);
    RULE(14, v4 && IN4(p.saddr, PREFIX4(185, 16, 101, 0, 24)), XDP_DROP);
    RULE(15, v4 && IN4(p.saddr, PREFIX4(103, 199, 156, 0, 24)), XDP_DROP);
    RULE(16, v4 && IN4(p.saddr, PREFIX4(185, 206, 208, 0, 20)), XDP_DROP);
    RULE(17, v4 && IN4(p.saddr, PREFIX4(45, 161, 150, 48, 28)), XDP_DROP);
    RULE(18, v4 && IN4(p.saddr, PREFIX4(103, 146, 249, 0, 24)), XDP_DROP);
    RULE(19, v4 && IN4(p.saddr, PREFIX4(185, 175, 168, 0, 22)), XDP_DROP);
    RULE(20, v4 && IN4(p.saddr, PREFIX4(195, 84, 52, 222, 32)), XDP_DROP);
    RULE(21, v4 && IN4(p.saddr, PREFIX4(185, 21, 192, 0, 20)), XDP_DROP);
    RULE(22, v4 && IN4(p.saddr, PREFIX4(11, 135, 123, 72, 32)), XDP_DROP);
    RULE(23, v4 && IN4(p.saddr, PREFIX4(195, 166, 131, 0, 24)), XDP_DROP);
    RULE(24, v4 && IN4(p.saddr, PREFIX4(195, 10, 216, 0, 22)), XDP_DROP);
    RULE(25, v4 && IN4(p.saddr, PREFIX4(185, 40, 216, 192, 28)), XDP_DROP);
    RULE(26, v4 && IN4(p.saddr, PREFIX4(11, 178, 184, 0, 24)), XDP_DROP);
    RULE(27, v4 && IN4(p.saddr, PREFIX4(185, 154, 178, 0, 24)), XDP_DROP);
    RULE(28, v4 && IN4(p.saddr, PREFIX4(103, 71, 170, 223, 32)), XDP_DROP);
    RULE(29, v4 && IN4(p.saddr, PREFIX4(185, 235, 109, 0, 24)), XDP_DROP);
    RULE(30, v4 && IN4(p.saddr, PREFIX4(45, 184, 232, 0, 22)), XDP_DROP);
    RULE(31, v4 && IN4(p.saddr, PREFIX4(195, 148, 192, 0, 20)), XDP_DROP);
    RULE(32, v4 && IN4(p.saddr, PREFIX4(195, 188, 254, 96, 28)), XDP_DROP);
    RULE(33, v4 && IN4(p.saddr, PREFIX4(103, 127, 154, 16, 28)), XDP_DROP);
    RULE(34, v4 && IN4(p.saddr, PREFIX4(185, 146, 0, 0, 16)), XDP_DROP);
    RULE(35, v4 && IN4(p.saddr, PREFIX4(45, 31, 25, 0, 24)), XDP_DROP);
    RULE(36, v4 && IN4(p.saddr, PREFIX4(11, 203, 135, 0, 24)), XDP_DROP);
    RULE(37, v4 && IN4(p.saddr, PREFIX4(195, 96, 131, 2, 32)), XDP_DROP);
    RULE(38, v4 && IN4(p.saddr, PREFIX4(195, 165, 196, 0, 22)), XDP_DROP);
    RULE(39, v4 && IN4(p.saddr, PREFIX4(45, 31, 113, 240, 28)), XDP_DROP);
    RULE(40, v4 && IN4(p.saddr, PREFIX4(195, 199, 194, 16, 28)), XDP_DROP);
    RULE(41, v6 && p.saddr6_hi >> 16 == 0x20010db80100, XDP_DROP);
    RULE(42, v6 && p.saddr6_hi >> 16 == 0x20010db80101, XDP_DROP);
    RULE(43, v6 && p.saddr6_hi >> 16 == 0x20010db80102, XDP_DROP);
    RULE(44, v6 && p.saddr6_hi >> 16 == 0x20010db80103, XDP_DROP);
    RULE(45, v6 && p.saddr6_hi >> 16 == 0x20010db80104, XDP_DROP);
    RULE(46, v4 && IN4(p.saddr, PREFIX4(198, 51, 100, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(47, v6 && p.saddr6_hi >> 16 == 0x20010db80001 && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(48, v4 && IN4(p.saddr, PREFIX4(11, 183, 208, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 5432,
         XDP_PASS);
    RULE(49, v4 && IN4(p.saddr, PREFIX4(11, 155, 82, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(50, v4 && IN4(p.saddr, PREFIX4(11, 68, 87, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 993,
         XDP_PASS);
    RULE(51, v4 && IN4(p.saddr, PREFIX4(185, 166, 176, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 143,
         XDP_PASS);
    RULE(52, v4 && IN4(p.saddr, PREFIX4(11, 37, 0, 0, 16)) && p.protocol == IPPROTO_TCP && p.dport == 25,
         XDP_PASS);
    RULE(53, v4 && IN4(p.saddr, PREFIX4(195, 183, 48, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 110,
         XDP_PASS);
    RULE(54, v4 && IN4(p.saddr, PREFIX4(45, 68, 19, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 6379,
         XDP_PASS);
    RULE(55, v4 && IN4(p.saddr, PREFIX4(45, 202, 56, 13, 32)) && p.protocol == IPPROTO_TCP && p.dport == 8443,
         XDP_PASS);
    RULE(56, v4 && IN4(p.saddr, PREFIX4(195, 95, 0, 0, 16)) && p.protocol == IPPROTO_TCP && p.dport == 1433,
         XDP_PASS);
    RULE(57, v4 && IN4(p.saddr, PREFIX4(185, 59, 0, 0, 16)) && p.protocol == IPPROTO_TCP && p.dport == 3306,
         XDP_PASS);
    RULE(58, v4 && IN4(p.saddr, PREFIX4(11, 175, 0, 0, 16)) && p.protocol == IPPROTO_TCP && p.dport == 143,
         XDP_PASS);
    RULE(59,
         v4 && IN4(p.saddr, PREFIX4(185, 223, 159, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 6379,
         XDP_PASS);
    RULE(60,
         v4 && IN4(p.saddr, PREFIX4(103, 146, 55, 251, 32)) && p.protocol == IPPROTO_TCP && p.dport == 8443,
         XDP_PASS);
    RULE(61, v4 && IN4(p.saddr, PREFIX4(185, 24, 49, 28, 32)) && p.protocol == IPPROTO_TCP && p.dport == 993,
         XDP_PASS);
    RULE(62, v4 && IN4(p.saddr, PREFIX4(45, 208, 188, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 8443,
         XDP_PASS);
    RULE(63, v4 && IN4(p.saddr, PREFIX4(45, 112, 144, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 636,
         XDP_PASS);
    RULE(64, v4 && IN4(p.saddr, PREFIX4(45, 76, 48, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 6379,
         XDP_PASS);
    RULE(65,
         v4 && IN4(p.saddr, PREFIX4(195, 234, 67, 154, 32)) && p.protocol == IPPROTO_TCP && p.dport == 993,
         XDP_PASS);
    RULE(66, v4 && IN4(p.saddr, PREFIX4(11, 119, 0, 0, 16)) && p.protocol == IPPROTO_TCP && p.dport == 5432,
         XDP_PASS);
    RULE(67, v4 && IN4(p.saddr, PREFIX4(185, 11, 19, 83, 32)) && p.protocol == IPPROTO_TCP && p.dport == 389,
         XDP_PASS);
    RULE(68, v4 && IN4(p.saddr, PREFIX4(11, 250, 71, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 6379,
         XDP_PASS);
    RULE(69, v4 && IN4(p.saddr, PREFIX4(103, 237, 221, 0, 24)) && p.protocol == IPPROTO_TCP && p.dport == 22,
         XDP_PASS);
    RULE(70, v4 && IN4(p.saddr, PREFIX4(103, 18, 128, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 25,
         XDP_PASS);
    RULE(71,
         v4 && IN4(p.saddr, PREFIX4(195, 226, 160, 0, 20)) && p.protocol == IPPROTO_TCP && p.dport == 6379,
         XDP_PASS);
    RULE(72, v4 && IN4(p.saddr, PREFIX4(45, 6, 0, 0, 16)) && p.protocol == IPPROTO_UDP && p.dport == 514,
         XDP_PASS);
    RULE(73, v4 && IN4(p.saddr, PREFIX4(103, 16, 144, 0, 20)) && p.protocol == IPPROTO_UDP && p.dport == 514,
         XDP_PASS);
    RULE(74, v4 && IN4(p.saddr, PREFIX4(103, 228, 73, 0, 24)) && p.protocol == IPPROTO_UDP && p.dport == 514,
         XDP_PASS);
    RULE(75, v4 && IN4(p.saddr, PREFIX4(185, 249, 96, 0, 20)) && p.protocol == IPPROTO_UDP && p.dport == 4500,
         XDP_PASS);
    RULE(76, v4 && IN4(p.saddr, PREFIX4(45, 90, 242, 0, 24)) && p.protocol == IPPROTO_UDP && p.dport == 161,
         XDP_PASS);
    RULE(77, v4 && IN4(p.saddr, PREFIX4(103, 104, 16, 0, 24)) && p.protocol == IPPROTO_UDP && p.dport == 161,
         XDP_PASS);
    RULE(78, v4 && IN4(p.saddr, PREFIX4(195, 209, 0, 0, 16)) && p.protocol == IPPROTO_UDP && p.dport == 161,
         XDP_PASS);
    RULE(79, v4 && IN4(p.saddr, PREFIX4(103, 164, 20, 0, 24)) && p.protocol == IPPROTO_UDP && p.dport == 1812,
         XDP_PASS);
    RULE(80, p.protocol == IPPROTO_TCP && (p.dport == 80 || p.dport == 443), XDP_PASS);
    RULE(81, p.protocol == IPPROTO_TCP && p.dport >= 8080 && p.dport <= 8089, XDP_PASS);
    RULE(82, p.protocol == IPPROTO_TCP && p.dport == 26568, XDP_PASS);
    RULE(83, p.protocol == IPPROTO_TCP && p.dport == 41971, XDP_PASS);
    RULE(84, p.protocol == IPPROTO_TCP && p.dport == 24693, XDP_PASS);
    RULE(85, p.protocol == IPPROTO_TCP && p.dport == 28553, XDP_PASS);
    RULE(86, p.protocol == IPPROTO_TCP && p.dport == 1255, XDP_PASS);
    RULE(87, p.protocol == IPPROTO_TCP && p.dport == 44526, XDP_PASS);
    RULE(88, p.protocol == IPPROTO_TCP && p.dport == 7262, XDP_PASS);
    RULE(89, p.protocol == IPPROTO_TCP && p.dport == 20587, XDP_PASS);
    RULE(90, p.protocol == IPPROTO_TCP && p.dport == 41560, XDP_PASS);
    RULE(91, p.protocol == IPPROTO_UDP && p.dport >= 22682 && p.dport <= 22691, XDP_PASS);
    RULE(92, p.protocol == IPPROTO_UDP && p.dport >= 24885 && p.dport <= 24894, XDP_PASS);
    RULE(93, p.protocol == IPPROTO_UDP && p.dport >= 3101 && p.dport <= 3110, XDP_PASS);
    RULE(94, p.protocol == IPPROTO_UDP && p.dport >= 43659 && p.dport <= 43668, XDP_PASS);
    RULE(95, p.protocol == IPPROTO_UDP && p.dport >= 45268 && p.dport <= 45277, XDP_PASS);
    RULE(96, p.protocol == IPPROTO_UDP && p.dport == 53, XDP_PASS);
    RULE(97, p.protocol == IPPROTO_UDP && p.sport == 123, XDP_PASS);
    RULE(98, v4 && p.protocol == IPPROTO_ICMP && p.icmp_type == 0, XDP_PASS);
    RULE(99, v4 && p.protocol == IPPROTO_ICMP && p.icmp_type == 8, XDP_PASS);
    return end(ctx, 100, XDP_DROP);
}
