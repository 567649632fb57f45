// The kinds of tunnel; the one list of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc {

enum class Tunnel : uint8_t { Ipip, Ip6InIp4, Ip4InIp6, Ip6Ip6, Gre, Gue, Vxlan };

/// In the order of Tunnel.
struct TunnelRow {
    std::string_view name; // "gre"
    bool ip4, ip6;         // what it takes inside; neither: frames
    bool by_address;       // the outer header's family is that of its addresses, else `outer6`
    bool outer6;
    uint8_t protocol; // in the outer header
    uint16_t port;    // of UDP, where nothing is said; 0: no UDP
    uint8_t header;   // bytes behind the outer IP header
};
const TunnelRow& row_of(Tunnel kind);
std::optional<Tunnel> tunnel_named(std::string_view name);
std::vector<std::string> tunnel_names();

} // namespace xdpc
