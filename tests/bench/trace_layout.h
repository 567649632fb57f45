/* The trace as prelude.bpf.c and the benchmark share it. */
#ifndef XDPC_BENCH_TRACE_LAYOUT_H
#define XDPC_BENCH_TRACE_LAYOUT_H

/* 80 bytes hold TCP over IPv6 behind a tag; all frames are of one length, as test-run gives the program one.
 */
enum { TRACE_FRAMES = 4096, TRACE_FRAME_WORDS = 10, TRACE_FRAME_BYTES = 8 * TRACE_FRAME_WORDS };

struct trace_area {
    unsigned long long next;
    unsigned long long frames[TRACE_FRAMES][TRACE_FRAME_WORDS];
};

#endif
