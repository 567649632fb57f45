#include "runtime/sets/stacks.h"

#include <algorithm>

namespace xdpc::sets::interval {

namespace {

/// So many intervals are changed one by one; a new array costs less where there are more.
constexpr size_t most_parts = 16384;

struct Part {
    Cell cell;
    std::vector<uint32_t> elements; // that are to be over it
};

std::vector<uint32_t> over(const Store& store, uint32_t ref) {
    if (kind_of(ref) != XDPC_REF_STACK) {
        return ref == 0 ? std::vector<uint32_t>{} : std::vector{ref};
    }
    const uint32_t* words = store.line(store.l.pages + number_of(ref));
    return {words, std::find(words, words + XDPC_SET_STACK, 0U)};
}

/// What leads to the cell of a key.
uint32_t reference_at(Tree& tree, u128 key) {
    uint32_t ref = 0;
    tree.walk(key, key, [&](const Cell& cell) {
        ref = cell.get();
        return false;
    });
    return ref;
}

void put_or_take(const Store& store, std::vector<uint32_t>& elements, uint32_t number, bool put) {
    if (put) {
        elements.insert(std::upper_bound(elements.begin(), elements.end(), number,
                                         [&](uint32_t a, uint32_t b) { return before(store, a, b); }),
                        number);
    } else {
        std::erase(elements, number);
    }
}

} // namespace

uint32_t make_stack(Store& store, std::span<const uint32_t> elements) {
    const uint32_t page = store.take_page();
    uint32_t* words = store.line(store.l.pages + page);
    std::fill_n(words, XDPC_SET_LINE / 4, 0U);
    std::copy(elements.begin(), elements.end(), words);
    return make_ref(XDPC_REF_STACK, page);
}

Done change_stacks(Store& store, Tree& tree, u128 low, u128 high, uint32_t number, bool put) {
    std::vector<Part> parts;
    const bool few = tree.walk(low, high, [&](const Cell& cell) {
        Part& part = parts.emplace_back(Part{cell, over(store, cell.get())});
        put_or_take(store, part.elements, number, put);
        return parts.size() < most_parts && part.elements.size() <= XDPC_SET_STACK;
    });
    if (!few || !store.reserve(static_cast<uint32_t>(parts.size()))) {
        return tl::unexpected(Failure{.problem = Problem::Rebuild});
    }
    // What is the same as beside it gets the same reference, so that intervals can be joined again.
    std::vector<uint32_t> beside;
    if (low != 0) {
        beside.push_back(reference_at(tree, low - 1));
    }
    if (high != tree.last()) {
        beside.push_back(reference_at(tree, high + 1));
    }
    for (const Part& part : parts) {
        const auto& elements = part.elements;
        uint32_t ref = elements.empty() ? 0 : elements[0];
        if (elements.size() > 1) {
            const auto same = std::find_if(beside.rbegin(), beside.rend(),
                                           [&](uint32_t each) { return over(store, each) == elements; });
            ref = same != beside.rend() ? *same : make_stack(store, elements);
        }
        const uint32_t old = part.cell.get();
        store.count_stack(ref, 1);
        part.cell.set(ref);
        if (&part != parts.data()) {
            beside.pop_back();
        }
        beside.push_back(ref);
        if (store.count_stack(old, -1) == 0) {
            store.retire_page(number_of(old));
        }
    }
    return {};
}

} // namespace xdpc::sets::interval
