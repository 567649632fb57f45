// The parts of choose(), a file each.
#pragma once

#include "compiler/plan/plan.h"

#include <span>

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

/// What stands in one piece: a rule, or a slice.
struct Unit {
    size_t begin = 0; // its first rule
    size_t end = 0;
    size_t code = 0;
    size_t processed = 0;
    bool leaves = false; // leads into a chain that is cut into programs
    const ir::Rule* largest = nullptr;
};

/// Where the code of chains stands, and how large that makes it all.
struct Layout {
    std::vector<ChainPlan> chains;
    std::vector<std::vector<Unit>> units;      // by ChainId
    std::vector<size_t> processed_of;          // by ChainId
    std::vector<std::set<uint32_t>> functions; // by ChainId: the chains below that may make functions
    std::vector<ProgramPlan> programs;
    size_t tail_calls = 0;
    size_t instructions = 0;             // in the program, or all programs
    size_t processed = 0;                // by the verifier, which follows every call
    const ir::Rule* too_large = nullptr; // a rule that fits into no function
    size_t too_large_instructions = 0;
};
/// Takes the slices into the chains' plans. `programs`: the chains that are cut into programs, or none.
Layout choose_chains(const ir::Program& program, const std::vector<TablePlan>& tables,
                     std::vector<std::vector<Slice>> slices, const std::vector<bool>& programs,
                     const PlanOptions& options);

/// Adds the chains that may make functions among those that a unit leads to and all below; `seen` are those
/// it has looked below.
void add_functions(const ir::Program& program, const Layout& layout, const Unit& unit, uint32_t chain,
                   std::set<uint32_t>& seen, std::set<uint32_t>& functions);
/// The first rules of functions of at most about that many instructions.
std::vector<size_t> segments_of(std::span<const Unit> units, size_t most);

/// What each program has beside its rules.
struct Besides {
    size_t processed = 0; // by the verifier
    size_t functions = 0; // of state, look-ups, tables
};
/// The same, cut into programs where one would be too large, each at most about as large as may be.
Layout choose_programs(const ir::Program& program, const std::vector<TablePlan>& tables,
                       std::vector<std::vector<Slice>> slices, const Besides& besides,
                       const PlanOptions& options);

} // namespace xdpc::plan
