/* How live sets are searched: the part of sets.h that is code. Included from there. */
#ifndef XDPC_SETS_SEARCH_H
#define XDPC_SETS_SEARCH_H

#include "codegen-templates/sets.h"

#ifdef __clang__
#define XDPC_UNROLL _Pragma("clang loop unroll(full)")
#else
#define XDPC_UNROLL
#endif
#define XDPC_INLINE static inline __attribute__((always_inline))

#ifdef __bpf__
/* bpf_map_lookup_elem */
XDPC_INLINE const xdpc_u32* xdpc_set_line(const void* set, xdpc_u32 index) {
    return (const xdpc_u32*)((void* (*)(const void*, const void*))1)(set, &index);
}
#else
XDPC_INLINE const xdpc_u32* xdpc_set_line(const void* set, xdpc_u32 index) {
    return (const xdpc_u32*)set + (unsigned long)index * (XDPC_SET_LINE / 4);
}
#endif

/* ---- hash ---- */

/* One-to-one. */
XDPC_INLINE xdpc_u32 xdpc_set_mix32(xdpc_u32 x) {
    x = (x ^ (x >> 16)) * 0x7feb352dU;
    x = (x ^ (x >> 15)) * 0x846ca68bU;
    return x ^ (x >> 16);
}
/* Tag in the low half, home in the high one. Of a key of one word both are the same number, which tells it.
 */
XDPC_INLINE xdpc_u64 xdpc_set_hash(const xdpc_u32* key, xdpc_u32 words, xdpc_u32 combination) {
    if (words == 1) {
        xdpc_u64 x = xdpc_set_mix32(key[0]);
        return x << 32 | x;
    }
    xdpc_u64 h = (combination + 1) * 0x9E3779B97F4A7C15ULL;
    xdpc_u32 i = 0;
    XDPC_UNROLL
    for (; i + 1 < words; i += 2) {
        h = (h ^ ((xdpc_u64)key[i] << 32 | key[i + 1])) * 0xD6E8FEB86659FD93ULL;
        h ^= h >> 32;
    }
    if (words & 1) {
        h = (h ^ key[words - 1]) * 0xD6E8FEB86659FD93ULL;
        h ^= h >> 32;
    }
    h *= 0xD6E8FEB86659FD93ULL;
    h ^= h >> 32;
    return (xdpc_u32)h ? h : h | 1;
}
/* From the high half of the hash. */
XDPC_INLINE xdpc_u32 xdpc_set_home(xdpc_u64 hash, xdpc_u32 table_lines) {
    return (xdpc_u32)((hash >> 32) * table_lines >> 32);
}
/* Words from one key to the next, so that none crosses a line. */
XDPC_INLINE xdpc_u32 xdpc_set_stride(xdpc_u32 words) {
    return words <= 1 ? 1 : words <= 2 ? 2 : words <= 4 ? 4 : words <= 8 ? 8 : words <= 16 ? 16 : 32;
}

/* A line of slots: 7 tags, 7 numbers (0: a free slot), [14] how many lines on keys may stand whose home it
 * is, [15] of the writer: bits of slots freed in the epoch that is in the bits above 8. Without branches; no
 * line has two equal tags. */
XDPC_INLINE xdpc_u32 xdpc_set_match(const xdpc_u32* line, xdpc_u32 tag) {
    xdpc_u32 found = 0;
    XDPC_UNROLL
    for (int i = 0; i < XDPC_SET_SLOTS; i++) {
        xdpc_u64 differs = (xdpc_u64)(line[i] ^ tag) - 1;
        found |= line[XDPC_SET_SLOTS + i] & (xdpc_u32)((xdpc_s64)differs >> 63);
    }
    return found;
}
XDPC_INLINE int xdpc_set_same(const void* set, xdpc_u32 keys, xdpc_u32 stride, xdpc_u32 number,
                              const xdpc_u32* key, xdpc_u32 words) {
    xdpc_u32 at = number * stride;
    const xdpc_u32* line = xdpc_set_line(set, keys + at / 16);
    if (!line) {
        return 0;
    }
    at = at & 15 & (0U - stride);
    xdpc_u32 differs = 0;
    XDPC_UNROLL
    for (xdpc_u32 i = 0; i < words; i++) {
        differs |= line[at + i] ^ key[i];
    }
    return differs == 0;
}
/* The number of `key` in a hash whose keys are at `keys`; 0: none. The first tag that is equal decides, so
 * that the loop has few branches that the verifier has to come back to; keys that would be hidden by that are
 * twins. */
