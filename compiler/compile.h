// The whole way from text to Artifact, for commands: parse → check → flatten → passes → plan → codegen.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/codegen/codegen.h"
#include "compiler/passes/passes.h"

namespace xdpc {

struct PhaseTime {
    std::string phase;
    double ms = 0;
};

struct Compiled {
    Policy policy;
    Artifact artifact;
    Plan plan;
    std::vector<PhaseTime> times;
    std::vector<PassReport> passes;
};

/// Parses and checks. Nothing when there are errors (in `diagnostics`); Error only when `path` cannot be
/// read.
Result<std::optional<Policy>> load_policy(const std::string& path, Sources& sources, Diagnostics& diagnostics,
                                          std::vector<PhaseTime>* times = nullptr);
/// As commands plan. The environment's XDPC_TEST_PROGRAM_RULES, for tests, cuts policies into programs that
/// need not be cut.
PlanOptions plan_options();
/// What codegen is given: everything but the object.
struct Prepared {
    ir::Program program;
    Plan plan;
    std::vector<PassReport> passes;
};
/// flatten → passes → plan; warns of what passes find out. Nothing when the plan refuses (in `diagnostics`).
/// Codegen may then be asked for any form: `generate_isolated({policy, p->program, p->plan, sources,
/// options}, form)`.
std::optional<Prepared> prepare(const Policy& policy, Diagnostics& diagnostics,
                                const PassOptions& passes = {}, std::vector<PhaseTime>* times = nullptr);

/// From a checked policy on. Nothing when the plan refuses (in `diagnostics`); Error when LLVM fails.
Result<std::optional<Compiled>> compile(Policy policy, const Sources& sources, Diagnostics& diagnostics,
                                        const CodegenOptions& options, std::vector<PhaseTime> times = {},
                                        const PassOptions& passes = {});

} // namespace xdpc
