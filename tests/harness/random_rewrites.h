// Statements that change packets, for random policies.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

namespace xdpc::test {

/// Any of them; a field that is set may be read from `key`.
Statement random_rewrite(Rng& rng, const Key& key);

} // namespace xdpc::test
