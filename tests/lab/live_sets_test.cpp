// Live sets of the policy that runs: changed without a reload, met by the next packet, handed on by apply,
// whole after `kill -9`.
#include "tests/lab/live_set.h"

#include <gtest/gtest.h>
#include <thread>

namespace xdpc::lab {
namespace {

std::string policy(const std::string& element, const std::string& type = "inet_service",
                   const std::string& options = "") {
    return "set ports {\n    type " + type + "\n    counter\n    " + options + "\n    elements = { " +
           element + " }\n}\nchain ingress {\n    policy pass\n    udp dport @ports drop\n}\n";
}

TEST(LiveSets, ElementsMeetTheNextPacketAndTheProgramStays) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy("1000")).status, 0);
    const uint32_t program = lab.attached_id();
    EXPECT_FALSE(passes(lab, 1000));
    EXPECT_TRUE(passes(lab, 1001));
    ASSERT_EQ(set(lab, {"add", "ports", "1001", "--comment", "by hand"}).status, 0);
    EXPECT_FALSE(passes(lab, 1001));
    const auto listed = elements(lab);
    ASSERT_EQ(listed.size(), 2U);
    EXPECT_EQ(listed.at("1000")["origin"], "file");
    EXPECT_EQ(listed.at("1000")["packets"], 1);
    EXPECT_EQ(listed.at("1001")["origin"], "live");
    EXPECT_EQ(listed.at("1001")["packets"], 1);
    EXPECT_EQ(listed.at("1001")["comment"], "by hand");
    ASSERT_EQ(set(lab, {"del", "ports", "1000"}).status, 0);
    EXPECT_TRUE(passes(lab, 1000));
    ASSERT_EQ(set(lab, {"flush", "ports"}).status, 0);
    EXPECT_TRUE(passes(lab, 1001));
    EXPECT_EQ(elements(lab).size(), 0U);
    EXPECT_EQ(lab.attached_id(), program);
}

TEST(LiveSets, WhatDoesNotFitIsNamedAndChangesNothing) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy("1000", "inet_service", "flags interval\n    size 3")).status, 0);
    ASSERT_EQ(set(lab, {"add", "ports", "2000-2999"}).status, 0);
    Ran ran = set(lab, {"add", "ports", "2500"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.err.find("2500"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("2000-2999"), std::string::npos) << ran.err;
    EXPECT_EQ(set(lab, {"del", "ports", "2000"}).status, 1);
    EXPECT_EQ(set(lab, {"add", "ports", "10.0.0.1"}).status, 1);
    EXPECT_EQ(set(lab, {"add", "nothing", "1"}).status, 1);
    EXPECT_EQ(set(lab, {"add", "ports", "1000", "--timeout", "1s"}).status, 1);
    ASSERT_EQ(set(lab, {"add", "ports", "1"}).status, 0);
    ran = set(lab, {"add", "ports", "2"});
    EXPECT_EQ(ran.status, 1);
    EXPECT_NE(ran.err.find("full"), std::string::npos) << ran.err;
    EXPECT_EQ(elements(lab).size(), 3U);
}

TEST(LiveSets, ApplyHandsThemOn) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy("1000, 1002")).status, 0);
    ASSERT_EQ(set(lab, {"add", "ports", "1001"}).status, 0);
    EXPECT_FALSE(passes(lab, 1001));
    EXPECT_FALSE(passes(lab, 1002));
    for (const char* file : {"1000, 1002", "1002, 1003"}) { // the same array; another one
        ASSERT_EQ(lab.apply(policy(file)).status, 0);
        EXPECT_EQ(elements(lab).at("1001")["packets"], 1);
        EXPECT_EQ(elements(lab).at("1002")["packets"], 1);
    }
    EXPECT_TRUE(passes(lab, 1000));
    EXPECT_FALSE(passes(lab, 1003));
    EXPECT_FALSE(passes(lab, 1001));
    const uint32_t program = lab.attached_id();
    Ran ran = lab.apply("set ports { type ipv4_addr; elements = { 192.0.2.1 } }\n"
                        "chain ingress { policy pass; ip saddr @ports drop; }\n");
    EXPECT_EQ(ran.status, 3);
    EXPECT_NE(ran.err.find("set `ports`"), std::string::npos) << ran.err;
    EXPECT_EQ(lab.attached_id(), program);
    EXPECT_EQ(elements(lab).size(), 3U);
}

class KilledWithSets : public testing::TestWithParam<const char*> {};

