#include "compiler/plan/plan.h"
#include "compiler/plan/strategy.h"
#include "tests/harness/policy_builder.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

using test::match;
using test::PolicyBuilder;
using test::verdict;

const KeySource dport = FieldKey{FieldId::TcpDport};
const KeySource saddr = FieldKey{FieldId::IpSaddr};

ir::Program program_of(const PolicyBuilder& b) {
    return ir::flatten(b.get());
}
Plan plan_of(const ir::Program& program, const PlanOptions& options = {}) {
    Diagnostics diagnostics;
    std::optional<Plan> plan = choose(program, options, diagnostics);
    EXPECT_TRUE(plan);
    return plan ? *plan : Plan{};
}

/// Rules stand as code, each for itself.
PlanOptions with_functions() {
    PlanOptions options;
    options.classify = false;
    options.functions = true;
    return options;
}

ir::Table table(std::vector<uint16_t> widths, size_t entries, uint32_t values = 1) {
    ir::Table result;
    result.widths = std::move(widths);
    for (size_t i = 0; i < entries; ++i) {
        result.entries.push_back(
            {Box(result.widths.size(), Interval{2 * i, 2 * i}), static_cast<uint32_t>(i % values)});
    }
    return result;
}

TableStrategy strategy_of(const ir::Table& table, bool map) {
    ir::Program program;
    program.tables.push_back(table);
    program.chains.emplace_back();
    if (map) {
        program.chains[0].rules.push_back({{}, {}, {}, {{ir::Dispatch{}, {}}}});
    }
    return plan::choose_tables(program)[0].strategy;
}

TEST(PlanTables, StrategyByWidthAndEntries) {
    EXPECT_EQ(strategy_of(table({16}, 5), false), TableStrategy::Compare);
    EXPECT_EQ(strategy_of(table({16}, 7), false), TableStrategy::Bitmap);
    EXPECT_EQ(strategy_of(table({32}, 16), false), TableStrategy::Compare);
    EXPECT_EQ(strategy_of(table({32}, 17), false), TableStrategy::Search);
    EXPECT_EQ(strategy_of(table({128}, 1000), false), TableStrategy::Search);
    EXPECT_EQ(strategy_of(table({32, 16}, 16), false), TableStrategy::Compare);
    EXPECT_EQ(strategy_of(table({32, 16}, 17), false), TableStrategy::Scan);
    EXPECT_EQ(strategy_of(table({16}, 20, 3), true), TableStrategy::Search) << "64 KiB for twenty entries";
    EXPECT_EQ(strategy_of(table({16}, 100, 3), true), TableStrategy::Bitmap);
    EXPECT_EQ(strategy_of(table({16}, 400, 400), true), TableStrategy::Search)
        << "a byte holds no 400 verdicts";
    EXPECT_EQ(strategy_of(table({8}, 20, 3), true), TableStrategy::Bitmap);
}

TEST(PlanNeeds, NothingIsParsedForWhatIsNotRead) {
    PolicyBuilder b;
    b.rule({match(test::one(MetaKey{MetaId::Length}, {{100, 200}})), verdict(Pass{})});
    const Plan plan = plan_of(program_of(b));
    EXPECT_FALSE(plan.needs.tags || plan.needs.network || plan.needs.transport);
    EXPECT_TRUE(plan.headers.empty());
}

TEST(PlanNeeds, AnAddressNeedsTheNetworkHeaderOnly) {
    PolicyBuilder b;
    b.rule({match(test::field(FieldId::IpSaddr, 1)), verdict(Pass{})});
    const Plan plan = plan_of(program_of(b));
    EXPECT_TRUE(plan.needs.tags && plan.needs.network);
    EXPECT_FALSE(plan.needs.transport || plan.needs.extensions || plan.needs.fragment);
    EXPECT_EQ(plan.headers, std::set<HeaderId>{HeaderId::Ip});
}

TEST(PlanNeeds, AnOptionNeedsItsHeader) {
    PolicyBuilder b;
    b.rule({match(test::field(FieldId::TcpOptMaxsegSize, 1)), verdict(Pass{})});
    const Plan plan = plan_of(program_of(b));
    EXPECT_TRUE(plan.needs.transport && plan.needs.tcp_options);
    EXPECT_FALSE(plan.needs.ip_options);
    EXPECT_EQ(plan.headers, (std::set<HeaderId>{HeaderId::Tcp, HeaderId::TcpOptMaxseg}));
}

