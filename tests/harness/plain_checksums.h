// Whether a frame's checksums are right, computed from scratch and by nothing of the compiler's: for what
// statements make of packets whose checksums were right.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace xdpc::test {

inline uint32_t word_at(std::span<const uint8_t> bytes, size_t at) {
    return uint32_t{bytes[at]} << 8U | bytes[at + 1];
}

/// RFC 1071, with words that begin at the first byte; 0xffff where the checksum among them is right.
inline uint32_t ones_sum(std::span<const uint8_t> bytes, uint64_t sum = 0) {
    for (size_t i = 0; i < bytes.size(); i += 2) {
        sum += i + 1 < bytes.size() ? word_at(bytes, i) : uint32_t{bytes[i]} << 8U;
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffff) + (sum >> 16U);
    }
    return static_cast<uint32_t>(sum);
}

/// "ip", "tcp", …: what is wrong; "" where all is right. Looks at IPv4 and IPv6 without extension headers
/// behind any number of tags; transport headers of fragments are not judged.
inline std::string wrong_checksum(std::span<const uint8_t> frame) {
    size_t at = 12;
    while (at + 6 <= frame.size() && (word_at(frame, at) == 0x8100 || word_at(frame, at) == 0x88a8)) {
        at += 4;
    }
    if (at + 22 > frame.size()) {
        return {};
    }
    const uint32_t type = word_at(frame, at);
    const auto ip = frame.subspan(at + 2);
    if (type == 0x0800 && (ip[0] != 0x45 || word_at(ip, 2) > ip.size())) {
        return {};
    }
    if (type == 0x0800 && ones_sum(ip.first(20)) != 0xffff) {
        return "ip";
    }
    const bool whole4 = type == 0x0800 && (word_at(ip, 6) & 0x3fff) == 0;
    const bool whole6 = type == 0x86dd && ip.size() >= 40 && 40 + word_at(ip, 4) <= ip.size();
    if (!whole4 && !whole6) {
        return {};
    }
    const uint8_t protocol = ip[whole4 ? 9 : 6];
    const auto addresses = whole4 ? ip.subspan(12, 8) : ip.subspan(8, 32);
    const auto payload = whole4 ? ip.first(word_at(ip, 2)).subspan(20) : ip.subspan(40, word_at(ip, 4));
    const uint32_t pseudo = ones_sum(addresses, uint64_t{protocol} + payload.size());
    const bool has_pseudo = protocol == 6 || protocol == 17 || (protocol == 58 && whole6);
    if ((has_pseudo || (protocol == 1 && whole4)) && payload.size() >= 8) {
        const bool none = protocol == 17 && word_at(payload, 6) == 0;
        if (!none && ones_sum(payload, has_pseudo ? pseudo : 0) != 0xffff) {
            return "protocol " + std::to_string(protocol);
        }
    }
    return {};
}

} // namespace xdpc::test
