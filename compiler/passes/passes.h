// What the compiler does to ir::Program before planning: named, timed, switchable passes, one a file.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/ir/ir.h"

#include <string>
#include <vector>

namespace xdpc {

struct PassOptions {
    std::vector<std::string> disabled; // by name
};
/// A rule that no packet gets through to, and the earlier ones that decide what it matches.
struct ShadowedRule {
    Span span;
    std::vector<Span> by;
};
struct PassReport {
    std::string name;
    double ms = 0;
    bool changed = false;
    std::vector<ShadowedRule> shadowed; // of `shadowed`
};
std::vector<PassReport> optimize(ir::Program& program, const PassOptions& options = {});
std::vector<std::string> pass_names();
/// A line for each: what it took, and whether it changed anything.
std::string print(const std::vector<PassReport>& reports);
/// Warns of what passes have found out about the policy.
void warn(const std::vector<PassReport>& reports, Diagnostics& diagnostics);

} // namespace xdpc