void fill(PolicyBuilder& b, ChainId chain, size_t rules) {
    for (size_t i = 0; i < rules; ++i) {
        b.rule({match(test::field(FieldId::IpSaddr, i)), match(test::field(FieldId::TcpDport, i & 0xffff)),
                verdict(Drop{})},
               chain);
    }
}

TEST(PlanChains, InlinedFromOnePlaceAFunctionFromSeveral) {
    PolicyBuilder b;
    const ChainId once = b.chain("once");
    const ChainId twice = b.chain("twice");
    const ChainId tiny = b.chain("tiny");
    fill(b, once, 10);
    fill(b, twice, 10);
    for (const ChainId target : {once, twice, twice, tiny, tiny}) {
        b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{target})});
    }
    const ir::Program program = program_of(b);
    const Plan plan = plan_of(program, with_functions());
    EXPECT_FALSE(plan.chains[once.value].function);
    EXPECT_TRUE(plan.chains[twice.value].function);
    EXPECT_FALSE(plan.chains[tiny.value].function);
    EXPECT_TRUE(plan.specialise.enabled);
    EXPECT_NE(print(plan, program).find("chain twice, 10 rules, a function, reached from 2 places"),
              std::string::npos);
}

TEST(PlanChains, CallsNestNoDeeperThanTheKernelAllows) {
    PolicyBuilder b;
    std::vector<ChainId> chains{{0}};
    for (int i = 0; i < 9; ++i) {
        chains.push_back(b.chain("c" + std::to_string(i)));
    }
    for (size_t i = 0; i + 1 < chains.size(); ++i) {
        fill(b, chains[i], 3);
        for (int calls = 0; calls < 2; ++calls) {
            b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{chains[i + 1]})}, chains[i]);
        }
    }
    fill(b, chains.back(), 3);
    PlanOptions options = with_functions();
    options.max_depth = 5;
    const Plan plan = plan_of(program_of(b), options);
    size_t functions = 0;
    for (const ChainPlan& chain : plan.chains) {
        functions += chain.function ? 1 : 0;
    }
    EXPECT_EQ(functions, 5U);
    EXPECT_TRUE(plan.chains[chains.back().value].function);
}

TEST(PlanChains, LongChainsAreCutIntoSegments) {
    PolicyBuilder b;
    fill(b, {0}, 3000);
    const Plan plan = plan_of(program_of(b), with_functions());
    const auto& segments = plan.chains[0].segments;
    ASSERT_GT(segments.size(), 2U);
    EXPECT_EQ(segments[0], 0U);
    for (size_t i = 1; i < segments.size(); ++i) {
        EXPECT_LT(segments[i - 1], segments[i]);
    }
    EXPECT_LT(segments.back(), 3000U);
    EXPECT_FALSE(plan.specialise.enabled);
}

TEST(PlanChains, AFewHundredRulesStayInOnePiece) {
    PolicyBuilder b;
    fill(b, {0}, 300);
    EXPECT_TRUE(plan_of(program_of(b), with_functions()).chains[0].segments.empty());
}

TEST(PlanChains, AVerdictMapToManyLongChainsMakesThemFunctions) {
    PolicyBuilder b;
    VmapStatement vmap;
    vmap.keys.push_back({dport, ~u128{0}});
    for (uint32_t i = 0; i < 20; ++i) {
        const ChainId chain = b.chain("c" + std::to_string(i));
        fill(b, chain, 100);
        vmap.entries.push_back({{{i, i}}, Jump{chain}});
    }
    b.rule({vmap});
    const Plan plan = plan_of(program_of(b), with_functions());
    size_t functions = 0;
    for (const ChainPlan& chain : plan.chains) {
        functions += chain.function ? 1 : 0;
    }
    EXPECT_GT(functions, 10U);
    EXPECT_LE(plan.chains[0].instructions, PlanOptions{}.max_function_instructions);
}

TEST(PlanLimits, ATooLargePolicyIsADiagnosticThatNamesTheChain) {
    PolicyBuilder b;
    const ChainId big = b.chain("big");
    fill(b, big, 200);
    b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{big})});
    Diagnostics diagnostics;
    PlanOptions options;
    options.max_instructions = 1000;
    options.max_tail_calls = 2;
    options.classify = false;
    EXPECT_FALSE(choose(program_of(b), options, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].kind, Diag::PolicyTooLarge);
    EXPECT_NE(diagnostics.all()[0].message.find("`big`"), std::string::npos) << diagnostics.all()[0].message;
    EXPECT_NE(diagnostics.all()[0].message.find("200 rules"), std::string::npos);
}

