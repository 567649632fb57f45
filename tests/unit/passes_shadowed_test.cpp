// Which rules `shadowed` drops; that meaning stays is passes_differential_test's.
#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/policy/check.h"
#include "tests/harness/rulegen.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

using Lines = std::vector<uint32_t>;

struct Dropped {
    Lines lines, by; // the first rule that decides each
    double ms = 0;
    size_t left = 0; // rules of `ingress`
    uint32_t slots = 0;
};

Dropped dropped_of(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const auto file = parse(sources.get(sources.add("shadowed.xdp", text)), diagnostics);
    const auto policy = check(file, sources, diagnostics);
    EXPECT_TRUE(policy) << render(diagnostics, sources);
    ir::Program program = ir::flatten(*policy);
    Dropped dropped;
    for (const PassReport& report : optimize(program)) {
        for (const ShadowedRule& rule : report.shadowed) {
            dropped.lines.push_back(sources.position(rule.span).line);
            dropped.by.push_back(sources.position(rule.by.front()).line);
        }
        dropped.ms += report.name == "shadowed" ? report.ms : 0;
    }
    dropped.left = program.chains[program.entry.value].rules.size();
    dropped.slots = program.slots;
    return dropped;
}

/// Each rule is a line, numbered from 2.
Lines lines_of(const std::string& rules) {
    return dropped_of("chain ingress { policy pass\n" + rules + "\n}\n").lines;
}

TEST(Shadowed, OneEarlierRuleHoldsAll) {
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 drop\nip saddr 10.1.0.0/16 tcp dport 22 pass"), Lines{3});
    EXPECT_EQ(lines_of("tcp dport 20-30 drop\ntcp dport 22 drop\ntcp dport 25-31 pass"), Lines{3});
    EXPECT_EQ(lines_of("tcp dport { 1-5, 22, 80 } drop\ntcp dport { 2, 80 } pass\ntcp dport { 6, 22 } pass"),
              Lines{3});
    EXPECT_EQ(lines_of("tcp dport != 22 drop\ntcp dport 23 pass\ntcp dport 22-23 pass"), Lines{3});
}

TEST(Shadowed, WhatOneKeyTellsOfAnother) {
    EXPECT_EQ(lines_of("meta l4proto tcp drop\ntcp dport 22 pass\nudp dport 22 pass"), Lines{3});
    EXPECT_EQ(lines_of("th dport 1-100 drop\nudp dport 53 pass\nudp dport 101 pass"), Lines{3});
    EXPECT_EQ(lines_of("tcp flags & (syn | ack) == syn drop\ntcp flags == (syn | urg) pass\n"
                       "tcp flags == (syn | ack) pass"),
              Lines{3});
}

TEST(Shadowed, SeveralEarlierRulesHoldTheAlternatives) {
    const Dropped dropped = dropped_of("chain ingress { policy pass\nip saddr 10.0.0.0/8 drop\n"
                                       "ip6 saddr 2001:db8::/32 drop\n"
                                       "saddr { 10.0.0.1, 2001:db8::1 } pass\n"
                                       "saddr { 10.0.0.1, 2001:db9::1 } pass\n}\n");
    EXPECT_EQ(dropped.lines, Lines{4});
}

TEST(Shadowed, TheFirstOfThoseThatHoldItIsTold) {
    const Dropped dropped = dropped_of("chain ingress { policy pass\nudp dport 1 drop\ntcp dport 1-9 drop\n"
                                       "tcp dport 1-99 pass\ntcp dport 5 pass\n}\n");
    EXPECT_EQ(dropped.lines, Lines{5});
    EXPECT_EQ(dropped.by, Lines{3});
}

TEST(Shadowed, CountersStayWhereTheyAre) {
    const Dropped dropped = dropped_of(
        "chain ingress { policy pass\ntcp dport 1-9 drop\ntcp dport 5 pass\nudp dport 1 drop\n}\n");
    EXPECT_EQ(dropped.left, 2U);
    EXPECT_EQ(dropped.slots, 4U);
}

