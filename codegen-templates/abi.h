/* What compiled programs and the runtime agree on, shared by C (BPF) and C++. Host byte order throughout. */
#ifndef XDPC_ABI_H
#define XDPC_ABI_H

#ifdef __cplusplus
#include <cstdint>
typedef uint64_t xdpc_u64;
typedef int64_t xdpc_s64;
typedef uint32_t xdpc_u32;
#else
typedef unsigned long long xdpc_u64;
typedef long long xdpc_s64;
typedef unsigned int xdpc_u32;
#endif

/* One slot of the per-CPU array map `counters`. */
struct xdpc_counter {
    xdpc_u64 packets;
    xdpc_u64 bytes;
};

/* Section `.rodata.bind`, filled by the runtime before load for the one interface the program is loaded for.
 */
struct xdpc_bind {
    xdpc_u64 iifname_hi; /* first 8 bytes of the name as a big-endian number */
    xdpc_u64 iifname_lo;
    xdpc_s64 wall_offset_ns; /* add to bpf_ktime_get_tai_ns() for ns since 1970 UTC */
    xdpc_s64 utc_offset_s;   /* seconds east of UTC, for `meta day` and `meta hour` */
};

/* Section `.data.test`, only in instrumented programs: set before each run, read after it. Takes the place of
   `xdpc_bind`, clocks, queue, CPU and randomness. */
struct xdpc_test_control {
    xdpc_u64 now_ns;  /* the monotonic clock; starts at 1e15, moved by `advance` */
    xdpc_u64 wall_ns; /* ns since 1970 UTC; local time is UTC */
    xdpc_u64 seed;
    xdpc_u64 packet; /* number of the packet within the test, from 0 */
    xdpc_u64 iifname_hi;
    xdpc_u64 iifname_lo;
    xdpc_u32 ifindex;
    xdpc_u32 rxqueue;
    xdpc_u32 cpu;
    xdpc_u32 pad;
};

/* Also in `.data.test`, after the control: what the program says of the packet. */
struct xdpc_test_result {
    xdpc_u32 decider; /* index into Artifact::deciders */
    xdpc_u32 action;  /* enum xdp_action */
    xdpc_u32 ifindex; /* redirect target, else 0 */
    xdpc_u32 ran;     /* 1 once the program has decided */
};

struct xdpc_test_area {
    struct xdpc_test_control control;
    struct xdpc_test_result result;
};

/* Draw `occurrence` of packet `packet`, the same in the evaluator and in instrumented programs (splitmix64's
 * mixer). */
static inline xdpc_u32 random_draw(xdpc_u64 seed, xdpc_u64 packet, xdpc_u64 occurrence) {
    xdpc_u64 x = seed + packet * 0x9E3779B97F4A7C15ULL + (occurrence + 1) * 0xD1B54A32D192ED03ULL;
    x ^= x >> 30;
    x *= 0xBF58476D1CE4E5B9ULL;
    x ^= x >> 27;
    x *= 0x94D049BB133111EBULL;
    x ^= x >> 31;
    return (xdpc_u32)x;
}

#endif
