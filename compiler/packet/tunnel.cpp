#include "compiler/packet/tunnel.h"

#include "codegen-templates/abi.h"
#include "compiler/fields/key_facts.h"
#include "compiler/packet/build.h"
#include "compiler/packet/parse_packet.h"
#include "compiler/packet/reject.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::packet {

namespace {

using Frame = std::vector<uint8_t>;

constexpr uint8_t ip4_inside = 4, ip6_inside = 41, gre = 47, udp = 17; // protocols
constexpr uint16_t type4 = 0x0800, type6 = 0x86dd, type_frame = 0x6558;
constexpr size_t link_bytes = 14, udp_bytes = 8;

uint64_t number_at(std::span<const uint8_t> bytes, size_t at, size_t count) {
    return static_cast<uint64_t>(*read_bits(bytes, at * 8, count * 8));
}
void put(Frame& frame, size_t at, size_t count, uint64_t value) {
    write_bits(frame, at * 8, count * 8, value);
}

/// What an outer header takes over from the frame.
struct Flow {
    uint32_t hash = 0;
    uint8_t tos = 0; // DSCP and ECN
    bool ip6 = false;
};

Flow flow_of(const ParsedPacket& packet) {
    const std::span<const uint8_t> frame = packet.frame;
    Flow flow;
    const auto mix = [&](uint64_t word) { flow.hash = flow_mix(flow.hash, static_cast<uint32_t>(word)); };
    const auto mix_words = [&](size_t from, size_t to) {
        for (size_t at = from; at < to; at += 4) {
            mix(number_at(frame, at, 4));
        }
    };
    flow.ip6 = packet.network && packet.inner_ethertype == type6;
    const bool ip4 = packet.network && packet.inner_ethertype == type4;
    const size_t header = flow.ip6 ? 40 : 20;
    if ((!ip4 && !flow.ip6) || !packet.has_bytes(*packet.network, header)) {
        flow.ip6 = false;
        if (frame.size() >= link_bytes) {
            mix_words(0, 12);
        }
        return flow;
    }
    const size_t ip = *packet.network;
    mix_words(ip + (flow.ip6 ? 8 : 12), ip + header);
    flow.tos = static_cast<uint8_t>(flow.ip6 ? number_at(frame, ip, 2) >> 4 : frame[ip + 1]);
    const uint8_t protocol = packet.protocol.value_or(0);
    mix(protocol);
    const auto with_ports = protocols_with_ports();
    const bool has_ports = std::find(with_ports.begin(), with_ports.end(), protocol) != with_ports.end();
    const bool whole = packet.fragment.value_or(FragmentKind::None) == FragmentKind::None;
    if (has_ports && whole && packet.transport && packet.has_bytes(*packet.transport, 4)) {
        mix(number_at(frame, *packet.transport, 4));
    }
    return flow;
}

/// What goes inside, [begin, end) of the frame; nothing if the packet is none for the tunnel.
std::optional<Extent> inside_of(const TunnelRow& row, const ParsedPacket& packet) {
    if (!row.ip4 && !row.ip6) {
        return packet.frame.size() >= link_bytes ? std::optional(Extent{0, packet.frame.size()})
                                                 : std::nullopt;
    }
    const bool asked =
        (row.ip4 && packet.inner_ethertype == type4) || (row.ip6 && packet.inner_ethertype == type6);
    if (!packet.network || !asked || !packet.sound) {
        return {};
    }
    return Extent{*packet.network, packet.ip_end};
}

/// What of the outer headers depends on the packet; they stand at `at`, and `total` bytes from there on.
void fill_in(const Encap& encap, size_t at, size_t total, const Flow& flow, Frame& frame) {
    const TunnelRow& row = row_of(encap.kind);
    const uint8_t tos = encap.dscp ? flow.tos & 3 : flow.tos;
    size_t behind = at + 20;
    if (encap.outer6) {
        put(frame, at, 4, number_at(frame, at, 4) | uint64_t{tos} << 20);
        put(frame, at + 4, 2, total - 40);
        behind = at + 40;
    } else {
        frame[at + 1] |= tos;
        put(frame, at + 2, 2, total);
        put(frame, at + 10, 2, internet_checksum(std::span(frame).subspan(at, 20)));
    }
    if (row.port != 0) {
        put(frame, behind, 2, 0xc000 | (flow.hash & 0x3fff));
        put(frame, behind + 4, 2, total - (behind - at));
    }
    if (encap.kind == Tunnel::Gue) {
        frame[behind + udp_bytes + 1] = flow.ip6 ? ip6_inside : ip4_inside;
    } else if (encap.kind == Tunnel::Gre) {
        put(frame, behind + 2, 2, flow.ip6 ? type6 : type4);
    }
}

/// What is in a tunnel: where it begins, and what it is: an EtherType or `type_frame`.
struct Inside {
    Tunnel kind;
    size_t begin;
    uint16_t type;
};

std::optional<Inside> inside_gre(const ParsedPacket& packet, size_t at) {
    if (!packet.has_bytes(at, 4)) {
        return {};
    }
    const uint64_t flags = number_at(packet.frame, at, 2);
    const auto type = static_cast<uint16_t>(number_at(packet.frame, at + 2, 2));
    if ((flags & 0x4fff) != 0 || (type != type4 && type != type6 && type != type_frame)) {
        return {}; // routing, another version, or nothing that is known
    }
    size_t size = 4;
    for (const uint64_t field : {0x8000, 0x2000, 0x1000}) { // checksum, key, sequence number
        size += (flags & field) != 0 ? 4 : 0;
    }
    return Inside{Tunnel::Gre, at + size, type};
}

std::optional<Inside> inside_udp(const Decap& decap, const ParsedPacket& packet, size_t at) {
    const size_t behind = at + udp_bytes;
    if (!packet.has_bytes(behind, 4)) {
        return {};
    }
    const uint64_t port = number_at(packet.frame, at + 2, 2);
    const uint8_t flags = packet.frame[behind];
    const bool vxlan = !decap.kind || *decap.kind == Tunnel::Vxlan;
    const bool gue = !decap.kind || *decap.kind == Tunnel::Gue;
    if (vxlan && port == decap.vxlan_port) {
        const bool told = (flags & 8) != 0 && packet.has_bytes(behind, 8);
        const bool wanted = told && decap.vni.value_or(number_at(packet.frame, behind + 4, 3)) ==
                                        number_at(packet.frame, behind + 4, 3);
        return wanted ? std::optional(Inside{Tunnel::Vxlan, behind + 8, type_frame}) : std::nullopt;
    }
    const uint8_t what = packet.frame[behind + 1];
    if (!gue || port != decap.gue_port || (flags & 0xe0) != 0 || (what != ip4_inside && what != ip6_inside)) {
        return {};
    }
    return Inside{Tunnel::Gue, behind + 4 + size_t{4} * (flags & 31), what == ip4_inside ? type4 : type6};
}

std::optional<Inside> find_inside(const Decap& decap, const ParsedPacket& packet) {
    const bool whole = packet.fragment == FragmentKind::None;
    if (!packet.transport || !packet.sound || packet.walk != Walk::Ended || !whole || !packet.protocol) {
        return {};
    }
    const bool outer6 = packet.inner_ethertype == type6;
    const size_t at = *packet.transport;
    std::optional<Inside> found;
    if (*packet.protocol == ip4_inside) {
        found = Inside{outer6 ? Tunnel::Ip4InIp6 : Tunnel::Ipip, at, type4};
    } else if (*packet.protocol == ip6_inside) {
        found = Inside{outer6 ? Tunnel::Ip6Ip6 : Tunnel::Ip6InIp4, at, type6};
    } else if (*packet.protocol == gre) {
        found = inside_gre(packet, at);
    } else if (*packet.protocol == udp) {
        found = inside_udp(decap, packet, at);
    }
    if (!found || (decap.kind && *decap.kind != found->kind)) {
        return {};
    }
    const size_t least = found->type == type4 ? 20 : found->type == type6 ? 40 : link_bytes;
    const bool fits = found->begin + least <= packet.ip_end && packet.has_bytes(found->begin, 1);
    if (!fits) {
        return {};
    }
    const unsigned version = packet.frame[found->begin] >> 4;
    const bool right = found->type == type_frame || version == (found->type == type4 ? 4 : 6);
    return right ? found : std::nullopt;
}

/// Tells the IP packet inside that there was congestion on the way; false if it does not know the word.
bool mark_congestion(const Inside& inside, Frame& frame) {
    const size_t bit = inside.begin * 8 + (inside.type == type4 ? 14 : 10);
    const auto ecn = static_cast<uint8_t>(*read_bits(frame, bit, 2));
    if (ecn == 0) {
        return false;
    }
    if (inside.type == type6) {
        write_bits(frame, bit, 2, 3);
        return true;
    }
    write_ip4_bits(inside.begin, bit, 2, 3, frame);
    return true;
}

} // namespace