TEST(Shadowed, NotByRulesThatMayLeadOn) {
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 counter\nip saddr 10.0.0.1 drop"), Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 limit rate 5/second drop\nip saddr 10.0.0.1 drop"), Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 meta random < 9 drop\nip saddr 10.0.0.1 meta random < 9 drop"),
              Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 tcp dport vmap { 1 : drop }\nip saddr 10.0.0.1 tcp dport 1 drop"),
              Lines{});
}

TEST(Shadowed, ByRulesThatLeaveTheChain) {
    const std::string other = "chain other { tcp dport 80 pass\n}\n";
    const auto with = [&](const char* verdict) {
        return dropped_of(fmt::format("{}chain ingress {{ policy pass\nip saddr 10.0.0.0/8 {} other\n"
                                      "ip saddr 10.0.0.1 drop\n}}\n",
                                      other, verdict))
            .lines;
    };
    EXPECT_EQ(with("goto"), Lines{5});
    EXPECT_EQ(with("jump"), Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 log \"x\" return\nip saddr 10.0.0.1 drop"), Lines{3});
}

TEST(Shadowed, NotWhereAKeyMayBeAbsent) {
    EXPECT_EQ(lines_of("tcp dport 0-65535 drop\ntcp flags syn pass"), Lines{3}); // flags lie behind ports
    EXPECT_EQ(lines_of("tcp flags & 0xff >= 0 drop\ntcp dport 22 pass"), Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 tcp dport 1-65535 drop\nip saddr 10.0.0.1 drop"), Lines{});
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 drop\nip daddr 10.0.0.1 drop"), Lines{});
}

TEST(Shadowed, RulesWithStateGoToo) {
    EXPECT_EQ(lines_of("ip saddr 10.0.0.0/8 drop\nip saddr 10.0.0.1 limit rate 5/second counter drop"),
              Lines{3});
}

/// Lines of rules that an earlier one holds, by comparing all with all.
Lines by_all_pairs(const std::vector<test::FiveFieldRule>& rules) {
    const auto holds = [](const Interval& a, const Interval& b) { return a.lo <= b.lo && b.hi <= a.hi; };
    Lines lines;
    for (uint32_t i = 0; i < rules.size(); ++i) {
        const test::FiveFieldRule& b = rules[i];
        const bool held = std::any_of(rules.begin(), rules.begin() + i, [&](const test::FiveFieldRule& a) {
            return holds(a.saddr, b.saddr) && holds(a.daddr, b.daddr) && holds(a.sport, b.sport) &&
                   holds(a.dport, b.dport) && (!a.protocol || a.protocol == b.protocol);
        });
        if (held) {
            lines.push_back(i + 3);
        }
    }
    return lines;
}

TEST(Shadowed, GeneratedSetsAsByAllPairs) {
    size_t found = 0;
    for (const auto shape : {test::RuleShape::Acl, test::RuleShape::Firewall, test::RuleShape::Ipc}) {
        for (const bool ip6 : {false, true}) {
            auto rules = test::make_rules({shape, 1500, ip6, 5});
            std::reverse(rules.begin(), rules.end()); // wide ones first
            // "meta protocol ip" holds what asks for no address as well, by the pairs, but not in truth.
            std::erase_if(rules, [&](const test::FiveFieldRule& rule) {
                const Interval all{0, max_of_width(ip6 ? 128 : 32)};
                const Interval ports{0, 65535};
                return rule.saddr == all && rule.daddr == all && rule.sport == ports && rule.dport == ports &&
                       !rule.protocol;
            });
            const Lines wanted = by_all_pairs(rules);
            EXPECT_EQ(dropped_of(test::policy_text(rules, ip6)).lines, wanted);
            found += wanted.size();
        }
    }
    EXPECT_GT(found, 500U);
}

/// Not by the square of the rules: with these it would take minutes.
TEST(Shadowed, AHundredThousandRules) {
    auto rules = test::make_rules({test::RuleShape::Acl, 100'000, false, 3});
    const Dropped dropped = dropped_of(test::policy_text(rules, false));
    EXPECT_LT(dropped.ms, 5000);
    RecordProperty("ms", static_cast<int>(dropped.ms));
}

} // namespace
} // namespace xdpc
