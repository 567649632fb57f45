// `xdpc set load` and `replace`: all of a file or nothing, for packets, for commands that are killed, and for
// the next apply.
#include "tests/lab/live_set.h"
#include "tests/lab/sockets.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace xdpc::lab {
namespace {

const char* const policy = R"(
set ports {
    type inet_service
    flags interval, timeout
    counter
    size 6000
    elements = { 1000, 1002 }
}
set rate { type ipv4_addr; flags dynamic, timeout; size 4; timeout 1h; }
map ways { type inet_service : verdict; size 8; elements = { 5000 : jump away } }
set both { type inet_addr; size 4; }
set pairs { type inet_addr . inet_addr; size 4; }
chain ingress {
    policy pass
    udp dport @ports drop
    udp dport 9 add @rate { ip saddr } drop
    udp dport vmap @ways
    saddr @both drop
    saddr . daddr @pairs drop
}
chain away { drop; }
)";

TEST(SetFiles, LoadAddsAndLeavesWhatIsThere) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_FALSE(passes(lab, 1002));
    const uint32_t program = lab.attached_id();
    ASSERT_EQ(
        take(lab, "load", "ports", "1002 timeout 5m\n3000-3999 comment \"a # b\" # why\n\n1004\n").status, 0);
    const auto now = elements(lab);
    ASSERT_EQ(now.size(), 4U);
    EXPECT_EQ(now.at("1002")["origin"], "file");
    EXPECT_EQ(now.at("1002")["packets"], 1);
    EXPECT_FALSE(now.at("1002").contains("remaining_ms"));
    EXPECT_EQ(now.at("3000-3999")["origin"], "live");
    EXPECT_EQ(now.at("3000-3999")["comment"], "a # b");
    EXPECT_FALSE(passes(lab, 3500));
    EXPECT_EQ(lab.attached_id(), program);
}

TEST(SetFiles, ReplaceLeavesTheFileAloneWithItsCounters) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_FALSE(passes(lab, 1002));
    ASSERT_EQ(set(lab, {"add", "ports", "1003"}).status, 0);
    const Ran ran = take(lab, "replace", "ports", "1002 timeout 5m\n1004\n");
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.out.find("next `xdpc apply`"), std::string::npos) << "1000 is the policy's: " << ran.out;
    EXPECT_EQ(names(lab), "1002 1004");
    EXPECT_EQ(elements(lab).at("1002")["packets"], 1);
    EXPECT_EQ(elements(lab).at("1002")["origin"], "live");
    EXPECT_TRUE(passes(lab, 1000));
    EXPECT_FALSE(passes(lab, 1002));
    ASSERT_EQ(lab.apply(policy).status, 0); // the policy's come back, the live ones stay
    EXPECT_EQ(names(lab), "1000 1002 1004");
    EXPECT_EQ(elements(lab).at("1002")["packets"], 2);
    EXPECT_EQ(elements(lab).at("1002")["origin"], "file");
    EXPECT_EQ(elements(lab).at("1004")["origin"], "live");
}

TEST(SetFiles, ReplaceMeetsElementsThatHaveExpired) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_FALSE(passes(lab, 1002));
    std::string brief; // more than a page of counters
    for (int port = 10000; port < 11200; port += 2)
        brief += std::to_string(port) + " timeout 1s\n";
    ASSERT_EQ(take(lab, "load", "ports", brief).status, 0);
    EXPECT_FALSE(passes(lab, 11000));
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));
    EXPECT_EQ(names(lab), "1000 1002");
    const Ran ran = take(lab, "replace", "ports", "1002\n11000\n");
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(names(lab), "1002 11000");
    EXPECT_EQ(elements(lab).at("1002")["packets"], 1);
    EXPECT_EQ(elements(lab).at("11000")["packets"], 0) << "it is begun anew";
}

TEST(SetFiles, AnEmptyFileEmptiesTheSet) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    ASSERT_EQ(take(lab, "replace", "ports", "# nothing\n").status, 0);
    EXPECT_EQ(names(lab), "");
    EXPECT_TRUE(passes(lab, 1000));
}