Frame outer_headers(const Encap& encap) {
    const TunnelRow& row = row_of(encap.kind);
    const size_t ip = encap.outer6 ? 40 : 20;
    Frame bytes(ip + row.header);
    const uint64_t tos = uint64_t{encap.dscp.value_or(0)} << 2;
    if (encap.outer6) {
        put(bytes, 0, 4, uint64_t{6} << 28 | tos << 20);
        put(bytes, 6, 2, uint64_t{row.protocol} << 8 | encap.ttl);
        write_bits(bytes, 64, 128, encap.from);
        write_bits(bytes, 192, 128, encap.to);
    } else {
        put(bytes, 0, 2, 0x4500 | tos);
        put(bytes, 6, 2, 0x4000); // not to be fragmented
        put(bytes, 8, 2, uint64_t{encap.ttl} << 8 | row.protocol);
        write_bits(bytes, 96, 32, encap.from);
        write_bits(bytes, 128, 32, encap.to);
    }
    if (row.port != 0) {
        put(bytes, ip + 2, 2, encap.port);
    }
    if (encap.kind == Tunnel::Vxlan) {
        bytes[ip + udp_bytes] = 8; // the VNI holds
        put(bytes, ip + udp_bytes + 4, 3, encap.vni);
    }
    return bytes;
}

