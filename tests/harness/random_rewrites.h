// Statements that change packets, for random policies.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

#include <functional>

namespace xdpc::test {

/// Any of them; a field that is set may be read from `key`.
RewriteStatement random_rewrite(Rng& rng, const Key& key);
/// Sets the field, if it sets one, to what a map has for the keys instead; `box` makes one of theirs.
void map_values(Rng& rng, RewriteStatement& rewrite, const std::vector<Key>& keys,
                const std::function<Box()>& box);

} // namespace xdpc::test
