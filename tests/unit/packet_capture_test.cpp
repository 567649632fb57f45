// What `xdpc capture` and `monitor` make of packets: pcapng as libpcap reads it, filters, the packet in a
// line.
#include "compiler/packet/build.h"
#include "compiler/packet/filter.h"
#include "compiler/packet/pcapng.h"

#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace xdpc::packet {
namespace {

/// UDP over IPv4 to a port, of `size` bytes.
Frame udp(uint16_t port, size_t size = 60) {
    Frame frame(size);
    const uint8_t head[] = {2, 0,  0,  0, 0, 2,   2, 0, 0, 0,   0, 1, 8, 0,    0x45, 0, 0, 0, 0, 0, 0,
                            0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x9c, 0x40, 0, 0, 0, 0, 0, 0};
    std::copy(std::begin(head), std::end(head), frame.begin());
    frame[16] = static_cast<uint8_t>((size - 14) >> 8);
    frame[17] = static_cast<uint8_t>(size - 14);
    frame[36] = static_cast<uint8_t>(port >> 8);
    frame[37] = static_cast<uint8_t>(port);
    frame[38] = static_cast<uint8_t>((size - 34) >> 8);
    frame[39] = static_cast<uint8_t>(size - 34);
    return frame;
}

uint32_t word(const std::string& bytes, size_t at) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

TEST(Pcapng, IsReadBack) {
    std::string file = pcapng_begin("xdpc", "eth0", 65535);
    std::vector<Frame> frames;
    for (const size_t size : {60, 61, 62, 63, 1514}) { // all paddings
        frames.push_back(udp(53, size));
        file += pcapng_frame({1'700'000'000'123'456'789, frames.back(), static_cast<uint32_t>(size), 1, 3,
                              "rule x verdict drop"});
    }
    file += pcapng_end(1'700'000'001'000'000'000, 5, 2);
    const std::string path = "/tmp/xdpc-pcapng-" + std::to_string(getpid());
    std::ofstream(path, std::ios::binary) << file;
    const auto read = read_pcap(path);
    unlink(path.c_str());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, frames);
}

TEST(Pcapng, BlocksHaveTheirLengthsAtBothEndsAndWholeWords) {
    std::string file = pcapng_begin("xdpc 1", "a-long-name", 77);
    const Frame frame = udp(53, 61);
    file += pcapng_frame({5, frame, 100, 2, 0, std::string(70'000, 'x')}); // longer than an option may be
    file += pcapng_end(6, 1, 0);
    std::vector<uint32_t> types;
    for (size_t at = 0; at < file.size();) {
        types.push_back(word(file, at));
        const uint32_t size = word(file, at + 4);
        ASSERT_EQ(size % 4, 0U);
        ASSERT_LE(at + size, file.size());
        EXPECT_EQ(word(file, at + size - 4), size);
        EXPECT_EQ(word(file, at + size - 8), 0U); // the end of its options
        at += size;
    }
    EXPECT_EQ(types, (std::vector<uint32_t>{0x0A0D0D0A, 1, 6, 5}));
}

TEST(Filter, MatchesAsTcpdumpDoes) {
    const auto dns = Filter::compile("udp port 53 and less 100");
    ASSERT_TRUE(dns);
    EXPECT_TRUE(dns->matches(udp(53), 60));
    EXPECT_FALSE(dns->matches(udp(54), 60));
    EXPECT_FALSE(dns->matches(udp(53), 200)); // the frame's length, not the captured one
    const auto all = Filter::compile("");
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->matches(udp(1), 60));
    const auto wrong = Filter::compile("udp prot 53");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message.find("udp prot 53"), std::string::npos);
}

TEST(DescribeLine, LeavesAddressesOfTheLinkOut) {
    EXPECT_EQ(describe_line(udp(53), 60), "ip ttl 64 saddr 192.0.2.1 daddr 192.0.2.2 / udp sport 40000 dport "
                                          "domain / payload 18 bytes, 60 bytes");
    Frame arp(60);
    arp[12] = 8;
    arp[13] = 6;
    EXPECT_TRUE(describe_line(arp, 60).starts_with("arp ")) << describe_line(arp, 60);
    Frame other(60, 7);
    EXPECT_TRUE(describe_line(other, 60).starts_with("ether daddr 07:07:07:07:07:07"))
        << describe_line(other, 60);
}

TEST(DescribeLine, TheFirstBytesAreNotTakenForAll) {
    const Frame whole = udp(53, 1000);
    const Frame first(whole.begin(), whole.begin() + 64);
    EXPECT_EQ(describe_line(first, 1000), describe_line(whole, 1000));
    EXPECT_EQ(describe_line(first, 1000).find("cut"), std::string::npos);
    EXPECT_NE(describe_line(first, 64).find("malformed"), std::string::npos);
    EXPECT_EQ(describe_line({}, 0), describe_line(Frame{}, 0)); // does not crash
}

} // namespace
} // namespace xdpc::packet
