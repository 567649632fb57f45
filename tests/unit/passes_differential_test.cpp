// Random policies over random packets: flatten, each pass alone, all but one and all together mean what the
// reference evaluator says.
#include "compiler/passes/passes.h"
#include "tests/harness/ir_eval.h"
#include "tests/harness/random_policy.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

constexpr uint64_t seeds = 3000;

struct Case {
    std::vector<std::vector<uint8_t>> frames;
    Policy policy;
};

Case case_of(uint64_t seed, size_t max_live = 0, bool meters = false) {
    test::Rng rng(seed);
    Case result;
    result.frames = test::random_frames(rng, 60);
    test::RandomPolicyOptions options;
    options.max_live = max_live;
    options.meters = meters;
    result.policy = test::random_policy(rng, result.frames, options);
    if (max_live != 0 || meters) { // so that what was left behind is met again
        for (size_t i = 0; i < 60; ++i) {
            result.frames.push_back(test::pick(rng, result.frames));
        }
    }
    return result;
}

/// Empty where the program agrees with the evaluator.
std::string try_with(const Case& c, const std::vector<std::string>& disabled) {
    ir::Program program = ir::flatten(c.policy);
    PassOptions options;
    options.disabled = disabled;
    optimize(program, options);
    const std::string found = test::difference(c.policy, program, c.frames);
    return found.empty() ? found : found + "\n" + ir::print(program, c.policy);
}

std::vector<std::string> all_but(const std::string& kept) {
    std::vector<std::string> names = pass_names();
    names.erase(std::find(names.begin(), names.end(), kept));
    return names;
}

TEST(PassesDifferential, FlattenAlone) {
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        ASSERT_EQ(try_with(case_of(seed), pass_names()), "") << "seed " << seed;
    }
}

TEST(PassesDifferential, AllPasses) {
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        ASSERT_EQ(try_with(case_of(seed), {}), "") << "seed " << seed;
    }
}

TEST(PassesDifferential, EachPassAlone) {
    for (uint64_t seed = 1; seed <= seeds / 20; ++seed) {
        const Case c = case_of(seed);
        for (const std::string& name : pass_names()) {
            ASSERT_EQ(try_with(c, all_but(name)), "") << "seed " << seed << ", only " << name;
        }
    }
}

TEST(PassesDifferential, EachPassOff) {
    for (uint64_t seed = 1; seed <= seeds / 20; ++seed) {
        const Case c = case_of(seed);
        for (const std::string& name : pass_names()) {
            ASSERT_EQ(try_with(c, {name}), "") << "seed " << seed << ", without " << name;
        }
    }
}

TEST(PassesDifferential, LiveSets) {
    for (uint64_t seed = 1; seed <= seeds / 2; ++seed) {
        const Case c = case_of(seed, 4);
        ASSERT_EQ(try_with(c, pass_names()), "") << "seed " << seed << ", flatten alone";
        ASSERT_EQ(try_with(c, {}), "") << "seed " << seed << ", all passes";
    }
}

TEST(PassesDifferential, LiveSetsWithEachPassAlone) {
    for (uint64_t seed = 1; seed <= seeds / 20; ++seed) {
        const Case c = case_of(seed, 4);
        for (const std::string& name : pass_names()) {
            ASSERT_EQ(try_with(c, all_but(name)), "") << "seed " << seed << ", only " << name;
            ASSERT_EQ(try_with(c, {name}), "") << "seed " << seed << ", without " << name;
        }
    }
}

/// Otherwise nothing of it would be tested.
TEST(PassesDifferential, LiveSetsFillCountAndExpire) {
    size_t counted = 0;
    size_t added = 0;
    size_t gone = 0;
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        const Case c = case_of(seed, 4);
        State state(c.policy);
        for (const auto& frame : c.frames) {
            PacketView view;
            view.frame = frame;
            (void)evaluate(c.policy, state, view);
            state.elapsed_ns += 50'000'000;
        }
        for (const LiveSet& set : c.policy.sets) {
            const auto left = state.sets[set.id.value].elements(set, state.now_ns());
            for (const auto& [box, found] : left) {
                counted += found.count.packets;
            }
            added += left.size() > set.elements.count ? 1 : 0;
            gone += left.size() < set.elements.count ? 1 : 0;
        }
    }
    EXPECT_GT(counted, 100U);
    EXPECT_GT(added, 20U);
    EXPECT_GT(gone, 20U);
}

TEST(PassesDifferential, Meters) {
    for (uint64_t seed = 1; seed <= seeds / 2; ++seed) {
        const Case c = case_of(seed, seed % 2 == 0 ? 2 : 0, true);
        ASSERT_EQ(try_with(c, pass_names()), "") << "seed " << seed << ", flatten alone";
        ASSERT_EQ(try_with(c, {}), "") << "seed " << seed << ", all passes";
    }
}

TEST(PassesDifferential, MetersWithEachPassAlone) {
    for (uint64_t seed = 1; seed <= seeds / 20; ++seed) {
        const Case c = case_of(seed, 0, true);
        for (const std::string& name : pass_names()) {
            ASSERT_EQ(try_with(c, all_but(name)), "") << "seed " << seed << ", only " << name;
            ASSERT_EQ(try_with(c, {name}), "") << "seed " << seed << ", without " << name;
        }
    }
}

/// Otherwise nothing of it would be tested.
TEST(PassesDifferential, MetersAreMetFromAllSides) {
    uint64_t within = 0;
    uint64_t beyond = 0;
    uint64_t overflows = 0;
    size_t over = 0;
    size_t events = 0;
    for (uint64_t seed = 1; seed <= 300; ++seed) {
        const Case c = case_of(seed, 0, true);
        State state(c.policy);
        for (const auto& frame : c.frames) {
            PacketView view;
            view.frame = frame;
            (void)evaluate(c.policy, state, view);
            state.elapsed_ns += 50'000'000;
        }
        for (const LimitState& limit : state.meters.limits) {
            within += limit.within;
            beyond += limit.beyond;
            overflows += limit.overflows;
        }
        for (const Quota& quota : c.policy.quotas) {
            over += state.meters.used[quota.id.value] > quota.bytes ? 1 : 0;
        }
        events += state.meters.events.size();
    }
    EXPECT_GT(within, 1000U);
    EXPECT_GT(beyond, 1000U);
    EXPECT_GT(overflows, 100U);
    EXPECT_GT(over, 20U);
    EXPECT_GT(events, 1000U);
}

/// A generator whose rules never match would test nothing.
TEST(PassesDifferential, RulesOftenDecide) {
    size_t by_rule = 0;
    size_t packets = 0;
    for (uint64_t seed = 1; seed <= 400; ++seed) {
        const Case c = case_of(seed);
        State state(c.policy);
        for (const auto& frame : c.frames) {
            PacketView view;
            view.frame = frame;
            by_rule += evaluate(c.policy, state, view).decider.value < c.policy.rules.size() ? 1 : 0;
            ++packets;
        }
    }
    EXPECT_GT(by_rule, packets / 5);
    EXPECT_LT(by_rule, packets);
}

} // namespace
} // namespace xdpc
