// A digest of source texts, by which `show` and `apply` tell whether a policy changed.
#pragma once

#include "compiler/base/source.h"

namespace xdpc {

/// SHA-256 of all texts, each with its length before it, in hex. Paths do not count: the same policy
/// elsewhere is the same.
std::string digest_of(const Sources& sources);

} // namespace xdpc
