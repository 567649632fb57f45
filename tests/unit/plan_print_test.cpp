// The plan as people read it: what stands there, and that it is a screen whatever the policy.
#include "compiler/parse/parse.h"
#include "compiler/plan/plan.h"
#include "compiler/policy/check.h"
#include "tests/harness/rulegen.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <regex>

namespace xdpc {
namespace {

std::string plan_text(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const auto file = parse(sources.get(sources.add("plan.xdp", text)), diagnostics);
    const auto policy = check(file, sources, diagnostics);
    EXPECT_TRUE(policy) << render(diagnostics, sources);
    const ir::Program program = ir::flatten(*policy);
    const auto plan = choose(program, {}, diagnostics);
    EXPECT_TRUE(plan) << render(diagnostics, sources);
    return print(*plan, program);
}

/// Estimates move with the cost model.
std::string without_estimates(const std::string& text) {
    return std::regex_replace(text, std::regex("[0-9]+( KiB| ns| instructions)"), "N$1");
}

size_t lines_of(const std::string& text) {
    return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(PlanPrint, TenThousandRulesAreAScreen) {
    const auto rules = test::make_rules({test::RuleShape::Acl, 10'000, false, 2});
    const std::string text = without_estimates(plan_text(test::policy_text(rules, false)));
    EXPECT_EQ(text, "parse tags, network, transport, extensions, fragment, l4proto\n"
                    "headers ip, tcp, udp\n"
                    "chain ingress, 10000 rules, the program, about N instructions\n"
                    "  rules 0 to 9999 by look-up\n"
                    "    pairs over 10000 boxes of 6 fields, N KiB, about N ns\n"
                    "      not rfc, forest: not built but with `options optimize speed` or `size`\n"
                    "10000 of 10000 rules by 1 look-up, N KiB, the slowest about N ns\n"
                    "specialised for kinds of packet\n"
                    "about N instructions\n");
}

TEST(PlanPrint, ListsAreCut) {
    std::string text;
    std::string calls;
    for (int chain = 0; chain < 30; ++chain) {
        text += fmt::format("chain c{} {{\n", chain);
        for (int rule = 0; rule < 60; ++rule) {
            text += fmt::format("    ip saddr 10.{}.{}.0/24 tcp dport {} drop\n", chain, rule, rule + 1);
        }
        std::string pairs;
        for (int pair = 0; pair < 40; ++pair) {
            pairs += fmt::format("10.{}.{}.9 . {}, ", chain, pair, 2 * pair + chain);
        }
        text += fmt::format("    ip saddr . tcp dport {{ {} }} counter\n}}\n", pairs);
        calls += fmt::format("    ip daddr 10.0.0.{} jump c{}\n", chain, chain);
    }
    const std::string plan = plan_text(text + "chain ingress {\n    policy pass\n" + calls + "}\n");
    EXPECT_LE(lines_of(plan), 50U) << plan;
    EXPECT_NE(plan.find(" more chains, with "), std::string::npos) << plan;
    EXPECT_NE(plan.find(" more tables, "), std::string::npos) << plan;
    EXPECT_NE(plan.find("chain ingress, 30 rules"), std::string::npos) << plan;
}

} // namespace
} // namespace xdpc
