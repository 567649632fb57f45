// Counters of a live set's elements, from one array to the one that takes its place.
#pragma once

#include "runtime/state_maps.h"

namespace xdpc::rt {

/// The map of counters as they were `copied` from the old array, by the number of the old element; entry 0 is
/// how many are carried. What was not copied, since it had expired, is not carried either.
Result<Fd> make_carry(const sets::Table& old, std::span<const sets::Element> copied);

enum class Carry : uint8_t {
    On,   // from the old array to the new one: each element once, however often it is begun
    Back, // from the new one to the old one, since a swap is taken back
};
/// A set's array, and the set as its policy has it.
struct CountedArray {
    Fd fd;
    const ArtifactSet& set;
};
/// Adds to `to`'s elements what `from`'s counted since the copies in `carry` were made.
Result<void> carry_counts(CountedArray from, CountedArray to, const Fd& carry, Carry way);

} // namespace xdpc::rt
