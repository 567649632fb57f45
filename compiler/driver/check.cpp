#include "compiler/compile.h"
#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"

#include <algorithm>
#include <cstdlib>

namespace xdpc::driver {

namespace {

/// What is known of one file after checking it.
struct FileReport {
    std::string file;
    Sources sources;
    Diagnostics diagnostics;
    size_t rules = 0, chains = 0, tests = 0;
    std::optional<Error> failure; // of files, of LLVM
    std::optional<rt::VerifierReport> verified;
    size_t tail_calls = 0; // of a packet, at most
    std::optional<rt::LoadError> refused;

    [[nodiscard]] int exit_code() const {
        if (failure || (refused && !refused->refusal)) {
            return ExitSystem;
        }
        return diagnostics.has_errors() || refused ? ExitPolicy : ExitFine;
    }
};

/// Compiles and asks the kernel, without attaching.
void verify_policy(Policy policy, const CodegenOptions& codegen, const PassOptions& passes,
                   FileReport& report) {
    Result<std::optional<Compiled>> compiled =
        compile(std::move(policy), report.sources, report.diagnostics, codegen, {}, passes);
    if (!compiled) {
        report.failure = compiled.error();
        return;
    }
    if (!*compiled) {
        return;
    }
    rt::LoadOptions load;
    load.measure = true;
    auto loaded = rt::load((*compiled)->artifact, load);
    if (loaded) {
        report.verified = loaded->report();
        report.tail_calls = (*compiled)->plan.tail_calls;
    } else {
        report.refused = loaded.error();
        return;
    }
    if ((*compiled)->artifact.captures) { // what runs while somebody does is to be taken as well
        load.measure = false;
        load.hooks = true;
        if (auto hooked = rt::load((*compiled)->artifact, load); !hooked) {
            report.refused = hooked.error();
        }
    }
}

void check_one(const CheckOptions& options, const CodegenOptions& codegen, FileReport& report) {
    Result<std::optional<Policy>> policy = load_policy(report.file, report.sources, report.diagnostics);
    if (!policy) {
        report.failure = policy.error();
        return;
    }
    if (!*policy) {
        return;
    }
    report.rules = (*policy)->rules.size();
    report.chains = (*policy)->chains.size();
    report.tests = (*policy)->tests.size();
    if (options.verify) {
        verify_policy(std::move(**policy), codegen, {options.without}, report);
        return;
    }
    // Whether it is too large, and which rules no packet reaches, is told as well.
    prepare(**policy, report.diagnostics, {options.without});
}

std::string plural(size_t n, const char* word) {
    return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

std::string verifier_text(const rt::VerifierReport& report, size_t tail_calls) {
    const std::string others =
        report.programs > 1 ? " and " + plural(report.programs - 1, "other") : std::string();
    std::string out = fmt::format("  program {}{}: {}, {} processed by the verifier, {} bytes of stack, "
                                  "loaded in {:.1f} ms\n",
                                  report.program, others, plural(report.instructions, "instruction"),
                                  report.processed_instructions, report.stack_bytes, report.load_ms);
    if (tail_calls > 0) {
        out += fmt::format("  a packet meets at most {}\n", plural(tail_calls, "tail call"));
    }
    for (const auto& map : report.maps) {
        out += fmt::format("  map {}: {}, {}, {}\n", map.name, map.type,
                           map.entries == 1 ? "1 entry" : fmt::format("{} entries", map.entries),
                           bytes_text(map.bytes));
    }
    return out + fmt::format("  memory in all: {}\n", bytes_text(report.memory_bytes));
}

void print_text(FileReport& file) {
    report(file.diagnostics, file.sources);
    if (file.failure) {
        report(*file.failure);
    }
    if (file.refused) {
        report(*file.refused, file.sources);
    }
    if (file.exit_code() != ExitFine) {
        return;
    }
    say("{}: fine, {} in {}, {}\n", file.file, plural(file.rules, "rule"), plural(file.chains, "chain"),
        plural(file.tests, "test"));
    if (file.verified) {
        put(verifier_text(*file.verified, file.tail_calls));
    }
}

Json file_json(FileReport& file) {
    file.diagnostics.sort();
    Json out = {{"file", file.file},   {"ok", file.exit_code() == ExitFine},
                {"rules", file.rules}, {"chains", file.chains},
                {"tests", file.tests}, {"diagnostics", to_json(file.diagnostics, file.sources)}};
    if (file.failure) {
        out["error"] = to_json(*file.failure);
    }
    if (file.refused) {
        out["error"] = to_json(*file.refused);
    }
    if (file.verified) {
        out["verified"] = to_json(*file.verified);
        out["verified"]["tail_calls"] = file.tail_calls;
    }
    return out;
}

} // namespace

int run_check(const CheckOptions& options) {
    const std::optional<std::string> cpu = cpu_of_kernel(options.kernel);
    if (!cpu) {
        put_error(fmt::format("xdpc: error: unknown kernel `{}`\n      = hint: `host`, or a version from 6.1 "
                              "on: 6.1, 6.12, 6.18\n",
                              options.kernel));
        return ExitUsage;
    }
    CodegenOptions codegen;
    codegen.cpu = *cpu;
    if (const char* rule = std::getenv("XDPC_TEST_BREAK_RULE")) {
        codegen.break_rule = rule;
    }
    int worst = ExitFine;
    Json files = Json::array();
    for (const std::string& path : options.files) {
        FileReport file;
        file.file = path;
        {
            const Progress progress("checking " + path, options.json);
            check_one(options, codegen, file);
        }
        worst = std::max(worst, file.exit_code());
        if (options.json) {
            files.push_back(file_json(file));
        } else {
            print_text(file);
        }
    }
    if (options.json) {
        put_json({{"ok", worst == ExitFine}, {"files", std::move(files)}});
    }
    return worst;
}

} // namespace xdpc::driver
