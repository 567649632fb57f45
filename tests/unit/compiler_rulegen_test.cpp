// The generator of rule sets: what it gives checks as a policy, keeps its seeds, and survives its own text
// format.
#include "compiler/compile.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "compiler/policy/evaluate.h"
#include "tests/harness/rulegen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

namespace xdpc::test {
namespace {

constexpr std::array all_shapes = {RuleShape::Acl,      RuleShape::Firewall,  RuleShape::Ipc,
                                   RuleShape::DropList, RuleShape::AllowList, RuleShape::Tenants,
                                   RuleShape::Services, RuleShape::Flat};

class Shapes : public testing::TestWithParam<std::tuple<RuleShape, bool>> {};

TEST_P(Shapes, CheckAsPoliciesAndMatchTheirPackets) {
    const auto [shape, ip6] = GetParam();
    const auto rules = make_rules({shape, 300, ip6, 3});
    ASSERT_GE(rules.size(), 290U);
    EXPECT_EQ(rules, make_rules({shape, 300, ip6, 3}));
    EXPECT_NE(rules, make_rules({shape, 300, ip6, 4}));

    Sources sources;
    Diagnostics diagnostics;
    const ast::File file =
        parse(sources.get(sources.add("generated.xdp", policy_text(rules, ip6))), diagnostics);
    const auto policy = check(file, sources, diagnostics);
    ASSERT_TRUE(policy) << render(diagnostics, sources);
    ASSERT_EQ(policy->rules.size(), rules.size());
    State state(*policy);
    size_t hits = 0;
    const auto headers = make_headers(rules, {.headers = 500, .hit_percent = 100, .ip6 = ip6});
    for (const FiveFieldHeader& header : headers) {
        const auto frame = frame_of(header, ip6);
        PacketView view;
        view.frame = frame;
        const Outcome outcome = evaluate(*policy, state, view);
        hits += outcome.decider.value < rules.size() ? 1U : 0U;
        const auto first = std::find_if(rules.begin(), rules.end(), [&](const FiveFieldRule& rule) {
            const auto in = [](u128 value, const Interval& side) {
                return side.lo <= value && value <= side.hi;
            };
            const bool ports = header.protocol == 6 || header.protocol == 17;
            const bool asks_ports = rule.sport != Interval{0, 65535} || rule.dport != Interval{0, 65535};
            return in(header.saddr, rule.saddr) && in(header.daddr, rule.daddr) &&
                   (!rule.protocol || *rule.protocol == header.protocol) &&
                   (!asks_ports || (ports && in(header.sport, rule.sport) && in(header.dport, rule.dport)));
        });
        ASSERT_EQ(outcome.decider.value, static_cast<size_t>(first - rules.begin()));
    }
    EXPECT_EQ(hits, headers.size());
}

INSTANTIATE_TEST_SUITE_P(All, Shapes, testing::Combine(testing::ValuesIn(all_shapes), testing::Bool()),
                         [](const auto& info) {
                             return std::string(name_of(std::get<0>(info.param))) +
                                    (std::get<1>(info.param) ? "6" : "4");
                         });

TEST(RuleText, ClassBenchFormatIsReadBack) {
    auto rules = make_rules({RuleShape::Firewall, 200, false, 9});
    size_t wrong = 0;
    auto again = read_classbench(classbench_text(rules), wrong);
    ASSERT_TRUE(again) << "line " << wrong;
    ASSERT_EQ(again->size(), rules.size());
    for (size_t i = 0; i < rules.size(); ++i) {
        rules[i].drop = (*again)[i].drop;
        EXPECT_EQ((*again)[i], rules[i]) << i;
    }
    EXPECT_FALSE(read_classbench("@1.2.3.4/32\t0.0.0.0/0\t0 : 65535\t0 : 70000\t0x06/0xFF\n", wrong));
    EXPECT_EQ(wrong, 1U);
}

TEST(RuleTrace, LocalityRepeatsHeaders) {
    const auto rules = make_rules({RuleShape::Acl, 100, false, 1});
    const auto distinct = [&](bool locality) {
        std::set<std::pair<u128, u128>> seen;
        for (const auto& header : make_headers(rules, {.headers = 4096, .locality = locality})) {
            seen.emplace(header.saddr, header.daddr);
        }
        return seen.size();
    };
    EXPECT_LT(distinct(true), distinct(false) / 2);
}

} // namespace
} // namespace xdpc::test
