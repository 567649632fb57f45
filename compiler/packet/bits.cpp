#include "compiler/packet/parse_packet.h"

#include <cassert>

namespace xdpc::packet {

std::optional<u128> read_bits(std::span<const uint8_t> bytes, size_t offset, size_t width) {
    const size_t total = bytes.size() * 8;
    if (width == 0 || width > 128 || offset > total || width > total - offset) {
        return {};
    }
    u128 value = 0;
    for (size_t bit = offset; bit < offset + width; ++bit) {
        value = value << 1 | (bytes[bit / 8] >> (7 - bit % 8) & 1);
    }
    return value;
}

void write_bits(std::span<uint8_t> bytes, size_t offset, size_t width, u128 value) {
    assert(width <= 128 && (offset + width + 7) / 8 <= bytes.size());
    for (size_t i = 0; i < width; ++i) {
        const size_t bit = offset + width - 1 - i;
        const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
        const bool set = (value >> i & 1) != 0;
        bytes[bit / 8] = static_cast<uint8_t>(set ? bytes[bit / 8] | mask : bytes[bit / 8] & ~mask);
    }
}

} // namespace xdpc::packet
