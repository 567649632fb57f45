// Rules, chains and verdicts: the list is emitted in order, chains where they are jumped to.
#include "compiler/codegen/steps.h"

#include "compiler/base/overloaded.h"
#include "compiler/codegen/classify.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t action_abort = 0, action_drop = 1, action_pass = 2, action_tx = 3; // enum xdp_action

void emit_jump(RuleScope& s, ChainId id, BasicBlock* to_caller, bool comes_back);

} // namespace

void emit_decision(RuleScope& s, uint32_t action, const Author& by) {
    Lowering& l = s.l;
    if (l.test_area) {
        store_result(l, offsetof(xdpc_test_result, decider), l.c32(by.id.value));
        store_result(l, offsetof(xdpc_test_result, action), l.c32(action));
        store_result(l, offsetof(xdpc_test_result, ran), l.c32(1));
    }
    s.ends.decided(action, by.slot, by.id);
}

void emit_verdict(RuleScope& s, const Verdict& verdict, const Author& by, const Exits& exits) {
    std::visit(Overloaded{
                   [&](const Pass&) { emit_decision(s, action_pass, by); },
                   [&](const Drop&) { emit_decision(s, action_drop, by); },
                   [&](const Abort&) { emit_decision(s, action_abort, by); },
                   [&](const Tx&) { emit_decision(s, action_tx, by); },
                   [&](const Redirect& to) {
                       emit_redirect(s, to, [&](uint32_t action) { emit_decision(s, action, by); });
                   },
                   [&](const Jump& jump) { emit_jump(s, jump.chain, exits.next, true); },
                   [&](const Goto& go) { emit_jump(s, go.chain, exits.to_caller, false); },
                   [&](const Return&) { s.l.builder.CreateBr(exits.to_caller); },
                   [&](const Continue&) { s.l.builder.CreateBr(exits.go_on); },
               },
               verdict);
}

namespace {

/// What the test hook asks for: a read behind the frame, which no verifier lets pass.
void emit_breakage(RuleScope& s) {
    Value* data = load_data_pointer(s.l, s.ctx, 0);
    s.l.builder.CreateAlignedLoad(s.l.i8(), at(s.l, data, 4096), Align(1), true);
}

bool is_to_break(const Lowering& l, const ir::Rule& rule) {
    const std::string& name = l.input.options.break_rule;
    return !name.empty() && display_of(l.input.policy, rule.decider) == name;
}

/// Guards that follow each other, as one condition: its parts may be tested in any order, or at once.
size_t emit_guards(RuleScope& s, const ir::Rule& rule, size_t begin, const Exits& exits) {
    ir::And all;
    size_t end = begin;
    for (; end < rule.steps.size(); ++end) {
        const auto* guard = std::get_if<ir::Guard>(&rule.steps[end].node);
        if (!guard) {
            break;
        }
        if (const auto* parts = std::get_if<ir::And>(&guard->cond.node)) {
            all.parts.insert(all.parts.end(), parts->parts.begin(), parts->parts.end());
        } else {
            all.parts.push_back(guard->cond);
        }
    }
    BasicBlock* yes = s.l.block("then");
    emit_condition(s.l, {std::move(all), rule.steps[begin].span}, s.keys, yes, exits.next);
    s.l.builder.SetInsertPoint(yes);
    return end;
}

/// From the step of that index on.
void emit_rule(RuleScope& s, const ir::Rule& rule, const Exits& exits, size_t begin = 0) {
    Lowering& l = s.l;
    const Author by{rule.decider, rule.slot};
    l.debug.at(l.builder, rule.span);
    if (is_to_break(l, rule)) {
        emit_breakage(s);
    }
    bool stale = false; // keys are those of the packet before it was changed
    for (size_t i = begin; i < rule.steps.size();) {
        l.debug.at(l.builder, rule.steps[i].span);
        const auto* change = std::get_if<ir::RewriteStep>(&rule.steps[i].node);
        if (stale && !ir::is_deaf(rule.steps[i]) && !(change && change->keys.empty())) {
            emit_refresh(s);
            stale = false;
        }
        if (change) {
            emit_change(s, rule.steps[i], stale, by, exits);
            stale = true;
            ++i;
        } else if (std::holds_alternative<ir::Guard>(rule.steps[i].node)) {
            i = emit_guards(s, rule, i, exits);
            l.debug.at(l.builder, rule.span);
        } else if (std::holds_alternative<ir::Pick>(rule.steps[i].node)) {
            i = emit_pick(s, rule, i, by, exits);
        } else if (const size_t at = i++; emit_action(s, rule.steps[at], i == rule.steps.size(), by, exits)) {
            return;
        }
    }
    if (stale) {
        emit_refresh(s);
    }
    l.builder.CreateBr(exits.next);
}

/// What a rule of one test does where that holds.
void emit_match(RuleScope& s, const ir::Rule& rule, const Exits& exits) {
    s.l.debug.at(s.l.builder, rule.span);
    emit_action(s, rule.steps.back(), true, {rule.decider, rule.slot}, exits);
}

} // namespace

void emit_end(RuleScope& s, const ir::Chain::End& end, BasicBlock* to_caller) {
    s.l.debug.at(s.l.builder, end.span);
    if (end.verdict) {
        emit_verdict(s, *end.verdict, {end.decider, end.slot}, {to_caller, to_caller, to_caller});
    } else {
        s.l.builder.CreateBr(to_caller);
    }
}

