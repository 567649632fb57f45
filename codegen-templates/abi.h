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
    xdpc_u32 generation;     /* of the apply, for events */
    xdpc_u32 pad;
};

/* ---- state: see runtime/STATE.md ---- */

enum { XDPC_RING_PROBES = 64, XDPC_CAS_TRIES = 8, XDPC_MAX_KEY_WORDS = 16, XDPC_BYTE_COST_SHIFT = 20 };

/* Where the state of limits, quotas and dynamic sets stands in the arrays `limits`, `quotas` and `dynamic`.
 * These arrays outlive the program, and the next policy counts its limits otherwise: so programs look their
 * place up in the section `.rodata.slots`, 32-bit words that the runtime fills before load: of limits by
 * LimitId, then of quotas by QuotaId, then of sets by SetId (the plain numbers as compiled). The arrays have
 * XDPC_STATE_SLOTS entries, of which one policy may use half, so that the next one always fits beside it. */
enum { XDPC_STATE_SLOTS = 4096 };

/* One limit without `per`, or what all buckets of one with it share. Array map `limits`. */
struct xdpc_limit {
    xdpc_u64 full_at;
    xdpc_u64 overflows; /* of the bounded table */
    xdpc_u64 cursor;    /* of the bounded table */
    xdpc_u64 within;    /* packets */
    xdpc_u64 beyond;
    xdpc_u64 pad[3];
};
/* A bucket of a limit per key. Hash map `limit<LimitId>`. */
struct xdpc_bucket {
    xdpc_u64 full_at;
    xdpc_u32 place;
    xdpc_u32 pad;
};
/* Array map `quotas`. */
struct xdpc_quota {
    xdpc_u64 used;
    xdpc_u64 pad[7];
};
/* An element of a dynamic set. Hash map `set<SetId>`. */
struct xdpc_dynamic {
    xdpc_u64 expires_ns; /* 0: never */
    xdpc_u64 timeout_ns; /* what it was given, 0: none */
    xdpc_u64 packets;
    xdpc_u64 bytes;
    xdpc_u32 place;
    xdpc_u32 value; /* of a map */
    xdpc_u32 flags; /* XDPC_ELEMENT_* */
    xdpc_u32 life;  /* 0: in the set. Else it is from that epoch of the set on, or with the bit until then */
};
#define XDPC_LIFE_UNTIL 0x80000000u
enum {
    XDPC_ELEMENT_USED = 1,
    XDPC_ELEMENT_FILE = 2,   /* else added live */
    XDPC_ELEMENT_COMMENT = 4 /* of a dynamic set, added live: its comment stands in the map of comments */
};
/* What entries of a dynamic set share. Array map `dynamic`. The epoch is of any set, and the one of the first
 * of two of `inet_addr` is that of both. */
struct xdpc_dynamic_set {
    xdpc_u64 cursor;
    xdpc_u64 overflows;
    xdpc_u32 epoch; /* counts the times that the set was replaced */
    xdpc_u32 pad0;
    xdpc_u64 pad[5];
};
/* The ring of a bounded table is the array map `ring_limit<LimitId>` or `ring_set<SetId>` of `size` places:
   the words of the key, then one word that is 1 once the place was taken. */

/* ---- events: what listeners are told ----
   Each listener has a place, and a ring buffer of its own that it puts into the array of maps `rings` there.
   An event is a struct xdpc_event and the frame's first bytes. */

