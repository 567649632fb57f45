// Rules, chains and verdicts: the list is emitted in order, chains where they are jumped to.
#include "compiler/base/overloaded.h"
#include "compiler/codegen/lowering.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t action_abort = 0, action_drop = 1, action_pass = 2, action_tx = 3; // enum xdp_action

struct RuleScope {
    Lowering& l;
    Value* ctx;
    KeyReader keys;
    Done& done;
};

struct Decider {
    DeciderId id;
    std::optional<ir::SlotId> slot;
};

/// The chain's rules, or where its caller goes on after it.
struct Exits {
    BasicBlock* next;      // the next rule
    BasicBlock* to_caller; // behind the jump that led to this chain
};

void store_result(Lowering& l, uint64_t offset, uint32_t value) {
    constexpr uint64_t begin = offsetof(xdpc_test_area, result);
    l.builder.CreateAlignedStore(l.c32(value), at(l, l.test_area, begin + offset), Align(4), true);
}

void decide(RuleScope& s, uint32_t action, const Decider& by) {
    Lowering& l = s.l;
    if (l.test_area) {
        store_result(l, offsetof(xdpc_test_result, decider), by.id.value);
        store_result(l, offsetof(xdpc_test_result, action), action);
        store_result(l, offsetof(xdpc_test_result, ran), 1);
    }
    BasicBlock* from = l.builder.GetInsertBlock();
    if (by.slot) {
        s.done.counted_action->addIncoming(l.c32(action), from);
        s.done.slot->addIncoming(l.c32(by.slot->value), from);
        l.builder.CreateBr(s.done.counted);
    } else {
        s.done.plain_action->addIncoming(l.c32(action), from);
        l.builder.CreateBr(s.done.plain);
    }
}

void emit_chain(RuleScope& s, ChainId id, BasicBlock* to_caller);

void emit_verdict(RuleScope& s, const Verdict& verdict, const Decider& by, const Exits& exits) {
    std::visit(Overloaded{
                   [&](const Pass&) { decide(s, action_pass, by); },
                   [&](const Drop&) { decide(s, action_drop, by); },
                   [&](const Abort&) { decide(s, action_abort, by); },
                   [&](const Tx&) { decide(s, action_tx, by); },
                   [&](const Jump& jump) { emit_chain(s, jump.chain, exits.next); },
                   [&](const Goto& go) { emit_chain(s, go.chain, exits.to_caller); },
                   [&](const Return&) { s.l.builder.CreateBr(exits.to_caller); },
                   [&](const Continue&) { s.l.builder.CreateBr(exits.next); },
               },
               verdict);
}

void emit_count(RuleScope& s, const ir::Count& count) {
    s.l.builder.CreateCall(template_function(s.l, "xdpc_count", 1), {s.ctx, s.l.c32(count.slot.value)});
}

void emit_dispatch(RuleScope& s, const ir::Dispatch& dispatch, Span span, const Decider& by,
                   const Exits& exits) {
    Lowering& l = s.l;
    std::vector<KeyValue> values;
    for (const ir::KeyId key : dispatch.keys) {
        values.push_back(s.keys(key));
        BasicBlock* there = l.block("present");
        branch(l, values.back().present, there, exits.next);
        l.builder.SetInsertPoint(there);
    }
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

/// What the test hook asks for: a read behind the frame, which no verifier lets pass.
void emit_breakage(RuleScope& s) {
    Value* data = load_data_pointer(s.l, s.ctx, 0);
    s.l.builder.CreateAlignedLoad(s.l.i8(), at(s.l, data, 4096), Align(1), true);
}

bool is_to_break(const Lowering& l, const ir::Rule& rule) {
    const std::string& name = l.input.options.break_rule;
    return !name.empty() && display_of(l.input.policy, rule.decider) == name;
}

void emit_rule(RuleScope& s, const ir::Rule& rule, const Exits& exits) {
    Lowering& l = s.l;
    const Decider by{rule.decider, rule.slot};
    l.debug.at(l.builder, rule.span);
    if (is_to_break(l, rule)) {
        emit_breakage(s);
    }
    for (const ir::Step& step : rule.steps) {
        l.debug.at(l.builder, step.span);
        bool ended = false;
        std::visit(Overloaded{
                       [&](const ir::Guard& guard) {
                           BasicBlock* yes = l.block("then");
                           emit_condition(l, guard.cond, s.keys, yes, exits.next);
                           l.builder.SetInsertPoint(yes);
                       },
                       [&](const ir::Count& count) { emit_count(s, count); },
                       [&](const ir::Decide& decision) {
                           emit_verdict(s, decision.verdict, by, exits);
                           ended = true;
                       },
                       [&](const ir::Dispatch& dispatch) {
                           emit_dispatch(s, dispatch, step.span, by, exits);
                           ended = true;
                       },
                   },
                   step.node);
        if (ended) {
            return;
        }
    }
    l.builder.CreateBr(exits.next);
}

void emit_end(RuleScope& s, const ir::Chain::End& end, BasicBlock* to_caller) {
    s.l.debug.at(s.l.builder, end.span);
    if (end.verdict) {
        emit_verdict(s, *end.verdict, {end.decider, end.slot}, {to_caller, to_caller});
    } else {
        s.l.builder.CreateBr(to_caller);
    }
}

void emit_chain(RuleScope& s, ChainId id, BasicBlock* to_caller) {
    const ir::Chain& chain = s.l.input.program.chains[id.value];
    for (const ir::Rule& rule : chain.rules) {
        BasicBlock* next = s.l.block("rule");
        emit_rule(s, rule, {next, to_caller});
        s.l.builder.SetInsertPoint(next);
    }
    emit_end(s, chain.end, to_caller);
}

} // namespace

