// Packets that XDP sends on between two networks, without the stack of the machine in between.
#include "tests/lab/sockets.h"
#include "tests/lab/two_networks.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace xdpc::lab {
namespace {

using harness::shell;

TEST(LabForward, TwoPortsWithoutTheStack) {
    TwoNetworks networks;
    networks.let_frames_in();
    const Ran applied = networks.apply(example("two-ports.xdp"), {"left", "right"});
    ASSERT_EQ(applied.status, 0) << applied.err;
    networks.left.run([&] {
        const Ran ping = run({"ping", "-c", "5", "-i", "0.02", "-W", "2", "10.2.0.2"});
        EXPECT_EQ(ping.status, 0) << ping.out;
        EXPECT_NE(ping.out.find("ttl=63"), std::string::npos) << ping.out;
        // The router itself answers where hops run out.
        const Ran last = run({"ping", "-c", "1", "-t", "1", "-W", "2", "10.2.0.2"});
        EXPECT_NE(last.status, 0) << last.out;
    });
    networks.right.run([&] {
        const Socket server = tcp_server(80);
        networks.left.run([&] { EXPECT_TRUE(tcp_connects("10.2.0.2", 80, 2000)); });
    });
}

TEST(LabForward, WhatCannotTakeFramesIsRefusedBeforeAnythingChanges) {
    TwoNetworks networks;
    const Ran refused = networks.apply(example("two-ports.xdp"), {"left", "right"});
    EXPECT_EQ(refused.status, 3) << refused.err;
    EXPECT_NE(refused.err.find("takes no frames of XDP programs"), std::string::npos) << refused.err;
    const Ran missing =
        networks.apply("chain ingress { policy pass\n udp dport 9 redirect to rihgt\n }\n", {"left"});
    EXPECT_EQ(missing.status, 3);
    EXPECT_NE(missing.err.find("there is no interface `rihgt`, to which the policy redirects"),
              std::string::npos)
        << missing.err;
    const Ran shown = TwoNetworks::xdpc(networks.router, {"show"});
    EXPECT_EQ(shown.out.find("gen"), std::string::npos) << shown.out;
    networks.let_frames_in();
    EXPECT_EQ(networks.apply(example("two-ports.xdp"), {"left", "right"}).status, 0);
}

TEST(LabForward, AnswersThatAVethWouldDropAreSaid) {
    TwoNetworks networks;
    const std::string said = "`left` will drop what the policy sends back";
    for (const char* rules : {"policy pass\n tcp dport 9 reject with tcp reset\n", "policy tx\n",
                              "policy pass\n udp dport vmap { 9 : tx }\n"}) {
        const Ran ran = networks.apply(std::string("chain ingress { ") + rules + " }\n", {"left"});
        ASSERT_EQ(ran.status, 0) << ran.err;
        EXPECT_NE((ran.out + ran.err).find(said), std::string::npos) << rules << ran.out << ran.err;
    }
    networks.let_frames_in();
    const Ran fine = networks.apply("chain ingress { policy tx\n }\n", {"left"});
    EXPECT_EQ((fine.out + fine.err).find(said), std::string::npos) << fine.out << fine.err;
}

TEST(LabForward, AnInterfaceThatGoesAwayIsCounted) {
    TwoNetworks networks;
    networks.let_frames_in();
    ASSERT_EQ(
        networks.apply("chain ingress { policy pass\n on: udp dport 9 redirect to right\n }\n", {"left"})
            .status,
        0);
    shell("ip -n " + networks.router.name() + " link del right");
    networks.left.run([&] { udp_send("10.2.0.2", 9); });
    const Ran stats = TwoNetworks::xdpc(networks.router, {"stats", "-i", "left", "--json"});
    const auto json = nlohmann::json::parse(stats.out);
    uint64_t packets = 0;
    for (const auto& rule : json["interfaces"][0]["rules"])
        packets += rule["rule"] == "on" ? rule["packets"].get<uint64_t>() : 0;
    EXPECT_EQ(packets, 1U) << stats.out;
}

} // namespace
} // namespace xdpc::lab