XDPC_INLINE xdpc_u32 xdpc_set_probe(const void* set, const struct xdpc_set_layout* l, xdpc_u32 keys,
                                    xdpc_u32 words, const xdpc_u32* key, xdpc_u32 combination) {
    xdpc_u64 hash = xdpc_set_hash(key, words, combination);
    xdpc_u32 tag = (xdpc_u32)hash;
    const xdpc_u32* line;
    if (words == 1 && tag == 0) {
        line = xdpc_set_line(set, 0);
        return line ? line[0] : 0;
    }
    xdpc_u32 at = l->table + xdpc_set_home(hash, l->table_lines);
    line = xdpc_set_line(set, at);
    if (!line) {
        return 0;
    }
    xdpc_u64 reach = line[14];
    xdpc_u32 found = xdpc_set_match(line, tag);
    for (xdpc_u64 i = 0; i < XDPC_SET_REACH; i++) {
        xdpc_u32 last = ~(xdpc_u32)((xdpc_s64)(i - reach) >> 63);
        if (found | last) {
            break;
        }
        line = xdpc_set_line(set, ++at);
        if (!line) {
            return 0;
        }
        found = xdpc_set_match(line, tag);
    }
    if (words == 1 || !found) {
        return found;
    }
    if (xdpc_set_same(set, keys, xdpc_set_stride(words), found, key, words)) {
        return found;
    }
    line = xdpc_set_line(set, 0);
    if (!line) {
        return 0;
    }
    found = 0;
    XDPC_UNROLL
    for (int i = 0; i < XDPC_SET_TWINS; i++) {
        xdpc_u64 differs = (xdpc_u64)(line[2 + i] ^ tag) - 1;
        found |= line[2 + XDPC_SET_TWINS + i] & (xdpc_u32)((xdpc_s64)differs >> 63);
    }
    return found && xdpc_set_same(set, keys, xdpc_set_stride(words), found, key, words) ? found : 0;
}

/* ---- attributes ---- */

XDPC_INLINE struct xdpc_set_attribute* xdpc_set_attribute_of(const void* set, const struct xdpc_set_layout* l,
                                                             xdpc_u32 element) {
    const xdpc_u32* line = xdpc_set_line(set, l->attributes + element / 2);
    return line ? (struct xdpc_set_attribute*)(line + (element & 1) * 8) : 0;
}
XDPC_INLINE int xdpc_set_alive(const void* set, const struct xdpc_set_layout* l, xdpc_u32 element,
                               xdpc_u64 now) {
    if (!(l->flags & XDPC_SET_TIMEOUT)) {
        return 1;
    }
    const struct xdpc_set_attribute* a = xdpc_set_attribute_of(set, l, element);
    xdpc_u64 expires = a ? *(const volatile xdpc_u64*)&a->expires : 1;
    return expires == 0 || now < expires;
}
/* Adds a packet to the element that was found; nothing where the set has no counters. */
XDPC_INLINE void xdpc_set_count(const void* set, const struct xdpc_set_layout* l, xdpc_u32 element,
                                xdpc_u64 bytes) {
    if (l->flags & XDPC_SET_COUNTER) {
        struct xdpc_set_attribute* a = xdpc_set_attribute_of(set, l, element);
        if (a) {
            __sync_fetch_and_add(&a->packets, 1);
            __sync_fetch_and_add(&a->bytes, bytes);
        }
    }
}
/* Of a map; 0 in other sets. */
XDPC_INLINE xdpc_u32 xdpc_set_value(const void* set, const struct xdpc_set_layout* l, xdpc_u32 element) {
    if (!(l->flags & XDPC_SET_MAP)) {
        return 0;
    }
    const struct xdpc_set_attribute* a = xdpc_set_attribute_of(set, l, element);
    return a ? *(const volatile xdpc_u32*)&a->value : 0;
}

/* ---- intervals ---- */

/* A page of 32-bit keys: 8 references, 7 keys, a spare word; of 64-bit keys: 6 references, 5 keys. Reference
 * i is for what is no less than i keys. A key s is kept as ~s (32 bits) or -s (64): to ask whether k >= s is
 * then a carry, and compilers find no branch to make of it. Keys that are not used are 0, so that k >= s
 * holds for none (but the last value), and references that are not used repeat the last. */
