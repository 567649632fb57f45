#include "compiler/base/bytes.h"
#include "compiler/codegen/codegen_client.h"
#include "compiler/compile.h"
#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/driver/set_text.h"

#include <sys/stat.h>

namespace xdpc::driver {

namespace {

/// What is to be applied, and what is known of its making.
struct Input {
    Sources sources;
    Diagnostics diagnostics;
    std::optional<Artifact> artifact;
    std::optional<Error> error;
    std::vector<PhaseTime> times;
    std::vector<PassReport> passes;
};

/// Whether to look at the file for an object: a pipe (`<(…)`) can be read only once, and is a policy.
bool is_file(const std::string& path) {
    struct stat info{};
    return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

void compile_policy(const std::string& path, const PassOptions& passes, Input& input) {
    const Preloading preloading;
    std::vector<PhaseTime> times;
    Result<std::optional<Policy>> policy = load_policy(path, input.sources, input.diagnostics, &times);
    if (!policy) {
        input.error = policy.error();
        return;
    }
    if (!*policy) {
        return;
    }
    CodegenOptions codegen;
    codegen.cpu = cpu_of_kernel("host").value_or(codegen.cpu);
    auto compiled =
        compile(std::move(**policy), input.sources, input.diagnostics, codegen, std::move(times), passes);
    if (!compiled) {
        input.error = compiled.error();
    } else if (*compiled) {
        input.artifact = std::move((*compiled)->artifact);
        input.times = std::move((*compiled)->times);
        input.passes = std::move((*compiled)->passes);
    }
}

/// Compiles a policy, or reads the object of an earlier `xdpc build`.
void read_input(const std::string& path, const PassOptions& passes, Input& input) {
    if (is_file(path)) {
        const Result<std::string> bytes = read_bytes(path, max_object_bytes);
        if (!bytes) {
            input.error = bytes.error();
            return;
        }
        if (bytes->starts_with("\x7f"
                               "ELF")) {
            Result<Artifact> artifact = read_artifact({bytes->begin(), bytes->end()});
            if (!artifact) {
                input.error = artifact.error();
                return;
            }
            input.artifact = std::move(*artifact);
            for (const auto& [name, text] : input.artifact->sources) {
                input.sources.add(name, text); // to show a refusal on its line
            }
            return;
        }
    }
    compile_policy(path, passes, input);
}

const char* mark_of(rt::RuleChange::Kind kind) {
    switch (kind) {
    case rt::RuleChange::Kind::Added:
        return "added";
    case rt::RuleChange::Kind::Removed:
        return "removed";
    case rt::RuleChange::Kind::Moved:
        return "moved";
    case rt::RuleChange::Kind::Changed:
        return "changed";
    case rt::RuleChange::Kind::Kept:
        return "kept";
    }
    return "";
}

size_t count_of(const rt::ApplyReport& report, rt::RuleChange::Kind kind) {
    size_t n = 0;
    for (const rt::RuleChange& change : report.changes) {
        n += change.kind == kind ? 1 : 0;
    }
    return n;
}

void print_report(const rt::ApplyReport& report, const ApplyCommandOptions& options) {
    using Kind = rt::RuleChange::Kind;
    const char* verb = options.dry_run ? (report.replaced ? "would be swapped" : "would be attached")
                                       : (report.replaced ? "swapped" : "attached");
    say("{}: {} in {} mode", report.iface, verb, rt::name_of(report.mode));
    if (!options.dry_run) {
        say(" (program {}, generation {})", report.program_id, report.generation);
    }
    say("; loaded in {:.1f} ms", report.load_ms);
    if (!options.dry_run) {
        say(", {} in {:.1f} ms", report.replaced ? "swapped" : "attached", report.attach_ms);
    }
    put("\n");
    if (report.replaced) {
        say("{}: rules: {} added, {} removed, {} changed, {} moved, {} kept\n", report.iface,
            count_of(report, Kind::Added), count_of(report, Kind::Removed), count_of(report, Kind::Changed),
            count_of(report, Kind::Moved), count_of(report, Kind::Kept));
        for (const rt::RuleChange& change : report.changes) {
            if (change.kind != Kind::Kept) {
                say("  {:<7} {}: {}\n", mark_of(change.kind), change.rule, change.text);
            }
        }
    }
    for (const rt::SetChange& set : report.sets) {
        const char* family = set.family == 4 ? " (IPv4)" : set.family == 6 ? " (IPv6)" : "";
        say("{}: set {}{}: {} elements: {} kept ({} live), {} added, {} removed\n", report.iface, set.set,
            family, set.elements, set.kept, set.live, set.added, set.removed);
    }
    for (const std::string& note : report.notes) {
        say("{}: note: {}\n", report.iface, note);
    }
    if (options.verbose) {
        say("{}: {} instructions{}, {}\n", report.iface, report.verifier.instructions,
            report.verifier.programs > 1 ? fmt::format(" in {} programs", report.verifier.programs)
                                         : std::string(),
            bytes_text(report.verifier.memory_bytes));
    }
}

void print_compiled(const Input& input, const ApplyCommandOptions& options) {
    size_t rules = 0;
    for (const Decider& decider : input.artifact->deciders) {
        rules += decider.is_policy ? 0 : 1;
    }
    double ms = 0;
    for (const PhaseTime& time : input.times) {
        ms += time.ms;
    }
    say("{}: {} rule{}, ", options.file, rules, rules == 1 ? "" : "s");
    if (input.times.empty()) {
        say("compiled earlier from {}\n", input.artifact->policy);
    } else {
        say("compiled in {:.1f} ms\n", ms);
    }
    if (options.verbose) {
        for (const PhaseTime& time : input.times) {
            say("  {:<12} {:>8.2f} ms\n", time.phase, time.ms);
            if (time.phase == "passes") {
                put(print(input.passes));
            }
        }
    }
}

Json report_json(const rt::ApplyReport& report) {
    Json changes = Json::array();
    for (const rt::RuleChange& change : report.changes) {
        changes.push_back({{"change", mark_of(change.kind)}, {"rule", change.rule}, {"text", change.text}});
    }
    Json sets = Json::array();
    for (const rt::SetChange& set : report.sets) {
        sets.push_back({{"set", set.set},
                        {"elements", set.elements},
                        {"kept", set.kept},
                        {"live", set.live},
                        {"added", set.added},
                        {"removed", set.removed}});
        if (set.family != 0) {
            sets.back()["family"] = set.family;
        }
    }
    return {{"interface", report.iface},
            {"mode", rt::name_of(report.mode)},
            {"replaced", report.replaced},
            {"program_id", report.program_id},
            {"generation", report.generation},
            {"load_ms", report.load_ms},
            {"attach_ms", report.attach_ms},
            {"changes", std::move(changes)},
            {"sets", std::move(sets)},
            {"notes", report.notes},
            {"verified", to_json(report.verifier)}};
}

using Applied = tl::expected<std::vector<rt::ApplyReport>, rt::LoadError>;

void print_json(Input& input, const ApplyCommandOptions& options, const std::optional<Applied>& applied) {
    input.diagnostics.sort();
    Json phases = Json::array();
    for (const PhaseTime& time : input.times) {
        phases.push_back({{"phase", time.phase}, {"ms", time.ms}});
    }
    Json passes = Json::array();
    for (const PassReport& pass : input.passes) {
        passes.push_back({{"pass", pass.name}, {"ms", pass.ms}, {"changed", pass.changed}});
    }
    Json out = {{"ok", applied && *applied},   {"dry_run", options.dry_run},
                {"file", options.file},        {"diagnostics", to_json(input.diagnostics, input.sources)},
                {"phases", std::move(phases)}, {"passes", std::move(passes)},
                {"interfaces", Json::array()}};
    if (input.error) {
        out["error"] = to_json(*input.error);
    }
    if (applied && !*applied) {
        out["error"] = to_json(applied->error());
    }
    if (applied && *applied) {
        for (const rt::ApplyReport& report : **applied) {
            out["interfaces"].push_back(report_json(report));
        }
    }
    put_json(out);
}

rt::ApplyOptions runtime_options(const ApplyCommandOptions& options) {
    rt::ApplyOptions out;
    out.mode = options.mode == "native"    ? rt::Mode::Native
               : options.mode == "generic" ? rt::Mode::Generic
               : options.mode == "offload" ? rt::Mode::Offload
                                           : rt::Mode::Auto;
    out.force = options.force;
    out.reset_sets = options.reset_sets;
    out.element_text = element_text;
    if (!options.rxvlan.empty()) {
        out.rxvlan = options.rxvlan == "on";
    }
    return out;
}

} // namespace

int run_apply(const ApplyCommandOptions& options) {
    Input input;
    {
        const Progress progress("compiling " + options.file, options.json);
        read_input(options.file, {options.without}, input);
    }
    if (!options.json) {
        report(input.diagnostics, input.sources);
    }
    if (!input.artifact || input.error || input.diagnostics.has_errors()) {
        if (options.json) {
            print_json(input, options, std::nullopt);
        } else if (input.error) {
            report(*input.error);
        }
        return input.error ? ExitSystem : ExitPolicy;
    }
    if (!options.json) {
        print_compiled(input, options);
        std::fflush(stdout);
    }
    const rt::ApplyOptions how = runtime_options(options);
    const Applied applied = [&] {
        const Progress progress("loading", options.json);
        return options.dry_run ? rt::dry_run(*input.artifact, options.ifaces, how)
                               : rt::apply(*input.artifact, options.ifaces, how);
    }();
    if (options.json) {
        print_json(input, options, applied);
        return applied ? ExitFine : ExitSystem;
    }
    if (!applied) {
        report(applied.error(), input.sources);
        put_error("xdpc: nothing was changed\n");
        return ExitSystem;
    }
    for (const rt::ApplyReport& report : *applied) {
        print_report(report, options);
    }
    if (options.dry_run) {
        put("dry run: nothing was changed\n");
    }
    return ExitFine;
}

} // namespace xdpc::driver
