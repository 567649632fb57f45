// Random live sets, and maps that pick a meter.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

#include <functional>

namespace xdpc::test {

/// Small, so that those which rules fill get full, and elements expire while packets go by.
LiveSet random_live_set(Rng& rng, SetId id, const std::vector<Key>& keys,
                        const std::function<Interval(const Key&)>& interval);
/// Picks one of the `count` statements that are to follow; `box` makes boxes of the keys.
PickStatement random_pick(Rng& rng, const std::vector<Key>& keys, uint32_t count,
                          const std::function<Box()>& box);

} // namespace xdpc::test
