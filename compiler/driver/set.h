// What the files of `xdpc set` share.
#pragma once

#include "compiler/driver/command.h"
#include "runtime/live_sets.h"

namespace xdpc::driver {

/// `load` and `replace` of the sets of one name.
int take_file(rt::LiveSets& live, const std::vector<uint32_t>& ids, const SetOptions& options);

} // namespace xdpc::driver
