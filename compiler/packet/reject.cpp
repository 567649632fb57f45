#include "compiler/packet/reject.h"

#include "compiler/packet/build.h"
#include "compiler/packet/parse_packet.h"

#include <algorithm>
#include <iterator>

namespace xdpc::packet {

namespace {

constexpr uint8_t fin = 1, syn = 2, rst = 4, ack = 16;
constexpr uint8_t ttl = 64;

/// A packet that can be answered, and the family of its addresses.
struct Asked {
    const ParsedPacket& packet;
    bool ip6;
    size_t ip;

    [[nodiscard]] size_t address_bytes() const { return ip6 ? 16 : 4; }
    [[nodiscard]] std::span<const uint8_t> source() const {
        return packet.frame.subspan(ip + (ip6 ? 8 : 12), address_bytes());
    }
    [[nodiscard]] std::span<const uint8_t> destination() const {
        return packet.frame.subspan(ip + (ip6 ? 24 : 16), address_bytes());
    }
};

bool is_one_host(std::span<const uint8_t> address) {
    if (address.size() == 4) {
        return address[0] != 0 && address[0] < 224;
    }
    return address[0] != 0xff && std::ranges::any_of(address, [](uint8_t byte) { return byte != 0; });
}

/// Whether a host would answer it at all.
bool is_answered(const Asked& asked) {
    const ParsedPacket& packet = asked.packet;
    return packet.sound && packet.walk == Walk::Ended && packet.fragment == FragmentKind::None &&
           is_one_host(asked.source()) && is_one_host(asked.destination());
}

void append(Frame& frame, std::span<const uint8_t> bytes) {
    std::ranges::copy(bytes, std::back_inserter(frame));
}
void append(Frame& frame, uint64_t number, size_t bytes) {
    while (bytes-- > 0) {
        frame.push_back(static_cast<uint8_t>(number >> 8 * bytes));
    }
}
uint64_t number_at(const ParsedPacket& packet, size_t at, size_t bytes) {
    return static_cast<uint64_t>(*read_bits(packet.frame, at * 8, bytes * 8));
}

/// Link and IP header of what goes back.
Frame begin_answer(const Asked& asked, uint8_t protocol, size_t payload) {
    Frame frame;
    append(frame, asked.packet.frame.subspan(6, 6));
    append(frame, asked.packet.frame.first(6));
    append(frame, asked.packet.frame.subspan(12, asked.ip - 12));
    if (asked.ip6) {
        append(frame, uint64_t{6} << 28, 4);
        append(frame, payload, 2);
        append(frame, uint64_t{protocol} << 8 | ttl, 2);
    } else {
        append(frame, 0x4500, 2);
        append(frame, 20 + payload, 2);
        append(frame, 0x4000, 4); // no identification, not to be fragmented
        append(frame, uint64_t{ttl} << 8 | protocol, 2);
        append(frame, 0, 2);
    }
    append(frame, asked.destination());
    append(frame, asked.source());
    if (!asked.ip6) {
        write_bits(frame, (asked.ip + 10) * 8, 16, internet_checksum(std::span(frame).subspan(asked.ip)));
    }
    return frame;
}

/// The payload's checksum, `at` in it; with addresses where it covers those.
void finish(const Asked& asked, uint8_t protocol, size_t at, bool addresses, Frame& frame) {
    const size_t begin = asked.ip + (asked.ip6 ? 40 : 20);
    Frame covered;
    if (addresses) {
        append(covered, asked.destination());
        append(covered, asked.source());
        append(covered, frame.size() - begin, 4);
        append(covered, protocol, 4);
    }
    append(covered, std::span(frame).subspan(begin));
    write_bits(frame, (begin + at) * 8, 16, internet_checksum(covered));
}

std::optional<Asked> find_ip(const ParsedPacket& packet, bool ip6) {
    const HeaderId id = ip6 ? HeaderId::Ip6 : HeaderId::Ip;
    const auto& extent = packet.at(id);
    return extent && packet.has_bytes(extent->begin, info(id).min_bytes)
               ? std::optional(Asked{packet, ip6, extent->begin})
               : std::nullopt;
}

/// Whether an error may be sent of it: not of errors.
bool is_no_error(const Asked& asked) {
    const ParsedPacket& packet = asked.packet;
    const auto& message = packet.at(asked.ip6 ? HeaderId::Icmpv6 : HeaderId::Icmp);
    if (!message) {
        return true;
    }
    if (!packet.has_bytes(message->begin, 8)) {
        return false;
    }
    const uint8_t type = packet.frame[message->begin];
    return asked.ip6 ? type >= 128 : type == 0 || type == 8;
}

} // namespace

Rewritten reject_tcp(Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const auto& tcp = packet.at(HeaderId::Tcp);
    if (!tcp || !packet.has_bytes(tcp->begin, 20)) {
        return Rewritten::Absent;
    }
    const auto asked = find_ip(packet, packet.at(HeaderId::Ip6).has_value());
    const size_t at = tcp->begin;
    const uint8_t flags = frame[at + 13];
    const size_t header = size_t{frame[at + 12]} / 16 * 4;
    if (!asked || !is_answered(*asked) || (flags & rst) != 0 || header < 20 || at + header > packet.ip_end) {
        return Rewritten::Refused;
    }
    Frame answer = begin_answer(*asked, 6, 20);
    append(answer, packet.frame.subspan(at + 2, 2));
    append(answer, packet.frame.subspan(at, 2));
    if ((flags & ack) != 0) {
        append(answer, number_at(packet, at + 8, 4), 4);
        append(answer, 0, 4);
        append(answer, 0x5000 | rst, 2);
    } else {
        const uint64_t length = packet.ip_end - at - header + ((flags & syn) != 0) + ((flags & fin) != 0);
        append(answer, 0, 4);
        append(answer, number_at(packet, at + 4, 4) + length, 4);
        append(answer, 0x5000 | rst | ack, 2);
    }
    append(answer, 0, 6);
    finish(*asked, 6, 16, true, answer);
    frame = std::move(answer);
    return Rewritten::Done;
}

namespace {

/// An error of a family: type and code; nothing where none is sent in it. `word` stands behind the checksum.
Rewritten send_error(std::optional<uint16_t> error4, std::optional<uint16_t> error6, uint32_t word,
                     Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const bool ip6 = packet.at(HeaderId::Ip6).has_value();
    const auto asked = find_ip(packet, ip6);
    const std::optional<uint16_t> error = ip6 ? error6 : error4;
    if (!asked || !error) {
        return Rewritten::Absent;
    }
    if (!is_answered(*asked) || !is_no_error(*asked)) {
        return Rewritten::Refused;
    }
    const size_t most = ip6 ? 1280 - 48 : 576 - 28;
    const auto quoted = packet.frame.subspan(asked->ip, std::min(packet.ip_end - asked->ip, most));
    const uint8_t protocol = ip6 ? 58 : 1;
    Frame answer = begin_answer(*asked, protocol, 8 + quoted.size());
    append(answer, *error, 2);
    append(answer, 0, 2);
    append(answer, word, 4);
    append(answer, quoted);
    finish(*asked, protocol, 2, ip6, answer);
    frame = std::move(answer);
    return Rewritten::Done;
}

} // namespace

Rewritten reject_icmp(const RejectIcmp& with, Frame& frame) {
    const auto error = [](unsigned type, std::optional<uint8_t> code) {
        return code ? std::optional(static_cast<uint16_t>(type << 8 | *code)) : std::nullopt;
    };
    return send_error(error(3, with.code4), error(1, with.code6), 0, frame);
}

Rewritten answer_too_big(uint32_t mtu, Frame& frame) {
    return send_error(0x304, 0x200, mtu, frame);
}

} // namespace xdpc::packet