enum { XDPC_LISTENERS = 4, XDPC_LOG_SNAP = 128 };
enum { XDPC_EVENT_LOG = 1, XDPC_EVENT_SAMPLE = 2, XDPC_EVENT_CAPTURE = 3 };
struct xdpc_event {
    xdpc_u64 time_ns; /* CLOCK_MONOTONIC */
    xdpc_u32 kind;
    xdpc_u32 generation;
    xdpc_u32 by;     /* log and sample: number of the rule they stand in; capture: see XDPC_BY_SLOT */
    xdpc_u32 action; /* of a capture */
    xdpc_u32 index;  /* LogStatement::index */
    xdpc_u32 ifindex;
    xdpc_u32 rxqueue;
    xdpc_u32 length;   /* of the frame */
    xdpc_u32 captured; /* bytes that follow; the record may be longer */
    xdpc_u32 pad;
};
/* Who decided a captured packet: the number of its decider, or this bit and the slot of its end counter. */
#define XDPC_BY_SLOT 0x80000000u
#define XDPC_BY_ANY 0xffffffffu

/* A frame as it came in, saved for captures by programs that rewrite frames. The per-CPU array `saved_frame`.
   `head.captured`: how many of its bytes; `head.length`: 0 if there is none. */
enum { XDPC_SAVED_BYTES = 16384 };
struct xdpc_saved {
    struct xdpc_event head;
    unsigned char bytes[XDPC_SAVED_BYTES];
};

struct xdpc_listener {
    xdpc_u64 until_ns; /* renewed by the listener; the program takes its bits back when it has passed */
    xdpc_u64 lost;     /* events that found the ring buffer full */
    xdpc_u32 snap;     /* of captures */
    xdpc_u32 actions;  /* of captures: bits by enum xdp_action */
    xdpc_u32 by;       /* of captures, in that generation; in others all are told, and the listener chooses */
    xdpc_u32 generation;
};
/* Where a packet's way ends, a program as compiled has the jump `if r10 == XDPC_HOOK goto silent`, which is
   never taken, and behind it what tells of the packet. The runtime loads programs without both until somebody
   captures. */
#define XDPC_HOOK 0x78647063
/* Programs stand in this section: those in `xdp` libbpf would load by a handler of its own. */
#define XDPC_SECTION "policy"

/* Section `.data.capture`, of one element and mapped by listeners. */
struct xdpc_capture {
    xdpc_u32 capturing; /* a bit for each listener to decided packets */
    xdpc_u32 watching;  /* a bit for each listener to `log` and `sample` */
    struct xdpc_listener listeners[XDPC_LISTENERS];
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
    xdpc_u32 target;  /* of a redirect: its place in the map `devices`; of `route` XDPC_TARGET_INDEX and the
                         index of the interface; else 0 */
    xdpc_u32 ran;     /* 1 once the program has decided */
};

#define XDPC_TARGET_INDEX 0x80000000u

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

/* What becomes of the hash of a flow by one more word: of what encap derives UDP's source port from. */
static inline xdpc_u32 flow_mix(xdpc_u32 hash, xdpc_u32 word) {
    hash = (hash ^ word) * 0x9E3779B1U;
    return hash ^ hash >> 15;
}

/* One encap statement: in .rodata, xdpc_tunnel_count of them. */
struct xdpc_tunnel {
    unsigned char head[56]; /* from the outer IP header on, 0 where it depends on the packet */
    xdpc_u32 bytes;         /* that are used of it */
    xdpc_u32 flags;
    xdpc_u32 mtu; /* of the outer packet; 0: none */
    xdpc_u32 sum; /* of an outer IPv4 header's words, as it is there */
};
enum {
    XDPC_TUNNEL_IP4 = 1, /* takes IPv4 packets */
    XDPC_TUNNEL_IP6 = 2,
    XDPC_TUNNEL_FRAME = 4,  /* takes frames, whatever is in them */
    XDPC_TUNNEL_OUTER6 = 8, /* the outer header is IPv6's */
    XDPC_TUNNEL_UDP = 16,
    XDPC_TUNNEL_GUE = 32,
    XDPC_TUNNEL_GRE = 64,
    XDPC_TUNNEL_DSCP = 128,  /* says the DSCP, else it is that of the packet inside */
    XDPC_TUNNEL_ANSWER = 256 /* what is too large is answered, else dropped */
};

#endif
