// A traffic source: run under BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES, it writes the next source
// address of a list into a TCP SYN and redirects the frame into a veth. The receiver's softirq runs inline on
// the same CPU.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum { SOURCES = 1 << 20 };
struct source_list {
    __u32 address[SOURCES]; // host order
};
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_MMAPABLE);
    __type(key, __u32);
    __type(value, struct source_list);
} sources SEC(".maps");

volatile const __u32 out_ifindex = 0; // 0: drop at once, what the source itself costs
volatile const __u32 ip_sum = 0;      // of the header but its source and checksum
volatile const __u32 tcp_sum = 0;     // the same with the pseudo header
static __u32 next;

static __always_inline __u16 fold(__u32 sum) {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return ~sum;
}

SEC("xdp")
int frames(struct xdp_md* ctx) {
    void* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    struct iphdr* ip = data + sizeof(struct ethhdr);
    struct tcphdr* tcp = (void*)(ip + 1);
    __u32 zero = 0;
    struct source_list* list = bpf_map_lookup_elem(&sources, &zero);
    if ((void*)(tcp + 1) > end || !list)
        return XDP_ABORTED;
    __u32 address = list->address[next++ & (SOURCES - 1)];
    ip->saddr = bpf_htonl(address);
    __u32 sum = (address >> 16) + (address & 0xffff);
    ip->check = bpf_htons(fold(ip_sum + sum));
    tcp->check = bpf_htons(fold(tcp_sum + sum));
    return out_ifindex ? bpf_redirect(out_ifindex, 0) : XDP_DROP;
}

SEC("xdp")
int drop(struct xdp_md* ctx) {
    return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
