/* Only Ethernet, IPv4 and the ports are parsed, as one does it by hand, and nothing is looked for: what
   looking into a set of five-field rules is compared with. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int hand(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct ethhdr* eth = data;
    struct iphdr* ip = (void*)(eth + 1);
    if ((void*)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
        return XDP_PASS;
    __u32 sum = ip->saddr ^ ip->daddr ^ ip->protocol;
    if ((ip->protocol == IPPROTO_TCP || ip->protocol == IPPROTO_UDP) && !(ip->frag_off & bpf_htons(0x1fff))) {
        __be16* ports = (void*)ip + ip->ihl * 4;
        if ((void*)(ports + 2) > end)
            return XDP_PASS;
        sum ^= ports[0] ^ ports[1] << 16;
    }
    asm volatile("" : : "r"(sum));
    return XDP_DROP;
}

char license_[] SEC("license") = "GPL";
