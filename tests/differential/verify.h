// What xdpc-verify-rules compares, policy by policy.
#pragma once

#include "tests/differential/differential.h"
#include "tests/harness/rulegen.h"

namespace xdpc::test {

struct Verified {
    std::string what; // "acl ip6 1000"
    uint64_t seed = 0;
    size_t rules = 0, slices = 0, in_slices = 0;
    DifferentialResult result;
    double compile_s = 0, compare_s = 0;
};

/// A generated set of rules against frames in and around them.
Result<Verified> verify_set(const RuleOptions& options, size_t packets);
/// A random policy of several chains with about so many rules each; limits, live sets and all.
Result<Verified> verify_chains(uint64_t seed, size_t rules, size_t packets);

} // namespace xdpc::test
