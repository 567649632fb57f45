// Interval sets with auto-merge whose elements may expire: over each key all elements are kept, the one that
// answers first, so that the next answers when it has expired. Several stand in a page of their own, which is
// never changed: another takes its place. Its last word says how many references lead to it.
#pragma once

#include "runtime/sets/tree.h"

namespace xdpc::sets::interval {

/// Whether a answers before b, where both could.
bool before(const Store& store, uint32_t a, uint32_t b);
/// A page of two elements or more, to which no reference leads yet. One must have been reserved.
uint32_t make_stack(Store& store, std::span<const uint32_t> elements);
/// Puts an element over all keys from `low` to `high`, at which intervals begin and end, or takes it away.
/// Failure: it is too much for a change in place, and nothing has changed.
Done change_stacks(Store& store, Tree& tree, u128 low, u128 high, uint32_t number, bool put);

} // namespace xdpc::sets::interval
