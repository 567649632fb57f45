// Random policies over random frames: however the program is laid out, the kernel decides and counts as the
// evaluator does.
#include "tests/harness/random_policy.h"
#include "tests/kernel/codegen_support.h"

namespace xdpc::codegen_test {
namespace {

constexpr uint64_t seeds = 60;

void run_seeds(const BuildOptions& options) {
    size_t decided = 0;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        test::Rng rng(seed);
        const Frames frames = test::random_frames(rng, 150, 14);
        test::RandomPolicyOptions what;
        what.max_live = seed % 2 == 0 ? 3 : 0;
        const Policy policy = test::random_policy(rng, frames, what);
        ASSERT_EQ(check_policy(policy, frames, options, &decided), "") << "seed " << seed;
    }
    EXPECT_GT(decided, seeds * 150 / 5);
}

TEST(CodegenRandom, SpecialisedForKindsOfFrame) {
    run_seeds({});
}

TEST(CodegenRandom, WithoutPasses) {
    BuildOptions options;
    options.passes = false;
    run_seeds(options);
}

TEST(CodegenRandom, SharedByAllKindsWithFunctions) {
    BuildOptions options;
    options.plan.functions = true;
    options.plan.max_specialised = 0;
    run_seeds(options);
}

TEST(CodegenRandom, ChainsCutIntoManyFunctions) {
    BuildOptions options;
    options.plan.functions = true;
    options.plan.max_specialised = 0;
    options.plan.max_function_instructions = 500;
    run_seeds(options);
}

} // namespace
} // namespace xdpc::codegen_test
