// Random policies over random frames: however the program is laid out, the kernel decides and counts as the
// evaluator does.
#include "tests/kernel/codegen_support.h"

namespace xdpc::codegen_test {
namespace {

void run_seeds(const BuildOptions& options) {
    check_random_policies(options, [](const Policy&) {});
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
