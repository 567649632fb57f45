/* What a program tells those who listen: `log`, `sample`, and the packets it has decided. Only called while
 * somebody does (see struct xdpc_capture). */
#include "codegen-templates/templates.h"

extern struct xdpc_capture xdpc_capture;
extern char rings;
extern char logs;
extern char saved_frame;

static void* (*const find_in_map)(void*, const void*) = (void*)1;
static u64 (*const monotonic_ns)(void) = (void*)5;
static void* (*const ring_reserve)(void*, u64, u64) = (void*)131;
static void (*const ring_submit)(void*, u64) = (void*)132;
static long (*const ring_output)(void*, const void*, u64, u64) = (void*)130;
static u64 (*const frame_length)(struct xdp_md*) = (void*)188;
static long (*const load_frame)(struct xdp_md*, u32, void*, u32) = (void*)189;

/* The first `size` bytes of the frame; false where there are none, or more than `most`. The verifier has to
 * see both bounds of the size, and those of 6.1 do not see that what is not 0 is at least 1. */
static inline int load_some(struct xdp_md* ctx, u8* to, u32 size, u32 most) {
    u32 less = size - 1;
    __asm__ volatile("" : "+r"(less));
    return less < most && !load_frame(ctx, 0, to, less + 1);
}

/* Records have one of a few sizes, as the verifier wants constants. 0: there was no room. */
#define SEND_WITHIN(bytes_at_most)                                                                           \
    do {                                                                                                     \
        struct {                                                                                             \
            struct xdpc_event head;                                                                          \
            u8 bytes[bytes_at_most];                                                                         \
        }* record = ring_reserve(ring, sizeof *record, 0);                                                   \
        if (!record) {                                                                                       \
            return 0;                                                                                        \
        }                                                                                                    \
        record->head = *event;                                                                               \
        if (!load_some(ctx, record->bytes, event->captured, bytes_at_most)) {                                \
            record->head.captured = 0;                                                                       \
        }                                                                                                    \
        ring_submit(record, 0);                                                                              \
        return 1;                                                                                            \
    } while (0)

static NOINLINE u64 send(struct xdp_md* ctx, struct xdpc_event* event, u32 place) {
    void* ring = find_in_map(&rings, &place);
    if (!ring) {
        return 0;
    }
    if (event->captured <= 128) {
        SEND_WITHIN(128);
    }
    if (event->captured <= 512) {
        SEND_WITHIN(512);
    }
    if (event->captured <= 2048) {
        SEND_WITHIN(2048);
    }
    if (event->captured <= 9216) {
        SEND_WITHIN(9216);
    }
    SEND_WITHIN(65536);
}

/* Whether the listener is still there: one that was killed renews nothing and costs no more from now on. */
static inline int is_there(struct xdpc_listener* listener, u32 place, u64 now) {
    if (now < listener->until_ns) {
        return 1;
    }
    __sync_fetch_and_and(&xdpc_capture.capturing, ~(1u << place));
    __sync_fetch_and_and(&xdpc_capture.watching, ~(1u << place));
    return 0;
}

static inline void tell(struct xdp_md* ctx, struct xdpc_event* event, u32 place, u32 snap) {
    event->captured = event->length < snap ? event->length : snap;
    if (!send(ctx, event, place)) {
        __sync_fetch_and_add(&xdpc_capture.listeners[place].lost, 1);
    }
}

static inline void fill(struct xdp_md* ctx, struct xdpc_event* event, u64 now) {
    event->time_ns = now;
    event->ifindex = ctx->ingress_ifindex;
    event->rxqueue = ctx->rx_queue_index;
    event->length = frame_length(ctx);
    event->pad = 0;
}

/* To all who watch. `by`: the generation and the rule's number. In tests `now` is not the real clock. */
static NOINLINE u64 tell_watchers(struct xdp_md* ctx, struct xdpc_event* event, u32 snap) {
    u64 now = monotonic_ns();
    for (u32 place = 0; place < XDPC_LISTENERS; ++place) {
        if (xdpc_capture.watching >> place & 1 && is_there(&xdpc_capture.listeners[place], place, now)) {
            tell(ctx, event, place, snap);
        }
    }
    return 0;
}

/* At most one event in `every` ns; a packet that loses the race to another CPU's is not told. */
NOINLINE u64 xdpc_log(struct xdp_md* ctx, u64 by, u32 index, u64 every, u64 now) {
    if (every) {
        u64* last = find_in_map(&logs, &index);
        u64 was = last ? *(volatile u64*)last : 0;
        if (!last || (was && (long long)(now - was) < (long long)every) ||
            __sync_val_compare_and_swap(last, was, now) != was) {
            return 0;
        }
    }
    struct xdpc_event event = {.kind = XDPC_EVENT_LOG, .index = index};
    event.generation = by >> 32;
    event.by = by;
    fill(ctx, &event, now);
    return tell_watchers(ctx, &event, XDPC_LOG_SNAP);
}

