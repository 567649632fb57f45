// A router by the kernel's routes: what XDP sends on, and what it leaves to the stack, with real hosts on
// both sides.
#include "tests/lab/sockets.h"
#include "tests/lab/two_networks.h"

#include <nlohmann/json.hpp>
#include <sstream>

namespace xdpc::lab {
namespace {

using harness::shell;

struct Router : TwoNetworks {
    Router() {
        router.run([] { shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"); });
        let_frames_in();
    }
    void route(const std::string& statement = "route") {
        const Ran ran = apply(
            "chain ingress { policy pass\n nowhere: ip daddr 10.9.0.0/16 route\n forward: " + statement +
                "\n }\n",
            {"left", "right"});
        ASSERT_EQ(ran.status, 0) << ran.err;
        const std::string said = ran.out + ran.err;
        EXPECT_EQ(said.find("forward:"), std::string::npos) << said;
        EXPECT_EQ(said.find("through the stack"), std::string::npos) << said;
    }
    /// Datagrams that the router's stack has sent on.
    [[nodiscard]] uint64_t by_stack() const {
        uint64_t sum = 0;
        router.run([&] {
            std::ifstream ip4("/proc/thread-self/net/snmp"), ip6("/proc/thread-self/net/snmp6");
            std::string names, values;
            while (std::getline(ip4, names) && std::getline(ip4, values) && !names.starts_with("Ip:")) {
            }
            std::istringstream name(names), value(values);
            for (std::string a, b; name >> a && value >> b;)
                sum += a == "ForwDatagrams" ? std::stoull(b) : 0;
            uint64_t count = 0;
            for (std::string key; ip6 >> key >> count;)
                sum += key == "Ip6OutForwDatagrams" ? count : 0;
        });
        return sum;
    }
    /// Packets that a rule has decided on both ports.
    [[nodiscard]] uint64_t decided(const std::string& name) const {
        uint64_t packets = 0;
        for (const char* port : {"left", "right"}) {
            const Ran stats = xdpc(router, {"stats", "-i", port, "--json"});
            const auto json = nlohmann::json::parse(stats.out);
            for (const auto& rule : json["interfaces"][0]["rules"])
                packets += rule["rule"] == name ? rule["packets"].get<uint64_t>() : 0;
        }
        return packets;
    }
    /// The router asks for its hosts, and they for it.
    void acquaint() const {
        for (const char* host : {"10.1.0.2", "10.2.0.2", "fd01::2", "fd02::2"})
            router.run([&] { EXPECT_EQ(run({"ping", "-c", "1", "-W", "2", host}).status, 0) << host; });
    }
};

Ran ping(const harness::Netns& from, const std::string& to, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {"ping", "-c", "3", "-i", "0.02", "-W", "2"};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(to);
    Ran ran;
    from.run([&] { ran = run(command); });
    return ran;
}

TEST(LabRoute, BothFamiliesBothWaysWithoutTheStack) {
    Router networks;
    networks.route();
    networks.acquaint();
    const uint64_t before = networks.by_stack();
    for (const auto& [from, to] :
         {std::pair{&networks.left, "10.2.0.2"}, std::pair{&networks.right, "10.1.0.2"},
          std::pair{&networks.left, "fd02::2"}, std::pair{&networks.right, "fd01::2"}}) {
        const Ran reached = ping(*from, to);
        EXPECT_EQ(reached.status, 0) << reached.out;
        EXPECT_NE(reached.out.find("ttl=63"), std::string::npos) << reached.out;
    }
    networks.right.run([&] {
        const Socket server = tcp_server(80);
        networks.left.run([&] {
            EXPECT_TRUE(tcp_connects("10.2.0.2", 80, 2000));
            EXPECT_TRUE(tcp_connects("fd02::2", 80, 2000));
        });
    });
    EXPECT_EQ(networks.by_stack(), before);
    EXPECT_GE(networks.decided("forward"), 4U * 6);
}

TEST(LabRoute, TheStackAsksForNeighboursThatAreNotKnown) {
    Router networks;
    networks.route();
    for (const char* to : {"10.2.0.2", "fd02::2"}) {
        const Ran reached = ping(networks.left, to, {"-c", "5", "-i", "0.2"});
        EXPECT_EQ(reached.status, 0) << reached.out;
        EXPECT_NE(reached.out.find("5 received"), std::string::npos) << reached.out;
    }
    const uint64_t by_stack = networks.by_stack();
    EXPECT_GT(by_stack, 0U); // the first ones
    EXPECT_LT(by_stack, 2U * 5);
}

TEST(LabRoute, TheStackAnswersWhereHopsRunOut) {
    Router networks;
    networks.route();
    networks.acquaint();
    for (const auto& [to, by] :
         {std::pair{"10.2.0.2", "From 10.1.0.1"}, std::pair{"fd02::2", "From fd01::1"}}) {
        const Ran first = ping(networks.left, to, {"-t", "1"});
        EXPECT_NE(first.status, 0) << first.out;
        EXPECT_NE(first.out.find(by), std::string::npos) << first.out;
        EXPECT_NE(first.out.find("Time"), std::string::npos) << first.out;
        const Ran second = ping(networks.left, to, {"-t", "2"});
        EXPECT_EQ(second.status, 0) << second.out;
    }
}

TEST(LabRoute, TheStackAnswersWhatIsTooLarge) {
    Router networks;
    shell("ip -n " + networks.router.name() + " link set right mtu 1400");
    networks.route();
    networks.acquaint();
    const Ran fits = ping(networks.left, "10.2.0.2", {"-M", "do", "-s", "1372"});
    EXPECT_EQ(fits.status, 0) << fits.out;
    const Ran beyond = ping(networks.left, "10.2.0.2", {"-M", "do", "-s", "1373"});
    EXPECT_NE(beyond.status, 0) << beyond.out;
    EXPECT_NE((beyond.out + beyond.err).find("mtu = 1400"), std::string::npos) << beyond.out << beyond.err;
    const Ran beyond6 = ping(networks.left, "fd02::2", {"-M", "do", "-s", "1353"});
    EXPECT_NE(beyond6.status, 0) << beyond6.out;
    EXPECT_NE((beyond6.out + beyond6.err).find("mtu=1400"), std::string::npos) << beyond6.out << beyond6.err;
    EXPECT_EQ(ping(networks.left, "fd02::2", {"-M", "do", "-s", "1352"}).status, 0);
}

TEST(LabRoute, RoutesThatLeadNowhereDropAndCount) {
    Router networks;
    networks.route();
    networks.acquaint();
    const std::string route = "ip -n " + networks.router.name() + " route add ";
    shell(route + "blackhole 10.9.0.0/24 && " + route + "unreachable 10.9.1.0/24 && " + route +
          "prohibit 10.9.2.0/24");
    for (const char* to : {"10.9.0.1", "10.9.1.1", "10.9.2.1"}) {
        const Ran lost = ping(networks.left, to, {"-W", "0.2"});
        EXPECT_NE(lost.status, 0) << lost.out;
        EXPECT_EQ(lost.out.find("From"), std::string::npos) << lost.out; // nobody answers
    }
    EXPECT_EQ(networks.decided("nowhere"), 9U);
}

TEST(LabRoute, OneTableByItsNumber) {
    Router networks;
    const Ran features = run({xdpc_path(), "features"});
    if (features.out.find("routes by table       yes") == std::string::npos) { // before Linux 6.5
        const Ran ran = networks.apply("chain ingress { policy pass\n route table 77\n }\n", {"left"});
        EXPECT_EQ(ran.status, 3);
        EXPECT_NE(ran.err.find("policy.xdp:2: route table 77"), std::string::npos) << ran.err;
        EXPECT_NE(ran.err.find("BPF_FIB_LOOKUP_TBID"), std::string::npos) << ran.err;
        return;
    }
    networks.route("route table 77");
    networks.acquaint();
    const uint64_t before = networks.by_stack();
    EXPECT_EQ(ping(networks.left, "10.2.0.2").status, 0); // no route there: by the stack
    EXPECT_GE(networks.by_stack(), before + 6);
    const std::string route = "ip -n " + networks.router.name() + " route add table 77 ";
    shell(route + "10.2.0.0/24 dev right && " + route + "10.1.0.0/24 dev left");
    const uint64_t then = networks.by_stack();
    EXPECT_EQ(ping(networks.left, "10.2.0.2").status, 0);
    EXPECT_EQ(networks.by_stack(), then);
}

TEST(LabRoute, WhatGoesThroughTheStackIsSaid) {
    TwoNetworks networks;
    const Ran ran = networks.apply("chain ingress { policy pass\n route\n }\n", {"left"});
    ASSERT_EQ(ran.status, 0) << ran.err;
    const std::string said = ran.out + ran.err;
    EXPECT_NE(said.find("`left` does not forward"), std::string::npos) << said;
    EXPECT_NE(said.find("right go through the stack"), std::string::npos) << said;
    networks.router.run([] { shell("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"); });
    EXPECT_EQ(ping(networks.left, "10.2.0.2").status, 0);
    EXPECT_EQ(ping(networks.left, "fd02::2").status, 0);
}

} // namespace
} // namespace xdpc::lab