Done make_done(Lowering& l, Value* ctx) {
    auto& b = l.builder;
    BasicBlock* here = b.GetInsertBlock();
    Done done{};
    done.counted = l.block("counted");
    done.plain = l.block("plain");
    b.SetInsertPoint(done.counted);
    done.counted_action = b.CreatePHI(l.i32(), 4, "action");
    done.slot = b.CreatePHI(l.i32(), 4, "slot");
    Function* function = here->getParent();
    IRBuilder<> head(&function->getEntryBlock(), function->getEntryBlock().begin());
    AllocaInst* key = head.CreateAlloca(l.i32());
    b.CreateAlignedStore(done.slot, key, Align(4));
    Value* counter = call_helper(l, Helper::MapLookup, l.ptr(), {l.counters, key});
    BasicBlock* found = l.block("found");
    BasicBlock* end = l.block("end");
    branch(l, b.CreateICmpNE(counter, ConstantPointerNull::get(l.ptr())), found, end);
    b.SetInsertPoint(found);
    Value* packets = b.CreateAlignedLoad(l.i64(), counter, Align(8));
    b.CreateAlignedStore(b.CreateAdd(packets, l.c64(1)), counter, Align(8));
    Value* bytes_at = at(l, counter, offsetof(xdpc_counter, bytes));
    Value* data = load_data_pointer(l, ctx, 0);
    Value* data_end = load_data_pointer(l, ctx, 4);
    Value* length = b.CreateSub(b.CreatePtrToInt(data_end, l.i64()), b.CreatePtrToInt(data, l.i64()));
    Value* bytes = b.CreateAlignedLoad(l.i64(), bytes_at, Align(8));
    b.CreateAlignedStore(b.CreateAdd(bytes, length), bytes_at, Align(8));
    b.CreateBr(end);
    b.SetInsertPoint(end);
    b.CreateRet(done.counted_action);
    b.SetInsertPoint(done.plain);
    done.plain_action = b.CreatePHI(l.i32(), 4, "action");
    b.CreateRet(done.plain_action);
    b.SetInsertPoint(here);
    return done;
}

void emit_rules(Lowering& l, Value* ctx, const std::vector<KeyValue>& keys, Done& done) {
    const ir::Program& program = l.input.program;
    RuleScope scope{l, ctx, [&](ir::KeyId id) { return keys[id.value]; }, done};
    const ir::Chain& entry = program.chains[program.entry.value];
    BasicBlock* policy = l.block("policy");
    for (const ir::Rule& rule : entry.rules) {
        BasicBlock* next = l.block("rule");
        emit_rule(scope, rule, {next, policy});
        l.builder.SetInsertPoint(next);
    }
    l.debug.at(l.builder, entry.end.span);
    l.builder.CreateBr(policy);
    l.builder.SetInsertPoint(policy);
    emit_end(scope, entry.end, policy);
}

} // namespace xdpc::codegen
