// Sets of intervals of one key. The tree says for each key which element answers: the only one, or where
// elements overlap the narrowest, of equals the later one.
#include "runtime/sets/overlaps.h"
#include "runtime/sets/stacks.h"

#include <algorithm>
#include <cassert>
#include <queue>
#include <set>

namespace xdpc::sets::interval {

namespace {

u128 value_of(const Store& store, const uint32_t* words) {
    u128 value = 0;
    for (uint32_t i = 0; i < store.l.words; i++) {
        value = value << 32 | words[i];
    }
    return value;
}
u128 low_of(const Store& store, uint32_t e) {
    return value_of(store, store.low(e));
}
u128 high_of(const Store& store, uint32_t e) {
    return value_of(store, store.high(e));
}
u128 width_of(const Store& store, uint32_t e) {
    return high_of(store, e) - low_of(store, e);
}

Failure rebuild() {
    return {.problem = Problem::Rebuild};
}

/// The ends of an interval as boundaries: `low`, and what follows `high` unless that is the last key.
struct Ends {
    u128 low = 0, high = 0;
    bool is_first = false, is_last = false;
    Ends(const Tree& tree, u128 l, u128 h) : low(l), high(h), is_first(l == 0), is_last(h == tree.last()) {}
    bool split(Tree& tree) const {
        return (is_first || tree.split(low)) && (is_last || tree.split(high + 1));
    }
    void join(Tree& tree) const {
        if (!is_first) {
            tree.join(low);
        }
        if (!is_last) {
            tree.join(high + 1);
        }
    }
};

Done erase_overlapping(Store& store, Tree& tree, uint32_t number, const Ends& ends) {
    std::vector<uint32_t> others; // that may answer in its place
    each_overlapping(store, store.low(number), store.high(number), [&](uint32_t e) {
        if (e != number && before(store, number, e)) {
            others.push_back(e);
        }
    });
    std::sort(others.begin(), others.end(), [&](uint32_t a, uint32_t b) { return before(store, b, a); });
    std::vector<Ends> inner;
    for (const uint32_t e : others) {
        inner.emplace_back(tree, std::max(low_of(store, e), ends.low),
                           std::min(high_of(store, e), ends.high));
        if (!inner.back().split(tree)) {
            return tl::unexpected(rebuild());
        }
    }
    // Each key sees one change: the one that answers first comes first.
    for (auto e = others.rbegin(); e != others.rend(); ++e) {
        const u128 low = std::max(low_of(store, *e), ends.low);
        const u128 high = std::min(high_of(store, *e), ends.high);
        tree.walk(low, high, [&](const Cell& cell) {
            if (cell.get() == number) {
                cell.set(*e);
            }
            return true;
        });
    }
    tree.walk(ends.low, ends.high, [&](const Cell& cell) {
        if (cell.get() == number) {
            cell.set(0);
        }
        return true;
    });
    for (const Ends& joined : inner) {
        joined.join(tree);
    }
    ends.join(tree);
    return {};
}

/// The elements over the point at which a sweep is, the one that answers first.
class Sweep {
public:
    explicit Sweep(Store& store) : store_(store), over_(Order{&store}) {}

