// What came of tests, as plain data, and the writers that show it: text, JUnit, JSON, lcov.
#pragma once

#include "compiler/driver/output.h"
#include "compiler/policy/evaluate.h"

#include <map>

namespace xdpc::driver {

enum class Engine : uint8_t { Kernel, Reference, Both };
const char* name_of(Engine engine);

/// A packet of a failed expectation.
struct ShownPacket {
    std::string sent; // "edge.xdp:31: send ip saddr …"
    std::vector<std::string> layers;
};

struct Failure {
    enum class Kind : uint8_t {
        Expectation,  // the policy does not do what the test says
        Disagreement, // the engines differ: a bug of xdpc
        Engine,       // the kernel could not be asked
    } kind = Kind::Expectation;
    std::string where; // FILE:LINE of the step
    std::optional<ShownPacket> packet;
    std::string expected;
    std::string actual;
    std::vector<std::string> notes; // the deciding rule's text, why the expected one did not match
};
const char* name_of(Failure::Kind kind);

struct TestResult {
    std::string title;
    std::string where; // FILE:LINE
    double seconds = 0;
    std::vector<Failure> failures;
};

/// Packets that matched the rules, by file and line.
using Coverage = std::map<std::string, std::map<uint32_t, uint64_t>>;

struct TestFile {
    std::string path;
    Sources sources;
    Diagnostics diagnostics;
    std::optional<Error> error; // could not be read, compiled or loaded
    std::optional<rt::Refusal> refusal;
    std::vector<TestResult> tests;
    double seconds = 0;
};

struct TestTotals {
    size_t passed = 0, failed = 0, broken_files = 0;
};
TestTotals totals(const std::vector<TestFile>& files);

/// One failure, indented, to be printed below its test's title.
std::string failure_text(const Failure& failure);
void print_file(const TestFile& file);
std::string junit_text(const std::vector<TestFile>& files);
void print_json(const std::vector<TestFile>& files, Engine engine);
std::string lcov_text(const Coverage& coverage);

} // namespace xdpc::driver
