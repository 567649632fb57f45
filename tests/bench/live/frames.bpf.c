// A traffic source: run under BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, it writes the next
// addresses, ports and protocol of a list into a frame and redirects it into a veth. The receiver's softirq
// runs inline on the same CPU.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { HEADERS = 1 << 20 };
struct header {
    __u32 saddr, daddr, ports, protocol; // host order; source port << 16 | destination port
};
struct header_list {
    struct header header[HEADERS];
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct header_list);
} headers SEC(".maps");

volatile const __u32 out_ifindex = 0; // 0: drop at once, what the source itself costs
volatile const __u32 ip_sum = 0;      // of the header but its addresses, protocol and checksum
static __u32 next;

static __always_inline __u32 halves(__u32 word) {
    return (word >> 16) + (word & 0xffff);
}

SEC("xdp")
int frames(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct iphdr* ip = data + sizeof(struct ethhdr);
    __be32* ports = (void*)(ip + 1);
    __u32 zero = 0;
    struct header_list* list = bpf_map_lookup_elem(&headers, &zero);
    if ((void*)(ports + 1) > end || !list)
        return XDP_ABORTED;
    struct header* header = &list->header[next++ & (HEADERS - 1)];
    ip->saddr = bpf_htonl(header->saddr);
    ip->daddr = bpf_htonl(header->daddr);
    ip->protocol = header->protocol;
    *ports = bpf_htonl(header->ports);
    __u32 sum = ip_sum + halves(header->saddr) + halves(header->daddr) + header->protocol;
    ip->check = bpf_htons(~halves(halves(sum)));
    return out_ifindex ? bpf_redirect(out_ifindex, 0) : XDP_DROP;
}

SEC("xdp")
int drop(struct xdp_md* ctx) {
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
