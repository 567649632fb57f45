// Networks of random routes, and packets that are worth routing.
#pragma once

#include "compiler/policy/policy.h"
#include "tests/harness/random_frame.h"

namespace xdpc::test {

/// What the names of a random network's interfaces begin with.
inline constexpr const char* random_interface = "port";

RouteStatement random_route(Rng& rng);
/// Routes to addresses of those frames, of all kinds and lengths, in several tables.
packet::Network random_network(Rng& rng, const std::vector<std::vector<uint8_t>>& frames);
/// Mostly one that a router sends on; some with tags, options, few hops, addresses that stay.
std::vector<uint8_t> random_routable_frame(Rng& rng);

} // namespace xdpc::test
