// Where `xdpc trace` gets its policy: a file, or what runs on an interface.
#pragma once

#include "compiler/compile.h"

namespace xdpc::driver {

/// The checked policy of `file`, or with a non-empty `iface` of the sources stored when it was applied there.
Result<std::optional<Policy>> policy_to_trace(const std::string& file, const std::string& iface,
                                              Sources& sources, Diagnostics& diagnostics);

} // namespace xdpc::driver
