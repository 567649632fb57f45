// What is too large for one program is cut into several.
#include "compiler/plan/plan.h"
#include "tests/harness/policy_builder.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

using test::match;
using test::PolicyBuilder;
using test::verdict;

std::optional<Plan> plan_of(const PolicyBuilder& b, PlanOptions options, Diagnostics& diagnostics) {
    options.classify = false;
    return choose(ir::flatten(b.get()), options, diagnostics);
}

void fill(PolicyBuilder& b, ChainId chain, u128 rules) {
    for (u128 i = 0; i < rules; ++i) {
        b.rule({match(test::field(FieldId::IpSaddr, i)), match(test::field(FieldId::TcpDport, i)),
                verdict(Drop{})},
               chain);
    }
}

PlanOptions small() {
    PlanOptions options;
    options.max_instructions = 3000;
    return options;
}

/// The programs of a chain hold its rules once each, in order.
void expect_covers(const Plan& plan, uint32_t chain, size_t rules) {
    size_t next = 0;
    for (const ProgramPlan& program : plan.programs) {
        if (program.chain == chain) {
            EXPECT_EQ(program.begin, next);
            next = program.end;
        }
    }
    EXPECT_EQ(next, rules);
}

TEST(PlanPrograms, OneIsEnoughWhereItFits) {
    PolicyBuilder b;
    fill(b, {0}, 50);
    Diagnostics diagnostics;
    const auto plan = plan_of(b, {}, diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->programs.empty());
    EXPECT_EQ(plan->tail_calls, 0U);
}

TEST(PlanPrograms, ALongListIsCutIntoWhatTheVerifierTakes) {
    PolicyBuilder b;
    fill(b, {0}, 500);
    Diagnostics diagnostics;
    const PlanOptions options = small();
    const auto plan = plan_of(b, options, diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_GT(plan->programs.size(), 3U);
    EXPECT_EQ(plan->tail_calls, plan->programs.size() - 1);
    EXPECT_FALSE(plan->specialise.enabled);
    expect_covers(*plan, 0, 500);
    for (const ProgramPlan& program : plan->programs) {
        EXPECT_LE(program.processed * options.copies, options.max_instructions);
    }
}

TEST(PlanPrograms, WhatLeadsToALongChainIsCutBehindTheRuleThatDoes) {
    PolicyBuilder b;
    const ChainId big = b.chain("big");
    const ChainId between = b.chain("between");
    const ChainId little = b.chain("little");
    fill(b, big, 300);
    fill(b, little, 3);
    b.rule({match(test::field(FieldId::IpTtl, 9)), verdict(Jump{big})}, between);
    b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{little})});
    b.rule({match(test::field(FieldId::IpTtl, 2)), verdict(Jump{between})});
    b.rule({match(test::field(FieldId::IpTtl, 3)), verdict(Drop{})});
    Diagnostics diagnostics;
    const auto plan = plan_of(b, small(), diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->chains[big.value].programs);
    EXPECT_TRUE(plan->chains[between.value].programs);
    EXPECT_FALSE(plan->chains[little.value].programs);
    expect_covers(*plan, big.value, 300);
    expect_covers(*plan, between.value, 1);
    expect_covers(*plan, 0, 3);
    ASSERT_GT(plan->programs.size(), 4U);
    EXPECT_EQ(plan->programs[0].end, 2U);
    EXPECT_EQ(plan->programs[0].leaves, std::optional<size_t>(1));
    EXPECT_EQ(plan->programs[1].begin, 2U);
    // Of the entry that, and what is left of `between`; there and back twice.
    size_t of_big = 0;
    for (const ProgramPlan& program : plan->programs) {
        of_big += program.chain == big.value ? 1 : 0;
    }
    EXPECT_GE(plan->tail_calls, of_big - 1 + 4);
    EXPECT_LE(plan->tail_calls, of_big - 1 + 5);
}

TEST(PlanPrograms, TestsCutMoreThanIsNeededButNeverTooMuch) {
    PolicyBuilder b;
    fill(b, {0}, 20);
    Diagnostics diagnostics;
    PlanOptions options;
    options.rules_in_program = 1;
    auto plan = plan_of(b, options, diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->programs.size(), 20U);
    fill(b, {0}, 80);
    plan = plan_of(b, options, diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->programs.size(), 25U); // of four rules: more calls than 33 would not do
}

/// The kernel takes 256 functions in a program.
TEST(PlanPrograms, ManyFunctionsAreSharedOut) {
    PolicyBuilder b;
    for (int i = 0; i < 500; ++i) {
        const ChainId chain = b.chain("c" + std::to_string(i));
        fill(b, chain, 6);
        b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{chain})});
        b.rule({match(test::field(FieldId::IpTtl, 2)), verdict(Jump{chain})});
    }
    Diagnostics diagnostics;
    const auto plan = plan_of(b, {}, diagnostics);
    ASSERT_TRUE(plan);
    ASSERT_GE(plan->programs.size(), 3U);
    for (const ProgramPlan& program : plan->programs) {
        EXPECT_EQ(program.chain, 0U);
        EXPECT_LE((program.end - program.begin) / 2, 240U);
    }
}

TEST(PlanPrograms, MoreThanAPacketMayGoThroughIsRefused) {
    PolicyBuilder b;
    fill(b, {0}, 500);
    PlanOptions options = small();
    options.max_tail_calls = 3;
    Diagnostics diagnostics;
    EXPECT_FALSE(plan_of(b, options, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].kind, Diag::PolicyTooLarge);
    EXPECT_NE(diagnostics.all()[0].message.find("500 rules"), std::string::npos)
        << diagnostics.all()[0].message;
}

TEST(PlanPrograms, TextShowsThem) {
    PolicyBuilder b;
    fill(b, {0}, 3);
    Diagnostics diagnostics;
    PlanOptions options;
    options.rules_in_program = 2;
    const auto plan = plan_of(b, options, diagnostics);
    ASSERT_TRUE(plan);
    const std::string text = print(*plan, ir::flatten(b.get()));
    EXPECT_NE(text.find("2 programs, at most 1 tail calls a packet"), std::string::npos) << text;
    EXPECT_NE(text.find("rules 0 to 1, about"), std::string::npos) << text;
    EXPECT_NE(text.find("rules 2 to 2, about"), std::string::npos) << text;
}

} // namespace
} // namespace xdpc
