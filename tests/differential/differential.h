// Random policies over random packets: the kernel must say what the reference evaluator says, of the verdict,
// of what decided, of every counter, and of what logs and samples tell.
#pragma once

#include "compiler/base/result.h"
#include "compiler/policy/policy.h"
#include "runtime/load.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::test {

struct DifferentialOptions {
    size_t frames = 60;  // packets for each policy
    bool routes = false; // policies with `route`, in networks made from the seed
    bool meters = false; // policies with limits, quotas and counters with a name; 50 ms between packets
};
struct DifferentialResult {
    size_t packets = 0;     // compared
    size_t by_rule = 0;     // decided by a rule: a generator whose rules never match would test nothing
    size_t routed = 0;      // sent by a route
    size_t events = 0;      // of logs and samples, with meters
    size_t replaced = 0;    // live sets that were replaced while packets went by, with meters
    bool too_large = false; // the plan, or a set, refused the policy: nothing to compare
    std::string difference; // empty, or what differs, with the policy and the packet
};
/// One policy made from the seed, compiled and loaded. An Error when the environment fails; that a policy
/// does not compile or load is a difference.
Result<DifferentialResult> compare_with_kernel(uint64_t seed, const DifferentialOptions& options = {});

/// That a program does not load, with what the verifier said last.
std::string text_of(const rt::LoadError& error);

/// A policy and frames of others; what differs is told without the policy.
Result<DifferentialResult> compare_with_kernel(const Policy& policy,
                                               const std::vector<std::vector<uint8_t>>& frames,
                                               const rt::Loaded& loaded, uint64_t seed);
/// The same of a policy without state and many rules, on all CPUs: the evaluator goes through its rules one
/// by one.
Result<DifferentialResult> compare_stateless(const Policy& policy,
                                             const std::vector<std::vector<uint8_t>>& frames,
                                             const rt::Loaded& loaded);

} // namespace xdpc::test
