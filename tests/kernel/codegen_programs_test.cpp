// Policies cut into programs that go on to each other by tail calls: the kernel decides and counts as the
// evaluator does, which knows of one policy only.
#include "tests/harness/rulegen.h"
#include "tests/kernel/codegen_support.h"

namespace xdpc::codegen_test {
namespace {

BuildOptions cut_after(size_t rules) {
    BuildOptions options;
    options.plan.rules_in_program = rules;
    return options;
}

size_t programs_of(const Policy& policy, const BuildOptions& options) {
    ir::Program program = ir::flatten(policy);
    optimize(program);
    Diagnostics diagnostics;
    const auto plan = choose(program, options.plan, diagnostics);
    return plan ? plan->programs.size() : 0;
}

class CodegenPrograms : public testing::TestWithParam<size_t> {};

TEST_P(CodegenPrograms, RandomPolicies) {
    const BuildOptions options = cut_after(GetParam());
    size_t policies = 0;
    size_t cut = 0;
    const auto count = [&](const Policy& policy) {
        ++policies;
        cut += programs_of(policy, options) > 1 ? 1 : 0;
    };
    check_random_policies(options, count, {.max_rules = 16});
    EXPECT_GT(cut, policies / 3);
}
INSTANTIATE_TEST_SUITE_P(AfterRules, CodegenPrograms, testing::Values(1, 2, 5));

/// Every way into a chain that is cut, and every way out of it.
TEST(CodegenProgramsWays, JumpsReturnAndGotosDoNot) {
    const auto policy =
        policy_of("chain inner {\n"
                  "    ip ttl 1 return\n    ip ttl 2 drop\n    ip ttl 3 counter\n"
                  "    ip ttl 4 goto last\n    ip ttl 5 jump last\n    ip ttl 5 drop\n}\n"
                  "chain last {\n    ip ttl 4 counter\n    tcp dport 7 pass\n"
                  "    tcp dport 8 return\n    tcp dport 9 drop\n}\n"
                  "chain outer {\n    ip ttl 6 return\n    jump inner\n    ip ttl 7 counter\n"
                  "    ip ttl 8 goto inner\n    tcp dport 10 drop\n}\n"
                  "chain ingress {\n    policy pass\n    ip ttl 9 goto outer\n    jump outer\n"
                  "    tcp dport 11 drop\n    jump outer\n    tcp dport 12 goto last\n"
                  "    ip ttl . tcp dport vmap { 10 . 1-9 : jump inner, 11 . 1-9 : goto last, "
                  "12 . 1-9 : drop }\n    ip ttl 1-12 drop\n}\n");
    ASSERT_TRUE(policy);
    Frames frames;
    for (uint8_t ttl = 0; ttl < 16; ++ttl) {
        for (uint32_t port = 0; port < 16; ++port) {
            test::FiveFieldHeader header{};
            header.protocol = 6;
            header.dport = static_cast<uint16_t>(port);
            frames.push_back(test::frame_of(header, false));
            frames.back()[22] = ttl; // the checksum does not matter
        }
    }
    EXPECT_GT(programs_of(*policy, cut_after(1)), 10U);
    for (const size_t rules : {1, 2, 3}) {
        EXPECT_GT(programs_of(*policy, cut_after(rules)), 1U);
        size_t decided = 0;
        EXPECT_EQ(check_policy(*policy, frames, cut_after(rules), &decided), "") << rules;
        EXPECT_GT(decided, 50U);
    }
}

/// More than the verifier takes in one program, and than a function may hold.
TEST(CodegenProgramsSize, SixtyThousandRulesOneAfterTheOther) {
    const auto rules = test::make_rules({test::RuleShape::Acl, 60'000, false, 7});
    const auto policy = policy_of(test::policy_text(rules, false));
    ASSERT_TRUE(policy);
    BuildOptions options;
    options.plan.classify = false;
    EXPECT_GT(programs_of(*policy, options), 1U);
    Frames frames;
    for (const auto& header : test::make_headers(rules, {.headers = 400, .ip6 = false})) {
        frames.push_back(test::frame_of(header, false));
    }
    size_t decided = 0;
    EXPECT_EQ(check_policy(*policy, frames, options, &decided), "");
    EXPECT_GT(decided, 200U);
}

} // namespace
} // namespace xdpc::codegen_test
