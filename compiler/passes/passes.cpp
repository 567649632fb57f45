#include "compiler/passes/passes.h"

#include "compiler/passes/pass.h"

#include <algorithm>
#include <chrono>

namespace xdpc {

namespace {

struct NamedPass {
    const char* name;
    bool (*run)(ir::Program&, PassReport&);
};

template<bool (*Run)(ir::Program&)> bool plain(ir::Program& program, PassReport&) {
    return Run(program);
}
bool shadowed(ir::Program& program, PassReport& report) {
    return passes::shadowed(program, report.shadowed);
}

/// In the order they run. `tabulate` stands behind `simplify`, which makes sets small, and before those that
/// look at tables.
constexpr NamedPass all_passes[] = {
    {"simplify", plain<passes::simplify>},
    {"unreachable", plain<passes::unreachable>},
    {"shadowed", shadowed},
    {"dead-chains", plain<passes::dead_chains>},
    {"tabulate", plain<passes::tabulate>},
    {"order", plain<passes::order>},
    {"share-tables", plain<passes::share_tables>},
    {"reindex-keys", plain<passes::reindex_keys>},
};

} // namespace

std::vector<PassReport> optimize(ir::Program& program, const PassOptions& options) {
    using Clock = std::chrono::steady_clock;
    std::vector<PassReport> reports;
    ir::verify(program);
    for (const NamedPass& pass : all_passes) {
        const auto& off = options.disabled;
        if (std::find(off.begin(), off.end(), pass.name) != off.end()) {
            continue;
        }
        const auto begin = Clock::now();
        PassReport& report = reports.emplace_back();
        report.name = pass.name;
        report.changed = pass.run(program, report);
        report.ms = std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
        ir::verify(program);
    }
    return reports;
}

std::vector<std::string> pass_names() {
    std::vector<std::string> names;
    for (const NamedPass& pass : all_passes) {
        names.emplace_back(pass.name);
    }
    return names;
}

std::string print(const std::vector<PassReport>& reports) {
    std::string text;
    for (const PassReport& report : reports) {
        text += fmt::format("    {:<12} {:>6.2f} ms{}", report.name, report.ms,
                            report.changed ? "" : ", changed nothing");
        text += report.shadowed.empty() ? "" : fmt::format(", rules dropped: {}", report.shadowed.size());
        text += "\n";
    }
    return text;
}

void warn(const std::vector<PassReport>& reports, Diagnostics& diagnostics) {
    constexpr size_t most_notes = 3;
    for (const PassReport& report : reports) {
        for (const ShadowedRule& rule : report.shadowed) {
            Diagnostic& warning = diagnostics.add(Diag::Unreachable, rule.span);
            for (size_t i = 0; i < rule.by.size() && i < most_notes; ++i) {
                warning.with_note(rule.by[i], rule.by.size() == 1
                                                  ? "this rule decides all that it matches"
                                                  : "this rule decides some of what it matches");
            }
            warning.with_hint("put it before that rule, or take it out");
        }
    }
}

} // namespace xdpc
