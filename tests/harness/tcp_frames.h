// TCP frames without options or payload that matters, written byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xdpc::test {

inline void put_word(std::vector<uint8_t>& frame, size_t at, uint32_t word) {
    for (size_t i = 0; i < 4; ++i) {
        frame[at + i] = static_cast<uint8_t>(word >> (24 - 8 * i));
    }
}

/// Of TCP in IPv4; `bytes` of Ethernet frame, 54 at least.
inline std::vector<uint8_t> tcp_frame(uint32_t saddr, uint16_t dport, size_t bytes) {
    std::vector<uint8_t> frame(bytes);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[16] = static_cast<uint8_t>((bytes - 14) >> 8);
    frame[17] = static_cast<uint8_t>(bytes - 14);
    frame[22] = 64;
    frame[23] = 6;
    put_word(frame, 26, saddr);
    frame[36] = static_cast<uint8_t>(dport >> 8);
    frame[37] = static_cast<uint8_t>(dport);
    frame[46] = 0x50;
    return frame;
}
/// Of TCP in IPv6: the first 32 bits of the source, and its last byte.
inline std::vector<uint8_t> tcp6_frame(uint32_t network, uint8_t last, uint16_t dport = 80) {
    std::vector<uint8_t> frame(74);
    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[14] = 0x60;
    frame[19] = 20;
    frame[20] = 6;
    frame[21] = 64;
    put_word(frame, 22, network);
    frame[37] = last;
    frame[56] = static_cast<uint8_t>(dport >> 8);
    frame[57] = static_cast<uint8_t>(dport);
    frame[66] = 0x50;
    return frame;
}

} // namespace xdpc::test
