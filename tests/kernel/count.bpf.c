// A stand-in for a compiled policy: counts frames of ethertype 88b5 by their first payload byte, in slot N,
// or with REVERSED in slot 3-N; others in slot 4. With variants for what the runtime has to refuse or fill.
#include "codegen-templates/abi.h"

#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

static void* (*const map_lookup)(void*, const void*) = (void*)1;

struct {
    int (*type)[BPF_MAP_TYPE_PERCPU_ARRAY];
    int (*max_entries)[5];
    unsigned* key;
    struct xdpc_counter* value;
} counters SEC(".maps");

volatile const struct xdpc_bind bind SEC(".rodata.bind");

#ifdef PROBE
struct {
    int (*type)[BPF_MAP_TYPE_ARRAY];
    int (*max_entries)[1];
    unsigned* key;
    struct xdpc_bind* value;
} probe SEC(".maps");
#endif

#ifdef INSTRUMENTED
struct xdpc_test_area area SEC(".data.test") = {.control = {.seed = 1}};
#endif

SEC("xdp") int xdpc(struct xdp_md* ctx) {
    unsigned char* data = (void*)(long)ctx->data;
    void* end = (void*)(long)ctx->data_end;
    unsigned slot = 4;
#ifdef PROBE
    unsigned zero = 0;
    struct xdpc_bind* seen = map_lookup(&probe, &zero);
    if (seen) {
        seen->iifname_hi = bind.iifname_hi;
        seen->iifname_lo = bind.iifname_lo;
        seen->wall_offset_ns = bind.wall_offset_ns;
        seen->utc_offset_s = bind.utc_offset_s;
    }
#endif
#ifdef REFUSED
    slot = data[12]; // read before the length is known
#endif
    if ((void*)(data + 15) <= end && data[12] == 0x88 && data[13] == 0xb5)
        slot = data[14] & 3;
#ifdef REVERSED
    if (slot < 4)
        slot = 3 - slot;
#endif
    struct xdpc_counter* counter = map_lookup(&counters, &slot);
    if (counter) {
        counter->packets++;
        counter->bytes += (unsigned long)end - (unsigned long)data;
    }
#ifdef INSTRUMENTED
    area.result.decider = slot + (unsigned)area.control.seed;
    area.result.ran = 1;
#endif
    return slot == 4 ? XDP_PASS : XDP_DROP;
}

char program_license[] SEC("license") = "GPL";
