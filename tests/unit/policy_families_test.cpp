// `saddr` and `daddr` without a family where a statement has keys: maps, changes of sets, limits.
#include "tests/unit/policy_packets.h"

namespace xdpc {
namespace {

/// An IPv6 TCP frame from 2001:db8::LAST to port 80.
packet::Frame frame6_from(uint8_t last) {
    return test::tcp6_frame(0x20010db8, last);
}
packet::Frame arp() {
    packet::Frame frame(60);
    frame[12] = 0x08;
    frame[13] = 0x06;
    return frame;
}
constexpr uint32_t net = 0xc0000200; // 192.0.2.0

TEST(Families, MapsAnswerForEither) {
    Bench bench(
        ingress("m: saddr vmap { 192.0.2.1 : pass, 2001:db8::1 : tx, 2001:db8::2 : drop }\nrest: abort"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by m");
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by m");
    EXPECT_EQ(bench.say(frame6_from(2)), "drop by m");
    EXPECT_EQ(bench.say(frame_from(net + 2)), "abort by rest");
    EXPECT_EQ(bench.say(frame6_from(3)), "abort by rest");
    EXPECT_EQ(bench.say(arp()), "abort by rest");
}

TEST(Families, TheDefaultIsForAddressesOfBoth) {
    Bench bench(ingress("m: saddr . tcp dport vmap { 192.0.2.1 . 80 : pass, * : tx }\nrest: abort"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by m");
    EXPECT_EQ(bench.say(frame_from(net + 2)), "tx by m");
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by m");
    EXPECT_EQ(bench.say(arp()), "abort by rest");
}

TEST(Families, ContinueGoesOnWithTheRule) {
    Bench bench(ingress("m: saddr vmap { 192.0.2.1 : continue, 2001:db8::1 : continue } tx\nrest: abort"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "tx by m");
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by m");
    EXPECT_EQ(bench.say(frame_from(net + 2)), "abort by rest");
    EXPECT_EQ(bench.say(frame6_from(2)), "abort by rest");
}

TEST(Families, NamedMapsToo) {
    for (const char* flags : {"", "flags interval; counter; "}) {
        Bench bench(ingress("m: saddr vmap @m\nrest: abort",
                            std::string("map m { type inet_addr : verdict; ") + flags +
                                "elements = { 192.0.2.1 : pass, 2001:db8::1 : tx } }"));
        EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by m") << flags;
        EXPECT_EQ(bench.say(frame6_from(1)), "tx by m") << flags;
        EXPECT_EQ(bench.say(frame_from(net + 2)), "abort by rest") << flags;
        EXPECT_EQ(bench.say(arp()), "abort by rest") << flags;
    }
    // A map of one family is asked for that.
    Bench bench(ingress("m: saddr vmap @m\nrest: abort",
                        "map m { type ipv6_addr : verdict; elements = { 2001:db8::1 : tx } }"));
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by m");
    EXPECT_EQ(bench.say(frame_from(net + 1)), "abort by rest");
}

TEST(Families, PairsOfAddressesAreOfOneFamily) {
    for (const char* flags : {"flags constant", "flags interval", "flags interval, timeout"}) {
        Bench bench(ingress("p: saddr . daddr @pairs pass\nsix: ip6 saddr . ip6 daddr @pairs tx\nrest: abort",
                            std::string("set pairs { type inet_addr . inet_addr; ") + flags +
                                "; elements = { 192.0.2.1 . 0.0.0.0/0, 2001:db8::1 . ::/0 } }"));
        EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by p") << flags;
        EXPECT_EQ(bench.say(frame6_from(1)), "pass by p") << flags;
        EXPECT_EQ(bench.say(frame_from(net + 2)), "abort by rest") << flags;
        EXPECT_EQ(bench.say(frame6_from(2)), "abort by rest") << flags;
        EXPECT_EQ(bench.say(arp()), "abort by rest") << flags;
    }
    for (const char* flags : {"flags constant", "flags timeout"}) {
        const Checked mixed =
            check_text(ingress("saddr . daddr @pairs drop",
                               std::string("set pairs { type inet_addr . inet_addr; ") + flags +
                                   "; elements = { 192.0.2.1 . 192.0.2.2, 192.0.2.1 . 2001:db8::1 } }"));
        EXPECT_FALSE(mixed.policy);
        EXPECT_TRUE(mixed.kinds().contains("MisplacedValue")) << mixed.rendered();
        const Checked keys =
            check_text(ingress("ip saddr . ip6 daddr @pairs drop",
                               std::string("set pairs { type inet_addr . inet_addr; ") + flags + " }"));
        EXPECT_FALSE(keys.policy) << flags;
    }
}

TEST(Families, RulesAddEither) {
    Bench bench(ingress("seen: saddr @seen pass\nadd: add @seen { saddr timeout 10s } drop\nrest: abort",
                        "set seen { type inet_addr; flags dynamic, timeout; size 2 }"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "drop by add");
    EXPECT_EQ(bench.say(frame6_from(1)), "drop by add");
    EXPECT_EQ(bench.say(arp()), "abort by rest") << "without an address the rule does not match";
    EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by seen");
    EXPECT_EQ(bench.say(frame6_from(1)), "pass by seen");
    EXPECT_EQ(bench.say(frame_from(net + 2)), "drop by add");
    EXPECT_EQ(bench.say(frame_from(net + 3)), "abort by rest") << "full of addresses of IPv4";
    EXPECT_EQ(bench.say(frame6_from(2)), "drop by add") << "each family has its own room";
    bench.advance(10 * second);
    EXPECT_EQ(bench.say(frame6_from(1)), "drop by add");
}

TEST(Families, RulesDeleteEither) {
    Bench bench(ingress("gone: delete @seen { saddr } tx",
                        "set seen { type inet_addr; flags dynamic; elements = { 192.0.2.1, 2001:db8::1 } }"));
    const auto left = [&](size_t family) {
        return bench.state().sets[family].elements(bench.policy().sets[family], test_clock_begin_ns).size();
    };
    ASSERT_EQ(left(0) + left(1), 2U);
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by gone");
    EXPECT_EQ(left(0), 1U);
    EXPECT_EQ(left(1), 0U);
    EXPECT_EQ(bench.say(frame_from(net + 1)), "tx by gone");
    EXPECT_EQ(left(0), 0U);
}

TEST(Families, LimitsHaveBucketsForEither) {
    for (const char* rule :
         {"r: limit rate 1/second burst 2 packets per saddr size 2 pass", "r: limit name l pass"}) {
        Bench bench(ingress(rule, "limit l { rate 1/second burst 2 packets per saddr size 2 }\n"
                                  "limit other { rate 1/second }\n"));
        for (int i = 0; i < 2; ++i) {
            EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by r");
            EXPECT_EQ(bench.say(frame6_from(1)), "pass by r");
        }
        EXPECT_EQ(bench.say(frame_from(net + 1)), "drop by policy");
        EXPECT_EQ(bench.say(frame6_from(1)), "drop by policy");
        EXPECT_EQ(bench.say(frame_from(net + 2)), "pass by r");
        EXPECT_EQ(bench.say(arp()), "drop by policy");
        EXPECT_EQ(bench.say(frame_from(net + 3)), "drop by r") << "no room for a third of IPv4";
        EXPECT_EQ(bench.say(frame6_from(2)), "pass by r") << "IPv6 has room of its own";
    }
    const Checked checked =
        check_rule_text("r: limit rate 1/second per saddr size 2 limit rate 2/second pass");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    std::vector<std::string> names;
    for (const Limit& limit : checked.policy->limits) {
        names.push_back(limit.display);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"r", "r ip6", "r#2"}));
}

TEST(Families, AMaskOfEachFamily) {
    Bench bench(ingress("r: limit rate 1/second burst 2 packets per saddr & $nets size 9 pass\n"
                        "m: saddr & { 255.0.0.0, ffff:: } == { 10.0.0.0, 2002:: } tx",
                        "define nets = { 255.255.255.0, ffff:ffff:: }"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(net + 2)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(net + 3)), "drop by policy");
    EXPECT_EQ(bench.say(frame_from(net + 256)), "pass by r");
    EXPECT_EQ(bench.say(frame6_from(1)), "pass by r");
    EXPECT_EQ(bench.say(frame6_from(2)), "pass by r");
    EXPECT_EQ(bench.say(frame6_from(3)), "drop by policy");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(bench.say(frame_from(0x0a010203)), i < 2 ? "pass by r" : "tx by m");
        EXPECT_EQ(bench.say(test::tcp6_frame(0x20020db8, 7)), i < 2 ? "pass by r" : "tx by m");
    }
    const Checked one = check_rule_text("limit rate 1/second per saddr & 255.0.0.0 size 9 pass");
    EXPECT_FALSE(one.policy);
    EXPECT_TRUE(one.kinds().contains("WrongOperator")) << one.rendered();
}

TEST(Families, FieldsAreSetByMapsOfEither) {
    Bench bench(ingress("r: ether daddr set saddr map @via tx",
                        "map via { type inet_addr : ether_addr\n flags constant\n elements = { "
                        "192.0.2.2 : 02:00:00:00:00:07, 2001:db8::/32 : 02:00:00:00:00:08 } }"));
    const auto last = [&](const packet::Frame& frame) {
        const Outcome out = bench.send(frame);
        return out.frame ? int((*out.frame)[5]) : -1;
    };
    EXPECT_EQ(last(frame_from(net + 2)), 7);
    EXPECT_EQ(last(frame6_from(1)), 8);
    EXPECT_EQ(last(arp()), -1);
}

TEST(Families, PairsAreOfOneFamily) {
    Bench bench(ingress("r: update @pairs { saddr . daddr . tcp dport } tx",
                        "set pairs { type ipv6_addr . ipv6_addr . inet_service; flags dynamic }"));
    EXPECT_EQ(bench.say(frame_from(net + 1)), "drop by policy");
    EXPECT_EQ(bench.say(frame6_from(1)), "tx by r");
    const Checked mixed = check_text(ingress("r: update @pairs { saddr . daddr } tx",
                                             "set pairs { type ipv4_addr . ipv6_addr; flags dynamic }"));
    EXPECT_FALSE(mixed.policy);
    EXPECT_TRUE(mixed.kinds().contains("WrongSetType")) << mixed.rendered();
}

TEST(Families, MistakesInMapsAreReportedOnce) {
    const Checked checked = check_rule_text("saddr vmap { 192.0.2.1 : pass, 192.0.2.1 : drop }");
    EXPECT_FALSE(checked.policy);
    EXPECT_TRUE(checked.kinds().contains("ConflictingEntries")) << checked.rendered();
    const Checked word = check_rule_text("saddr vmap { nonsense : pass }");
    EXPECT_FALSE(word.policy);
    EXPECT_EQ(word.kinds().size(), 1U) << word.rendered();
}

} // namespace
} // namespace xdpc
