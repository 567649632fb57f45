// What a pass is: a function that rewrites the program and says whether it changed it. passes.cpp has them in
// a table; each is in a file of its own.
#pragma once

#include "compiler/ir/ir.h"
#include "compiler/passes/passes.h"

namespace xdpc::passes {

/// Folds conditions: flattens groups, intersects what is asked of one key, drops what is always true and
/// rules that can never do anything. Leaves each rule's conditions as a flat list of guards.
bool simplify(ir::Program& program);
/// Drops rules (and steps) behind one that always ends the chain.
bool unreachable(ir::Program& program);
/// Drops rules all of whose packets one earlier rule of the chain decides; says which.
bool shadowed(ir::Program& program, std::vector<ShadowedRule>& dropped);
/// Empties chains that nothing leads to.
bool dead_chains(ir::Program& program);
/// Turns matches of one key against many intervals into look-ups in a table.
bool tabulate(ir::Program& program);
/// Orders the conditions between two side effects: those that fail often for little come first.
bool order(ir::Program& program);
/// Keeps each table once, and none that is not used.
bool share_tables(ir::Program& program);
/// Drops keys that nothing reads any more.
bool reindex_keys(ir::Program& program);

/// More intervals than this are searched in a table rather than compared one by one.
inline constexpr size_t max_compared_intervals = 12;

/// Calls `use` with each condition below and including `cond`, parents first.
template<class C, class F> void each_cond(C& cond, F use) {
    use(cond);
    if (auto* all = std::get_if<ir::And>(&cond.node)) {
        for (auto& part : all->parts) {
            each_cond(part, use);
        }
    } else if (auto* any = std::get_if<ir::Or>(&cond.node)) {
        for (auto& part : any->parts) {
            each_cond(part, use);
        }
    } else if (auto* negation = std::get_if<ir::Not>(&cond.node)) {
        each_cond(negation->part.front(), use);
    }
}
template<class P, class F> void each_step(P& program, F use) {
    for (auto& chain : program.chains) {
        for (auto& rule : chain.rules) {
            for (auto& step : rule.steps) {
                use(step);
            }
        }
    }
}
/// Every condition of the program, nested ones too.
template<class P, class F> void each_cond_of(P& program, F use) {
    each_step(program, [&](auto& step) {
        if (auto* guard = std::get_if<ir::Guard>(&step.node)) {
            each_cond(guard->cond, use);
        }
    });
}

} // namespace xdpc::passes
