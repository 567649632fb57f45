// Live maps to values and to objects: changed while they run, and what the next apply makes of them.
#include "tests/lab/live_set.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

std::string policy(const std::string& counters, const std::string& hops = "vlan_pcp") {
    return counters + "map hops { type inet_service : " + hops +
           R"(; flags interval; size 8; elements = { 5000-5009 : 7 } }
map tiers { type inet_service : counter; size 8; elements = { 6200 : "gold" } }
chain ingress {
    policy pass
    ip ttl set udp dport map @hops
    ip ttl 7 drop
    counter name udp dport map @tiers drop
}
)";
}

const std::string two = "counter gold { }\ncounter tin { }\n";

TEST(LiveMaps, ToValuesAndObjectsAreChangedWhileTheyRun) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy(two)).status, 0);
    const uint32_t program = lab.attached_id();
    EXPECT_FALSE(passes(lab, 5004));
    EXPECT_TRUE(passes(lab, 5010));
    ASSERT_EQ(set(lab, {"add", "hops", "5010 : 7", "5011 : 6"}).status, 0);
    EXPECT_FALSE(passes(lab, 5010));
    EXPECT_TRUE(passes(lab, 5011));
    EXPECT_FALSE(passes(lab, 6200));
    EXPECT_TRUE(passes(lab, 6201));
    ASSERT_EQ(set(lab, {"add", "tiers", "6201 : tin"}).status, 0);
    EXPECT_FALSE(passes(lab, 6201));
    EXPECT_EQ(elements(lab, "hops").at("5010")["value"], "7");
    EXPECT_EQ(elements(lab, "tiers").at("6201")["counter"], "tin");
    ASSERT_EQ(take(lab, "replace", "tiers", "6202 : \"gold\"\n6203 comment \"x\" : tin\n").status, 0);
    ASSERT_EQ(take(lab, "load", "hops", "5020-5029 : 7\n").status, 0);
    EXPECT_TRUE(passes(lab, 6200));
    EXPECT_FALSE(passes(lab, 6202));
    EXPECT_FALSE(passes(lab, 6203));
    EXPECT_FALSE(passes(lab, 5025));
    EXPECT_EQ(lab.attached_id(), program);
}

TEST(LiveMaps, WhatDoesNotFitChangesNothing) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy(two)).status, 0);
    const std::pair<std::string, std::string> adds[] = {
        {"hops", "5020 : 8"}, {"hops", "5020 : gold"}, {"hops", "5020"}, {"tiers", "6201 : lead"}};
    for (const auto& [name, element] : adds) {
        EXPECT_EQ(set(lab, {"add", name, element}).status, 1) << element;
    }
    struct Case {
        const char *name, *text, *said;
    };
    const Case cases[] = {
        {"hops", "5020 : 1\n5021 : 9\n", ":2:8: error[XDPC0202]"},
        {"hops", "5020\n", ":1:1: error[XDPC0216]"},
        {"hops", "5000-5009 : 6\n", ":1:1: 5000-5009 is in the map with another value"},
        {"tiers", "6201 : lead\n", ":1:8: error[XDPC"},
        {"tiers", "6200 : tin\n", ":1:1: 6200 is in the map with another counter"},
    };
    for (const Case& each : cases) {
        const Ran ran = take(lab, "load", each.name, each.text);
        EXPECT_EQ(ran.status, 1) << each.said;
        EXPECT_NE(ran.err.find(each.said), std::string::npos) << each.said << " is not in " << ran.err;
    }
    EXPECT_EQ(names(lab, "hops"), "5000-5009");
    EXPECT_EQ(names(lab, "tiers"), "6200");
}

TEST(LiveMaps, GoOnUnderTheNextPolicy) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy(two)).status, 0);
    ASSERT_EQ(set(lab, {"add", "hops", "5010 : 7"}).status, 0);
    ASSERT_EQ(set(lab, {"add", "tiers", "6201 : tin"}).status, 0);
    const Ran without = lab.apply(policy("counter gold { }\n"));
    EXPECT_EQ(without.status, 3);
    EXPECT_NE(without.err.find("6201 : tin, and the new policy has no such counter"), std::string::npos)
        << without.err;
    const Ran other = lab.apply(policy(two, "mark"));
    EXPECT_NE(other.status, 0) << "a mark is too wide for a TTL";
    EXPECT_FALSE(passes(lab, 6201));
    // Numbers of counters differ there: elements keep what they lead to.
    ASSERT_EQ(lab.apply(policy("counter copper { }\n" + two)).status, 0);
    EXPECT_FALSE(passes(lab, 5010));
    EXPECT_EQ(elements(lab, "tiers").at("6201")["counter"], "tin");
    EXPECT_EQ(elements(lab, "tiers").at("6200")["counter"], "gold");
    EXPECT_EQ(elements(lab, "tiers").at("6201")["origin"], "live");
}

} // namespace
} // namespace xdpc::lab
