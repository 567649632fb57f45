// The parts of choose(), a file each.
#pragma once

#include "compiler/plan/plan.h"

namespace xdpc::plan {

/// What must be parsed for the keys of the program.
ParseNeeds needs_of(const ir::Program& program);
/// The headers whose fields or existence are read, with the parents of options.
std::set<HeaderId> headers_of(const ir::Program& program);

/// A strategy for each table.
std::vector<TablePlan> choose_tables(const ir::Program& program);

/// Which rules look-ups answer.
struct Slices {
    std::vector<std::vector<Slice>> chains; // by ChainId
    std::vector<classify::Classifier> classifiers;
    std::vector<std::string> notes;
};
Slices choose_slices(const ir::Program& program, const std::vector<TablePlan>& tables,
                     const PlanOptions& options);

/// Where the code of chains stands, and how large that makes it all.
struct Layout {
    std::vector<ChainPlan> chains;
    size_t instructions = 0;             // in the program
    size_t processed = 0;                // by the verifier, which follows every call
    const ir::Rule* too_large = nullptr; // a rule that fits into no function
    size_t too_large_instructions = 0;
};
/// Takes the slices into the chains' plans.
Layout choose_chains(const ir::Program& program, const std::vector<TablePlan>& tables,
                     std::vector<std::vector<Slice>> slices, const PlanOptions& options);

} // namespace xdpc::plan
