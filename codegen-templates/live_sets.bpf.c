/* Look-ups in live sets that user space writes (sets.h), one function for each kind and width of key: inlined
 * as those of state.bpf.c are. 0: not in the set, else 1 + the element's value. */
#include "codegen-templates/sets.h"

typedef xdpc_u32 u32;
typedef xdpc_u64 u64;

XDPC_INLINE u64 ask_set(void* outer, u32 entry, const struct xdpc_set_layout* layout, u32 kind, u32 words,
                        const u32* key, u64 bytes, u64 now) {
    void* set = ((void* (*)(void*, const void*))1)(outer, &entry);
    u32 element = set ? xdpc_set_find(set, layout, kind, words, key, now) : 0;
    if (!element) {
        return 0;
    }
    xdpc_set_count(set, layout, element, bytes);
    return 1ULL + xdpc_set_value(set, layout, element);
}

#define LIVE_SET(name, kind, words)                                                                          \
    u64 xdpc_inline_##name##words(void* outer, u32 entry, const struct xdpc_set_layout* layout,              \
                                  const u32* key, u64 bytes, u64 now) {                                      \
        return ask_set(outer, entry, layout, kind, words, key, bytes, now);                                  \
    }
#define HASH(words) LIVE_SET(hash, XDPC_SET_HASH, words)
#define TUPLES(words) LIVE_SET(tuples, XDPC_SET_TUPLES, words)

XDPC_SET_STEPS(HASH)
XDPC_SET_STEPS(TUPLES)
LIVE_SET(interval, XDPC_SET_INTERVAL, 1)
LIVE_SET(interval, XDPC_SET_INTERVAL, 2)
LIVE_SET(interval, XDPC_SET_INTERVAL, 3)
LIVE_SET(interval, XDPC_SET_INTERVAL, 4)
