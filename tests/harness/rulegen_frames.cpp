// Frames in and around generated rules.
#include "tests/harness/random_frame.h"
#include "tests/harness/rulegen.h"

#include <algorithm>

namespace xdpc::test {

namespace {

using Frame = std::vector<uint8_t>;

/// Just outside of one side of a rule that the header lies in.
void step_out(Rng& rng, const FiveFieldRule& rule, FiveFieldHeader& header) {
    const auto beside = [&](const Interval& side, u128 top) {
        return chance(rng, 50) ? (side.lo == 0 ? 0 : side.lo - 1) : std::min(top, side.hi + 1);
    };
    switch (below(rng, 5)) {
    case 0:
        header.saddr = beside(rule.saddr, rule.saddr.hi + 1);
        break;
    case 1:
        header.daddr = beside(rule.daddr, rule.daddr.hi + 1);
        break;
    case 2:
        header.sport = static_cast<uint16_t>(beside(rule.sport, 65535));
        break;
    case 3:
        header.dport = static_cast<uint16_t>(beside(rule.dport, 65535));
        break;
    default:
        header.protocol = pick<uint8_t>(rng, {6, 17, 1, 58, 132, 50});
    }
}

void tag(Rng& rng, Frame& frame) {
    const uint8_t upper = chance(rng, 70) ? 0x81 : 0x88;
    const Frame bytes{upper, static_cast<uint8_t>(upper == 0x81 ? 0 : 0xa8), 0,
                      static_cast<uint8_t>(below(rng, 16))};
    frame.insert(frame.begin() + 12, bytes.begin(), bytes.end());
}

void fragment(Rng& rng, Frame& frame, bool ip6) {
    const bool later = chance(rng, 60);
    if (!ip6) {
        frame[20] = chance(rng, 50) ? 0x20 : 0;
        frame[21] = later ? static_cast<uint8_t>(1 + below(rng, 100)) : 0;
        return;
    }
    const Frame header{frame[20], 0, 0, static_cast<uint8_t>(later ? 8 * (1 + below(rng, 20)) : 1),
                       0,         0, 0, 7};
    frame[20] = 44;
    frame[19] = static_cast<uint8_t>(frame[19] + header.size()); // of lengths that fit a byte
    frame.insert(frame.begin() + 54, header.begin(), header.end());
}

} // namespace

std::vector<Frame> make_odd_frames(const std::vector<FiveFieldRule>& rules, size_t count, bool ip6,
                                   uint64_t seed) {
    Rng rng(seed * 0x9E3779B97F4A7C15ULL + 3);
    std::vector<Frame> frames;
    while (frames.size() < count) {
        const FiveFieldRule& rule = pick(rng, rules);
        FiveFieldHeader header =
            make_headers({rule}, {.headers = 1, .hit_percent = 85, .ip6 = ip6, .seed = rng()}).front();
        if (chance(rng, 25)) {
            step_out(rng, rule, header);
        }
        Frame frame = frame_of(header, ip6);
        if (chance(rng, 5)) {
            fragment(rng, frame, ip6);
        }
        if (chance(rng, 5)) {
            tag(rng, frame);
        }
        if (chance(rng, 4)) {
            frame.resize(14 + below(rng, frame.size() - 14));
        }
        if (chance(rng, 3)) {
            frame = random_frame(rng, 14);
        }
        frames.push_back(std::move(frame));
    }
    return frames;
}

} // namespace xdpc::test
