/* What lasts from packet to packet: limits, quotas, dynamic sets. Meaning and layout: runtime/STATE.md.
 *
 * Functions called xdpc_inline_* are inlined into one global function for each map (compiler/codegen
 * state_functions.cpp): what they are given is constant there, but for key, cost and clock. Kernels
 * before 6.2 take no key for a map that is a parameter's memory, so keys are on the stack of the function
 * they are inlined into. */
#include "codegen-templates/templates.h"

#undef NOINLINE
#define NOINLINE __attribute__((noinline))

typedef xdpc_u32 u32;
typedef xdpc_u64 u64;

static void* (*const state_lookup)(void*, const void*) = (void*)1;
static long (*const state_update)(void*, const void*, const void*, u64) = (void*)2;
static long (*const state_delete)(void*, const void*) = (void*)3;

enum { UPDATE_NO_EXIST = 1, ERROR_EXISTS = -17 };
/* The last word of a ring's place. */
enum { PLACE_FREE = 0, PLACE_TAKEN = 1, PLACE_BUSY = 2 };

extern char limits;
extern char quotas;
extern char dynamic;

/* Takes `cost` from a bucket: XDPC_LIMIT_WITHIN or XDPC_LIMIT_BEYOND. */
static inline u64 charge(u64* full_at, u64 cost, u64 capacity, u64 now) {
    u64 seen = *(volatile u64*)full_at;
    for (int i = 0; i < XDPC_CAS_TRIES; ++i) {
        u64 from = seen > now ? seen : now;
        u64 to = from + cost;
        if (to - now > capacity) {
            return XDPC_LIMIT_BEYOND;
        }
        u64 was = __sync_val_compare_and_swap(full_at, seen, to);
        if (was == seen) {
            return XDPC_LIMIT_WITHIN;
        }
        seen = was;
    }
    return XDPC_LIMIT_BEYOND;
}

static inline u64 charge_and_count(struct xdpc_limit* limit, u64* full_at, u64 cost, u64 capacity, u64 now) {
    u64 result = charge(full_at, cost, capacity, now);
    __sync_fetch_and_add(result == XDPC_LIMIT_WITHIN ? &limit->within : &limit->beyond, 1);
    return result;
}

/* A limit without a key. */
NOINLINE u64 xdpc_limit(u32 id, u64 cost, u64 capacity, u64 now) {
    struct xdpc_limit* limit = state_lookup(&limits, &id);
    return limit ? charge_and_count(limit, &limit->full_at, cost, capacity, now) : XDPC_LIMIT_BEYOND;
}

/* What is used, this frame with it. */
NOINLINE u64 xdpc_quota(u32 id, u64 bytes) {
    struct xdpc_quota* quota = state_lookup(&quotas, &id);
    return quota ? __sync_fetch_and_add(&quota->used, bytes) + bytes : ~0ULL;
}

/* ---- bounded tables ---- */

struct table {
    void* hash;
    void* ring;
    u64* cursor;
    u32 size;
    u32 words;    /* of a key */
    u32 place_at; /* byte offset of `place` in an entry */
    u32 may_stay; /* entries whose first word is 0 are never free to take */
};

/* An entry's first word is when it becomes free to take. */
static inline int is_free(const struct table* t, const void* entry, u64 now) {
    u64 until = *(const volatile u64*)entry;
    return until <= now && !(t->may_stay && until == 0);
}

/* Takes the place for a key and puts in `fresh`, unless an entry stands there that is not free to take: 0. 1:
 * it is there. -1: the kernel has no room. While a place is changed it is marked as busy, and others go on.
 */
static inline int take_place(const struct table* t, u32* place, u32 number, const u32* key, void* fresh,
                             u64 now) {
    u32* mark = place + t->words;
    u32 was = *(volatile u32*)mark;
    if (was == PLACE_BUSY || __sync_val_compare_and_swap(mark, was, PLACE_BUSY) != was) {
        return 0;
    }
    if (was == PLACE_TAKEN) {
        void* entry = state_lookup(t->hash, place);
        if (entry && *(volatile u32*)((char*)entry + t->place_at) == number) {
            if (!is_free(t, entry, now)) {
                *(volatile u32*)mark = PLACE_TAKEN;
                return 0;
            }
            state_delete(t->hash, place);
        }
    }
    __builtin_memcpy(place, key, t->words * sizeof(u32));
    *(u32*)((char*)fresh + t->place_at) = number;
    long error = state_update(t->hash, key, fresh, UPDATE_NO_EXIST);
    *(volatile u32*)mark = PLACE_TAKEN;
    return error == 0 || error == ERROR_EXISTS ? 1 : -1;
}

