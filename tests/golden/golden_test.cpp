// Each NAME.xdp here has a NAME.expected with the diagnostics it provokes, as a terminal shows them.
// XDPC_UPDATE_GOLDEN=1 writes the expected files anew: read the difference before you commit it.
#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/plan.h"
#include "compiler/policy/check.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <regex>
#include <set>

namespace xdpc {
namespace {

namespace fs = std::filesystem;

fs::path folder() {
    return fs::path(XDPC_SOURCE_DIR) / "tests" / "golden";
}

std::vector<std::string> policies() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder())) {
        if (entry.path().extension() == ".xdp") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

struct Outcome {
    Sources sources;
    Diagnostics diagnostics;
};

/// Paths are relative to the folder, so that expected files name no machine.
Outcome run(const std::string& name) {
    Outcome outcome;
    const fs::path before = fs::current_path();
    fs::current_path(folder());
    const auto file = parse_file(name + ".xdp", outcome.sources, outcome.diagnostics);
    EXPECT_TRUE(file) << name;
    const auto policy = file ? check(*file, outcome.sources, outcome.diagnostics) : std::nullopt;
    if (policy) {
        ir::Program program = ir::flatten(*policy);
        warn(optimize(program, {}), outcome.diagnostics);
        choose(program, {}, outcome.diagnostics);
    }
    outcome.diagnostics.sort();
    fs::current_path(before);
    return outcome;
}

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// Estimates of the plan move with its cost model; that there is one does not.
std::string without_estimates(const std::string& text) {
    return std::regex_replace(text, std::regex("about [0-9]+"), "about N");
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, DiagnosticsAreAsExpected) {
    const Outcome outcome = run(GetParam());
    const std::string rendered = without_estimates(render(outcome.diagnostics, outcome.sources));
    const fs::path expected = folder() / (GetParam() + ".expected");
    if (std::getenv("XDPC_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(expected, std::ios::binary) << rendered;
    }
    EXPECT_EQ(rendered, read(expected));
    EXPECT_FALSE(rendered.empty()) << "a golden file that provokes nothing";
}

std::string name_of_case(const testing::TestParamInfo<std::string>& info) {
    return info.param;
}
INSTANTIATE_TEST_SUITE_P(Files, Golden, testing::ValuesIn(policies()), name_of_case);

/// A file is named after the first diagnostic it is for: every row of diagnostics.def must be provoked.
TEST(DiagnosticsCoverage, EveryRowIsProvokedBySomeGoldenFile) {
    std::set<std::string> missing;
    for (const DiagInfo& row : all_diagnostics()) {
        missing.insert(row.id);
    }
    for (const std::string& name : policies()) {
        const Outcome outcome = run(name);
        for (const Diagnostic& diagnostic : outcome.diagnostics.all()) {
            missing.erase(info(diagnostic.kind).id);
        }
    }
    std::string list;
    for (const std::string& id : missing) {
        list += id + " ";
    }
    EXPECT_TRUE(missing.empty()) << "provoked by no file of tests/golden: " << list;
}

TEST(DiagnosticsCoverage, CodesAreUnique) {
    std::set<unsigned> codes;
    for (const DiagInfo& row : all_diagnostics()) {
        EXPECT_TRUE(codes.insert(row.code).second) << row.id << " has code " << row.code << " of another row";
    }
}

} // namespace
} // namespace xdpc