void emit_segments(RuleScope& s, ChainId id, const std::vector<size_t>& segments, size_t end,
                   BasicBlock* to_caller) {
    Lowering& l = s.l;
    for (size_t i = 0; i < segments.size(); ++i) {
        const size_t to = i + 1 < segments.size() ? segments[i + 1] : end;
        Value* result = s.functions->call(s, {id.value, segments[i], to});
        BasicBlock* next = l.block("segment");
        BasicBlock* left = l.block("left");
        BasicBlock* decided = l.block("decided");
        branch(l, l.builder.CreateICmpEQ(result, l.c32(result_continue)), next, left);
        l.builder.SetInsertPoint(left);
        branch(l, l.builder.CreateICmpEQ(result, l.c32(result_leave)), to_caller, decided);
        l.builder.SetInsertPoint(decided);
        s.ends.propagate(result);
        l.builder.SetInsertPoint(next);
    }
}

namespace {

void emit_call(RuleScope& s, ChainId id, BasicBlock* to_caller) {
    Lowering& l = s.l;
    Value* result = s.functions->call(s, {id.value, 0, Part::whole});
    BasicBlock* decided = l.block("decided");
    branch(l, l.builder.CreateICmpULE(result, l.c32(result_leave)), to_caller, decided);
    l.builder.SetInsertPoint(decided);
    s.ends.propagate(result);
}

void emit_jump(RuleScope& s, ChainId id, BasicBlock* to_caller, bool comes_back) {
    if (s.program && s.l.input.plan.chains[id.value].programs) {
        emit_departure(s, id, comes_back);
    } else if (s.functions && s.l.input.plan.chains[id.value].function) {
        emit_call(s, id, to_caller);
    } else {
        emit_chain_here(s, id, to_caller);
    }
}

/// Rules that a look-up answers; those that do more than decide have their code behind it.
void emit_sliced_rules(RuleScope& s, ChainId id, const Slice& slice, const Exits& exits) {
    Lowering& l = s.l;
    const std::vector<ir::Rule>& rules = l.input.program.chains[id.value].rules;
    l.debug.at(l.builder, rules[slice.begin].span);
    for (size_t i = slice.begin; i < slice.end; ++i) {
        if (is_to_break(l, rules[i])) {
            emit_breakage(s);
        }
    }
    std::vector<BasicBlock*> codes;
    for (size_t i = 0; i < slice.coded.size(); ++i) {
        codes.push_back(l.block("code"));
    }
    emit_slice(s, id, slice, codes, exits.next);
    for (size_t i = 0; i < codes.size(); ++i) {
        const ir::Rule& rule = rules[slice.begin + slice.coded[i]];
        size_t step = 0;
        while (slice.exact[slice.coded[i]] && step < rule.steps.size() &&
               std::holds_alternative<ir::Guard>(rule.steps[step].node)) {
            ++step; // known to hold
        }
        l.builder.SetInsertPoint(codes[i]);
        emit_rule(s, rule, exits, step);
    }
}

} // namespace

void emit_rule_range(RuleScope& s, ChainId id, size_t begin, size_t end, BasicBlock* to_caller) {
    const ir::Chain& chain = s.l.input.program.chains[id.value];
    for (size_t i = begin; i < end;) {
        BasicBlock* next = s.l.block("rule");
        const Exits exits{next, to_caller, next};
        const Slice* slice = slice_at(s.l, id, i);
        const size_t run = slice ? i : end_of_run(s.l, chain, i, std::min(end, next_slice(s.l, id, i)));
        if (slice) {
            emit_sliced_rules(s, id, *slice, exits);
            i = slice->end;
        } else if (run > i) {
            emit_run(s, chain, i, run, [&](size_t rule) { emit_match(s, chain.rules[rule], exits); }, next);
            i = run;
        } else {
            emit_rule(s, chain.rules[i++], exits);
        }
        if (!s.l.out_of_line) { // what a rule decides stands between it and the next
            next->moveAfter(&next->getParent()->back());
        }
        s.l.builder.SetInsertPoint(next);
    }
}

namespace {

void emit_rules_here(RuleScope& s, ChainId id, BasicBlock* to_caller) {
    const ir::Chain& chain = s.l.input.program.chains[id.value];
    const std::vector<size_t>* segments = s.functions ? &s.l.input.plan.chains[id.value].segments : nullptr;
    if (segments && !segments->empty()) {
        s.l.debug.at(s.l.builder, chain.end.span);
        emit_segments(s, id, *segments, chain.rules.size(), to_caller);
    } else {
        emit_rule_range(s, id, 0, chain.rules.size(), to_caller);
    }
}

} // namespace

void emit_chain_here(RuleScope& s, ChainId id, BasicBlock* to_caller) {
    emit_rules_here(s, id, to_caller);
    emit_end(s, s.l.input.program.chains[id.value].end, to_caller);
}

void emit_entry(RuleScope& s) {
    Lowering& l = s.l;
    const ir::Program& program = l.input.program;
    const ir::Chain& entry = program.chains[program.entry.value];
    BasicBlock* policy = l.block("policy");
    emit_rules_here(s, program.entry, policy);
    l.debug.at(l.builder, entry.end.span);
    l.builder.CreateBr(policy);
    l.builder.SetInsertPoint(policy);
    emit_end(s, entry.end, policy);
}

void emit_rules(Lowering& l, Value* ctx, const KeyReader& keys, Done& done) {
    RuleScope scope{l, ctx, keys, {l, &done, nullptr, nullptr}, nullptr, nullptr};
    emit_entry(scope);
}

} // namespace xdpc::codegen
