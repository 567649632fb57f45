// Frames for differential tests: mostly sensible ones of few values, so that rules match, and odd ones.
#pragma once

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

/// Tags, ARP, IPv4 with options, IPv6 with extension headers, all transport headers, fragments; one in four
/// cut, damaged or padded. At least `least` bytes long.
std::vector<uint8_t> random_frame(Rng& rng, size_t least = 0);
std::vector<std::vector<uint8_t>> random_frames(Rng& rng, size_t count, size_t least = 0);

} // namespace xdpc::test
