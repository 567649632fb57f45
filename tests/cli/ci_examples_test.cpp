// The jobs in examples/ci gate a merge: their script lines end 0 on a good policy and not on a broken one.
#include "tests/cli/command.h"

#include <gtest/gtest.h>
#include <sstream>

namespace xdpc::cli {
namespace {

size_t indent_of(const std::string& line) {
    return std::min(line.find_first_not_of(' '), line.size());
}

/// The lines of `run: |` of GitHub's step `gate`.
std::string github_script() {
    std::istringstream in(read(XDPC_SOURCE_DIR "/examples/ci/github-actions.yml"));
    std::string script;
    size_t run_indent = 0;
    bool in_gate = false;
    for (std::string line; std::getline(in, line);) {
        if (line.find("- name: ") != std::string::npos) {
            in_gate = line.find("- name: gate") != std::string::npos;
        } else if (in_gate && line.find("run: |") != std::string::npos) {
            run_indent = indent_of(line);
        } else if (in_gate && run_indent > 0) {
            if (indent_of(line) <= run_indent) {
                break;
            }
            script += line + "\n";
        }
    }
    return script;
}

/// The items of GitLab's `script:`.
std::string gitlab_script() {
    std::istringstream in(read(XDPC_SOURCE_DIR "/examples/ci/gitlab-ci.yml"));
    std::string script;
    bool in_script = false;
    for (std::string line; std::getline(in, line);) {
        if (line == "  script:") {
            in_script = true;
        } else if (in_script && line.starts_with("    - ")) {
            script += line.substr(6) + "\n";
        } else {
            in_script = false;
        }
    }
    return script;
}

int gate(const std::string& script, const std::string& policy) {
    const Folder folder;
    folder.write("policies/edge.xdp", policy);
    Command command;
    command.program = "/bin/bash";
    command.words = {"-e", "-o", "pipefail", "-c", "cd " + folder.path() + "\n" + script};
    command.environment = {std::string("PATH=") + XDPC_BINARY_DIR + ":" + std::getenv("PATH")};
    return run(command).code;
}

constexpr const char* good = "chain ingress {\n"
                             "    policy drop\n"
                             "\n"
                             "    web: tcp dport 80 pass\n"
                             "}\n"
                             "\n"
                             "test \"the web is open\" {\n"
                             "    send tcp dport 80\n"
                             "    expect pass by web\n"
                             "}\n";

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    text.replace(text.find(what), what.size(), with);
    return text;
}

class CiExamples : public testing::TestWithParam<std::string (*)()> {};

TEST_P(CiExamples, GateHoldsWhatIsWrong) {
    const std::string script = GetParam()();
    ASSERT_NE(script.find("xdpc fmt --check"), std::string::npos) << script;
    ASSERT_NE(script.find("xdpc check"), std::string::npos) << script;
    ASSERT_NE(script.find("xdpc test"), std::string::npos) << script;
    EXPECT_EQ(gate(script, good), 0);
    EXPECT_NE(gate(script, replaced(good, "dport 80 pass", "dprot 80 pass")), 0) << "a mistake";
    EXPECT_NE(gate(script, replaced(good, "dport 80 pass", "dport 81 pass")), 0) << "a failing test";
    EXPECT_NE(gate(script, replaced(good, "dport 80 pass", "dport  80  accept")), 0) << "not formatted";
}

INSTANTIATE_TEST_SUITE_P(Jobs, CiExamples, testing::Values(&github_script, &gitlab_script));

} // namespace
} // namespace xdpc::cli
