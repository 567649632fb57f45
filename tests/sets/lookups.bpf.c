/* Look-ups of keys that stand in a map, by the kind and width of set: each program goes through `keys` and
 * puts what it finds into `results`. For tests and benchmarks of codegen-templates/sets.h; and the kernel's
 * own maps beside it. */
#include "codegen-templates/sets.h"

#include <linux/bpf.h>

#define SEC(name) __attribute__((section(name), used))

static void* (*const map_lookup)(const void*, const void*) = (void*)1;
static long (*const loop)(unsigned, void*, void*, unsigned long long) = (void*)181;

struct control {
    unsigned long long now;
    unsigned count; /* keys: a power of two */
    unsigned bytes; /* counted for each found, where the set has counters */
};
/* Not const to the compiler, which would take it for zero. */
struct xdpc_set_layout layout SEC(".rodata.layout");
struct control control SEC(".data.control");
#define LAYOUT ((const struct xdpc_set_layout*)&layout)

struct key {
    unsigned words[16];
};
struct inner {
    int (*type)[BPF_MAP_TYPE_ARRAY];
    int (*max_entries)[1]; /* set before load */
    int (*map_flags)[BPF_F_MMAPABLE];
    unsigned* key;
    struct key* value;
};
struct {
    int (*type)[BPF_MAP_TYPE_ARRAY_OF_MAPS];
    int (*max_entries)[1];
    unsigned* key;
    struct inner* values[];
} set SEC(".maps");
struct {
    int (*type)[BPF_MAP_TYPE_ARRAY];
    int (*max_entries)[65536];
    int (*map_flags)[BPF_F_MMAPABLE];
    unsigned* key;
    struct key* value;
} keys SEC(".maps");
struct result {
    unsigned element;
    unsigned value;
};
struct {
    int (*type)[BPF_MAP_TYPE_ARRAY];
    int (*max_entries)[65536];
    int (*map_flags)[BPF_F_MMAPABLE];
    unsigned* key;
    struct result* value;
} results SEC(".maps");

struct lpm4 {
    unsigned length;
    unsigned address;
};
struct lpm6 {
    unsigned length;
    unsigned address[4];
};
#define KERNEL_MAP(name, kind, flags, key_type)                                                              \
    struct {                                                                                                 \
        int (*type)[kind];                                                                                   \
        int (*max_entries)[1];                                                                               \
        int (*map_flags)[flags];                                                                             \
        key_type* key;                                                                                       \
        unsigned* value;                                                                                     \
    } name SEC(".maps");
KERNEL_MAP(kernel_hash4, BPF_MAP_TYPE_HASH, 0, unsigned)
KERNEL_MAP(kernel_lpm4, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct lpm4)
KERNEL_MAP(kernel_lpm6, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC, struct lpm6)

/* For each key: the rest makes `r` of the words `k`. */
#define PROGRAM(name, ...)                                                                                   \
    static long each_##name(unsigned i, void** context) {                                                    \
        const struct key* key = map_lookup(&keys, &i);                                                       \
        struct result* r = map_lookup(&results, &i);                                                         \
        if (!key || !r)                                                                                      \
            return 1;                                                                                        \
        const void* inner = *context;                                                                        \
        const unsigned* k = key->words;                                                                      \
        (void)inner;                                                                                         \
        __VA_ARGS__;                                                                                         \
        return 0;                                                                                            \
    }                                                                                                        \
    SEC("xdp") int name(struct xdp_md* unused __attribute__((unused))) {                                     \
        unsigned zero = 0;                                                                                   \
        void* inner = map_lookup(&set, &zero);                                                               \
        if (!inner)                                                                                          \
            return XDP_ABORTED;                                                                              \
        loop(control.count, each_##name, &inner, 0);                                                         \
        return XDP_PASS;                                                                                     \
    }
/* Programs have their keys on the stack. */
#define FIND(kind, width)                                                                                    \
    unsigned words[width];                                                                                   \
    for (int w = 0; w < width; w++)                                                                          \
        words[w] = k[w];                                                                                     \
    unsigned element = xdpc_set_find(inner, LAYOUT, kind, width, words, control.now);                        \
    r->element = element;                                                                                    \
    r->value = 0;                                                                                            \
    if (element) {                                                                                           \
        xdpc_set_count(inner, LAYOUT, element, control.bytes);                                               \
        r->value = xdpc_set_value(inner, LAYOUT, element);                                                   \
    }
#define HASH(width) PROGRAM(hash_##width, FIND(XDPC_SET_HASH, width))
#define INTERVAL(width) PROGRAM(interval_##width, FIND(XDPC_SET_INTERVAL, width))
#define TUPLES(width) PROGRAM(tuples_##width, FIND(XDPC_SET_TUPLES, width))
HASH(1)
HASH(2)
HASH(3)
HASH(4)
HASH(5)
HASH(8)
HASH(16)
INTERVAL(1)
INTERVAL(2)
INTERVAL(3)
INTERVAL(4)
TUPLES(2)
TUPLES(3)
TUPLES(5)
TUPLES(16)

PROGRAM(floor_1, r->element = k[0]; r->value = 0)
PROGRAM(floor_4, r->element = k[0] ^ k[1] ^ k[2] ^ k[3]; r->value = 0)
#define KERNEL(map, key_of)                                                                                  \
    unsigned* value = map_lookup(&map, key_of);                                                              \
    r->element = value ? *value : 0;                                                                         \
    r->value = 0
PROGRAM(hash4, unsigned address = k[0]; KERNEL(kernel_hash4, &address))
PROGRAM(lpm4, struct lpm4 lpm = {32, __builtin_bswap32(k[0])}; KERNEL(kernel_lpm4, &lpm))
PROGRAM(lpm6, struct lpm6 lpm = {128,
                                 {__builtin_bswap32(k[0]), __builtin_bswap32(k[1]), __builtin_bswap32(k[2]),
                                  __builtin_bswap32(k[3])}};
        KERNEL(kernel_lpm6, &lpm))

char program_license[] SEC("license") = "GPL";
