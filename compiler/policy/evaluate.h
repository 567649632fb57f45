// The reference evaluator: what a policy means, packet by packet, before any optimisation. The oracle of
// every differential test, the engine of `xdpc test --engine reference` and of `xdpc trace`.
#pragma once

#include "compiler/policy/evaluate_limits.h"
#include "compiler/policy/evaluate_sets.h"
#include "compiler/policy/policy.h"

#include <span>

namespace xdpc {

/// A frame as XDP sees it, and what surrounds it.
struct PacketView {
    std::span<const uint8_t> frame;
    std::string iifname = "eth0";
    uint32_t ifindex = 1;
    uint32_t rxqueue = 0;
    uint32_t cpu = 0;
};

/// 2026-01-01 00:00:00 UTC: where the clock of every test begins.
inline constexpr uint64_t test_epoch_ns = 1767225600ULL * 1'000'000'000ULL;
/// What `now_ns` of a test begins at.
inline constexpr uint64_t test_clock_begin_ns = 1'000'000'000'000'000ULL;

/// What lasts from packet to packet.
struct State {
    std::vector<Count> end_counts;   // by DeciderId
    std::vector<Count> mid_counts;   // by RuleId
    std::vector<Count> named_counts; // by NamedCounterId
    Meters meters;
    uint64_t elapsed_ns = 0;                  // since the test's begin
    uint64_t seed = 1;                        // of `meta random`
    uint64_t packets = 0;                     // evaluated so far
    std::vector<SetState> sets;               // by SetId
    const packet::Network* network = nullptr; // that `route` asks; null: there are no routes

    /// As the policy's files have it; elements that expire begin at `elapsed`. Copies are cheap while they do
    /// not differ.
    explicit State(const Policy& policy, uint64_t elapsed = 0)
        : end_counts(policy.rules.size() + policy.chains.size()), mid_counts(policy.rules.size()),
          named_counts(policy.counters.size()), meters(policy), elapsed_ns(elapsed) {
        for (const LiveSet& set : policy.sets) {
            sets.emplace_back(set, now_ns());
        }
    }
    /// The clock of limits and timeouts.
    [[nodiscard]] uint64_t now_ns() const { return test_clock_begin_ns + elapsed_ns; }
};

struct Outcome {
    Action action = Action::Abort;
    DeciderId decider;
    std::optional<std::vector<uint8_t>> frame = {}; // what goes out, where that is not what came in
    std::string to = {};                            // of a redirect: the interface
    bool operator==(const Outcome&) const = default;
};

/// Why a rule did not match, or that it did; one for each rule met on the way, in order.
struct TraceStep {
    RuleId rule;
    bool matched = false; // all its statements ran
    Span span;            // of the first test that failed
    std::string field;    // of it: "tcp dport"; a group: "not ( … )"
    std::string value;    // what the packet has: "80", "absent: not TCP", "absent: later fragment"
    std::string wanted;   // "22"
    std::string verdict;  // of a rule that matched: "drop", "jump web", "" if none
};
struct Trace {
    std::vector<TraceStep> steps;
};

Outcome evaluate(const Policy& policy, State& state, const PacketView& packet, Trace* trace = nullptr);

/// The value of a key in a packet, or nothing where it is absent (compiler/fields/README.md).
std::optional<u128> read_key(const KeySource& key, const PacketView& packet, const State& state);

} // namespace xdpc
