// Every policy of this repository, through parser, checker, flatten, passes and plan: the program means what
// the evaluator says, on random frames.
#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/plan.h"
#include "compiler/policy/check.h"
#include "tests/harness/ir_eval.h"
#include "tests/harness/random_frame.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

std::vector<std::string> policies_in(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(XDPC_SOURCE_DIR "/" + folder)) {
        if (entry.path().extension() == ".xdp") {
            paths.push_back(entry.path().string());
        }
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

void expect_agreement(const std::string& path) {
    SCOPED_TRACE(path);
    Sources sources;
    Diagnostics diagnostics;
    const auto file = parse_file(path, sources, diagnostics);
    ASSERT_TRUE(file) << file.error().message;
    const std::optional<Policy> policy = check(*file, sources, diagnostics);
    ASSERT_TRUE(policy) << render(diagnostics, sources);
    test::Rng rng(7);
    const auto frames = test::random_frames(rng, 3000);
    ir::Program program = ir::flatten(*policy);
    EXPECT_EQ(test::difference(*policy, program, frames), "");
    optimize(program);
    EXPECT_EQ(test::difference(*policy, program, frames), "") << ir::print(program, *policy);
    EXPECT_TRUE(choose(program, {}, diagnostics)) << render(diagnostics, sources);
}

TEST(Policies, ExamplesMeanWhatTheEvaluatorSays) {
    const auto paths = policies_in("examples/rules");
    ASSERT_GE(paths.size(), 6U);
    for (const std::string& path : paths) {
        expect_agreement(path);
    }
}

TEST(Policies, ThoseOfTheBenchmarkAsWell) {
    for (const std::string& path : policies_in("tests/bench/policies")) {
        expect_agreement(path);
    }
}

} // namespace
} // namespace xdpc
