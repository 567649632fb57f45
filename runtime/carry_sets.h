// Counters of a live set's elements, from one array to the one that takes its place.
#pragma once

#include "runtime/state_maps.h"

namespace xdpc::rt {

/// The map of counters as they were copied, by the number of the old element; entry 0 is how many are
/// carried.
Result<Fd> make_carry(std::span<const sets::Element> there, uint32_t places);
/// Adds to `to`'s elements what `from` counted beyond `copied`, which is by numbers of `old`.
void add_counts(const sets::Table& from_table, const SetArray& to, const sets::Table& to_table,
                const std::function<xdpc_counter(const sets::Element&)>& copied, uint64_t* done);

} // namespace xdpc::rt
