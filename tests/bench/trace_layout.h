/* The trace as prelude.bpf.c and the benchmark share it. */
#ifndef XDPC_BENCH_TRACE_LAYOUT_H
#define XDPC_BENCH_TRACE_LAYOUT_H

/* 80 bytes hold TCP over IPv6 behind a tag; all frames are of one length, as test-run gives the program one.
 */
enum { TRACE_FRAMES = 4096, TRACE_FRAME_WORDS = 10, TRACE_FRAME_BYTES = 8 * TRACE_FRAME_WORDS };

struct trace_area {
    unsigned long long next;      /* number of the next run; set to 0 before a measurement */
    unsigned long long mark;      /* when `next` is there, the clock is read, */
    unsigned long long mark_end;  /* and a second time when it is here */
    unsigned long long stamps[2]; /* ns */
    unsigned long long stamped;
    unsigned long long frames[TRACE_FRAMES][TRACE_FRAME_WORDS];
};

#endif
