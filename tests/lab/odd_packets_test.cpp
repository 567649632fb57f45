// Oddness never opens a firewall: cut, fragmented, tagged and option-laden packets, as live frames and in
// `xdpc test`.
#include "tests/lab/lab.h"

#include "compiler/packet/build.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

using packet::Frame;
using packet::HeaderLayer;
using packet::Recipe;

/// Layers between Ethernet and TCP, then a SYN to `port`.
Frame syn(std::vector<HeaderLayer> between, uint16_t port) {
    Recipe recipe;
    recipe.layers.emplace_back(HeaderLayer{
        HeaderId::Ether, {{FieldId::EtherDaddr, 0x020000000002}, {FieldId::EtherSaddr, 0x020000000001}}, {}});
    for (HeaderLayer& layer : between)
        recipe.layers.emplace_back(std::move(layer));
    recipe.layers.emplace_back(HeaderLayer{HeaderId::Tcp, {{FieldId::TcpDport, port}}, {}});
    return packet::build(recipe);
}

std::vector<std::vector<HeaderLayer>> tag_stacks() {
    HeaderLayer tag{HeaderId::Vlan, {{FieldId::VlanId, 7}}, {}};
    return {{}, {tag}, {tag, tag}};
}

/// IPv4 without and with options; IPv6 with each extension header, and with all of them.
std::vector<std::vector<HeaderLayer>> network_layers() {
    std::vector<std::vector<HeaderLayer>> result{{{HeaderId::Ip, {}, {}}}, {{HeaderId::Ip6, {}, {}}}};
    result.push_back({{HeaderId::Ip, {}, {HeaderId::IpOptRa}}});
    result.push_back({{HeaderId::Ip, {}, {HeaderId::IpOptRr}}});
    result.push_back({{HeaderId::Ip, {}, {}}, {HeaderId::Ah, {}, {}}});
    std::vector<HeaderLayer> all{{HeaderId::Ip6, {}, {}}};
    for (HeaderId extension :
         {HeaderId::Hbh, HeaderId::Dst, HeaderId::Rt, HeaderId::Frag, HeaderId::Ah, HeaderId::Mh}) {
        result.push_back({{HeaderId::Ip6, {}, {}}, {extension, {}, {}}});
        all.push_back({extension, {}, {}});
    }
    result.push_back(all);
    return result;
}

void send_all(const Lab& lab, const std::vector<Frame>& frames) {
    lab.outside().run([&] {
        harness::FrameSocket socket(Lab::peer);
        for (const Frame& frame : frames)
            ASSERT_TRUE(socket.send(frame));
    });
}

TEST(LabOddPackets, DropRuleHoldsBehindTagsOptionsAndExtensionHeaders) {
    Lab lab;
    ASSERT_EQ(lab.apply("chain ingress { policy pass; ssh: tcp dport 22 drop }\n").status, 0);
    std::vector<Frame> dropped, near_misses;
    for (const auto& tags : tag_stacks())
        for (const auto& network : network_layers()) {
            std::vector<HeaderLayer> layers = tags;
            layers.insert(layers.end(), network.begin(), network.end());
            dropped.push_back(syn(layers, 22));
            near_misses.push_back(syn(layers, 23));
        }
    ASSERT_EQ(dropped.size(), 3U * 12);
    for (const Frame& frame : dropped) {
        uint64_t before = lab.counts()["ssh"].packets;
        send_all(lab, {frame});
        EXPECT_EQ(lab.counts()["ssh"].packets, before + 1) << testing::PrintToString(packet::describe(frame));
    }
    send_all(lab, near_misses);
    EXPECT_EQ(lab.counts()["ssh"].packets, dropped.size());
    EXPECT_EQ(lab.counts()["policy"].packets, near_misses.size());
}

TEST(LabOddPackets, DropPolicyHoldsForOddVersionsOfADroppedPacket) {
    Lab lab;
    ASSERT_EQ(lab.apply("chain ingress { policy drop; web: tcp dport 80 pass }\n").status, 0);
    std::vector<Frame> frames;
    Frame plain = syn({{HeaderId::Ip, {}, {}}}, 23);
    for (size_t cut = 14; cut <= plain.size(); ++cut)
        frames.emplace_back(plain.begin(), plain.begin() + static_cast<ptrdiff_t>(cut));
    for (const auto& tags : tag_stacks())
        for (const auto& network : network_layers()) {
            std::vector<HeaderLayer> layers = tags;
            layers.insert(layers.end(), network.begin(), network.end());
            frames.push_back(syn(layers, 23));
        }
    // To an open port, but not to be trusted: later fragments, cut before the port, a third tag, a length
    // that lies.
    frames.push_back(syn({{HeaderId::Ip, {{FieldId::IpFragOff, 100}}, {}}}, 80));
    frames.push_back(syn({{HeaderId::Ip6, {}, {}}, {HeaderId::Frag, {{FieldId::FragFragOff, 100}}, {}}}, 80));
    HeaderLayer tag{HeaderId::Vlan, {{FieldId::VlanId, 7}}, {}};
    frames.push_back(syn({tag, tag, tag, {HeaderId::Ip, {}, {}}}, 80));
    frames.push_back(syn({{HeaderId::Ip, {{FieldId::IpLength, 4000}}, {}}}, 80));
    frames.push_back(syn({{HeaderId::Ip, {{FieldId::IpVersion, 6}}, {}}}, 80));
    Frame open = syn({{HeaderId::Ip, {}, {}}}, 80);
    frames.emplace_back(open.begin(), open.begin() + 37);
    send_all(lab, frames);
    Counts counts = lab.counts();
    EXPECT_EQ(counts["web"].packets, 0U);
    EXPECT_EQ(counts["policy"].packets, frames.size());
    send_all(lab, {open});
    EXPECT_EQ(lab.counts()["web"].packets, 1U);
}

TEST(LabOddPackets, BothEnginesAgreeInXdpcTest) {
    Lab lab;
    Ran ran = lab.xdpc({"test", XDPC_SOURCE_DIR "/tests/lab/odd_packets.xdp", "--engine", "both"});
    EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
}

} // namespace
} // namespace xdpc::lab
