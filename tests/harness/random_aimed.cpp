#include "tests/harness/random_text.h"

#include <algorithm>

namespace xdpc::test {

Frames aimed_frames(Rng& rng, const Frames& samples, size_t count, size_t least) {
    Frames frames;
    while (frames.size() < count) {
        std::vector<uint8_t> frame = pick(rng, samples);
        const std::vector<uint8_t>& other = pick(rng, samples);
        for (uint64_t i = below(rng, 4); i-- > 0 && !frame.empty();) {
            const size_t at = below(rng, std::min<size_t>(frame.size(), 100));
            switch (below(rng, 4)) {
            case 0:
                frame[at] = static_cast<uint8_t>(rng());
                break;
            case 1:
                frame[at] = static_cast<uint8_t>(frame[at] + (chance(rng, 50) ? 1 : -1));
                break;
            case 2:
                frame[at] = at < other.size() ? other[at] : 0;
                break;
            default:
                frame[at] ^= static_cast<uint8_t>(1U << below(rng, 8));
                break;
            }
        }
        if (chance(rng, 15)) {
            frame.resize(below(rng, frame.size() + 1));
        }
        frame.resize(std::max(frame.size(), least));
        frames.push_back(std::move(frame));
    }
    return frames;
}

} // namespace xdpc::test
