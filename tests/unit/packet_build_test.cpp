// Frames from recipes, byte for byte. The long constants are what scapy 2.5 makes of the same packets.
#include "compiler/packet/parse_packet.h"
#include "tests/harness/recipe_text.h"

#include <gtest/gtest.h>

namespace xdpc::test {
namespace {

const std::string ether = "020000000002020000000001";
const std::string ip6_addresses = "20010db800000000000000000000000120010db8000000000000000000000002";

struct ScapyCase {
    const char* name;
    std::vector<packet::LayerSpec> layers;
    std::string expected;
};

const std::vector<ScapyCase>& scapy_cases() {
    static const std::vector<ScapyCase> cases = {
        {"tcp",
         {layer("tcp", {{"dport", 22}})},
         ether +
             "080045000028000000004006f6ccc0000201c00002029c40001600000000000000005002faf09497000000000000"
             "0000"},
        {"tcp options",
         {layer("tcp", {{"option maxseg size", 1400},
                        {"option sack-perm length", 2},
                        {"option timestamp tsval", 1},
                        {"option timestamp tsecr", 2},
                        {"option window count", 9}}),
          payload("hello")},
         ether +
             "080045000041000000004006f6b3c0000201c00002029c4000500000000000000000a002faf0e0e3000002040578"
             "0402080a00000001000000020303090068656c6c6f"},
        {"udp",
         {layer("udp", {{"dport", 53}}), payload("abc")},
         ether +
             "08004500001f000000004011f6cac0000201c00002029c400035000b1afc616263000000000000000000000000000"
             "000"},
        {"udp behind ip6",
         {layer("ip6"), layer("udp", {{"dport", 53}}), payload("abcd")},
         ether + "86dd60000000000c1140" + ip6_addresses + "9c400035000c432561626364"},
        {"icmp",
         {layer("icmp", {{"id", 7}, {"sequence", 9}}), payload("ping")},
         ether +
             "080045000020000000004001f6d9c0000201c00002020800191f0007000970696e67000000000000000000000000"
             "0000"},
        {"icmpv6",
         {layer("icmpv6", {{"id", 7}, {"sequence", 9}}), payload("ping")},
         ether + "86dd60000000000c3a40" + ip6_addresses + "800045630007000970696e67"},
        {"arp",
         {layer("arp")},
         ether +
             "08060001080006040001020000000001c0000201000000000000c000020200000000000000000000000000000000"
             "0000"},
        {"vlan",
         {layer("vlan", {{"id", 5}, {"pcp", 3}}), layer("tcp", {{"dport", 22}})},
         ether + "8100600508004500002800000000"
                 "4006f6ccc0000201c00002029c40001600000000000000005002faf0949700000000"},
        {"two tags",
         {layer("ether", {{"type", 0x88a8}}), layer("vlan", {{"id", 5}}), layer("vlan", {{"id", 6}}),
          layer("ip6"), layer("tcp", {{"dport", 22}})},
         ether + "88a800058100000686dd6000000000140640" + ip6_addresses +
             "9c40001600000000000000005002faf0bd260000"},
        {"sctp",
         {layer("sctp")},
         ether +
             "080045000020000000004084f656c0000201c00002029c400050000000006003c567000000000000000000000000"
             "0000"},
        {"hop-by-hop",
         {layer("hbh"), layer("tcp", {{"dport", 22}})},
         ether + "86dd60000000001c0040" + ip6_addresses +
             "06000104000000009c40001600000000000000005002faf0bd260000"},
        {"fragment header",
         {layer("frag", {{"more-fragments", 1}, {"id", 0x1234}}), layer("udp", {{"dport", 53}}),
          payload("abcd")},
         ether + "86dd6000000000142c40" + ip6_addresses + "1100000100001234" + "9c400035000c432561626364"},
        {"ip in ip",
         {layer("ip"), layer("ip"), layer("udp", {{"dport", 53}})},
         ether +
             "080045000030000000004004f6c6c0000201c00002024500001c000000004011f6cdc0000201c00002029c400035"
             "0008df64"},
        {"router alert",
         {layer("ip", {}, {"ra"}), layer("udp", {{"dport", 53}})},
         ether +
             "08004600002000000000401161c5c0000201c0000202940400009c4000350008df64000000000000000000000000"
             "0000"},
        {"record route",
         {layer("ip", {{"option rr addr", 0x0a000001}}), layer("udp", {{"dport", 53}})},
         ether +
             "080047000024000000004011e8b4c0000201c00002020707040a000001009c4000350008df640000000000000000"
             "0000"},
        {"igmp",
         {layer("ip", {{"ttl", 1}}), layer("igmp", {{"group", 0xe0010203}})},
         ether +
             "08004500001c00000000010235ddc0000201c0000202160007fbe001020300000000000000000000000000000000"
             "0000"},
        {"neighbour solicitation",
         {layer("ip6", {{"hoplimit", 255}}),
          layer("icmpv6", {{"type", 135}, {"taddr", (u128{0x20010db800000000} << 64) + 9}})},
         ether + "86dd6000000000183aff" + ip6_addresses + "8700ef750000000020010db8000000000000000000000009"},
    };
    return cases;
}

TEST(Build, EqualsScapy) {
    for (const ScapyCase& c : scapy_cases()) {
        EXPECT_EQ(hex_text(frame_of(c.layers)), c.expected) << c.name;
    }
}

TEST(Build, GivenFieldsWin) {
    const auto frame = frame_of(
        {layer("ip",
               {{"version", 5}, {"hdrlength", 7}, {"length", 9}, {"protocol", 99}, {"checksum", 0x1234}}),
         layer("tcp", {{"doff", 3}, {"checksum", 0xbeef}})});
    EXPECT_EQ(frame[14], 0x57);
    EXPECT_EQ(hex_text(std::span(frame).subspan(16, 2)), "0009");
    EXPECT_EQ(frame[23], 99);
    EXPECT_EQ(hex_text(std::span(frame).subspan(24, 2)), "1234");
    EXPECT_EQ(frame[46] >> 4, 3);
    EXPECT_EQ(hex_text(std::span(frame).subspan(50, 2)), "beef");
}

TEST(Build, UdpLengthAndCsumGiven) {
    const auto frame = frame_of({layer("udp", {{"length", 4}, {"checksum", 0}}), payload("x")});
    EXPECT_EQ(hex_text(std::span(frame).subspan(34, 8)), "9c40005000040000");
}

TEST(Build, PadsThenTruncates) {
    packet::Recipe recipe{{layer("arp")}, {}, false};
    EXPECT_EQ(packet::build(recipe).size(), 60U);
    recipe.truncate = 20;
    EXPECT_EQ(packet::build(recipe).size(), 20U);
    recipe.truncate = 2000; // never lengthens
    EXPECT_EQ(packet::build(recipe).size(), 60U);
    recipe.truncate = 0;
    EXPECT_TRUE(packet::build(recipe).empty());
}

TEST(Build, RawIsExact) {
    const packet::Recipe recipe{{packet::PayloadLayer{{1, 2, 3}}}, {}, true};
    EXPECT_EQ(packet::build(recipe), (packet::Frame{1, 2, 3}));
}

TEST(Build, RawBeforeTagsDoesNotCrash) {
    const packet::Recipe recipe{{packet::PayloadLayer{{}}, layer("vlan", {{"id", 9}})}, {}, true};
    EXPECT_EQ(hex_text(packet::build(recipe)), "0000000988b5");
}

TEST(Build, PayloadAloneGetsAnEthernetHeader) {
    EXPECT_EQ(hex_text(frame_of({payload("ab")})).substr(0, 32), ether + "88b5" + "6162");
    EXPECT_EQ(frame_of({}).size(), 60U);
}

TEST(Build, ThIsWrittenAsTcp) {
    EXPECT_EQ(frame_of({layer("th", {{"dport", 7}})}), frame_of({layer("tcp", {{"dport", 7}})}));
}

TEST(Build, WhatStandsOnlyOnIp6GetsIt) {
    EXPECT_EQ(frame_of({layer("icmpv6")}), frame_of({layer("ip6"), layer("icmpv6")}));
    EXPECT_EQ(frame_of({layer("ah"), layer("icmpv6")}),
              frame_of({layer("ip6"), layer("ah"), layer("icmpv6")}));
    EXPECT_EQ(frame_of({layer("vlan"), layer("mh")}), frame_of({layer("vlan"), layer("ip6"), layer("mh")}));
    EXPECT_EQ(frame_of({layer("vlan.inner"), layer("ah"), layer("tcp")}),
              frame_of({layer("vlan"), layer("vlan.inner"), layer("ip"), layer("ah"), layer("tcp")}));
}

/// A checksum is right if the sum over everything it covers is 0.
uint16_t verify(const packet::Frame& frame, uint8_t protocol) {
    const auto parsed = packet::parse_packet(frame);
    const bool is_ip = parsed.at(HeaderId::Ip).has_value();
    const size_t ip = *parsed.network;
    const auto addresses = std::span(frame).subspan(ip + (is_ip ? 12 : 8), is_ip ? 8 : 32);
    const size_t length = parsed.ip_end - *parsed.transport;
    packet::Frame covered(addresses.begin(), addresses.end());
    for (const size_t byte : {size_t{0}, size_t{protocol}, length >> 8, length & 255}) {
        covered.push_back(static_cast<uint8_t>(byte));
    }
    covered.insert(covered.end(), frame.begin() + static_cast<ptrdiff_t>(*parsed.transport),
                   frame.begin() + static_cast<ptrdiff_t>(parsed.ip_end));
    return packet::internet_checksum(covered);
}

TEST(Build, ChecksumsVerifyBehindBothFamilies) {
    const std::vector<std::pair<std::string_view, uint8_t>> transports = {
        {"tcp", 6}, {"udp", 17}, {"udplite", 136}, {"dccp", 33}};
    for (const char* family : {"ip", "ip6"}) {
        for (const auto& [keyword, protocol] : transports) {
            for (const char* text : {"", "x", "ab", "odd"}) {
                const auto frame = frame_of({layer(family), layer(keyword), payload(text)});
                EXPECT_EQ(verify(frame, protocol), 0) << family << " / " << keyword << " / " << text;
            }
        }
    }
    EXPECT_EQ(verify(frame_of({layer("icmpv6"), payload("abc")}), 58), 0);
}

TEST(Build, DefaultsAreSound) {
    for (const HeaderInfo& header : all_headers()) {
        if (header.layer == Layer::Option || header.layer == Layer::Link) {
            continue;
        }
        const auto frame = frame_of({layer(header.keyword)});
        const auto parsed = packet::parse_packet(frame);
        EXPECT_FALSE(parsed.malformed) << header.keyword << " " << hex_text(frame);
        EXPECT_TRUE(parsed.at(*find_header(header.keyword))) << header.keyword;
    }
}

} // namespace
} // namespace xdpc::test
