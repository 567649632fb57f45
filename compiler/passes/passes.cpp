#include "compiler/passes/passes.h"

#include "compiler/passes/pass.h"

#include <algorithm>
#include <chrono>

namespace xdpc {

namespace {

struct NamedPass {
    const char* name;
    bool (*run)(ir::Program&);
};

/// In the order they run. `tabulate` stands behind `simplify`, which makes sets small, and before those that
/// look at tables.
constexpr NamedPass all_passes[] = {
    {"simplify", passes::simplify},
    {"unreachable", passes::unreachable},
    {"dead-chains", passes::dead_chains},
    {"tabulate", passes::tabulate},
    {"order", passes::order},
    {"share-tables", passes::share_tables},
    {"reindex-keys", passes::reindex_keys},
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
        const bool changed = pass.run(program);
        const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
        reports.push_back({pass.name, took.count(), changed});
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

} // namespace xdpc
