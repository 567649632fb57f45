// Steps with state of their own, and look-ups of live sets: what is asked, and where it leads
// (runtime/STATE.md).
#include "codegen-templates/templates.h"
#include "compiler/codegen/rules.h"
#include "compiler/policy/limits.h"

namespace xdpc::codegen {

using namespace llvm;

using Does = StateFunction::Does;

namespace {

/// Every function of rules has the context as its first argument.
Value* context_of(Lowering& l) {
    return l.builder.GetInsertBlock()->getParent()->getArg(0);
}

/// The bytes that a set's element counts; nothing where it does not.
Value* counted_bytes(Lowering& l, SetId set) {
    return l.input.policy.set(set).has_counter ? frame_length(l, context_of(l)) : l.c64(0);
}

/// What the packet takes out of the bucket, ns.
Value* cost_of(RuleScope& s, const Limit& limit) {
    Lowering& l = s.l;
    Value* cost = l.c64(limit_cost(limit));
    if (!limit.bytes) {
        return cost;
    }
    return l.builder.CreateLShr(l.builder.CreateMul(frame_length(l, s.ctx), cost), limit_cost_shift(limit));
}

Value* ask_limit(RuleScope& s, const ir::LimitStep& step, BasicBlock* absent) {
    Lowering& l = s.l;
    const Limit& limit = l.input.policy.limit(step.limit);
    if (!step.keys.empty()) {
        const auto words = key_words(l, step.keys, step.masks, s.keys, absent);
        return call_state(l, Does::Charge, step.limit.value, words, cost_of(s, limit));
    }
    return charge_limit(l, step.limit, cost_of(s, limit));
}

} // namespace

void emit_set_lookup(Lowering& l, const ir::SetLookup& lookup, const KeyReader& keys, BasicBlock* yes,
                     BasicBlock* no) {
    const auto words = key_words(l, lookup.keys, lookup.masks, keys, no);
    Value* found = call_state(l, Does::Find, lookup.set.value, words, counted_bytes(l, lookup.set));
    Value* is_in = l.builder.CreateICmpNE(found, l.c64(0));
    branch(l, is_in, lookup.negated ? no : yes, lookup.negated ? yes : no);
}

Value* emit_live_value(RuleScope& s, SetId map, const LiveKeys& asked, BasicBlock* none, BasicBlock* absent) {
    Lowering& l = s.l;
    const auto words = key_words(l, asked.keys, asked.masks, s.keys, absent);
    Value* found = call_state(l, Does::Find, map.value, words, counted_bytes(l, map));
    BasicBlock* there = l.block("found");
    branch(l, l.builder.CreateICmpNE(found, l.c64(0)), there, none);
    l.builder.SetInsertPoint(there);
    return l.builder.CreateSub(found, l.c64(1));
}

void emit_live_dispatch(RuleScope& s, const ir::LiveDispatch& dispatch, const EmitVerdict& verdict,
                        BasicBlock* next, BasicBlock* absent) {
    Lowering& l = s.l;
    BasicBlock* none = dispatch.otherwise ? l.block("otherwise") : next;
    Value* number = emit_live_value(s, dispatch.map, {dispatch.keys, dispatch.masks}, none, absent);
    // A value that names no verdict ends the rule.
    auto* choice = l.builder.CreateSwitch(number, next, static_cast<unsigned>(dispatch.verdicts.size()));
    for (size_t i = 0; i < dispatch.verdicts.size(); ++i) {
        BasicBlock* target = l.block("case");
        choice->addCase(l.c64(i), target);
        l.builder.SetInsertPoint(target);
        verdict(dispatch.verdicts[i]);
    }
    if (dispatch.otherwise) {
        l.builder.SetInsertPoint(none);
        verdict(*dispatch.otherwise);
    }
}

void emit_limit(RuleScope& s, const ir::LimitStep& step, const EmitVerdict& verdict, BasicBlock* next,
                BasicBlock* absent) {
    Lowering& l = s.l;
    const Limit& limit = l.input.policy.limit(step.limit);
    Value* result = ask_limit(s, step, absent);
    BasicBlock* go_on = l.block("limit");
    if (step.drops) {
        BasicBlock* here = l.builder.GetInsertBlock();
        next = l.block("limited");
        l.builder.SetInsertPoint(next);
        verdict(Drop{});
        l.builder.SetInsertPoint(here);
    }
    BasicBlock* within = step.over ? next : go_on;
    BasicBlock* beyond = step.over ? go_on : next;
    if (step.keys.empty() || limit.on_full == Limit::OnFull::Continue) {
        BasicBlock* others = l.block("not_within");
        branch(l, l.builder.CreateICmpEQ(result, l.c64(XDPC_LIMIT_WITHIN)), within, others);
        l.builder.SetInsertPoint(others);
        branch(l, l.builder.CreateICmpEQ(result, l.c64(XDPC_LIMIT_FULL)), next, beyond);
    } else {
        BasicBlock* full = l.block("full");
        auto* choice = l.builder.CreateSwitch(result, full, 2);
        choice->addCase(l.c64(XDPC_LIMIT_WITHIN), within);
        choice->addCase(l.c64(XDPC_LIMIT_BEYOND), beyond);
        l.builder.SetInsertPoint(full);
        verdict(limit.on_full == Limit::OnFull::Pass ? Verdict{Pass{}} : Verdict{Drop{}});
    }
    l.builder.SetInsertPoint(go_on);
}

void emit_quota(RuleScope& s, const ir::QuotaStep& step, BasicBlock* next) {
    Lowering& l = s.l;
    Value* used = add_to_quota(l, step.quota, frame_length(l, s.ctx));
    Value* over = l.builder.CreateICmpUGT(used, l.c64(l.input.policy.quota(step.quota).bytes));
    BasicBlock* go_on = l.block("quota");
    branch(l, over, step.over ? go_on : next, step.over ? next : go_on);
    l.builder.SetInsertPoint(go_on);
}

void emit_update(RuleScope& s, const ir::UpdateSet& update, BasicBlock* next, BasicBlock* absent) {
    Lowering& l = s.l;
    const auto words = key_words(l, update.keys, update.masks, s.keys, absent);
    const auto does = [&] {
        switch (update.op) {
        case UpdateSetStatement::Op::Add:
            return Does::Add;
        case UpdateSetStatement::Op::Update:
            return Does::Update;
        case UpdateSetStatement::Op::Delete:
            break;
        }
        return Does::Delete;
    }();
    const auto timeout = update.timeout_ns ? update.timeout_ns : l.input.policy.set(update.set).timeout_ns;
    Value* is_in = call_state(l, does, update.set.value, words, l.c64(timeout.value_or(0)));
    if (does == Does::Delete) {
        return;
    }
    BasicBlock* go_on = l.block("updated");
    branch(l, l.builder.CreateICmpNE(is_in, l.c64(0)), go_on, next);
    l.builder.SetInsertPoint(go_on);
}

} // namespace xdpc::codegen
