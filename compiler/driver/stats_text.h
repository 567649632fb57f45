// What `stats` prints of limits, quotas, counters with a name, live sets and listeners.
#pragma once

#include "compiler/driver/json.h"

#include <string>
#include <vector>

namespace xdpc::driver {

/// Tables of what there is; "" of nothing.
std::string state_text(const rt::StateStats& state);
/// An object with `limits`, `quotas`, `counters`, `sets`, `listeners`.
Json to_json(const rt::StateStats& state);
/// Of live sets alone, as `set list` prints them.
std::string sets_text(const std::vector<rt::SetStats>& sets);
Json to_json(const rt::SetStats& stats);
/// Everything in the text format that Prometheus reads.
std::string prometheus(const std::vector<rt::Stats>& interfaces);

} // namespace xdpc::driver