/* Puts an absent key in. The entry, perhaps another CPU's; null if the table is full. */
static inline void* put_in(const struct table* t, const u32* key, void* fresh, u64 now) {
    int taken = 0;
#pragma clang loop unroll(disable)
    for (int i = 0; i < XDPC_RING_PROBES && taken == 0; ++i) {
        u32 number = (u32)(__sync_fetch_and_add(t->cursor, 1) % t->size);
        u32* place = state_lookup(t->ring, &number);
        if (place) {
            taken = take_place(t, place, number, key, fresh, now);
        }
    }
    return taken > 0 ? state_lookup(t->hash, key) : 0;
}

/* A limit per key: XDPC_LIMIT_*. */
u64 xdpc_inline_limit(void* hash, void* ring, u32 id, u32 size, u32 words, const u32* key, u64 cost,
                      u64 capacity, u64 now) {
    struct xdpc_limit* limit = state_lookup(&limits, &id);
    if (!limit) {
        return XDPC_LIMIT_BEYOND;
    }
    struct xdpc_bucket* bucket = state_lookup(hash, key);
    if (!bucket) {
        struct xdpc_bucket fresh = {0};
        struct table table = {
            hash, ring, &limit->cursor, size, words, __builtin_offsetof(struct xdpc_bucket, place), 0};
        bucket = put_in(&table, key, &fresh, now);
        if (!bucket) {
            __sync_fetch_and_add(&limit->overflows, 1);
            return XDPC_LIMIT_FULL;
        }
    }
    return charge_and_count(limit, &bucket->full_at, cost, capacity, now);
}

/* ---- dynamic sets ---- */

static inline int is_expired(const struct xdpc_dynamic* element, u64 now) {
    u64 expires = *(const volatile u64*)&element->expires_ns;
    return expires != 0 && expires <= now;
}

/* How often the set was replaced. */
u64 xdpc_inline_epoch(u32 id) {
    struct xdpc_dynamic_set* set = state_lookup(&dynamic, &id);
    return set ? *(volatile u32*)&set->epoch : 0;
}

/* Not yet or no longer: only while user space replaces the set is there any such element. */
static inline int is_of_another_epoch(const struct xdpc_dynamic* element, u32 id) {
    u32 life = *(const volatile u32*)&element->life;
    if (life == 0) {
        return 0;
    }
    u32 epoch = (u32)xdpc_inline_epoch(id);
    return life & XDPC_LIFE_UNTIL ? epoch >= (life & ~XDPC_LIFE_UNTIL) : epoch < life;
}

/* 0: not in the set, else 1 + its value. `epoch_id` is whose epoch counts. */
u64 xdpc_inline_find(void* hash, u32 epoch_id, u32 counts, const u32* key, u64 bytes, u64 now) {
    struct xdpc_dynamic* element = state_lookup(hash, key);
    if (!element || is_expired(element, now) || is_of_another_epoch(element, epoch_id)) {
        return 0;
    }
    if (counts) {
        __sync_fetch_and_add(&element->packets, 1);
        __sync_fetch_and_add(&element->bytes, bytes);
    }
    return 1ULL + element->value;
}

/* `add`, or `update`: 1 if the key is in the set now, 0 if that is full. */
u64 xdpc_inline_put(void* hash, void* ring, u32 id, u32 epoch_id, u32 size, u32 words, u32 renew,
                    const u32* key, u64 timeout, u64 now) {
    u64 expires = timeout ? now + timeout : 0;
    struct xdpc_dynamic* element = state_lookup(hash, key);
    if (element) {
        if (is_expired(element, now) || is_of_another_epoch(element, epoch_id)) {
            element->packets = 0;
            element->bytes = 0;
            element->value = 0;
            element->flags = XDPC_ELEMENT_USED;
        } else if (!renew) {
            return 1;
        }
        element->timeout_ns = timeout;
        *(volatile u64*)&element->expires_ns = expires;
        *(volatile u32*)&element->life = 0;
        return 1;
    }
    struct xdpc_dynamic_set* set = state_lookup(&dynamic, &id);
    if (!set) {
        return 0;
    }
    struct xdpc_dynamic fresh = {0};
    fresh.expires_ns = expires;
    fresh.timeout_ns = timeout;
    fresh.flags = XDPC_ELEMENT_USED;
    struct table table = {
        hash, ring, &set->cursor, size, words, __builtin_offsetof(struct xdpc_dynamic, place), 1};
    if (put_in(&table, key, &fresh, now)) {
        return 1;
    }
    __sync_fetch_and_add(&set->overflows, 1);
    return 0;
}

u64 xdpc_inline_delete(void* hash, const u32* key) {
    state_delete(hash, key);
    return 1;
}
