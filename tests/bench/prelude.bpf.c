/* The two fixed programs of every measurement. `prelude` copies the next frame of the trace into the packet
   and tail-calls the program under test, so that caches and branch predictors meet thousands of different
   packets; `drop` is the least a program can do. Both sides of a comparison run behind the same prelude, and
   prelude + drop is subtracted from both. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "trace_layout.h"

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} under_test SEC(".maps");

struct trace_area trace = {};

SEC("xdp")
int prelude(struct xdp_md* ctx) {
    __u64* to = (void*)(long)ctx->data;
    if ((void*)(to + TRACE_FRAME_WORDS) > (void*)(long)ctx->data_end)
        return XDP_ABORTED;
    __u64 run = trace.next++;
    if (run == trace.mark) {
        /* Read here, not around the system call: with `repeat` that waits for RCU at both ends, whole ticks
         * of it. */
        trace.stamps[trace.stamped++ & 1] = bpf_ktime_get_ns();
        trace.mark = trace.mark_end;
    }
    const __u64* from = trace.frames[run % TRACE_FRAMES];
#pragma unroll
    for (int i = 0; i < TRACE_FRAME_WORDS; ++i)
        to[i] = from[i];
    /* A constant index: the JIT makes it a direct jump. */
    bpf_tail_call(ctx, &under_test, 0);
    return XDP_ABORTED;
}

SEC("xdp")
int drop(struct xdp_md* ctx) {
    return XDP_DROP;
}

char license_[] SEC("license") = "GPL";