XDPC_INLINE xdpc_u32 xdpc_set_rank32(const xdpc_u32* page, xdpc_u64 k) {
    xdpc_u64 rank = 0;
    k += 1;
    XDPC_UNROLL
    for (int i = 0; i < XDPC_SET_NARROW_REFS - 1; i++) {
        rank += (k + page[XDPC_SET_NARROW_REFS + i]) >> 32;
    }
    return rank & 7;
}
XDPC_INLINE xdpc_u32 xdpc_set_rank64(const xdpc_u32* page, xdpc_u64 k) {
    const xdpc_u64* keys = (const xdpc_u64*)(page + XDPC_SET_WIDE_REFS);
    xdpc_u64 rank = 0;
    xdpc_u64 half = k >> 1;
    XDPC_UNROLL
    for (int i = 0; i < XDPC_SET_WIDE_REFS - 1; i++) {
        xdpc_u64 s = keys[i];
        rank += (half + (s >> 1) + (k & s & 1)) >> 63;
    }
    return rank & 7;
}
XDPC_INLINE xdpc_u32 xdpc_set_units(xdpc_u32 words) {
    return words <= 2 ? 1 : 2;
}
/* A key of one word is one unit of 32 bits; others are units of 64, the first of which may have fewer. */
XDPC_INLINE xdpc_u64 xdpc_set_unit(const xdpc_u32* key, xdpc_u32 words, xdpc_u32 unit) {
    if (words == 1) {
        return key[0];
    }
    xdpc_u32 end = words - (xdpc_set_units(words) - 1 - unit) * 2; /* words up to and with this unit */
    xdpc_u64 low = key[end - 1];
    return end >= 2 ? (xdpc_u64)key[end - 2] << 32 | low : low;
}
/* From a reference down to what is no page of this unit. */
XDPC_INLINE xdpc_u32 xdpc_set_descend(const void* set, const struct xdpc_set_layout* l, xdpc_u32 words,
                                      xdpc_u32 ref, xdpc_u64 k) {
    for (int depth = 0; depth < XDPC_SET_DEPTH && ref >> 30 == XDPC_REF_PAGE; depth++) {
        const xdpc_u32* page = xdpc_set_line(set, l->pages + (ref & XDPC_REF_NUMBER));
        if (!page) {
            return 0;
        }
        ref = *(
            const volatile xdpc_u32*)&page[words == 1 ? xdpc_set_rank32(page, k) : xdpc_set_rank64(page, k)];
    }
    return ref;
}
XDPC_INLINE xdpc_u32 xdpc_set_interval(const void* set, const struct xdpc_set_layout* l, xdpc_u32 words,
                                       const xdpc_u32* key, xdpc_u64 now) {
    xdpc_u64 k = xdpc_set_unit(key, words, 0);
    xdpc_u64 index = k >> l->root_shift;
    const xdpc_u32* line = xdpc_set_line(set, l->root + (xdpc_u32)(index >> 4));
    if (!line) {
        return 0;
    }
    xdpc_u32 ref = xdpc_set_descend(set, l, words, *(const volatile xdpc_u32*)&line[index & 15], k);
    if (xdpc_set_units(words) == 2 && ref >> 30 == XDPC_REF_NEXT) {
        ref ^= (XDPC_REF_NEXT ^ XDPC_REF_PAGE) << 30;
        ref = xdpc_set_descend(set, l, words, ref, xdpc_set_unit(key, words, 1));
    }
    if (ref >> 30 == XDPC_REF_ELEMENT) {
        return ref && xdpc_set_alive(set, l, ref, now) ? ref : 0;
    }
    line = ref >> 30 == XDPC_REF_STACK ? xdpc_set_line(set, l->pages + (ref & XDPC_REF_NUMBER)) : 0;
    if (!line) {
        return 0;
    }
    for (int i = 0; i < XDPC_SET_STACK; i++) {
        xdpc_u32 element = line[i];
        if (!element) {
            break;
        }
        if (xdpc_set_alive(set, l, element, now)) {
            return element;
        }
    }
    return 0;
}

/* ---- tuples ---- */

