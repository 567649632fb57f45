// A policy on a real interface: what passes, what does not, and what it counted.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

constexpr const char* server_policy = R"(chain ingress {
    policy drop
    ping:   icmp type echo-request pass
    ping6:  icmpv6 type echo-request pass
    web:    tcp dport 80 pass
    dns:    udp dport 53 pass
    closed: tcp dport 81 drop
}
)";

TEST(LabTraffic, PassesDropsAndCounts) {
    Lab lab;
    Ran applied = lab.apply(server_policy);
    ASSERT_EQ(applied.status, 0) << applied.out << applied.err;
    EXPECT_NE(lab.attached_id(), 0U);
    lab.inside().run([&] {
        Socket web = tcp_server(80), closed = tcp_server(81), dns = udp_server(53), other = udp_server(54);
        lab.outside().run([&] {
            EXPECT_EQ(run({"ping", "-c", "3", "-i", "0.01", "-W", "1", Lab::inner4}).status, 0);
            EXPECT_EQ(run({"ping", "-c", "2", "-i", "0.01", "-W", "1", Lab::inner6}).status, 0);
            for (int i = 0; i < 7; ++i) {
                udp_send(Lab::inner4, 53, 100);
                udp_send(Lab::inner6, 53, 100);
                udp_send(Lab::inner4, 54);
            }
            EXPECT_TRUE(tcp_connects(Lab::inner4, 80));
            EXPECT_TRUE(tcp_connects(Lab::inner6, 80));
            EXPECT_FALSE(tcp_connects(Lab::inner4, 81));
        });
        EXPECT_EQ(udp_drain(dns), 14U);
        EXPECT_EQ(udp_drain(other), 0U);
    });
    Counts counts = lab.counts();
    EXPECT_EQ(counts["ping"], (Count{3, 3 * 98}));
    EXPECT_EQ(counts["ping6"], (Count{2, 2 * 118}));
    EXPECT_EQ(counts["dns"], (Count{14, 7 * 142 + 7 * 162}));
    EXPECT_GE(counts["web"].packets, 4U); // SYN and ACK, twice
    EXPECT_GE(counts["closed"].packets, 1U);
    EXPECT_EQ(counts["policy"].packets, 7U);
}

TEST(LabTraffic, DetachLeavesNothingBehind) {
    Lab lab;
    ASSERT_EQ(lab.apply(server_policy).status, 0);
    EXPECT_FALSE(lab.pins().empty());
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_EQ(lab.attached_id(), 0U);
    EXPECT_TRUE(lab.pins().empty());
    lab.inside().run([&] {
        Socket other = udp_server(54);
        lab.outside().run([&] { udp_send(Lab::inner4, 54); });
        EXPECT_EQ(udp_drain(other), 1U);
    });
}

TEST(LabTraffic, FailedApplyLeavesTheOldPolicy) {
    Lab lab;
    ASSERT_EQ(lab.apply(server_policy).status, 0);
    uint32_t id = lab.attached_id();
    Ran wrong = lab.apply("chain ingress { policy drop; tcp dport 99999 pass }\n");
    EXPECT_EQ(wrong.status, 1);
    EXPECT_NE(wrong.err.find("error[XDPC"), std::string::npos) << wrong.err;
    EXPECT_EQ(lab.attached_id(), id);
}

TEST(LabTraffic, DryRunTouchesNothing) {
    Lab lab;
    Ran dry = lab.xdpc({"apply", lab.file(server_policy), "-i", Lab::iface, "--dry-run"});
    EXPECT_EQ(dry.status, 0) << dry.err;
    EXPECT_EQ(lab.attached_id(), 0U);
    EXPECT_TRUE(lab.pins().empty());
    ASSERT_EQ(lab.apply(server_policy).status, 0);
    std::vector<std::string> one = lab.pins();
    EXPECT_FALSE(one.empty());
    uint32_t id = lab.attached_id();
    EXPECT_EQ(lab.xdpc({"apply", lab.file("chain ingress { policy pass }\n"), "-i", Lab::iface, "--dry-run"})
                  .status,
              0);
    EXPECT_EQ(lab.attached_id(), id);
    EXPECT_EQ(lab.pins(), one);
}

TEST(LabTraffic, WatchPrintsAgainAndAgain) {
    Lab lab;
    ASSERT_EQ(lab.apply(server_policy).status, 0);
    // Without a number it is a second between tables.
    for (const std::vector<std::string>& every : {std::vector<std::string>{}, {"0.1"}}) {
        std::vector<std::string> command{"timeout", "3", xdpc_path(), "stats", "-i", Lab::iface, "--watch"};
        command.insert(command.end(), every.begin(), every.end());
        Ran ran;
        lab.inside().run([&] { ran = run(command); });
        EXPECT_EQ(ran.status, 124); // it went on until it was ended
        size_t tables = 0;
        for (size_t at = ran.out.find("TEXT"); at != std::string::npos; at = ran.out.find("TEXT", at + 1))
            ++tables;
        EXPECT_GE(tables, 2U) << ran.out;
    }
}

TEST(LabTraffic, BuiltObjectIsAppliedWithoutTheCompiler) {
    Lab lab;
    std::string object = lab.file("") + ".o";
    ASSERT_EQ(lab.xdpc({"build", lab.file(server_policy), "-o", object}).status, 0);
    Ran applied = lab.xdpc({"apply", object, "-i", Lab::iface});
    ASSERT_EQ(applied.status, 0) << applied.err;
    lab.inside().run([&] {
        Socket dns = udp_server(53), other = udp_server(54);
        lab.outside().run([&] {
            udp_send(Lab::inner4, 53);
            udp_send(Lab::inner4, 54);
        });
        EXPECT_EQ(udp_drain(dns), 1U);
        EXPECT_EQ(udp_drain(other), 0U);
    });
    EXPECT_EQ(lab.counts()["dns"].packets, 1U);
}

TEST(LabTraffic, TranslatedProgramShowsThePolicysLines) {
    Lab lab;
    ASSERT_EQ(lab.apply(server_policy).status, 0);
    Ran dump = run({"bpftool", "prog", "dump", "xlated", "id", std::to_string(lab.attached_id()), "linum"});
    ASSERT_EQ(dump.status, 0) << dump.err;
    for (const char* line : {"icmp type echo-request pass", "web:    tcp dport 80 pass", "udp dport 53 pass"})
        EXPECT_NE(dump.out.find(line), std::string::npos) << line;
    EXPECT_NE(dump.out.find(".xdp line_num:5"), std::string::npos) << dump.out.substr(0, 2000);
}

} // namespace
} // namespace xdpc::lab
