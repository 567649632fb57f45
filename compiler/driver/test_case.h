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
};

/// Nothing when the packets are as expected.
std::optional<Failure> judge(const CaseInput& input, const Expect& expect, Span span,
                             const std::vector<PacketGroup>& groups);
ShownPacket show(const CaseInput& input, const PacketGroup& group);
/// "drop by policy"
std::string outcome_text(const Policy& policy, const Outcome& outcome);

} // namespace xdpc::driver
