// What the compiler does to ir::Program before planning: named, timed, switchable passes, one a file.
#pragma once

#include "compiler/ir/ir.h"

#include <string>
#include <vector>

namespace xdpc {

struct PassOptions {
    std::vector<std::string> disabled; // by name
};
struct PassReport {
    std::string name;
    double ms = 0;
    bool changed = false;
};
std::vector<PassReport> optimize(ir::Program& program, const PassOptions& options = {});
std::vector<std::string> pass_names();

} // namespace xdpc
