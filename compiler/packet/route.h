// `route`: where a packet goes by the routes that a test is given, and what it is then. The reference, as
// compiler/fields/README.md has it ("How packets are routed").
#pragma once

#include "compiler/base/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpc::packet {

/// The kernel's routing table of all that does not name another.
inline constexpr uint32_t main_table = 254;

struct GivenInterface {
    std::string name;
    uint64_t ether = 0x02'00'00'00'00'02; // its own address: what frames of tests are sent to
    uint32_t mtu = 1500;
};
struct GivenRoute {
    /// Local: to this host itself.
    enum class Kind : uint8_t { Via, Local, Blackhole, Unreachable, Prohibit } kind = Kind::Via;
    bool ip6 = false;
    u128 address = 0;
    uint8_t length = 0; // of the prefix, in bits
    uint32_t table = main_table;
    size_t iface = 0;              // of Via: index into Network::interfaces
    std::optional<uint64_t> ether; // of the next hop, where it is known
};
/// What lies around: interfaces with different names, routes with different prefixes in a table.
struct Network {
    std::vector<GivenInterface> interfaces;
    std::vector<GivenRoute> routes;
};

struct Routed {
    /// Absent: it is no packet for it. Stack: the kernel's stack gets it as it is. Sent: it was made what
    /// goes out of `iface`.
    enum class Fate : uint8_t { Absent, Stack, Refused, Sent } fate = Fate::Absent;
    std::string iface;
};
/// `table`: one by its number, else the main one.
Routed route(const Network& network, std::optional<uint32_t> table, std::vector<uint8_t>& frame);

} // namespace xdpc::packet