TEST_P(KilledWithSets, LosesNoElementAndNoCount) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy("1000, 1002")).status, 0);
    ASSERT_EQ(set(lab, {"add", "ports", "1001"}).status, 0);
    EXPECT_FALSE(passes(lab, 1001));
    EXPECT_EQ(lab.apply(policy("1002, 1003"), {std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status,
              128 + 9);
    EXPECT_FALSE(passes(lab, 1001));
    auto now = elements(lab);
    EXPECT_EQ(now.size(), 3U);
    EXPECT_EQ(now.at("1001")["packets"], 2);
    EXPECT_NE(passes(lab, 1000), passes(lab, 1003)) << "neither the old nor the new set";
    ASSERT_EQ(lab.apply(policy("1002, 1003")).status, 0);
    EXPECT_EQ(elements(lab).at("1001")["packets"], 2);
    EXPECT_FALSE(passes(lab, 1003));
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledWithSets, testing::Values("load", "pin", "swap", "carry", "unpin"));

TEST(LiveSets, TwoProcessesAddWithoutLosingAny) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy("1")).status, 0);
    auto add = [&](int from) {
        for (int port = from; port < from + 20; ++port)
            EXPECT_EQ(set(lab, {"add", "ports", std::to_string(port)}).status, 0);
    };
    std::thread other([&] { add(20000); });
    add(30000);
    other.join();
    EXPECT_EQ(elements(lab).size(), 41U);
}

std::string seen(int size, const std::string& element) {
    return "set seen { type inet_service; flags dynamic, timeout; size " + std::to_string(size) +
           "; timeout 1h; elements = { " + element +
           " } }\nchain ingress {\n    policy pass\n    udp dport 2000-2999 add @seen { udp dport } pass\n"
           "    udp dport @seen drop\n}\n";
}

std::string seen_by_rules(const Lab& lab) {
    std::string all;
    for (const auto& [name, element] : elements(lab, "seen"))
        all += (all.empty() ? "" : " ") + name + "/" + element["origin"].get<std::string>();
    return all;
}

TEST(LiveSets, ATableThatRulesWriteTakesAnotherSize) {
    Lab lab;
    ASSERT_EQ(lab.apply(seen(4, "1100, 1200")).status, 0);
    EXPECT_TRUE(passes(lab, 2001));
    ASSERT_EQ(set(lab, {"add", "seen", "1003", "--timeout", "5m"}).status, 0);
    EXPECT_EQ(seen_by_rules(lab), "1003/live 1100/file 1200/file 2001/live");
    const uint32_t program = lab.attached_id();
    Ran ran = lab.apply(seen(2, "1100")); // too small
    EXPECT_EQ(ran.status, 3);
    EXPECT_NE(ran.err.find("set `seen` would have 3 elements, 2 of them added live, and its new size is 2"),
              std::string::npos)
        << ran.err;
    EXPECT_EQ(lab.attached_id(), program);
    EXPECT_EQ(seen_by_rules(lab), "1003/live 1100/file 1200/file 2001/live");
    ASSERT_EQ(lab.apply(seen(3, "1100")).status, 0); // smaller, and all that is left fits
    EXPECT_EQ(seen_by_rules(lab), "1003/live 1100/file 2001/live");
    ASSERT_EQ(lab.apply(seen(64, "1100, 1300")).status, 0);
    EXPECT_EQ(seen_by_rules(lab), "1003/live 1100/file 1300/file 2001/live");
    EXPECT_LE(elements(lab, "seen").at("1003")["remaining_ms"], 300'000);
    EXPECT_FALSE(passes(lab, 1003));
    for (uint16_t port = 2010; port < 2030; ++port)
        EXPECT_TRUE(passes(lab, port));
    EXPECT_NE(seen_by_rules(lab).find("2029/live"), std::string::npos) << "more than fitted before";
    ran = lab.xdpc({"apply", lab.file(seen(128, "1100")), "-i", Lab::iface, "--reset-sets"});
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(seen_by_rules(lab), "1100/file");
}

TEST(LiveSets, ApplyRefusesWhatRulesWriteInOnePolicyAlone) {
    Lab lab;
    const std::string mine = policy("1100");
    const std::string theirs = "set ports { type inet_service; flags dynamic; size 4; elements = { 1100 } }\n"
                               "chain ingress {\n    policy pass\n    udp dport 9 add @ports { udp sport }\n"
                               "    udp dport @ports drop\n}\n";
    for (const auto& [first, second] : {std::pair(mine, theirs), std::pair(theirs, mine)}) {
        ASSERT_EQ(lab.xdpc({"apply", lab.file(first), "-i", Lab::iface, "--reset-sets"}).status, 0);
        const uint32_t program = lab.attached_id();
        const Ran ran = lab.apply(second);
        EXPECT_EQ(ran.status, 3);
        EXPECT_NE(ran.err.find("write set `ports` in the policy that runs"), std::string::npos) << ran.err;
        EXPECT_EQ(lab.attached_id(), program);
    }
}

class KilledResize : public testing::TestWithParam<const char*> {};

TEST_P(KilledResize, LosesNoElementThatARuleAdded) {
    Lab lab;
    ASSERT_EQ(lab.apply(seen(4, "1100")).status, 0);
    EXPECT_TRUE(passes(lab, 2001));
    EXPECT_EQ(lab.apply(seen(64, "1100"), {std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status,
              128 + 9);
    EXPECT_TRUE(passes(lab, 2002));
    EXPECT_EQ(seen_by_rules(lab), "1100/file 2001/live 2002/live");
    ASSERT_EQ(lab.apply(seen(64, "1100")).status, 0);
    EXPECT_EQ(seen_by_rules(lab), "1100/file 2001/live 2002/live");
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledResize, testing::Values("load", "pin", "swap", "carry", "unpin"));

} // namespace
} // namespace xdpc::lab