Rewritten encapsulate(const Encap& encap, Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const TunnelRow& row = row_of(encap.kind);
    const bool is_frame = !row.ip4 && !row.ip6;
    const auto inside = inside_of(row, packet);
    if (!inside) {
        return Rewritten::Absent;
    }
    const Frame head = outer_headers(encap);
    const size_t total = head.size() + inside->end - inside->begin;
    if (total > 0xffff || (encap.mtu != 0 && total > encap.mtu)) {
        if (total > 0xffff || !encap.answers) {
            return Rewritten::Refused;
        }
        const size_t link = is_frame ? packet.network.value_or(0) : 0;
        const Rewritten answer = answer_too_big(static_cast<uint32_t>(encap.mtu - head.size() - link), frame);
        return answer == Rewritten::Done ? Rewritten::Answered : Rewritten::Refused;
    }
    const Flow flow = flow_of(packet);
    const size_t at = is_frame ? link_bytes : *packet.network;
    Frame result(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(at));
    put(result, at - 2, 2, encap.outer6 ? type6 : type4);
    result.insert(result.end(), head.begin(), head.end());
    result.insert(result.end(), frame.begin() + static_cast<ptrdiff_t>(inside->begin), frame.end());
    fill_in(encap, at, total, flow, result);
    frame = std::move(result);
    return Rewritten::Done;
}

Rewritten decapsulate(const Decap& decap, Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const auto inside = find_inside(decap, packet);
    if (!inside) {
        return Rewritten::Absent;
    }
    const size_t network = *packet.network, end = packet.ip_end;
    const auto tos = number_at(frame, network, 2);
    const bool congested = ((packet.inner_ethertype == type6 ? tos >> 4 : tos) & 3) == 3;
    if (congested && inside->type != type_frame && !mark_congestion(*inside, frame)) {
        return Rewritten::Refused;
    }
    Frame result;
    if (inside->type != type_frame) {
        result.assign(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(network));
        put(result, network - 2, 2, inside->type);
    }
    result.insert(result.end(), frame.begin() + static_cast<ptrdiff_t>(inside->begin),
                  frame.begin() + static_cast<ptrdiff_t>(end));
    frame = std::move(result);
    return Rewritten::Done;
}

std::string text_of(const Encap& encap) {
    const TypeId address = encap.outer6 ? TypeId::Ipv6Addr : TypeId::Ipv4Addr;
    std::string text =
        fmt::format("encap {} from {} to {} ttl {}", row_of(encap.kind).name,
                    format_value(address, encap.from), format_value(address, encap.to), encap.ttl);
    text += encap.kind == Tunnel::Vxlan ? fmt::format(" vni {}", encap.vni) : "";
    text += encap.port != 0 ? fmt::format(" port {}", encap.port) : "";
    text += encap.dscp ? fmt::format(" dscp {}", *encap.dscp) : "";
    return text + (encap.mtu ? fmt::format(" mtu {} {}", encap.mtu, encap.answers ? "reject" : "drop") : "");
}

std::string text_of(const Decap& decap) {
    std::string text = decap.kind ? fmt::format("decap {}", row_of(*decap.kind).name) : "decap";
    text += decap.vni ? fmt::format(" vni {}", *decap.vni) : "";
    if (decap.kind && row_of(*decap.kind).port != 0) {
        text += fmt::format(" port {}", *decap.kind == Tunnel::Gue ? decap.gue_port : decap.vxlan_port);
    }
    return text;
}

} // namespace xdpc::packet
