// Checked policies for differential tests, built without the parser: every kind of key, condition, statement
// and verdict. Values are mostly taken from sample frames, so that rules match some of them.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

namespace xdpc::test {

struct RandomPolicyOptions {
    size_t max_rules = 8;  // a chain
    size_t max_chains = 4; // besides the entry
    size_t max_set = 40;   // values of a set
    size_t max_live = 0;   // live sets, and rules that change them
    bool meters = false;   // limits, quotas, named counters, logs and samples
    bool rewrites = true;  // some of the policies change packets
    unsigned routes = 0;   // percent of rules that end with `route`
    bool clocks = true;    // also reads `meta time`, `random` and the like
};

Policy random_policy(Rng& rng, const std::vector<std::vector<uint8_t>>& samples,
                     const RandomPolicyOptions& options = {});

} // namespace xdpc::test
