#include "compiler/compile.h"
#include "compiler/driver/command.h"
#include "compiler/driver/test_case.h"

#include <algorithm>
#include <chrono>

namespace xdpc::driver {

namespace {

/// An instrumented program of the policy, loaded; nothing when the file's report says why not.
std::optional<rt::Loaded> load_instrumented(const Policy& policy, TestFile& file) {
    CodegenOptions codegen;
    codegen.instrument = true;
    auto compiled = compile(policy, file.sources, file.diagnostics, codegen);
    if (!compiled) {
        file.error = compiled.error();
        return std::nullopt;
    }
    if (!*compiled) {
        return std::nullopt;
    }
    auto loaded = rt::load((*compiled)->artifact);
    if (!loaded) {
        file.error = loaded.error().error;
        file.refusal = loaded.error().refusal;
        return std::nullopt;
    }
    return std::move(*loaded);
}

/// Every rule and chain policy of the file, with no hit yet: what no test reaches shall show.
void expect_hits(Coverage& coverage, const Policy& policy, const Sources& sources) {
    auto add = [&](Span span) {
        coverage[sources.get(span.file).path].try_emplace(sources.position(span).line, 0);
    };
    for (const Rule& rule : policy.rules) {
        add(rule.span);
    }
    for (const Chain& chain : policy.chains) {
        if (chain.policy) {
            add(chain.policy_span);
        }
    }
}

void run_file(const TestOptions& options, Engine engine, Coverage* coverage, TestFile& file) {
    Result<std::optional<Policy>> policy = load_policy(file.path, file.sources, file.diagnostics);
    if (!policy) {
        file.error = policy.error();
        return;
    }
    if (!*policy) {
        return;
    }
    std::vector<const TestCase*> chosen;
    for (const TestCase& test : (*policy)->tests) {
        if (test.title.find(options.filter) != std::string::npos) {
            chosen.push_back(&test);
        }
    }
    if (coverage != nullptr) {
        expect_hits(*coverage, **policy, file.sources);
    }
    std::optional<rt::Loaded> program;
    if (engine != Engine::Reference && !chosen.empty()) {
        program = load_instrumented(**policy, file);
        if (!program) {
            return;
        }
    }
    const State begin(**policy);
    for (const TestCase* test : chosen) {
        file.tests.push_back(run_case(
            {**policy, file.sources, engine, program ? &*program : nullptr, coverage, &begin}, *test));
    }
}

/// What was asked for, or what this process may do; nothing after saying why not.
std::optional<Engine> choose_engine(const std::string& name) {
    if (name == "reference") {
        return Engine::Reference;
    }
    const bool may = rt::may_load();
    if (name.empty()) {
        if (!may) {
            put_error("xdpc: this process may not load programs into the kernel: testing with the reference "
                      "engine only\n");
        }
        return may ? Engine::Both : Engine::Reference;
    }
    if (!may) {
        report({"this process may not load programs into the kernel",
                "run as root or with CAP_BPF and CAP_NET_ADMIN, or use `--engine reference`"});
        return std::nullopt;
    }
    return name == "kernel" ? Engine::Kernel : Engine::Both;
}

void print_summary(const std::vector<TestFile>& files, Engine engine, double seconds) {
    const TestTotals sum = totals(files);
    say("{} passed, {} failed", sum.passed, sum.failed);
    if (sum.broken_files > 0) {
        say(", {} file{} could not be tested", sum.broken_files, sum.broken_files == 1 ? "" : "s");
    }
    say(" ({} in {:.2f} s)\n",
        engine == Engine::Both ? "kernel and reference engine" : fmt::format("{} engine", name_of(engine)),
        seconds);
}

int exit_code(const std::vector<TestFile>& files) {
    int worst = ExitFine;
    for (const TestFile& file : files) {
        if (file.diagnostics.has_errors()) {
            worst = std::max<int>(worst, ExitPolicy);
        }
        if (file.error || file.refusal) {
            worst = std::max<int>(worst, file.refusal ? ExitPolicy : ExitSystem);
        }
        for (const TestResult& test : file.tests) {
            worst = std::max<int>(worst, test.failures.empty() ? ExitFine : ExitPolicy);
        }
    }
    return worst;
}

int write_reports(const TestOptions& options, const std::vector<TestFile>& files, const Coverage& coverage) {
    int code = ExitFine;
    if (!options.junit.empty()) {
        if (const auto written = write_file(options.junit, junit_text(files)); !written) {
            code = report(written.error());
        }
    }
    if (!options.coverage.empty()) {
        if (const auto written = write_file(options.coverage, lcov_text(coverage)); !written) {
            code = report(written.error());
        }
    }
    return code;
}

double since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

int run_test(const TestOptions& options) {
    const std::optional<Engine> engine = choose_engine(options.engine);
    if (!engine) {
        return ExitSystem;
    }
    const auto begin = std::chrono::steady_clock::now();
    Coverage coverage;
    std::vector<TestFile> files(options.files.size());
    for (size_t i = 0; i < files.size(); ++i) {
        TestFile& file = files[i];
        file.path = options.files[i];
        const auto file_begin = std::chrono::steady_clock::now();
        {
            const Progress progress("testing " + file.path, options.json);
            run_file(options, *engine, options.coverage.empty() ? nullptr : &coverage, file);
        }
        file.seconds = since(file_begin);
        file.diagnostics.sort();
        if (options.json) {
            continue;
        }
        report(file.diagnostics, file.sources);
        if (file.refusal) {
            put_error(render(*file.refusal, file.sources));
        } else if (file.error) {
            report(*file.error);
        }
        print_file(file);
    }
    if (options.json) {
        print_json(files, *engine);
    } else {
        print_summary(files, *engine, since(begin));
    }
    const TestTotals sum = totals(files);
    if (!options.filter.empty() && sum.passed + sum.failed + sum.broken_files == 0) {
        put_error(fmt::format("xdpc: error: no test's title contains `{}`\n", options.filter));
        return ExitUsage; // in a pipeline it must not look like success
    }
    return std::max(exit_code(files), write_reports(options, files, coverage));
}

} // namespace xdpc::driver
