// An element of a live set as a person gives it to `xdpc set`: read by the checker's own words.
#pragma once

#include "compiler/base/result.h"
#include "compiler/policy/policy.h"

#include <string_view>

namespace xdpc {

/// The parts of "192.0.2.0/24 . 80-90", one interval each. In a key of an address of one family the other
/// family's elements are none (nothing, without an error).
Result<std::optional<Box>> read_live_element(std::string_view text, const std::vector<SetPart>& parts);

} // namespace xdpc
