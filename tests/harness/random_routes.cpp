#include "tests/harness/random_routes.h"

#include "compiler/fields/fields.h"
#include "compiler/packet/parse_packet.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::test {

namespace {

using Bytes = std::vector<uint8_t>;

/// Few networks, so that routes are met; now and then one whose packets no router sends on.
u128 address(Rng& rng, bool ip6) {
    if (chance(rng, 6)) {
        const u128 odd6 = pick<u128>(rng, {0, 1, u128{0xfe80} << 112 | 1, u128{0xff02} << 112 | 1});
        return ip6 ? odd6 : pick<u128>(rng, {0x00000001, 0x7f000001, 0xe0000001, 0xffffffff});
    }
    const u128 low = below(rng, 3) << 16 | below(rng, 3) << 8 | below(rng, 3);
    return ip6 ? u128{0x20010db8} << 96 | u128{below(rng, 3)} << 64 | low : u128{10} << 24 | low;
}

uint8_t hops(Rng& rng) {
    return chance(rng, 85) ? static_cast<uint8_t>(2 + below(rng, 254)) : static_cast<uint8_t>(below(rng, 3));
}

Bytes segment(Rng& rng, uint8_t protocol) {
    Bytes bytes;
    const size_t payload = pick<size_t>(rng, {0, 1, 18, 500, 540, 1240, 1460}) + below(rng, 20);
    put(bytes, below(rng, 65536), 2);
    put(bytes, below(rng, 65536), 2);
    if (protocol == 17) {
        put(bytes, 8 + payload, 2);
    }
    bytes.resize(20 + payload, 0x50);
    return bytes;
}

} // namespace

RouteStatement random_route(Rng& rng) {
    RouteStatement route;
    if (chance(rng, 25)) {
        route.table = pick<uint32_t>(rng, {7, 7, packet::main_table, 1000});
    }
    return route;
}

packet::Network random_network(Rng& rng, const std::vector<Bytes>& frames) {
    packet::Network network;
    for (uint64_t i = 1 + below(rng, 3); i-- > 0;) {
        network.interfaces.push_back({fmt::format("{}{}", random_interface, i),
                                      0x020000000300 + below(rng, 256),
                                      pick<uint32_t>(rng, {576, 1280, 1500, 1500, 9000})});
    }
    for (uint64_t i = 4 + below(rng, 20); i-- > 0;) {
        const packet::ParsedPacket packet = packet::parse_packet(pick(rng, frames));
        packet::GivenRoute route;
        route.ip6 = packet.at(HeaderId::Ip6).has_value();
        const auto& header = packet.at(route.ip6 ? HeaderId::Ip6 : HeaderId::Ip);
        const unsigned width = route.ip6 ? 128 : 32;
        const auto to =
            header ? packet::read_bits(packet.frame, header->begin * 8 + (route.ip6 ? 192 : 128), width)
                   : std::nullopt;
        if (!to) {
            continue;
        }
        route.length = static_cast<uint8_t>(chance(rng, 30)   ? width
                                            : chance(rng, 20) ? 0
                                                              : below(rng, width + 1));
        const unsigned rest = width - route.length;
        route.address = rest == width ? u128{0} : *to >> rest << rest;
        route.table = chance(rng, 65) ? packet::main_table : 7;
        using Kind = packet::GivenRoute::Kind;
        route.kind = chance(rng, 88)
                         ? Kind::Via
                         : pick<Kind>(rng, {Kind::Local, Kind::Blackhole, Kind::Unreachable, Kind::Prohibit});
        route.iface = below(rng, network.interfaces.size());
        if (route.kind == Kind::Via && chance(rng, 90)) {
            route.ether = 0x020000000400 + below(rng, 256);
        }
        const bool leads6 = !route.ip6 || network.interfaces[route.iface].mtu >= 1280;
        const bool there = std::any_of(network.routes.begin(), network.routes.end(), [&](const auto& other) {
            return other.ip6 == route.ip6 && other.table == route.table && other.length == route.length &&
                   other.address == route.address;
        });
        if (!there && leads6) {
            network.routes.push_back(route);
        }
    }
    return network;
}

Bytes random_routable_frame(Rng& rng) {
    const bool ip6 = chance(rng, 50);
    const auto protocol = pick<uint8_t>(rng, {6, 17, 17, 132, 47});
    const Bytes inside = segment(rng, protocol);
    Bytes frame;
    put(frame, chance(rng, 95) ? 0x020000000002 : 0x01005e000001, 6);
    put(frame, 0x020000000001, 6);
    if (chance(rng, 6)) {
        put(frame, 0x8100'0007, 4);
    }
    put(frame, ip6 ? 0x86dd : 0x0800, 2);
    if (ip6) {
        const bool options = chance(rng, 6); // hop-by-hop: 8 bytes
        put(frame, u128{6} << 28 | below(rng, 1U << 28), 4);
        put(frame, inside.size() + (options ? 8 : 0), 2);
        put(frame, options ? 0 : protocol, 1);
        put(frame, hops(rng), 1);
        put(frame, address(rng, true), 16);
        put(frame, address(rng, true), 16);
        if (options) {
            put(frame, u128{protocol} << 56 | 0x0001'0400'0000'00, 8);
        }
    } else {
        const bool options = chance(rng, 6);
        put(frame, options ? 0x46 : 0x45, 1);
        put(frame, below(rng, 256), 1);
        put(frame, inside.size() + (options ? 24 : 20), 2);
        put(frame, below(rng, 65536), 2);
        put(frame, chance(rng, 90) ? 0x4000 : pick<uint16_t>(rng, {0x2000, 0x0010}), 2);
        put(frame, hops(rng), 1);
        put(frame, protocol, 1);
        put(frame, below(rng, 65536), 2); // right or wrong, it stays so
        put(frame, address(rng, false), 4);
        put(frame, address(rng, false), 4);
        if (options) {
            put(frame, 0x01010101, 4);
        }
    }
    frame.insert(frame.end(), inside.begin(), inside.end());
    frame.resize(std::max<size_t>(frame.size(), 60));
    return frame;
}

} // namespace xdpc::test
