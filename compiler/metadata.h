// What the runtime must know of a policy to name what it counts and to load it: the Artifact but for its
// object.
#pragma once

#include "compiler/codegen/codegen.h"

namespace xdpc {

Artifact describe(const Policy& policy, const Sources& sources, const CodegenOptions& options);

} // namespace xdpc