    void add(uint32_t e) { over_.insert(e); }
    /// The reference for keys from `point` on; nothing where it has no room.
    std::optional<uint32_t> reference(u128 point) {
        for (auto it = over_.begin(); it != over_.end();) {
            if (high_of(store_, *it) >= point) {
                if (!needs_stacks(store_)) {
                    break; // those behind do not matter yet
                }
                ++it;
            } else {
                it = over_.erase(it);
            }
        }
        if (!needs_stacks(store_) || over_.size() < 2) {
            return over_.empty() ? 0 : *over_.begin();
        }
        if (over_.size() > XDPC_SET_STACK || !store_.reserve(1)) {
            return std::nullopt;
        }
        const std::vector<uint32_t> now_over(over_.begin(), over_.end());
        if (now_over != stack_) {
            stack_ = now_over;
            stack_ref_ = make_stack(store_, stack_);
        }
        return stack_ref_;
    }
    [[nodiscard]] uint32_t deepest() const { return over_.empty() ? 0 : *over_.rbegin(); }

private:
    struct Order {
        const Store* store;
        bool operator()(uint32_t a, uint32_t b) const { return before(*store, a, b); }
    };
    Store& store_;
    std::set<uint32_t, Order> over_;
    std::vector<uint32_t> stack_;
    uint32_t stack_ref_ = 0;
};

void put(std::vector<Segment>& segments, u128 start, uint32_t ref) {
    if (segments.back().start == start) {
        segments.back().ref = ref;
        if (segments.size() > 1 && segments[segments.size() - 2].ref == ref) {
            segments.pop_back();
        }
    } else if (segments.back().ref != ref) {
        segments.push_back({start, ref});
    }
}

struct Sorted {
    u128 low;
    uint32_t element;
};

Done sweep_overlapping(Store& store, const std::vector<Sorted>& order, u128 last,
                       std::vector<Segment>& segments) {
    std::vector<u128> ends;
    ends.reserve(order.size());
    for (const Sorted& each : order) {
        if (const u128 high = high_of(store, each.element); high != last) {
            ends.push_back(high + 1);
        }
    }
    std::sort(ends.begin(), ends.end());
    Sweep sweep(store);
    size_t next = 0;
    size_t end = 0;
    while (next < order.size() || end < ends.size()) {
        const u128 point = next == order.size() ? ends[end]
                           : end == ends.size() ? order[next].low
                                                : std::min(order[next].low, ends[end]);
        uint32_t newest = 0;
        for (; next < order.size() && order[next].low == point; next++) {
            newest = order[next].element;
            sweep.add(newest);
        }
        while (end < ends.size() && ends[end] == point) {
            end++;
        }
        const auto ref = sweep.reference(point);
        if (!ref) {
            return tl::unexpected(
                Failure{.problem = Problem::TooMany, .other = sweep.deepest(), .index = newest});
        }
        put(segments, point, *ref);
    }
    return {};
}

void note_in_order(Store& store, const std::vector<Sorted>& order) {
    std::vector<uint32_t> elements;
    elements.reserve(order.size());
    for (const Sorted& each : order) {
        elements.push_back(each.element);
    }
    for (auto begin = elements.begin(); begin != elements.end();) { // by low ends they are
        const u128 low = low_of(store, *begin);
        auto end = begin + 1;
        while (end != elements.end() && low_of(store, *end) == low) {
            ++end;
        }
        std::stable_sort(begin, end,
                         [&](uint32_t a, uint32_t b) { return high_of(store, a) < high_of(store, b); });
        begin = end;
    }
    note_all(store, elements);
}

} // namespace

bool before(const Store& store, uint32_t a, uint32_t b) {
    const u128 of_a = width_of(store, a);
    const u128 of_b = width_of(store, b);
    if (of_a != of_b || !store.has_attributes()) {
        return of_a != of_b ? of_a < of_b : a > b; // without attributes nobody can tell
    }
    return store.attribute(a).order > store.attribute(b).order;
}

bool needs_stacks(const Store& store) {
    return store.has_timeout() && store.auto_merge();
}

uint32_t find(const Store& store, const uint32_t* low, const uint32_t* high) {
    if (store.auto_merge()) { // narrower ones may stand before it everywhere
        return find_noted(store, low, high);
    }
    const auto is_it = [&](uint32_t e) {
        return std::equal(low, low + store.l.words, store.low(e)) &&
               std::equal(high, high + store.l.words, store.high(e));
    };
    Store view = store;
    uint32_t owner = 0;
    Tree(view).walk(value_of(store, low), value_of(store, high), [&](const Cell& cell) {
        const uint32_t ref = cell.get();
        owner = ref != 0 && is_it(ref) ? ref : 0;
        return false;
    });
    return owner;
}

uint32_t overlapping(const Store& store, const uint32_t* low, const uint32_t* high, uint64_t now,
                     std::vector<uint32_t>& expired) {
    Store view = store;
    uint32_t found = 0;
    Tree(view).walk(value_of(store, low), value_of(store, high), [&](const Cell& cell) {
        const uint32_t owner = cell.get();
        if (owner && !store.expired(owner, now)) {
            found = owner;
        } else if (owner && (expired.empty() || expired.back() != owner)) {
            expired.push_back(owner);
        }
        return found == 0;
    });
    return found;
}

Done insert(Store& store, uint32_t number) {
    Tree tree(store);
    const Ends ends(tree, low_of(store, number), high_of(store, number));
    if (!ends.split(tree)) {
        return tl::unexpected(rebuild());
    }
    if (needs_stacks(store)) {
        const Done done = change_stacks(store, tree, ends.low, ends.high, number, true);
        ends.join(tree);
        return done.map([&] { note(store, number); });
    }
    tree.walk(ends.low, ends.high, [&](const Cell& cell) {
        const uint32_t owner = cell.get();
        if (owner == 0 || before(store, number, owner)) {
            cell.set(number);
        }
        return true;
    });
    ends.join(tree);
    if (store.auto_merge()) {
        note(store, number);
    }
    return {};
}

Done erase(Store& store, uint32_t number) {
    Tree tree(store);
    const Ends ends(tree, low_of(store, number), high_of(store, number));
    if (needs_stacks(store)) { // its ends may have been joined with what is the same beside
        if (!ends.split(tree)) {
            return tl::unexpected(rebuild());
        }
        const Done done = change_stacks(store, tree, ends.low, ends.high, number, false);
        ends.join(tree);
        return done.map([&] { forget(store, number); });
    }
    if (store.auto_merge()) {
        return erase_overlapping(store, tree, number, ends).map([&] { forget(store, number); });
    }
    tree.walk(ends.low, ends.high, [&](const Cell& cell) {
        if (cell.get() == number) {
            cell.set(0);
        }
        return true;
    });
    ends.join(tree);
    return {};
}

Done build(Store& store, uint32_t count) {
    Tree tree(store);
    std::vector<Sorted> order;
    order.reserve(count);
    for (uint32_t e = 1; e <= count; e++) {
        order.push_back({low_of(store, e), e});
    }
    std::sort(order.begin(), order.end(), [](const Sorted& a, const Sorted& b) {
        return a.low != b.low ? a.low < b.low : a.element < b.element;
    });
    std::vector<Segment> segments{{0, 0}};
    if (store.auto_merge()) {
        if (auto swept = sweep_overlapping(store, order, tree.last(), segments); !swept) {
            return swept;
        }
        note_in_order(store, order);
    } else {
        for (size_t i = 0; i < order.size(); i++) {
            const uint32_t e = order[i].element;
            const u128 high = high_of(store, e);
            if (i + 1 < order.size() && order[i + 1].low <= high) {
                const auto [earlier, later] = std::minmax(e, order[i + 1].element);
                const bool same =
                    order[i].low == order[i + 1].low && high == high_of(store, order[i + 1].element);
                return tl::unexpected(Failure{
                    .problem = same ? Problem::Exists : Problem::Overlaps, .other = earlier, .index = later});
            }
            put(segments, order[i].low, e);
            if (high != tree.last()) {
                segments.push_back({high + 1, 0});
            }
        }
    }
    if (!tree.build(segments)) {
        return tl::unexpected(Failure{.problem = Problem::Full});
    }
    return {};
}

void clear(Store& store) {
    Tree(store).clear();
}

} // namespace xdpc::sets::interval