/// Each chain calls the next from eight places: a billion instructions to the verifier, and no overflow here.
TEST(PlanLimits, ExponentialCallsAreRefused) {
    PolicyBuilder b;
    std::vector<ChainId> chains{{0}};
    for (int i = 0; i < 30; ++i) {
        chains.push_back(b.chain("c" + std::to_string(i)));
    }
    for (size_t i = 0; i + 1 < chains.size(); ++i) {
        for (int calls = 0; calls < 8; ++calls) {
            b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{chains[i + 1]})}, chains[i]);
        }
    }
    Diagnostics diagnostics;
    EXPECT_FALSE(choose(program_of(b), {}, diagnostics));
    EXPECT_TRUE(diagnostics.has_errors());
    Diagnostics again;
    EXPECT_FALSE(choose(program_of(b), with_functions(), again));
    EXPECT_TRUE(again.has_errors());
}

TEST(PlanLimits, WithoutFunctionsAllMustFitIntoOne) {
    PolicyBuilder b;
    fill(b, {0}, 5000);
    Diagnostics diagnostics;
    PlanOptions without;
    without.functions = without.classify = false;
    EXPECT_FALSE(choose(program_of(b), without, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].kind, Diag::PolicyTooLarge);
    EXPECT_TRUE(choose(program_of(b), with_functions(), diagnostics));
}

TEST(PlanLimits, ARuleThatFitsIntoNoFunctionIsRefused) {
    PolicyBuilder b;
    std::vector<Condition> parts;
    for (u128 i = 0; i < 4000; ++i) {
        parts.push_back(test::all_of({test::field(FieldId::IpSaddr, i), test::field(FieldId::IpDaddr, i)}));
    }
    b.rule({match(test::any_of(std::move(parts))), verdict(Pass{})});
    Diagnostics diagnostics;
    EXPECT_FALSE(choose(program_of(b), {}, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].kind, Diag::RuleTooLarge);
}

TEST(PlanLimits, TablesBeyondMemoryAreRefused) {
    PolicyBuilder b;
    std::vector<Box> boxes;
    for (u128 i = 0; i < 100; ++i) {
        boxes.push_back({{i, i}, {i, i}});
    }
    b.rule({match(test::tuple({saddr, dport}, boxes)), verdict(Pass{})});
    Diagnostics diagnostics;
    PlanOptions options;
    options.max_table_bytes = 1000;
    EXPECT_FALSE(choose(program_of(b), options, diagnostics));
    ASSERT_EQ(diagnostics.all().size(), 1U);
    EXPECT_EQ(diagnostics.all()[0].kind, Diag::TablesTooLarge);
}

TEST(PlanState, FunctionsOfStateCountOnceAndOnlyThoseThatAreAsked) {
    PolicyBuilder b;
    const auto in_set = [](uint32_t set) { return match({{}, SetTest{{{saddr}}, {set}, false, {}, {}}}); };
    b.rule({in_set(1), LimitStatement{{0}, false, {}}, verdict(Drop{})});
    Policy policy = b.get();
    for (uint32_t i = 0; i < 2; ++i) {
        LiveSet set;
        set.id = {i};
        set.name = i == 0 ? "unused" : "asked";
        set.parts = {{TypeId::Ipv4Addr, 32}};
        policy.sets.push_back(set);
    }
    Limit limit;
    limit.display = "r0";
    limit.keys = {{dport}};
    limit.size = 100;
    policy.limits.push_back(limit);
    const Plan once = plan_of(ir::flatten(policy));
    EXPECT_EQ(print(once.state, policy), "set1 @asked hash, size 65536, keys of 32 bits\n"
                                         "limit0 r0 kernel hash of buckets, size 100, keys of 16 bits\n");
    for (int i = 0; i < 9; ++i) {
        b.rule({in_set(1), verdict(Drop{})});
    }
    policy.chains = b.get().chains;
    policy.rules = b.get().rules;
    const Plan often = plan_of(ir::flatten(policy));
    EXPECT_LT(often.estimated_instructions, once.estimated_instructions + 9 * 50);
}

} // namespace
} // namespace xdpc
