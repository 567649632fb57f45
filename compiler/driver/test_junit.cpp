#include "compiler/driver/test_result.h"

namespace xdpc::driver {

namespace {

/// Length of the UTF-8 sequence at `i` of which XML 1.0 allows the character, else 0.
size_t sequence_length(std::string_view text, size_t i) {
    const auto byte = [&](size_t at) -> unsigned {
        return at < text.size() ? static_cast<uint8_t>(text[at]) : 0;
    };
    const unsigned first = byte(i);
    if (first < 0x80) {
        return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
    }
    const size_t length = first >= 0xf0 && first < 0xf5   ? 4
                          : first >= 0xe0 && first < 0xf0 ? 3
                          : first >= 0xc2 && first < 0xe0 ? 2
                                                          : 0;
    uint32_t code = length == 0 ? 0 : first & (0x7fU >> length);
    for (size_t k = 1; k < length; ++k) {
        if ((byte(i + k) & 0xc0U) != 0x80U) {
            return 0;
        }
        code = code << 6U | (byte(i + k) & 0x3fU);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    const bool allowed =
        code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) && code != 0xfffe && code != 0xffff;
    return overlong || !allowed ? 0 : length;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size();) {
        const size_t length = sequence_length(text, i);
        if (length == 0) {
            out += "\xef\xbf\xbd"; // U+FFFD
            ++i;
            continue;
        }
        const char c = text[i];
        switch (length == 1 ? c : 'x') {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        case '\n':
            out += "&#10;";
            break;
        default:
            out += text.substr(i, length);
        }
        i += length;
    }
    return out;
}

std::string testcase(const TestFile& file, const TestResult& test) {
    std::string out = fmt::format("    <testcase name=\"{}\" classname=\"{}\" time=\"{:.6f}\"",
                                  escaped(test.title), escaped(file.path), test.seconds);
    if (test.failures.empty()) {
        return out + "/>\n";
    }
    out += ">\n";
    // One element for each test: many readers take only the first.
    const Failure& first = test.failures.front();
    const char* element = first.kind == Failure::Kind::Expectation ? "failure" : "error";
    std::string body;
    for (const Failure& failure : test.failures) {
        body += failure_text(failure);
    }
    out += fmt::format(
        "      <{} message=\"{}\" type=\"{}\">{}</{}>\n", element,
        escaped(fmt::format("{}: expected {}, actual {}", first.where, first.expected, first.actual)),
        name_of(first.kind), escaped(body), element);
    return out + "    </testcase>\n";
}

/// What stands for a file whose tests could not be run.
std::string broken_case(const TestFile& file) {
    std::string message = file.error ? file.error->message : "the policy has mistakes";
    std::string body = render(file.diagnostics, file.sources);
    if (file.refusal) {
        message = "the kernel's verifier refuses the policy";
        body += render(*file.refusal, file.sources);
    }
    return fmt::format(
        "    <testcase name=\"compiles\" classname=\"{}\" time=\"0\">\n      <error message=\"{}\" "
        "type=\"policy\">{}</error>\n    </testcase>\n",
        escaped(file.path), escaped(message), escaped(body));
}

} // namespace

std::string junit_text(const std::vector<TestFile>& files) {
    std::string suites;
    size_t tests = 0;
    size_t failures = 0;
    size_t errors = 0;
    double seconds = 0;
    for (const TestFile& file : files) {
        size_t own_failures = 0;
        size_t own_errors = 0;
        std::string cases;
        for (const TestResult& test : file.tests) {
            cases += testcase(file, test);
            if (!test.failures.empty()) {
                ++(test.failures.front().kind == Failure::Kind::Expectation ? own_failures : own_errors);
            }
        }
        const bool broken = file.error || file.refusal || file.diagnostics.has_errors();
        if (broken) {
            cases += broken_case(file);
            ++own_errors;
        }
        const size_t own_tests = file.tests.size() + (broken ? 1 : 0);
        suites +=
            fmt::format("  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" "
                        "time=\"{:.6f}\">\n{}  </testsuite>\n",
                        escaped(file.path), own_tests, own_failures, own_errors, file.seconds, cases);
        tests += own_tests;
        failures += own_failures;
        errors += own_errors;
        seconds += file.seconds;
    }
    return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"xdpc\" tests=\"{}\" "
                       "failures=\"{}\" errors=\"{}\" time=\"{:.6f}\">\n{}</testsuites>\n",
                       tests, failures, errors, seconds, suites);
}

} // namespace xdpc::driver
