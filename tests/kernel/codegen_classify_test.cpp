// Rules answered by look-ups: the kernel decides and counts as the evaluator does, which reads the list.
#include "tests/harness/random_policy.h"
#include "tests/harness/rulegen.h"
#include "tests/kernel/codegen_support.h"

namespace xdpc::codegen_test {
namespace {

Frames frames_for(const std::vector<test::FiveFieldRule>& rules, bool ip6, size_t count) {
    Frames frames;
    for (const auto& header : test::make_headers(rules, {.headers = count, .ip6 = ip6})) {
        frames.push_back(test::frame_of(header, ip6));
    }
    test::Rng rng(5); // and whatever else there is
    for (auto& frame : test::random_frames(rng, count / 10, 14)) {
        frames.push_back(std::move(frame));
    }
    return frames;
}

void run(test::RuleShape shape, size_t count, bool ip6, const BuildOptions& options = {}) {
    const auto rules = test::make_rules({shape, count, ip6, 11});
    const auto policy = policy_of(test::policy_text(rules, ip6));
    ASSERT_TRUE(policy);
    size_t decided = 0;
    EXPECT_EQ(check_policy(*policy, frames_for(rules, ip6, 3000), options, &decided), "");
    EXPECT_GT(decided, 2000U);
}

class CodegenClassify : public testing::TestWithParam<std::tuple<test::RuleShape, bool>> {};

TEST_P(CodegenClassify, AHundredAndAThousandRules) {
    const auto [shape, ip6] = GetParam();
    run(shape, 100, ip6);
    run(shape, 1000, ip6);
}
INSTANTIATE_TEST_SUITE_P(Shapes, CodegenClassify,
                         testing::Combine(testing::Values(test::RuleShape::Acl, test::RuleShape::Firewall,
                                                          test::RuleShape::Ipc, test::RuleShape::DropList,
                                                          test::RuleShape::Services),
                                          testing::Bool()),
                         [](const auto& info) {
                             return std::string(test::name_of(std::get<0>(info.param))) +
                                    (std::get<1>(info.param) ? "6" : "4");
                         });

TEST(CodegenClassifyForms, ForestsWhereTablesOfClassesWouldBeTooLarge) {
    BuildOptions options;
    options.plan.classifier_budget.rfc_bytes = 1000;
    run(test::RuleShape::Acl, 300, false, options);
    run(test::RuleShape::Firewall, 300, false, options);
    run(test::RuleShape::Acl, 300, true, options);
}

TEST(CodegenClassifyForms, SharedByAllKinds) {
    BuildOptions options;
    options.plan.max_specialised = 0;
    run(test::RuleShape::Acl, 300, false, options);
    run(test::RuleShape::Acl, 300, true, options);
}

TEST(CodegenClassifyForms, RulesThatDoMoreStandBetweenSlices) {
    std::string text = "chain web {\n    tcp dport 80 drop\n    ip ttl 1 return\n    ip ttl 2 pass\n}\n"
                       "chain ingress {\n    policy drop\n";
    for (int i = 0; i < 60; ++i) {
        text += fmt::format("    ip saddr 10.0.{}.0/24 tcp dport {} counter drop\n", i % 8, 70 + i);
        text += i % 20 == 7 ? "    ip protocol tcp jump web\n" : "";
        text += i % 20 == 13 ? "    ip saddr 10.0.3.0/24 counter\n" : "";
    }
    for (int i = 0; i < 40; ++i) {
        text += fmt::format("    ip saddr 10.0.{}.0/24 {}\n", i, i % 3 ? "jump web" : "goto web");
    }
    const auto policy = policy_of(text + "}\n");
    ASSERT_TRUE(policy);
    std::vector<test::FiveFieldRule> rules;
    for (uint32_t i = 0; i < 60; ++i) {
        test::FiveFieldRule rule;
        rule.saddr = {0x0a000000 + (i % 8 << 8), 0x0a0000ff + (i % 8 << 8)};
        rule.daddr = {0, 0xffffffff};
        rule.dport = {70 + i, 70 + i};
        rule.protocol = i % 5 ? 6 : 17;
        rules.push_back(rule);
    }
    size_t decided = 0;
    EXPECT_EQ(check_policy(*policy, frames_for(rules, false, 3000), {}, &decided), "");
    EXPECT_GT(decided, 500U);
}

} // namespace
} // namespace xdpc::codegen_test
