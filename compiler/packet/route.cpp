#include "compiler/packet/route.h"

#include "compiler/packet/parse_packet.h"
#include "compiler/packet/rewrite.h"

#include <algorithm>

namespace xdpc::packet {

namespace {

using Frame = std::vector<uint8_t>;
using Fate = Routed::Fate;

constexpr size_t link_bytes = 14;

/// What a router looks at.
struct Header {
    bool ip6 = false;
    size_t at = 0;
    size_t bytes = 0; // of the IP packet
    uint64_t ttl = 0;
    bool has_options = false; // that a router has to look at
    u128 from = 0, to = 0;
};

u128 number_at(const Frame& frame, size_t at, size_t bytes) {
    return *read_bits(frame, at * 8, bytes * 8);
}

/// Nothing if it is no IP packet, or one that contradicts itself.
std::optional<Header> header_of(const ParsedPacket& packet, const Frame& frame) {
    const bool ip4 = packet.inner_ethertype == 0x0800, ip6 = packet.inner_ethertype == 0x86dd;
    if (!packet.network || (!ip4 && !ip6) || !packet.sound) {
        return {};
    }
    const size_t at = *packet.network;
    const auto byte = [&](size_t offset) { return static_cast<uint64_t>(frame[at + offset]); };
    Header header{ip6, at, packet.ip_end - at, byte(ip6 ? 7 : 8), false, 0, 0};
    constexpr uint8_t hop_by_hop = 0;
    header.has_options = ip6 ? byte(6) == hop_by_hop : (byte(0) & 15) != 5;
    header.from = ip6 ? number_at(frame, at + 8, 16) : number_at(frame, at + 12, 4);
    header.to = ip6 ? number_at(frame, at + 24, 16) : number_at(frame, at + 16, 4);
    return header;
}

/// Whether no router sends on what has this address: of this network, of this host, of a link, of many.
bool stays(bool ip6, u128 address) {
    if (!ip6) {
        const auto first = static_cast<unsigned>(address >> 24);
        return first == 0 || first == 127 || first >= 224;
    }
    return address <= 1 || address >> 120 == 0xff || address >> 118 == 0x3fa; // fe80::/10
}

bool holds(const GivenRoute& route, u128 address) {
    const unsigned width = route.ip6 ? 128 : 32;
    const unsigned rest = width - route.length;
    return rest == width || route.address >> rest == address >> rest;
}

/// The route of the longest prefix; null if there is none.
const GivenRoute* find(const Network& network, uint32_t table, const Header& header) {
    const GivenRoute* found = nullptr;
    for (const GivenRoute& route : network.routes) {
        const bool asked = route.table == table && route.ip6 == header.ip6 && holds(route, header.to);
        found = asked && (found == nullptr || route.length > found->length) ? &route : found;
    }
    return found;
}

} // namespace

Routed route(const Network& network, std::optional<uint32_t> table, Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const auto header = header_of(packet, frame);
    if (!header) {
        return {};
    }
    const bool tagged = header->at != link_bytes, to_many = (frame[0] & 1) != 0;
    if (tagged || to_many || header->has_options || header->ttl <= 1 || stays(header->ip6, header->from) ||
        stays(header->ip6, header->to)) {
        return {Fate::Stack, ""};
    }
    const GivenRoute* found = find(network, table.value_or(main_table), *header);
    if (found == nullptr || found->kind == GivenRoute::Kind::Local) {
        return {Fate::Stack, ""};
    }
    if (found->kind != GivenRoute::Kind::Via) {
        return {Fate::Refused, ""};
    }
    const GivenInterface& out = network.interfaces[found->iface];
    if (header->bytes > out.mtu || !found->ether) {
        return {Fate::Stack, ""};
    }
    rewrite(SetField{header->ip6 ? FieldId::Ip6Hoplimit : FieldId::IpTtl, false, header->ttl - 1, {}},
            header->ttl - 1, frame);
    write_bits(frame, 0, 48, *found->ether);
    write_bits(frame, 48, 48, out.ether);
    return {Fate::Sent, out.name};
}

} // namespace xdpc::packet
