// Writes frames for the judge (nft/judge.py) as a pcap: random ones and such aimed at what they have in
// common.
#include "tests/harness/random_text.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>

namespace {

using namespace xdpc;

void put32(std::ofstream& to, uint32_t value) {
    to.write(reinterpret_cast<const char*>(&value), sizeof(value));
}

/// libpcap's classic format, in this machine's byte order, one frame a microsecond.
void write_pcap(const char* path, const test::Frames& frames) {
    std::ofstream to(path, std::ios::binary);
    put32(to, 0xa1b2c3d4);
    put32(to, 4U << 16U | 2U); // version 2.4
    put32(to, 0);
    put32(to, 0);
    put32(to, 65535);
    put32(to, 1); // Ethernet
    for (uint32_t i = 0; i < frames.size(); ++i) {
        const auto size = static_cast<uint32_t>(frames[i].size());
        put32(to, i / 1'000'000);
        put32(to, i % 1'000'000);
        put32(to, size);
        put32(to, size);
        to.write(reinterpret_cast<const char*>(frames[i].data()), size);
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: {} COUNT SEED FILE.pcap\n", argv[0]);
        return 2;
    }
    const auto count = static_cast<size_t>(std::strtoull(argv[1], nullptr, 10));
    test::Rng rng(std::strtoull(argv[2], nullptr, 10));
    constexpr size_t least = 14; // packet sockets take none without an Ethernet header
    test::Frames frames = test::random_frames(rng, count - count / 3, least);
    const test::Frames aimed = test::aimed_frames(rng, frames, count / 3, least);
    frames.insert(frames.end(), aimed.begin(), aimed.end());
    write_pcap(argv[3], frames);
    return 0;
}
