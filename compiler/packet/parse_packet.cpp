#include "compiler/packet/parse_packet.h"

#include "compiler/fields/key_facts.h"

#include <algorithm>

namespace xdpc::packet {

bool is_tpid(uint16_t ethertype) {
    return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

namespace {

// Protocol numbers that the walks and lengths depend on.
constexpr uint8_t ah_protocol = 51;
constexpr uint8_t fragment_protocol = 44;
constexpr size_t longest_walk = 12;

uint8_t byte_at(const ParsedPacket& p, size_t offset) {
    return p.frame[offset];
}
uint16_t word_at(const ParsedPacket& p, size_t offset) {
    return static_cast<uint16_t>(p.frame[offset] << 8 | p.frame[offset + 1]);
}

void reach(ParsedPacket& p, HeaderId id, size_t begin, size_t end = SIZE_MAX) {
    auto& slot = p.reached[static_cast<size_t>(id)];
    if (!slot) { // the first of a kind counts
        slot = {begin, end};
    }
}

void parse_link(ParsedPacket& p) {
    reach(p, HeaderId::Ether, 0);
    size_t at = 12;
    for (const HeaderId tag : {HeaderId::Vlan, HeaderId::VlanInner}) {
        if (!p.has_bytes(at, 2)) {
            return;
        }
        const uint16_t type = word_at(p, at);
        if (at == 12) {
            p.outer_ethertype = type;
        }
        if (!is_tpid(type)) {
            break;
        }
        reach(p, tag, at);
        p.tag_cut = !p.has_bytes(at, 4);
        at += 4;
    }
    if (!p.has_bytes(at, 2)) {
        return;
    }
    p.inner_ethertype = word_at(p, at);
    if (is_tpid(*p.inner_ethertype)) {
        p.third_tag = true;
        p.tag_cut = !p.has_bytes(at, 4);
        return;
    }
    p.network = at + 2;
}

/// Options from `at` to `end` (all of it in the frame): IPv4's and TCP's have the same form.
std::vector<Extent> walk_options(const ParsedPacket& p, size_t at, size_t end) {
    std::vector<Extent> found;
    while (at < end) {
        const uint8_t kind = byte_at(p, at);
        if (kind <= 1) {
            found.push_back({at, at + 1});
            if (kind == 0) {
                break;
            }
            ++at;
            continue;
        }
        if (at + 1 >= end) {
            break;
        }
        const size_t length = byte_at(p, at + 1);
        if (length < 2 || length > end - at) {
            break;
        }
        found.push_back({at, at + length});
        at += length;
    }
    return found;
}

void reach_options(ParsedPacket& p, HeaderId parent, const std::vector<Extent>& options) {
    const auto& headers = all_headers();
    for (const Extent& option : options) {
        for (size_t i = 0; i < headers.size(); ++i) {
            if (headers[i].layer == Layer::Option && headers[i].parent == parent &&
                headers[i].guard == byte_at(p, option.begin)) {
                reach(p, static_cast<HeaderId>(i), option.begin, option.end);
            }
        }
    }
}

/// The header that `protocol` names on the walk: an extension header behind IPv6, AH behind both.
std::optional<HeaderId> walked_header(uint8_t protocol, bool is_ip6) {
    if (protocol == ah_protocol) {
        return HeaderId::Ah;
    }
    const auto& headers = all_headers();
    for (size_t i = 0; is_ip6 && i < headers.size(); ++i) {
        if (headers[i].layer == Layer::Extension && headers[i].guard == protocol) {
            return static_cast<HeaderId>(i);
        }
    }
    return {};
}

size_t length_of_walked(const ParsedPacket& p, HeaderId id, size_t at) {
    if (id == HeaderId::Ah) {
        return (size_t{byte_at(p, at + 1)} + 2) * 4;
    }
    if (id == HeaderId::Frag) {
        return 8;
    }
    return (size_t{byte_at(p, at + 1)} + 1) * 8;
}

/// From the header behind IP to the transport header, over extension headers and AH.
void walk(ParsedPacket& p, uint8_t next, size_t at, bool is_ip6) {
    p.walk = Walk::Broken; // until its end is reached
    FragmentKind kind = FragmentKind::None;
    std::optional<size_t> ah;
    for (;;) {
        const auto header = walked_header(next, is_ip6);
        if (!header) {
            p.walk = Walk::Ended;
            break;
        }
        if (p.walked.size() == longest_walk || !p.has_bytes(at, *header == HeaderId::Ah ? 12 : 8)) {
            break;
        }
        p.walked.push_back(*header);
        p.walked_at.push_back(at);
        if (*header != HeaderId::Ah) {
            reach(p, *header, at);
        } else if (!ah) {
            ah = at;
        }
        next = byte_at(p, at);
        if (*header == HeaderId::Frag) {
            const uint16_t word = word_at(p, at + 2);
            if ((word & 0xfff8) != 0) {
                kind = FragmentKind::Later;
                p.walk = Walk::Ended;
                break;
            }
            if ((word & 1) != 0) {
                kind = FragmentKind::First;
            }
        }
        at += length_of_walked(p, *header, at);
        if (at > p.frame.size()) {
            break;
        }
    }
    const bool later = kind == FragmentKind::Later;
    if (is_ip6 && p.walk == Walk::Ended) {
        p.fragment = kind;
    }
    if (ah && p.sound && !later) {
        reach(p, HeaderId::Ah, *ah);
    }
    if (p.walk == Walk::Ended && p.sound) {
        if (!later || !walked_header(next, is_ip6)) {
            p.protocol = next;
        }
        if (!later) {
            p.transport = at;
        }
    }
}

void parse_ip(ParsedPacket& p, size_t at) {
    reach(p, HeaderId::Ip, at);
    if (p.has_bytes(at, 8)) {
        const uint16_t word = word_at(p, at + 6);
        p.fragment = (word & 0x1fff) != 0   ? FragmentKind::Later
                     : (word & 0x2000) != 0 ? FragmentKind::First
                                            : FragmentKind::None;
    }
    if (!p.has_bytes(at, 20)) {
        return;
    }
    const unsigned version = byte_at(p, at) >> 4;
    const size_t header = size_t{byte_at(p, at) & 15U} * 4;
    const size_t total = word_at(p, at + 2);
    if (version != 4 || header < 20) {
        return;
    }
    if (p.has_bytes(at, header)) {
        p.ip_options = walk_options(p, at + 20, at + header);
        reach_options(p, HeaderId::Ip, *p.ip_options);
    }
    p.sound = header <= total && p.has_bytes(at, total);
    if (!p.sound) {
        return;
    }
    p.ip_end = at + total;
    const uint8_t protocol = byte_at(p, at + 9);
    if (p.fragment == FragmentKind::Later) {
        p.walk = Walk::Ended;
        if (protocol != ah_protocol) {
            p.protocol = protocol;
        }
        return;
    }
    walk(p, protocol, at + header, false);
}

void parse_ip6(ParsedPacket& p, size_t at) {
    reach(p, HeaderId::Ip6, at);
    if (!p.has_bytes(at, 40) || byte_at(p, at) >> 4 != 6) {
        return;
    }
    const size_t payload = word_at(p, at + 4);
    p.sound = p.has_bytes(at + 40, payload);
    p.ip_end = payload == 0 ? p.frame.size() : at + 40 + payload;
    walk(p, byte_at(p, at + 6), at + 40, true);
}

bool stands_behind(Layer layer, bool is_ip6) {
    return layer == Layer::Transport || layer == (is_ip6 ? Layer::Transport6 : Layer::Transport4);
}

/// Where the bytes behind the transport header begin (`@ih`).
std::optional<size_t> inner_of(const ParsedPacket& p, HeaderId id, size_t at) {
    switch (id) {
    case HeaderId::Tcp: {
        const size_t words = p.has_bytes(at, 13) ? byte_at(p, at + 12) >> 4 : 0;
        return words >= 5 ? std::optional(at + words * 4) : std::nullopt;
    }
    case HeaderId::Dccp: {
        const size_t words = p.has_bytes(at, 5) ? byte_at(p, at + 4) : 0;
        return words >= 3 ? std::optional(at + words * 4) : std::nullopt;
    }
    case HeaderId::Udp:
    case HeaderId::Udplite:
    case HeaderId::Icmp:
    case HeaderId::Icmpv6:
        return at + 8;
    case HeaderId::Sctp:
        return at + 12;
    default:
        return {};
    }
}

/// Whether a reached transport header is cut or contradicts itself.
bool transport_is_malformed(const ParsedPacket& p, HeaderId id, size_t at, bool is_ip6) {
    if (!p.has_bytes(at, info(id).min_bytes)) {
        return true;
    }
    if (id == HeaderId::Tcp) {
        const size_t words = byte_at(p, at + 12) >> 4;
        return words < 5 || at + words * 4 > p.ip_end;
    }
    if (id == HeaderId::Udp) {
        const size_t length = word_at(p, at + 4);
        return !(is_ip6 && length == 0) && (length < 8 || at + length > p.ip_end);
    }
    return false;
}

void parse_transport(ParsedPacket& p, bool is_ip6) {
    const size_t at = *p.transport;
    const uint8_t protocol = *p.protocol;
    const auto with_ports = protocols_with_ports();
    if (std::find(with_ports.begin(), with_ports.end(), protocol) != with_ports.end()) {
        reach(p, HeaderId::Th, at);
    }
    const auto& headers = all_headers();
    for (size_t i = 0; i < headers.size(); ++i) {
        const auto id = static_cast<HeaderId>(i);
        if (id == HeaderId::Ah || !stands_behind(headers[i].layer, is_ip6) || headers[i].guard != protocol) {
            continue;
        }
        reach(p, id, at);
        p.inner = inner_of(p, id, at);
        p.malformed = p.malformed || transport_is_malformed(p, id, at, is_ip6);
    }
    if (p.at(HeaderId::Tcp) && p.inner && p.has_bytes(at, *p.inner - at)) {
        p.tcp_options = walk_options(p, at + 20, *p.inner);
        reach_options(p, HeaderId::Tcp, *p.tcp_options);
    }
}

} // namespace

ParsedPacket parse_packet(std::span<const uint8_t> frame) {
    ParsedPacket p;
    p.frame = frame;
    parse_link(p);
    p.malformed = frame.size() < 14 || p.tag_cut;
    if (!p.network) {
        return p;
    }
    const size_t at = *p.network;
    const uint16_t type = *p.inner_ethertype;
    if (type == info(HeaderId::Arp).guard) {
        reach(p, HeaderId::Arp, at);
        p.malformed = p.malformed || !p.has_bytes(at, info(HeaderId::Arp).min_bytes);
    }
    const bool is_ip6 = type == info(HeaderId::Ip6).guard;
    if (!is_ip6 && type != info(HeaderId::Ip).guard) {
        return p;
    }
    if (is_ip6) {
        parse_ip6(p, at);
    } else {
        parse_ip(p, at);
    }
    p.malformed = p.malformed || !p.sound || p.walk == Walk::Broken;
    if (p.transport) {
        parse_transport(p, is_ip6);
    }
    return p;
}

} // namespace xdpc::packet