NOINLINE u64 xdpc_sample(struct xdp_md* ctx, u64 by, u32 snap, u64 now) {
    struct xdpc_event event = {.kind = XDPC_EVENT_SAMPLE};
    event.generation = by >> 32;
    event.by = by;
    fill(ctx, &event, now);
    return tell_watchers(ctx, &event, snap);
}

/* Whether the listener wants to be told of such a packet. */
static inline int wants(struct xdpc_listener* l, u32 by, u32 action, u32 generation) {
    return l->actions >> (action & 7) & 1 &&
           (l->by == XDPC_BY_ANY || l->generation != generation || l->by == by);
}

/* A packet that was decided, as it came in: of programs that never rewrite frames. */
NOINLINE u64 xdpc_captured(struct xdp_md* ctx, u32 by, u32 action, u32 generation) {
    if (!*(volatile u32*)&xdpc_capture.capturing) { /* they were killed */
        return 0;
    }
    struct xdpc_event event = {.kind = XDPC_EVENT_CAPTURE, .by = by, .action = action};
    u64 now = monotonic_ns();
    event.generation = generation;
    fill(ctx, &event, now);
    for (u32 place = 0; place < XDPC_LISTENERS; ++place) {
        struct xdpc_listener* l = &xdpc_capture.listeners[place];
        if (!(xdpc_capture.capturing >> place & 1) || !is_there(l, place, now)) {
            continue;
        }
        if (wants(l, by, action, generation)) {
            tell(ctx, &event, place, l->snap);
        }
    }
    return 0;
}

/* The frame as it came in, of others. */
NOINLINE u64 xdpc_save_frame(struct xdp_md* ctx) {
    u32 zero = 0;
    struct xdpc_saved* saved = find_in_map(&saved_frame, &zero);
    if (!saved || !*(volatile u32*)&xdpc_capture.capturing) {
        return 0;
    }
    u32 size = frame_length(ctx);
    saved->head.length = size;
    saved->head.time_ns = monotonic_ns();
    size = size < XDPC_SAVED_BYTES ? size : XDPC_SAVED_BYTES;
    saved->head.captured = load_some(ctx, saved->bytes, size, XDPC_SAVED_BYTES) ? size : 0;
    return 0;
}

static inline int output(struct xdpc_saved* saved, u32 place, u32 snap) {
    void* ring = find_in_map(&rings, &place);
    u32 size = saved->head.captured < snap ? saved->head.captured : snap;
    if (!ring || size > XDPC_SAVED_BYTES) {
        return 0;
    }
    u32 all = saved->head.captured;
    saved->head.captured = size;
    __asm__ volatile("" : "+r"(size));
    int done = size <= XDPC_SAVED_BYTES && !ring_output(ring, saved, sizeof saved->head + size, 0);
    saved->head.captured = all;
    return done;
}

/* A packet's way takes less. While programs with hooks take the places of others one after the other, it may
   begin in one of the old and end in one of the new: then what is saved is another frame. */
#define SAVED_FOR_NS 1000000000ull

NOINLINE u64 xdpc_captured_saved(struct xdp_md* ctx, u32 by, u32 action, u32 generation) {
    u32 zero = 0;
    struct xdpc_saved* saved = find_in_map(&saved_frame, &zero);
    if (!saved || !saved->head.length) {
        return 0;
    }
    u64 now = monotonic_ns();
    u32 length = saved->head.length;
    saved->head.length = 0;
    if (now - saved->head.time_ns > SAVED_FOR_NS) {
        return 0;
    }
    fill(ctx, &saved->head, now);
    saved->head.kind = XDPC_EVENT_CAPTURE;
    saved->head.by = by;
    saved->head.action = action;
    saved->head.index = 0;
    saved->head.generation = generation;
    saved->head.length = length;
    for (u32 place = 0; place < XDPC_LISTENERS; ++place) {
        struct xdpc_listener* l = &xdpc_capture.listeners[place];
        if (xdpc_capture.capturing >> place & 1 && is_there(l, place, now) &&
            wants(l, by, action, generation) && !output(saved, place, l->snap)) {
            __sync_fetch_and_add(&l->lost, 1);
        }
    }
    saved->head.length = 0;
    return 0;
}
