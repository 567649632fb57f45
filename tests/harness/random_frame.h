// Frames for differential tests: mostly sensible ones of few values, so that rules match, and odd ones.
#pragma once

#include "compiler/base/value.h"

#include <cstdint>
#include <random>
#include <vector>

namespace xdpc::test {

using Rng = std::mt19937_64;

/// 0 .. bound-1; the same on every library, unlike std::uniform_int_distribution.
inline uint64_t below(Rng& rng, uint64_t bound) {
    return rng() % bound;
}
inline bool chance(Rng& rng, unsigned percent) {
    return below(rng, 100) < percent;
}
template<class T> const T& pick(Rng& rng, const std::vector<T>& from) {
    return from[below(rng, from.size())];
}

/// The last `bytes` bytes of a value, most significant first.
inline void put(std::vector<uint8_t>& to, u128 value, size_t bytes) {
    for (size_t i = bytes; i-- > 0;) {
        to.push_back(static_cast<uint8_t>(value >> (8 * i)));
    }
}

/// Tags, ARP, IPv4 with options, IPv6 with extension headers, all transport headers, fragments; one in four
/// cut, damaged or padded. At least `least` bytes long.
std::vector<uint8_t> random_frame(Rng& rng, size_t least = 0);
std::vector<std::vector<uint8_t>> random_frames(Rng& rng, size_t count, size_t least = 0);

} // namespace xdpc::test
