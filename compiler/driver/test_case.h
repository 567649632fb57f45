// Runs one test of a policy on one engine or two.
#pragma once

#include "compiler/driver/test_engine.h"
#include "compiler/driver/test_result.h"

namespace xdpc::driver {

struct CaseInput {
    const Policy& policy;
    const Sources& sources;
    Engine engine = Engine::Reference;
    const rt::Loaded* program = nullptr; // instrumented; needed by Kernel and Both
    Coverage* coverage = nullptr;
    const State* begin = nullptr; // what tests begin with: State(policy), made once
};
TestResult run_case(const CaseInput& input, const TestCase& test);

/// Packets decided alike since the last `expect`, with the first of them.
struct PacketGroup {
    Outcome outcome;
    uint64_t count = 0;
    const Send* send = nullptr;
    Span span; // of the send
    std::vector<uint8_t> frame;
    Surroundings around;
    std::optional<Trace> trace; // of the reference engine, where what was before mattered
};
/// `expect element`; nothing when it is as expected. `state` is the reference engine's, with the time of
/// asking; the kernel's word counts where it is asked.
std::optional<Failure> judge(const CaseInput& input, const ExpectElement& expect, Span span,
                             const State& state);

/// Nothing when the packets are as expected.
std::optional<Failure> judge(const CaseInput& input, const Expect& expect, Span span,
                             const std::vector<PacketGroup>& groups);
ShownPacket show(const CaseInput& input, const PacketGroup& group);
/// "drop by policy"
std::string outcome_text(const Policy& policy, const Outcome& outcome);

} // namespace xdpc::driver
