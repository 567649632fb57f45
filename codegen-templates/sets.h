/* Live sets that user space writes (runtime/STATE.md): how they lie in memory, shared by C (BPF) and C++, and
 * how they are searched. The same text is inlined into programs, where a line is fetched from a map, and
 * compiled into user space, where it is fetched from memory.
 *
 *     const u32* key;  // `words` words, as STATE.md says
 *     u32 element = xdpc_set_find(set, &layout, XDPC_SET_HASH, words, key, now);
 *     if (element) {                                      // 0: not in the set, or expired
 *         xdpc_set_count(set, &layout, element, bytes);   // where it has counters
 *         value = xdpc_set_value(set, &layout, element);  // where it is a map
 *     }
 *
 * `set` is the inner array map (BPF) or the array's first byte. Kind and `words` must be constants, `layout`
 * a constant in .rodata: the verifier then knows its numbers. Linux 5.17 (bpf_loop, for Tuples) suffices. */
#ifndef XDPC_SETS_H
#define XDPC_SETS_H

#include "codegen-templates/abi.h"

enum { XDPC_SET_HASH = 0, XDPC_SET_INTERVAL = 1, XDPC_SET_TUPLES = 2 };
enum { XDPC_SET_TIMEOUT = 1, XDPC_SET_COUNTER = 2, XDPC_SET_MAP = 4, XDPC_SET_AUTO_MERGE = 8 };
/* Flags of a set whose elements have attributes. */
#define XDPC_SET_ATTRIBUTES (XDPC_SET_TIMEOUT | XDPC_SET_COUNTER | XDPC_SET_MAP)

enum {
    XDPC_SET_LINE = 64,       /* bytes */
    XDPC_SET_SLOTS = 7,       /* of a line of the hash */
    XDPC_SET_REACH = 8,       /* lines after its own in which a key may stand */
    XDPC_SET_DEPTH = 12,      /* pages on a way, for each unit of a key */
    XDPC_SET_STACK = 8,       /* elements over one point, where timeouts make it matter */
    XDPC_SET_MASKS = 128,     /* combinations of prefix lengths */
    XDPC_SET_TWINS = 6,       /* keys that another one's tag stands in the way of */
    XDPC_SET_NARROW_REFS = 8, /* of a page of 32-bit keys */
    XDPC_SET_WIDE_REFS = 6,   /* of a page of 64-bit keys */
    XDPC_SET_HEADER_LINES = 4,
    XDPC_SET_MAGIC = 0x78647073
};

/* References of roots and pages: two bits of kind, 30 of number. */
#define XDPC_REF_ELEMENT 0u /* an element, or 0: none */
#define XDPC_REF_PAGE 1u    /* a page over the same unit of the key */
#define XDPC_REF_NEXT 2u    /* a page over the next unit */
#define XDPC_REF_STACK 3u   /* a page of elements, the one that answers first */
#define XDPC_REF_NUMBER 0x3fffffffu

/* Where everything is, a function of the set's type, flags and size alone (runtime/sets/layout.h). Places are
 * numbers of lines, from the array's first. */
struct xdpc_set_layout {
    xdpc_u32 kind;
    xdpc_u32 words; /* of a key */
    xdpc_u32 flags;
    xdpc_u32 size;        /* elements at most */
    xdpc_u32 lines;       /* of the array */
    xdpc_u32 masks;       /* Tuples */
    xdpc_u32 root;        /* Interval */
    xdpc_u32 root_bits;   /* it has 1 << root_bits references */
    xdpc_u32 root_shift;  /* index = first unit >> root_shift */
    xdpc_u32 table;       /* Hash, Tuples: lines of slots */
    xdpc_u32 table_lines; /* that are homes of keys; XDPC_SET_REACH more follow */
    xdpc_u32 pages;       /* Interval */
    xdpc_u32 page_count;
    xdpc_u32 entries;    /* Tuples: masked keys */
    xdpc_u32 entry_info; /* Tuples: of each entry, element << 8 | combination. Interval with auto-merge: of
                            each element, its node in the tree of all (runtime/sets/overlaps.h) */
    xdpc_u32 entry_count;
    xdpc_u32 keys;          /* of elements: low ones, behind them high ones (Interval, Tuples) */
    xdpc_u32 info;          /* struct xdpc_set_info, only for user space */
    xdpc_u32 attributes;    /* struct xdpc_set_attribute, where any flag of XDPC_SET_ATTRIBUTES is set */
    xdpc_u32 element_count; /* places for elements, from number 1 */
    xdpc_u32 retired;       /* ring of numbers of pages */
    xdpc_u32 retired_count;
    xdpc_u32 comments;
    xdpc_u32 comment_count;
};

struct xdpc_set_attribute { /* of an element, by its number */
    xdpc_u64 expires;       /* CLOCK_MONOTONIC, 0: never */
    xdpc_u64 packets;
    xdpc_u64 bytes;
    xdpc_u32 value;
    xdpc_u32 order; /* Tuples: of several that match, the largest answers */
};
struct xdpc_set_info {
    xdpc_u32 state;   /* XDPC_ELEMENT_*; 0: free */
    xdpc_u32 comment; /* its first line + 1; of a free one: the next free one */
    xdpc_u64 timeout; /* what it was given, ns */
};

struct xdpc_set_header {
    /* read by programs */
    xdpc_u32 zero;         /* Hash of one word: the element whose key has the tag 0 */
    xdpc_u32 mask_count;   /* Tuples: combinations to be tried */
    xdpc_u32 twin_tags[6]; /* Hash and Tuples: keys that share their tag with one on their way */
    xdpc_u32 twins[6];     /* their numbers, 0: none */
    xdpc_u32 pad0[2];
    /* of the writer */
    xdpc_u32 magic;
    xdpc_u32
        changing;   /* 1 while a change is made: a writer that finds it was preceded by one that was killed */
    xdpc_u32 epoch; /* counts grace periods */
    xdpc_u32 used;  /* elements, expired ones too */
    xdpc_u32 element_fresh; /* first number never given out */
    xdpc_u32 element_free;  /* list */
    xdpc_u32 element_gone;  /* list of those that wait for a grace period */
    xdpc_u32 page_fresh;
    xdpc_u32 page_free; /* list */
    xdpc_u32 page_gone; /* so many in the ring `retired` */
    xdpc_u32 entry_fresh;
    xdpc_u32 entry_free; /* list */
    xdpc_u32 entry_gone; /* list */
    xdpc_u32 comment_fresh;
    xdpc_u32 comment_free;         /* list */
    xdpc_u32 sequence;             /* counts elements ever put in, for xdpc_set_attribute::order */
    struct xdpc_set_layout layout; /* to be compared */
    xdpc_u32 pages_used;
    xdpc_u32 entries_used;
    xdpc_u32 node_root; /* Interval with auto-merge: an element, 0: none */
    xdpc_u32 pad[5];
};

#ifdef __cplusplus
static_assert(sizeof(xdpc_set_header) == XDPC_SET_HEADER_LINES * XDPC_SET_LINE, "header");
static_assert(sizeof(xdpc_set_attribute) == 32 && sizeof(xdpc_set_info) == 16, "records");
#endif

#include "codegen-templates/sets_search.h"

#endif
