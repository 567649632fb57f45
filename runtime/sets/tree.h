// Disjoint intervals over keys of up to 128 bits, each with a reference: a root of references by the key's
// first bits, and B+ trees of pages below it. The keys of a page never change: a page with others takes its
// place by one store. References do change where they stand.
#pragma once

#include "compiler/base/value.h"
#include "runtime/sets/store.h"

#include <array>

namespace xdpc::sets {

/// Where a reference stands. References of a page that are not used repeat its last.
struct Cell {
    uint32_t* at = nullptr;
    uint32_t copies = 1;
    [[nodiscard]] uint32_t get() const { return *at; }
    void set(uint32_t ref) const {
        for (uint32_t i = 0; i < copies; i++) {
            publish(at[i], ref);
        }
    }
};
constexpr uint32_t kind_of(uint32_t ref) {
    return ref >> 30;
}
constexpr uint32_t number_of(uint32_t ref) {
    return ref & XDPC_REF_NUMBER;
}
constexpr uint32_t make_ref(uint32_t kind, uint32_t number) {
    return kind << 30 | number;
}

/// From here on, up to the next.
struct Segment {
    u128 start = 0;
    uint32_t ref = 0;
};

class Tree {
public:
    explicit Tree(Store& store);

    /// Sees to it that no interval reaches over `x`: neither changes what any key finds. False: no room.
    bool split(u128 x);
    /// Joins the intervals on both sides of `x`, where they have the same reference.
    void join(u128 x);
    /// The cells of all intervals that have keys in [low, high], in no less than their order; false ends it.
    template<class F> bool walk(u128 low, u128 high, F use);
    /// In an empty tree. The first segment begins at 0. False: no room.
    bool build(const std::vector<Segment>& segments);
    void clear();

    [[nodiscard]] u128 last() const { return last_; } // the largest key

private:
    struct Entry {
        uint64_t start = 0; // of the first one of a page: unknown
        uint32_t ref = 0;
    };
    /// A page's, and one more.
    struct Entries {
        std::array<Entry, XDPC_SET_NARROW_REFS + 2> at{};
        uint32_t count = 0;
        void insert(uint32_t i, Entry entry);
        void erase(uint32_t i);
        void push(Entry entry) {
            if (count < at.size()) {
                at[count++] = entry;
            }
        }
        [[nodiscard]] uint32_t index_of(uint64_t k) const; // which is for k
    };
    struct Step { // on the way down
        Cell cell;
        uint32_t page = 0;
        uint32_t index = 0;
        uint32_t kind = XDPC_REF_PAGE;
    };
    struct Way {
        std::array<Step, XDPC_SET_DEPTH> steps{};
        uint32_t count = 0;
        Cell end; // holds no page of this unit
    };
    [[nodiscard]] Entries load(uint32_t page) const;
    uint32_t write(const Entries& entries);
    [[nodiscard]] Cell cell_of(uint32_t page, uint32_t index) const;
    /// Down from `top`, whose page is of `kind`, to `k`.
    [[nodiscard]] Way descend(Cell top, uint32_t kind, uint64_t k) const;
    bool split_unit(Cell top, uint32_t kind, uint64_t k);
    void join_unit(Cell top, uint32_t kind, uint64_t k);
    bool merge(const Way& way, uint32_t level, const Entries& entries);
    uint32_t pack(std::vector<Entry>& entries, uint32_t kind, bool& room);
    template<class F>
    bool visit(Cell cell, uint32_t unit, uint64_t start, u128 low, u128 high, uint64_t from, uint64_t to,
               F& use);

    [[nodiscard]] uint64_t first(u128 x) const { return static_cast<uint64_t>(units_ == 2 ? x >> 64 : x); }
    [[nodiscard]] uint64_t second(u128 x) const { return units_ == 2 ? static_cast<uint64_t>(x) : 0; }
    [[nodiscard]] Cell bucket(uint64_t k) const { return {root(k >> shift_), 1}; }
    [[nodiscard]] bool begins_bucket(uint64_t k) const { return (k >> shift_) << shift_ == k; }

    Store& store_;
    [[nodiscard]] uint32_t* root(uint64_t bucket) const { return store_.record(store_.l.root, bucket, 1); }
    uint32_t shift_;
    uint32_t units_;
    bool narrow_;
    uint32_t refs_; // of a page
    u128 last_;
};

template<class F>
bool Tree::visit(Cell cell, uint32_t unit, uint64_t start, u128 low, u128 high, uint64_t from, uint64_t to,
                 F& use) {
    const uint32_t ref = cell.get();
    const bool is_next = kind_of(ref) == XDPC_REF_NEXT && unit == 0;
    if (kind_of(ref) != XDPC_REF_PAGE && !is_next) {
        return use(cell);
    }
    if (is_next) { // all keys below begin with `start`
        from = start == first(low) ? second(low) : 0;
        to = start == first(high) ? second(high) : UINT64_MAX;
        start = 0;
        unit = 1;
    }
    const Entries entries = load(number_of(ref));
    for (uint32_t i = 0; i < entries.count; i++) {
        const uint64_t begin = i == 0 ? start : entries.at[i].start;
        if (begin > to) {
            break;
        }
        if (i + 1 < entries.count && entries.at[i + 1].start <= from) {
            continue;
        }
        if (!visit(cell_of(number_of(ref), i), unit, begin, low, high, from, to, use)) {
            return false;
        }
    }
    return true;
}

template<class F> bool Tree::walk(u128 low, u128 high, F use) {
    for (uint64_t b = first(low) >> shift_; b <= first(high) >> shift_; b++) {
        if (!visit({root(b), 1}, 0, b << shift_, low, high, first(low), first(high), use)) {
            return false;
        }
    }
    return true;
}

} // namespace xdpc::sets
