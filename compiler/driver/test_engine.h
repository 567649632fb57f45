// The kernel as a test engine: an instrumented program run by BPF_PROG_TEST_RUN, with the test's clock, seed
// and interface.
#pragma once

#include "compiler/policy/evaluate.h"
#include "runtime/load.h"
#include "runtime/private_network.h"

namespace xdpc::driver {

/// What a packet meets besides its bytes.
struct Surroundings {
    std::string iface; // "" when the test names none
    uint64_t elapsed_ns = 0;
    uint64_t seed = 1;
    uint64_t packet = 0; // number within the test
};
PacketView view_of(std::span<const uint8_t> frame, const Surroundings& around);

struct Decision {
    Outcome outcome;
    std::vector<uint8_t> frame; // after the program ran
};

/// Counters of a policy in the evaluator's form.
struct Counts {
    std::vector<Count> end;   // by DeciderId
    std::vector<Count> mid;   // by RuleId
    std::vector<Count> named; // by NamedCounterId
};

/// The shortest frame the kernel's test run takes.
inline constexpr size_t shortest_kernel_frame = 14;

/// If the program routes: makes what is given in a network namespace, in which the calling thread stays as
/// long as `made` holds it, and lets the program send there.
Result<void> enter_network(const rt::Loaded& program, const packet::Network& given,
                           std::optional<rt::PrivateNetwork>& made);

Result<void> reset(const rt::Loaded& program);
Result<Decision> run_in_kernel(const rt::Loaded& program, std::span<const uint8_t> frame,
                               const Surroundings& around);
Result<Counts> counts_in_kernel(const rt::Loaded& program, const Policy& policy);

} // namespace xdpc::driver
