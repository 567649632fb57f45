// Writes frames for the judge (nft/judge.py) as pcapng: random ones and such aimed at what they have in
// common.
#include "compiler/packet/pcapng.h"
#include "tests/harness/random_text.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>

int main(int argc, char** argv) {
    using namespace xdpc;
    if (argc != 4) {
        fmt::print(stderr, "usage: {} COUNT SEED FILE\n", argv[0]);
        return 2;
    }
    const auto count = static_cast<size_t>(std::strtoull(argv[1], nullptr, 10));
    test::Rng rng(std::strtoull(argv[2], nullptr, 10));
    constexpr size_t least = 14; // packet sockets take none without an Ethernet header
    test::Frames frames = test::random_frames(rng, count - count / 3, least);
    const test::Frames aimed = test::aimed_frames(rng, frames, count / 3, least);
    frames.insert(frames.end(), aimed.begin(), aimed.end());
    std::ofstream to(argv[3], std::ios::binary);
    to << packet::pcapng_begin("xdpc-frames", "random", 65535);
    for (const auto& frame : frames) {
        packet::CapturedFrame captured;
        captured.bytes = frame;
        captured.length = static_cast<uint32_t>(frame.size());
        to << packet::pcapng_frame(captured);
    }
    to << packet::pcapng_end(0, frames.size(), 0);
    return 0;
}
