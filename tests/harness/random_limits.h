// Limits, quotas, named counters, logs and samples for random policies: small ones, so that a few packets
// exhaust buckets, fill tables and go over quotas.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

namespace xdpc::test {

/// A statement of one of these kinds for this rule, with what it needs in the policy: new, or shared with
/// earlier rules. `keys` are those of a limit per key.
Statement random_meter(Rng& rng, Policy& policy, const Rule& rule, std::vector<Key> keys);
/// A log or a sample.
Statement random_event(Rng& rng, Policy& policy);
/// Whether a limit in the rule may decide a packet, where its table is full.
bool may_end_when_full(const Policy& policy, const Rule& rule);

/// The same as text: objects with a name, and a statement that may name one or has its own key of these.
std::string random_objects_text();
std::string random_meter_text(Rng& rng, const std::vector<std::string>& keys);

} // namespace xdpc::test
