// House rules that no compiler checks: which folder may use which library, what must not be left behind,
// formatting.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

const fs::path root = XDPC_SOURCE_DIR;

struct Text {
    std::string path; // relative to the root
    std::vector<std::string> lines;
};

bool has_suffix(const std::string& name, const std::vector<std::string>& suffixes) {
    for (const std::string& suffix : suffixes)
        if (name.size() >= suffix.size() &&
            name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0)
            return true;
    return false;
}

/// Every source of ours: C, C++ and tables, in the folders that hold code.
std::vector<Text> sources() {
    std::vector<Text> found;
    for (const char* folder : {"compiler", "runtime", "codegen-templates", "grammar", "tests"}) {
        if (!fs::exists(root / folder))
            continue;
        for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
            if (!entry.is_regular_file() ||
                !has_suffix(entry.path().filename(), {".cpp", ".h", ".c", ".def"}))
                continue;
            Text text{fs::relative(entry.path(), root).string(), {}};
            std::ifstream in(entry.path());
            for (std::string line; std::getline(in, line);)
                text.lines.push_back(line);
            found.push_back(std::move(text));
        }
    }
    return found;
}

bool below(const std::string& path, const std::vector<std::string>& folders) {
    for (const std::string& folder : folders)
        if (path.rfind(folder, 0) == 0)
            return true;
    return false;
}

/// "FILE:LINE: text" of every line that matches, but for files below `allowed`.
std::string lines_with(const std::regex& pattern, const std::vector<std::string>& allowed) {
    std::ostringstream out;
    for (const Text& text : sources()) {
        if (below(text.path, allowed))
            continue;
        for (size_t i = 0; i < text.lines.size(); ++i)
            if (std::regex_search(text.lines[i], pattern))
                out << text.path << ":" << i + 1 << ": " << text.lines[i] << "\n";
    }
    return out.str();
}

std::string output_of(const std::string& command) {
    std::string out;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr)
        return "cannot run " + command;
    char buffer[4096];
    for (size_t got = 0; (got = fread(buffer, 1, sizeof buffer, pipe)) > 0;)
        out.append(buffer, got);
    if (int status = pclose(pipe); status != 0 && out.empty())
        out = command + " failed";
    return out;
}

} // namespace

TEST(HouseRules, SourcesAreFound) {
    EXPECT_GT(sources().size(), 50U);
}

TEST(HouseRules, OnlyCodegenUsesLlvm) {
    EXPECT_EQ(lines_with(std::regex(R"(#\s*include\s*[<"](llvm|clang|lld)(-c)?/)"), {"compiler/codegen/"}),
              "");
}

TEST(HouseRules, OnlyRuntimeAndTestsUseLibbpf) {
    // Programs in BPF C include libbpf's helper headers; those are not the library.
    EXPECT_EQ(
        lines_with(std::regex(R"(#\s*include\s*[<"]bpf/(libbpf|bpf|btf|xsk)\.h)"), {"runtime/", "tests/"}),
        "");
}

TEST(HouseRules, OnlyDriverAndTestsUseCli11AndOnlyTestsUseGoogleTest) {
    EXPECT_EQ(lines_with(std::regex(R"(#\s*include\s*[<"]CLI/)"),
                         {"compiler/driver/", "tests/bench/", "tests/differential/"}),
              "");
    EXPECT_EQ(lines_with(std::regex(R"(#\s*include\s*[<"]gtest/)"), {"tests/"}), "");
}

TEST(HouseRules, GrammarToolsStayInGrammarAndParse) {
    EXPECT_EQ(lines_with(std::regex(R"(#\s*include\s*[<"]tao/)"),
                         {"grammar/", "compiler/parse/", "tests/unit/parse_"}),
              "");
}

TEST(HouseRules, CompilerPhasesDoNotUseTheRuntime) {
    // The driver is what joins the two. How large a live set is, both compute by one function.
    std::ostringstream wrong;
    for (const Text& text : sources())
        if (below(text.path, {"compiler/"}) && !below(text.path, {"compiler/driver/"}))
            for (size_t i = 0; i < text.lines.size(); ++i)
                if (text.lines[i].rfind("#include \"runtime/", 0) == 0 &&
                    text.lines[i] != "#include \"runtime/sets/layout.h\"")
                    wrong << text.path << ":" << i + 1 << ": " << text.lines[i] << "\n";
    EXPECT_EQ(wrong.str(), "");
}

TEST(HouseRules, NothingIsLeftForLater) {
    EXPECT_EQ(lines_with(std::regex("\\b(TO"
                                    "DO|FIX"
                                    "ME|X"
                                    "XX|HA"
                                    "CK)\\b"),
                         {}),
              "");
}

TEST(HouseRules, FilesAreShort) {
    std::ostringstream wrong;
    for (const Text& text : sources()) {
        bool table = has_suffix(text.path, {".def"}); // closed lists live once, whatever their length
        if (!table && text.lines.size() > 400)
            wrong << text.path << " has " << text.lines.size() << " lines\n";
    }
    EXPECT_EQ(wrong.str(), "");
}

TEST(HouseRules, HeadersSayWhatTheyAreForAndAreIncludedOnce) {
    std::ostringstream wrong;
    for (const Text& text : sources()) {
        if (!has_suffix(text.path, {".h"}) || text.lines.empty())
            continue;
        const std::string& first = text.lines.front();
        if (first.rfind("// ", 0) != 0 && first.rfind("/* ", 0) != 0)
            wrong << text.path << " does not open with a comment\n";
        bool guarded = false;
        for (const std::string& line : text.lines)
            guarded |= line == "#pragma once" || line.rfind("#ifndef ", 0) == 0;
        if (!guarded)
            wrong << text.path << " may be included twice\n";
    }
    EXPECT_EQ(wrong.str(), "");
}

TEST(HouseRules, PathsOfOneMachineAreNotCommitted) {
    EXPECT_EQ(lines_with(std::regex("/ho"
                                    "me/|/wo"
                                    "rk/|/ro"
                                    "ot/"),
                         {}),
              "");
}

TEST(HouseRules, FormattingIsClangFormats) {
    std::string command = "cd '" + root.string() + "' && clang-format-19 --dry-run";
    for (const Text& text : sources())
        if (!has_suffix(text.path, {".def"}))
            command += " '" + text.path + "'";
    std::string wrong = output_of(command);
    EXPECT_EQ(wrong.substr(0, 4000), "");
}