struct xdpc_set_search {
    const void* set;
    const struct xdpc_set_layout* layout;
    xdpc_u64 now;
    xdpc_u32 best; /* element */
    xdpc_u32 order;
    const xdpc_u32* key;
};
/* Tries a combination; true once no other is to be tried. */
XDPC_INLINE long xdpc_set_try(xdpc_u32 combination, struct xdpc_set_search* s, xdpc_u32 words) {
    const struct xdpc_set_layout* l = s->layout;
    xdpc_u32 at = combination * xdpc_set_stride(words);
    const xdpc_u32* mask = xdpc_set_line(s->set, l->masks + at / 16);
    if (!mask) {
        return 1;
    }
    at = at & 15 & (0U - xdpc_set_stride(words));
    xdpc_u32 masked[XDPC_MAX_KEY_WORDS];
    XDPC_UNROLL
    for (xdpc_u32 w = 0; w < words; w++) {
        masked[w] = s->key[w] & mask[at + w];
    }
    xdpc_u32 entry = xdpc_set_probe(s->set, l, l->entries, words, masked, combination);
    if (!entry) {
        return 0;
    }
    const xdpc_u32* info = xdpc_set_line(s->set, l->entry_info + entry / 16);
    if (!info || (info[entry & 15] & 0xff) != combination) {
        return 0;
    }
    xdpc_u32 element = info[entry & 15] >> 8;
    if (!(l->flags & XDPC_SET_ATTRIBUTES)) {
        s->best = element;
        return 1;
    }
    const struct xdpc_set_attribute* a = xdpc_set_attribute_of(s->set, l, element);
    if (a && xdpc_set_alive(s->set, l, element, s->now) && a->order >= s->order) {
        s->best = element;
        s->order = a->order;
    }
    return 0;
}
/* The verifier checks a body of bpf_loop (Linux 5.17) once, where a loop's branches would be kept for each
 * round. */
#ifdef __bpf__
#define XDPC_SET_STEP(words)                                                                                 \
    static                                                                                                   \
        __attribute__((noinline, unused)) long xdpc_set_try_##words(xdpc_u32 i, struct xdpc_set_search* s) { \
        return xdpc_set_try(i, s, words);                                                                    \
    }
#define XDPC_SET_STEPS(of)                                                                                   \
    of(1) of(2) of(3) of(4) of(5) of(6) of(7) of(8) of(9) of(10) of(11) of(12) of(13) of(14) of(15) of(16)
XDPC_SET_STEPS(XDPC_SET_STEP)
#define XDPC_SET_CASE(words)                                                                                 \
    case words:                                                                                              \
        loop(count, xdpc_set_try_##words, s, 0);                                                             \
        break;
XDPC_INLINE void xdpc_set_try_all(xdpc_u32 count, struct xdpc_set_search* s, xdpc_u32 words) {
    long (*loop)(xdpc_u32, long (*)(xdpc_u32, struct xdpc_set_search*), void*, xdpc_u64) = (void*)181;
    switch (words) { XDPC_SET_STEPS(XDPC_SET_CASE) }
}
#else
XDPC_INLINE void xdpc_set_try_all(xdpc_u32 count, struct xdpc_set_search* s, xdpc_u32 words) {
    for (xdpc_u32 i = 0; i < count && !xdpc_set_try(i, s, words); i++) {
    }
}
#endif
XDPC_INLINE xdpc_u32 xdpc_set_tuples(const void* set, const struct xdpc_set_layout* l, xdpc_u32 words,
                                     const xdpc_u32* key, xdpc_u64 now) {
    const xdpc_u32* header = xdpc_set_line(set, 0);
    if (!header) {
        return 0;
    }
    struct xdpc_set_search search;
    search.set = set;
    search.layout = l;
    search.now = now;
    search.best = 0;
    search.order = 0;
    search.key = key;
    xdpc_set_try_all(header[1] & 0xff, &search, words);
    return search.best;
}

/* The number of the unexpired element that answers for `key`; 0: none. `now` does not matter where the set
 * has no timeouts. */
XDPC_INLINE xdpc_u32 xdpc_set_find(const void* set, const struct xdpc_set_layout* l, xdpc_u32 kind,
                                   xdpc_u32 words, const xdpc_u32* key, xdpc_u64 now) {
    if (kind == XDPC_SET_INTERVAL) {
        return xdpc_set_interval(set, l, words, key, now);
    }
    if (kind == XDPC_SET_TUPLES) {
        return xdpc_set_tuples(set, l, words, key, now);
    }
    xdpc_u32 element = xdpc_set_probe(set, l, l->keys, words, key, 0);
    return element && xdpc_set_alive(set, l, element, now) ? element : 0;
}

#endif
