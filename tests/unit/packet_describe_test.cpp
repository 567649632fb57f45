// What a person sees of a frame.
#include "compiler/packet/parse_packet.h"
#include "tests/harness/recipe_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

namespace xdpc::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Describe, TcpSyn) {
    EXPECT_THAT(packet::describe(frame_of({layer("tcp", {{"dport", 22}, {"option maxseg size", 1400}})})),
                ElementsAre("ether daddr 02:00:00:00:00:02 saddr 02:00:00:00:00:01",
                            "ip ttl 64 saddr 192.0.2.1 daddr 192.0.2.2",
                            "tcp sport 40000 dport ssh flags syn window 64240 option maxseg size 1400",
                            "(2 bytes of padding)", "(60 bytes in all)"));
}

TEST(Describe, SaysWhatIsOdd) {
    auto frame = frame_of({layer("ip"), layer("udp"), payload("hello")});
    frame.resize(38);
    EXPECT_THAT(packet::describe(frame), Contains(HasSubstr("contradicts the packet's length")));
    EXPECT_THAT(packet::describe(frame), Contains(HasSubstr("malformed")));
    EXPECT_THAT(packet::describe(frame_of({layer("ip", {{"frag-off", 5}}), layer("udp")})),
                Contains(HasSubstr("later fragment")));
    EXPECT_THAT(packet::describe(frame_of({layer("vlan"), layer("vlan"), layer("vlan"), layer("ip")})),
                Contains(HasSubstr("third tag")));
    EXPECT_THAT(packet::describe(frame_of({layer("hbh", {{"hdrlength", 200}}), layer("tcp")})),
                Contains(HasSubstr("leaves the packet")));
    EXPECT_THAT(packet::describe({}), Contains("(0 bytes in all, malformed)"));
}

TEST(Describe, TellsTagsExtensionHeadersAndPayload) {
    const auto lines = packet::describe(frame_of(
        {layer("vlan", {{"id", 5}}), layer("hbh"), layer("udp", {{"dport", 53}}), payload("hello")}));
    EXPECT_THAT(lines, ElementsAre("ether daddr 02:00:00:00:00:02 saddr 02:00:00:00:00:01", "vlan id 5",
                                   HasSubstr("ip6 hoplimit 64 saddr 2001:db8::1"), "hbh",
                                   HasSubstr("udp sport"), "payload 5 bytes", "(79 bytes in all)"));
}

// AddressSanitizer watches: neither may read behind the frame.
TEST(Describe, NeverReadsBeyondAnyFrame) {
    std::mt19937_64 rng(1);
    for (size_t size = 0; size <= 2048; size += size < 200 ? 1 : 37) {
        for (int round = 0; round < 20; ++round) {
            std::vector<uint8_t> frame(size);
            for (uint8_t& byte : frame) {
                byte = static_cast<uint8_t>(rng());
            }
            static constexpr uint16_t types[] = {0x8100, 0x88a8, 0x0800, 0x86dd, 0x0806};
            size_t at = 12;
            for (; at + 2 <= size && at < 24; at += 4) {
                const uint16_t type = types[rng() % 5];
                frame[at] = static_cast<uint8_t>(type >> 8);
                frame[at + 1] = static_cast<uint8_t>(type);
                if (type == 0x0800 || type == 0x86dd) {
                    break;
                }
            }
            if (at + 8 < size && at < 24) {
                const bool is_ip = frame[at] == 8;
                frame[at + 2] = is_ip ? 0x45 + rng() % 3 : 0x60;
                frame[at + (is_ip ? 4 : 6)] = 0;
                if (at + 12 < size) {
                    static constexpr uint8_t protocols[] = {0, 6, 17, 43, 44, 51, 58, 60, 135};
                    frame[at + (is_ip ? 11 : 8)] = protocols[rng() % 9];
                }
            }
            EXPECT_FALSE(packet::describe(frame).empty());
        }
    }
}

} // namespace
} // namespace xdpc::test