TEST(SetFiles, WhatDoesNotFitIsNamedByItsPlaceAndChangesNothing) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    struct Case {
        const char *action, *name, *text, *said;
    };
    std::string many;
    for (int port = 10000; port < 16001; ++port)
        many += std::to_string(port) + "\n";
    const Case cases[] = {
        {"load", "ports", "1004\nhallo\n", ":2:1: error[XDPC0201]: `hallo`"},
        {"load", "ports", "1004\n10.0.0.1\n", ":2:1: error[XDPC0201]: `10.0.0.1`"},
        {"load", "ports", "1004\n900-1000\n", ":2:1: 900-1000 overlaps an element of the set"},
        {"replace", "ports", "5\n1-9\n", ":2:1: error[XDPC0225]: element `1-9` overlaps `5`"},
        {"replace", "ports", many.c_str(),
         ":6001:1: 16000 is one too many: the set is full, its size is 6000"},
        {"load", "ways", "5001 : jump nowhere\n", ":1:8: error[XDPC0105]: there is no chain `nowhere`"},
        {"load", "ways", "5001 : pass\n5000 : drop\n", ":2:1: 5000 is in the map with another verdict"},
        {"load", "rate", "192.0.2.1\n192.0.2.0/24\n", ":2:1: error[XDPC0224]"},
        {"load", "rate", "1.1.1.1\n1.1.1.2\n1.1.1.3\n1.1.1.4\n1.1.1.5\n", ":5:1: 1.1.1.5 is one too many"},
        {"replace", "rate", "1.1.1.1\n1.1.1.2\n1.1.1.3\n1.1.1.4\n1.1.1.5\n", ":5:1: 1.1.1.5 is one too many"},
        {"load", "both", "1.1.1.1\n2001:db8::1\n1.1.1.2\n1.1.1.3\n1.1.1.4\n1.1.1.5\n",
         ":6:1: 1.1.1.5 is one too many"},
        {"load", "pairs", "1.1.1.1 . 1.1.1.2\n1.1.1.1 . 2001:db8::1\n",
         ":2:1: error[XDPC0216]: an element with addresses of both families"},
    };
    for (const Case& each : cases) {
        const Ran ran = take(lab, each.action, each.name, each.text);
        EXPECT_EQ(ran.status, 1) << each.said;
        EXPECT_NE(ran.err.find(each.said), std::string::npos) << each.said << " is not in " << ran.err;
    }
    EXPECT_EQ(names(lab), "1000 1002");
    EXPECT_EQ(names(lab, "rate"), "");
    EXPECT_EQ(names(lab, "ways"), "5000");
    EXPECT_EQ(names(lab, "both"), "");
    EXPECT_EQ(set(lab, {"load", "ports", "--file", "/nowhere"}).status, 3);
    EXPECT_EQ(set(lab, {"load", "ports"}).status, 2);
    EXPECT_EQ(set(lab, {"load", "ports", "7"}).status, 2);
    EXPECT_EQ(set(lab, {"add", "ports", "7", "--file", "/nowhere"}).status, 2);
}

TEST(SetFiles, MapsDynamicSetsAndBothFamiliesTakeFiles) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    ASSERT_EQ(take(lab, "replace", "ways", "5001 : jump away\n5002 : pass\n").status, 0);
    EXPECT_FALSE(passes(lab, 5001));
    EXPECT_TRUE(passes(lab, 5000));
    ASSERT_EQ(take(lab, "load", "rate", "192.0.2.1\n192.0.2.2 timeout 5m\n").status, 0);
    ASSERT_EQ(take(lab, "load", "rate", "192.0.2.1\n192.0.2.3\n").status, 0);
    EXPECT_EQ(names(lab, "rate"), "192.0.2.1 192.0.2.2 192.0.2.3");
    EXPECT_LE(elements(lab, "rate").at("192.0.2.2")["remaining_ms"], 300'000);
    ASSERT_EQ(take(lab, "load", "both", "192.0.2.77\n2001:db8::77\n").status, 0);
    ASSERT_EQ(take(lab, "replace", "both", "192.0.2.78\n2001:db8::78\n").status, 0);
    EXPECT_EQ(names(lab, "both"), "192.0.2.78 2001:db8::78");
}

/// Two halves of a set that have elements 1000 and 1002 in common, among thousands of others.
std::string half(int from) {
    std::string text = "1000\n";
    for (int port = from; port < from + 8000; port += 2)
        text += std::to_string(port) + "\n";
    return text + "1002 comment \"in both\"\n";
}

TEST(SetFiles, PacketsMeetTheOldOrTheNewSet) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    std::atomic<bool> done = false;
    size_t sent = 0;
    size_t leaked = 0;
    size_t passed = 0;
    std::thread traffic([&] {
        lab.inside().run([&] {
            Socket in_both = udp_server(1002);
            Socket in_none = udp_server(999);
            while (!done) {
                lab.outside().run([&] {
                    for (int i = 0; i < 50; ++i) {
                        udp_send(Lab::inner4, 1002);
                        udp_send(Lab::inner4, 999);
                    }
                });
                sent += 50;
                passed += udp_drain(in_none, 1);
                leaked += udp_drain(in_both, 1);
            }
            passed += udp_drain(in_none, 100);
            leaked += udp_drain(in_both, 100);
        });
    });
    for (int i = 0; i < 12; ++i)
        EXPECT_EQ(take(lab, "replace", "ports", half(i % 2 == 0 ? 20000 : 40000)).status, 0);
    done = true;
    traffic.join();
    EXPECT_GT(sent, 500U);
    EXPECT_EQ(leaked, 0U);
    EXPECT_EQ(passed, sent);
    EXPECT_EQ(elements(lab).at("1002")["packets"], sent) << "a count was lost on the way";
}

class KilledReplace : public testing::TestWithParam<const char*> {};

TEST_P(KilledReplace, LeavesTheOldOrTheNewSet) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_FALSE(passes(lab, 1002));
    const std::string next = "1002\n1005\n";
    EXPECT_EQ(
        take(lab, "replace", "ports", next, {std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status,
        128 + 9);
    EXPECT_FALSE(passes(lab, 1002));
    EXPECT_NE(passes(lab, 1000), passes(lab, 1005)) << "neither the old nor the new set";
    const std::string now = names(lab); // repairs
    EXPECT_TRUE(now == "1000 1002" || now == "1002 1005") << now;
    EXPECT_NE(passes(lab, 1000), passes(lab, 1005));
    EXPECT_EQ(elements(lab).at("1002")["packets"], 2);
    ASSERT_EQ(take(lab, "replace", "ports", next).status, 0);
    EXPECT_EQ(names(lab), "1002 1005");
    EXPECT_EQ(elements(lab).at("1002")["packets"], 2);
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_EQ(names(lab), "1000 1002 1005");
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledReplace,
                         testing::Values("set-stage", "set-commit", "set-put", "set-carry", "set-rename",
                                         "set-unpin"));

} // namespace
} // namespace xdpc::lab
