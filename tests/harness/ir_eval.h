// An interpreter of ir::Program: holds flatten and every pass to the reference evaluator, without codegen or
// a kernel in between.
#pragma once

#include "compiler/ir/ir.h"
#include "compiler/policy/evaluate.h"

namespace xdpc::test {

/// Runs the program on a packet; counts into `slots`, which has Program::slots places. Of `state` it takes
/// the clock and what else keys read, and changes live sets.
Outcome evaluate(const ir::Program& program, const Policy& policy, std::vector<Count>& slots, State& state,
                 const PacketView& packet);

/// The first difference between both on the packets, in words, or "" if there is none: outcomes packet by
/// packet, then all counters.
std::string difference(const Policy& policy, const ir::Program& program,
                       const std::vector<std::vector<uint8_t>>& frames);

} // namespace xdpc::test
