// Random policies as text, all the way: read, checked, evaluated; and the evaluator against the optimised IR.
#include "tests/harness/random_text.h"

#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/policy/check.h"
#include "tests/harness/ir_eval.h"

#include <gtest/gtest.h>
#include <set>

namespace xdpc::test {
namespace {

struct Read {
    std::optional<Policy> policy;
    std::string diagnostics;
};

Read read(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const FileId file = sources.add("<text>", text);
    auto policy = check(parse_with_includes(file, sources, diagnostics), sources, diagnostics);
    return {std::move(policy), render(diagnostics, sources)};
}

TEST(RandomText, IsMostlyAcceptedAndItsRulesMatch) {
    size_t accepted = 0;
    size_t rules = 0;
    std::set<std::pair<uint64_t, uint32_t>> deciders;
    std::string first_refusal;
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        Rng rng(seed);
        const Frames samples = random_frames(rng, 20);
        const std::string text = random_policy_text(rng, samples);
        const Read result = read(text);
        if (!result.policy) {
            first_refusal += result.diagnostics;
            continue;
        }
        ++accepted;
        rules += result.policy->rules.size();
        State state(*result.policy);
        for (const auto& frame : aimed_frames(rng, samples, 200)) {
            PacketView view;
            view.frame = frame;
            Trace trace;
            deciders.emplace(seed, evaluate(*result.policy, state, view, &trace).decider.value);
            for (const TraceStep& step : trace.steps) {
                ASSERT_TRUE(step.matched || !step.value.empty()) << text;
            }
        }
    }
    EXPECT_GE(accepted, 180U) << first_refusal;
    EXPECT_GT(deciders.size() * 5, rules) << "too few rules decide anything";
}

/// Texts of a kind are mostly accepted, and mean the same before and after the passes.
void expect_alike(uint64_t factor, const RandomTextOptions& options) {
    size_t accepted = 0;
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        Rng rng(seed * factor);
        const Frames samples = random_frames(rng, 20);
        const std::string text = random_policy_text(rng, samples, options);
        const Read result = read(text);
        if (!result.policy) {
            continue;
        }
        ++accepted;
        const Frames frames = aimed_frames(rng, samples, 150);
        ir::Program program = ir::flatten(*result.policy);
        EXPECT_EQ(difference(*result.policy, program, frames), "") << "flattened, seed " << seed << "\n"
                                                                   << text;
        optimize(program, {});
        EXPECT_EQ(difference(*result.policy, program, frames), "") << "optimised, seed " << seed << "\n"
                                                                   << text;
    }
    EXPECT_GE(accepted, 120U);
}

TEST(RandomText, LiveSetsAreAcceptedAndOptimisedProgramsDecideAlike) {
    RandomTextOptions options;
    options.max_live = 4;
    expect_alike(104729, options);
}

TEST(RandomText, MetersAreAcceptedAndOptimisedProgramsDecideAlike) {
    RandomTextOptions options;
    options.meters = true;
    expect_alike(15485863, options);
}

TEST(RandomText, OptimisedProgramsDecideAlike) {
    for (uint64_t seed = 1; seed <= 150; ++seed) {
        Rng rng(seed * 7919);
        const Frames samples = random_frames(rng, 20);
        const std::string text = random_policy_text(rng, samples);
        const Read result = read(text);
        if (!result.policy) {
            continue;
        }
        const Frames frames = aimed_frames(rng, samples, 100);
        ir::Program program = ir::flatten(*result.policy);
        EXPECT_EQ(difference(*result.policy, program, frames), "") << "flattened, seed " << seed << "\n"
                                                                   << text;
        optimize(program, {});
        EXPECT_EQ(difference(*result.policy, program, frames), "") << "optimised, seed " << seed << "\n"
                                                                   << text;
    }
}

} // namespace
} // namespace xdpc::test
