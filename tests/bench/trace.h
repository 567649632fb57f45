// Thousands of different frames for a policy: what its rules match, what none of them matches, and some odd
// ones, all of one length and the same on every run.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/bench/trace_layout.h"

#include <array>
#include <vector>

namespace xdpc::bench {

using TraceFrame = std::array<uint8_t, TRACE_FRAME_BYTES>;

struct TraceOptions {
    /// Of the frames, how many are made to match a rule (each rule as often); the rest has random addresses
    /// and ports.
    unsigned hit_percent = 70;
    uint64_t seed = 1;
};
/// TRACE_FRAMES frames: nine tenths TCP and UDP over IPv4, some IPv6, tags, fragments, ICMP and ARP.
std::vector<TraceFrame> make_trace(const Policy& policy, const TraceOptions& options);

} // namespace xdpc::bench
