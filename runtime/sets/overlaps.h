// All elements of an Interval set with auto-merge by their ends, so that a single change need not look at all
// of them. Kept beside the elements in the array, read and written by the writer alone.
#pragma once

#include "runtime/sets/store.h"

#include <functional>

namespace xdpc::sets::interval {

void note(Store& store, uint32_t e);
void forget(Store& store, uint32_t e);
/// All of a set that has none yet, ordered by low ends and then high ones.
void note_all(Store& store, std::span<const uint32_t> in_order);
/// The element with just these ends; 0: none.
uint32_t find_noted(const Store& store, const uint32_t* low, const uint32_t* high);
/// Each element that has keys in common with these ends.
void each_overlapping(const Store& store, const uint32_t* low, const uint32_t* high,
                      const std::function<void(uint32_t)>& use);

} // namespace xdpc::sets::interval
