// The steps of a rule, one by one. Private to rules.cpp and steps.cpp.
#pragma once

#include "compiler/codegen/rules.h"

namespace xdpc::codegen {

/// Who decides, and the counter of it.
struct Author {
    DeciderId id;
    std::optional<ir::SlotId> slot;
};

/// Where a rule that decides nothing leads to.
struct Exits {
    llvm::BasicBlock* next;      // the next rule
    llvm::BasicBlock* to_caller; // behind the jump that led to this chain
    /// What `continue` leads to: the next rule, or what follows a verdict map in its rule.
    llvm::BasicBlock* go_on;
};

// rules.cpp
/// Ends the packet's way with an enum xdp_action.
void emit_decision(RuleScope& s, uint32_t action, const Author& by);
void emit_verdict(RuleScope& s, const Verdict& verdict, const Author& by, const Exits& exits);

// redirects.cpp
/// The builder has no place after it.
void emit_route(RuleScope& s, const ir::Route& route, const Author& by, llvm::BasicBlock* absent);

// steps.cpp
/// Whether the step ends the rule. Of guards, changes and picks nothing is emitted.
bool emit_action(RuleScope& s, const ir::Step& step, bool last, const Author& by, const Exits& exits);
/// One of the steps behind that at `begin`; returns where the rule goes on.
size_t emit_pick(RuleScope& s, const ir::Rule& rule, size_t begin, const Author& by, const Exits& exits);
/// A statement that changes the packet; `stale`: whether one before has, since when no keys were read anew.
void emit_change(RuleScope& s, const ir::Step& step, bool stale, const Author& by, const Exits& exits);

} // namespace xdpc::codegen
