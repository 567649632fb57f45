// How a program is to be answered: what is parsed and loaded, which strategy serves each table, where chains
// become functions, for which kinds of packet the rules are specialised. One pure function chooses; `emit
// --as plan` prints.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/ir/ir.h"

#include <set>

namespace xdpc {

enum class TableStrategy : uint8_t {
    Compare, // inline comparisons
    Bitmap,  // one key of at most 16 bits: a bit (set) or byte (map) per value, in .rodata
    Search,  // one key: binary search over sorted intervals in .rodata
    Scan,    // any: a loop over boxes in .rodata
};

struct TablePlan {
    TableStrategy strategy = TableStrategy::Compare;
    size_t bytes = 0; // of .rodata
};
struct ChainPlan {
    bool function = false; // a BPF subprogram, called; else inlined where it is jumped to
};

/// What the parser needs to find out, as bits of `parse_need` in codegen-templates.
struct ParseNeeds {
    bool tags = false, network = false, transport = false, extensions = false, ip_options = false,
         tcp_options = false, inner = false, malformed = false, fragment = false, l4proto = false;
};

struct Plan {
    ParseNeeds needs;
    std::set<HeaderId> headers;              // whose fields or existence are read
    std::vector<TablePlan> tables;           // by TableId
    std::vector<ChainPlan> chains;           // by ChainId
    std::vector<std::string> packet_classes; // kinds of packet the rules are specialised for, printed
    size_t estimated_instructions = 0;
    std::vector<std::string> notes; // why, a line each
};

struct PlanOptions {
    size_t max_instructions = 900'000; // the verifier's limit is a million processed
};

/// Nothing and a diagnostic if no strategy we have can hold the policy.
std::optional<Plan> choose(const ir::Program& program, const PlanOptions& options, Diagnostics& diagnostics);
std::string print(const Plan& plan, const ir::Program& program);

} // namespace xdpc
