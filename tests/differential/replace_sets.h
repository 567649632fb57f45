// `xdpc set replace` between two packets, of the evaluator's sets and of the program's.
#pragma once

#include "compiler/policy/evaluate.h"
#include "runtime/load.h"
#include "tests/harness/random_frame.h"

namespace xdpc::test {

/// Gives some of the policy's live sets other elements, a part of those they had; both sides know of it. How
/// many.
Result<size_t> replace_sets(Policy& policy, State& state, const rt::Loaded& loaded, Rng& rng);

} // namespace xdpc::test
