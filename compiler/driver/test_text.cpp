#include "compiler/driver/test_result.h"

#include <unistd.h>

namespace xdpc::driver {

const char* name_of(Engine engine) {
    switch (engine) {
    case Engine::Kernel:
        return "kernel";
    case Engine::Reference:
        return "reference";
    case Engine::Both:
        return "both";
    }
    return "";
}

const char* name_of(Failure::Kind kind) {
    switch (kind) {
    case Failure::Kind::Expectation:
        return "expectation";
    case Failure::Kind::Disagreement:
        return "disagreement";
    case Failure::Kind::Engine:
        return "engine";
    }
    return "";
}

TestTotals totals(const std::vector<TestFile>& files) {
    TestTotals sum;
    for (const TestFile& file : files) {
        sum.broken_files += file.error || file.refusal || file.diagnostics.has_errors() ? 1 : 0;
        for (const TestResult& test : file.tests) {
            ++(test.failures.empty() ? sum.passed : sum.failed);
        }
    }
    return sum;
}

std::string failure_text(const Failure& failure) {
    std::string out = "  " + failure.where + ":";
    out += failure.kind == Failure::Kind::Disagreement
               ? " the engines disagree (a bug of xdpc, please report it)"
           : failure.kind == Failure::Kind::Engine ? " the kernel could not be asked"
                                                   : "";
    out += "\n";
    if (failure.packet) {
        const char* title = "packet";
        for (const std::string& layer : failure.packet->layers) {
            out += fmt::format("    {:<9} {}\n", title, layer);
            title = "";
        }
        out += fmt::format("    {:<9} {}\n", "sent at", failure.packet->sent);
    }
    if (!failure.expected.empty()) {
        out += fmt::format("    {:<9} {}\n", "expected", failure.expected);
    }
    out += fmt::format("    {:<9} {}\n", failure.kind == Failure::Kind::Engine ? "error" : "actual",
                       failure.actual);
    for (const std::string& note : failure.notes) {
        out += fmt::format("    {:<9} {}\n", "", note);
    }
    return out;
}

void print_file(const TestFile& file) {
    const bool color = use_color(STDOUT_FILENO);
    for (const TestResult& test : file.tests) {
        const bool good = test.failures.empty();
        say("{}{}{} {}: {}\n", color ? (good ? "\x1b[32m" : "\x1b[1;31m") : "", good ? "ok  " : "FAIL",
            color ? "\x1b[0m" : "", test.where, test.title);
        for (const Failure& failure : test.failures) {
            put(failure_text(failure));
        }
    }
}

std::string lcov_text(const Coverage& coverage) {
    std::string out;
    for (const auto& [path, lines] : coverage) {
        out += "TN:\nSF:" + path + "\n";
        size_t hit = 0;
        for (const auto& [line, count] : lines) {
            out += fmt::format("DA:{},{}\n", line, count);
            hit += count > 0 ? 1 : 0;
        }
        out += fmt::format("LF:{}\nLH:{}\nend_of_record\n", lines.size(), hit);
    }
    return out;
}

} // namespace xdpc::driver
