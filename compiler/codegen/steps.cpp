#include "compiler/codegen/steps.h"

#include "compiler/base/overloaded.h"

namespace xdpc::codegen {

using namespace llvm;

std::vector<KeyValue> present_keys(RuleScope& s, const std::vector<ir::KeyId>& ids, BasicBlock* absent) {
    std::vector<KeyValue> values;
    for (const ir::KeyId id : ids) {
        values.push_back(s.keys(id));
        BasicBlock* there = s.l.block("present");
        branch(s.l, values.back().present, there, absent);
        s.l.builder.SetInsertPoint(there);
    }
    return values;
}

namespace {

void emit_count(RuleScope& s, const ir::Count& count) {
    s.l.builder.CreateCall(template_function(s.l, "xdpc_count", 1), {s.ctx, s.l.c32(count.slot.value)});
}

void emit_dispatch(RuleScope& s, const ir::Dispatch& dispatch, Span span, const Author& by,
                   const Exits& exits, BasicBlock* absent) {
    Lowering& l = s.l;
    const std::vector<KeyValue> values = present_keys(s, dispatch.keys, absent);
    std::vector<BasicBlock*> targets;
    for (size_t i = 0; i < dispatch.verdicts.size(); ++i) {
        targets.push_back(l.block("case"));
    }
    BasicBlock* none = dispatch.otherwise ? l.block("otherwise") : exits.next;
    emit_table(l, dispatch.table, values, dispatch.masks, targets, none);
    for (size_t i = 0; i < targets.size(); ++i) {
        l.builder.SetInsertPoint(targets[i]);
        l.debug.at(l.builder, span);
        emit_verdict(s, dispatch.verdicts[i], by, exits);
    }
    if (dispatch.otherwise) {
        l.builder.SetInsertPoint(none);
        l.debug.at(l.builder, span);
        emit_verdict(s, *dispatch.otherwise, by, exits);
    }
}

/// Emits a step; where its keys are absent and may be, what follows it goes on.
template<class Emit> void leave_out(RuleScope& s, const ir::Step& step, BasicBlock* next, Emit emit) {
    if (!step.may_lack) {
        emit(next);
        return;
    }
    BasicBlock* rest = s.l.block("rest");
    emit(rest);
    s.l.builder.CreateBr(rest);
    s.l.builder.SetInsertPoint(rest);
}

} // namespace

bool emit_action(RuleScope& s, const ir::Step& step, bool last, const Author& by, const Exits& exits) {
    return std::visit(
        Overloaded{
            [&](const ir::Guard&) { return false; },       // see emit_guards
            [&](const ir::RewriteStep&) { return false; }, // see emit_change
            [&](const ir::Pick&) { return false; },        // see emit_pick
            [&](const ir::Route& route) {
                emit_route(s, route, by, exits.next);
                return true;
            },
            [&](const ir::Count& count) {
                emit_count(s, count);
                return false;
            },
            [&](const ir::Decide& decision) {
                emit_verdict(s, decision.verdict, by, exits);
                return true;
            },
            [&](const ir::Dispatch& dispatch) {
                BasicBlock* rest = last ? exits.next : s.l.block("rest");
                emit_dispatch(s, dispatch, step.span, by, {exits.next, exits.to_caller, rest},
                              step.may_lack ? rest : exits.next);
                if (!last) {
                    s.l.builder.SetInsertPoint(rest);
                }
                return last;
            },
            [&](const ir::LiveDispatch& dispatch) {
                BasicBlock* rest = last ? exits.next : s.l.block("rest");
                const auto verdict = [&](const Verdict& v) {
                    s.l.debug.at(s.l.builder, step.span);
                    emit_verdict(s, v, by, {exits.next, exits.to_caller, rest});
                };
                emit_live_dispatch(s, dispatch, verdict, exits.next, step.may_lack ? rest : exits.next);
                if (!last) {
                    s.l.builder.SetInsertPoint(rest);
                }
                return last;
            },
            [&](const ir::LimitStep& limit) {
                const auto verdict = [&](const Verdict& v) { emit_verdict(s, v, by, exits); };
                leave_out(s, step, exits.next,
                          [&](BasicBlock* absent) { emit_limit(s, limit, verdict, exits.next, absent); });
                return false;
            },
            [&](const ir::QuotaStep& quota) {
                emit_quota(s, quota, exits.next);
                return false;
            },
            [&](const ir::UpdateSet& update) {
                leave_out(s, step, exits.next,
                          [&](BasicBlock* absent) { emit_update(s, update, exits.next, absent); });
                return false;
            },
            [&](const ir::Log& log) {
                emit_log(s, log, by.id);
                return false;
            },
            [&](const ir::Sample& sample) {
                emit_sample(s, sample, by.id);
                return false;
            },
        },
        step.node);
}

size_t emit_pick(RuleScope& s, const ir::Rule& rule, size_t begin, const Author& by, const Exits& exits) {
    Lowering& l = s.l;
    const ir::Step& step = rule.steps[begin];
    const auto& pick = std::get<ir::Pick>(step.node);
    BasicBlock* rest = l.block("rest");
    std::vector<BasicBlock*> picked;
    for (size_t i = 0; i < pick.count; ++i) {
        picked.push_back(l.block("picked"));
    }
    BasicBlock* none = pick.otherwise ? picked[*pick.otherwise] : exits.next;
    BasicBlock* absent = step.may_lack ? rest : exits.next;
    if (pick.live) {
        Value* number = emit_live_value(s, *pick.live, {pick.keys, pick.masks}, none, absent);
        auto* choice = l.builder.CreateSwitch(number, exits.next, pick.count);
        for (size_t i = 0; i < pick.count; ++i) {
            choice->addCase(l.c64(i), picked[i]);
        }
    } else {
        const std::vector<KeyValue> values = present_keys(s, pick.keys, absent);
        emit_table(l, *pick.table, values, pick.masks, picked, none);
    }
    for (size_t i = 0; i < pick.count; ++i) {
        l.builder.SetInsertPoint(picked[i]);
        emit_action(s, rule.steps[begin + 1 + i], false, by, exits);
        l.builder.CreateBr(rest);
    }
    l.builder.SetInsertPoint(rest);
    return begin + 1 + pick.count;
}

void emit_change(RuleScope& s, const ir::Step& step, bool stale, const Author& by, const Exits& exits) {
    BasicBlock* absent = stale ? s.l.block("stale") : exits.next;
    const auto verdict = [&](const Verdict& v) { emit_verdict(s, v, by, exits); };
    const auto& rewrite = std::get<ir::RewriteStep>(step.node);
    leave_out(s, step, absent,
              [&](BasicBlock* lacking) { emit_rewrite(s, rewrite, verdict, absent, lacking); });
    if (stale) {
        BasicBlock* here = s.l.builder.GetInsertBlock();
        s.l.builder.SetInsertPoint(absent);
        emit_refresh(s);
        s.l.builder.CreateBr(exits.next);
        s.l.builder.SetInsertPoint(here);
    }
}

} // namespace xdpc::codegen
