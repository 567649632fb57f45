// Which elements of a set overlap, where they may (`auto-merge`): a tree of all elements by their ends, each
// with the highest end below it, for the writer alone. It is a treap: an element's rank is a hash of its
// number, so that its shape depends on the elements only, and a change touches a way down.
#include "runtime/sets/overlaps.h"

#include <algorithm>

namespace xdpc::sets::interval {

namespace {

/// The node of an element, by its number: two children (0: none), the words of the highest end.
uint32_t* node(const Store& store, uint32_t e) {
    return store.record(store.l.entry_info, e, 2 + store.l.words);
}
uint32_t& left(const Store& store, uint32_t e) {
    return node(store, e)[0];
}
uint32_t& right(const Store& store, uint32_t e) {
    return node(store, e)[1];
}
const uint32_t* highest(const Store& store, uint32_t e) {
    return node(store, e) + 2;
}
uint32_t rank(uint32_t e) {
    return xdpc_set_mix32(e);
}

/// As numbers are compared.
int compare(const Store& store, const uint32_t* a, const uint32_t* b) {
    for (uint32_t i = 0; i < store.l.words; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}
/// Of ends with those of an element: the low ones first.
int compare_ends(const Store& store, const uint32_t* low, const uint32_t* high, uint32_t e) {
    const int by_low = compare(store, low, store.low(e));
    return by_low != 0 ? by_low : compare(store, high, store.high(e));
}
bool stands_before(const Store& store, uint32_t a, uint32_t b) {
    const int order = compare_ends(store, store.low(a), store.high(a), b);
    return order != 0 ? order < 0 : a < b;
}

void set_highest(const Store& store, uint32_t e) {
    const uint32_t* most = store.high(e);
    for (const uint32_t child : {left(store, e), right(store, e)}) {
        if (child && compare(store, highest(store, child), most) > 0) {
            most = highest(store, child);
        }
    }
    std::copy_n(most, store.l.words, node(store, e) + 2);
}

/// What stands before `e`, and behind it.
std::pair<uint32_t, uint32_t> split(const Store& store, uint32_t tree, uint32_t e) {
    if (tree == 0) {
        return {0, 0};
    }
    std::pair<uint32_t, uint32_t> parts;
    if (stands_before(store, tree, e)) {
        parts = split(store, right(store, tree), e);
        right(store, tree) = parts.first;
        parts.first = tree;
    } else {
        parts = split(store, left(store, tree), e);
        left(store, tree) = parts.second;
        parts.second = tree;
    }
    set_highest(store, tree);
    return parts;
}

uint32_t join(const Store& store, uint32_t a, uint32_t b) {
    if (a == 0 || b == 0) {
        return a + b;
    }
    if (rank(a) > rank(b)) {
        right(store, a) = join(store, right(store, a), b);
        set_highest(store, a);
        return a;
    }
    left(store, b) = join(store, a, left(store, b));
    set_highest(store, b);
    return b;
}

uint32_t with(const Store& store, uint32_t tree, uint32_t e) {
    if (tree == 0 || rank(e) > rank(tree)) {
        const auto [before, behind] = split(store, tree, e);
        left(store, e) = before;
        right(store, e) = behind;
        tree = e;
    } else {
        uint32_t& child = stands_before(store, tree, e) ? right(store, tree) : left(store, tree);
        child = with(store, child, e);
    }
    set_highest(store, tree);
    return tree;
}

uint32_t without(const Store& store, uint32_t tree, uint32_t e) {
    if (tree == 0) {
        return 0;
    }
    if (tree == e) {
        return join(store, left(store, e), right(store, e));
    }
    uint32_t& child = stands_before(store, tree, e) ? right(store, tree) : left(store, tree);
    child = without(store, child, e);
    set_highest(store, tree);
    return tree;
}

void visit(const Store& store, uint32_t tree, const uint32_t* low, const uint32_t* high,
           const std::function<void(uint32_t)>& use) {
    while (tree && compare(store, highest(store, tree), low) >= 0) {
        visit(store, left(store, tree), low, high, use);
        if (compare(store, store.low(tree), high) > 0) {
            return;
        }
        if (compare(store, store.high(tree), low) >= 0) {
            use(tree);
        }
        tree = right(store, tree);
    }
}

} // namespace

void note(Store& store, uint32_t e) {
    store.header().node_root = with(store, store.header().node_root, e);
}
void forget(Store& store, uint32_t e) {
    store.header().node_root = without(store, store.header().node_root, e);
}

void note_all(Store& store, std::span<const uint32_t> in_order) {
    std::vector<uint32_t> spine; // from the top down to the right, all of whose left children are complete
    for (const uint32_t e : in_order) {
        uint32_t below = 0;
        while (!spine.empty() && rank(spine.back()) < rank(e)) {
            below = spine.back();
            spine.pop_back();
            set_highest(store, below);
        }
        left(store, e) = below;
        right(store, e) = 0;
        if (!spine.empty()) {
            right(store, spine.back()) = e;
        }
        spine.push_back(e);
    }
    store.header().node_root = spine.empty() ? 0 : spine.front();
    for (; !spine.empty(); spine.pop_back()) {
        set_highest(store, spine.back());
    }
}

uint32_t find_noted(const Store& store, const uint32_t* low, const uint32_t* high) {
    uint32_t e = store.header().node_root;
    while (e) {
        const int order = compare_ends(store, low, high, e);
        if (order == 0) {
            return e;
        }
        e = order < 0 ? left(store, e) : right(store, e);
    }
    return 0;
}

void each_overlapping(const Store& store, const uint32_t* low, const uint32_t* high,
                      const std::function<void(uint32_t)>& use) {
    visit(store, store.header().node_root, low, high, use);
}

} // namespace xdpc::sets::interval
