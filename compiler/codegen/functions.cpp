// Chains and parts of chains as BPF subprograms, and what they return.
#include "compiler/codegen/rules.h"

#include <llvm/IR/InlineAsm.h>

namespace xdpc::codegen {

using namespace llvm;

void Ends::decided(uint32_t action, std::optional<ir::SlotId> slot, DeciderId by) {
    auto& b = l.builder;
    if (!done) {
        const uint32_t who = slot ? result_counted | slot->value : by.value & result_by_mask;
        return_from_function(result_decided | action << result_action_shift | who);
        return;
    }
    if (slot) {
        done->action->addIncoming(l.c32(action), b.GetInsertBlock());
        done->slot->addIncoming(l.c32(slot->value), b.GetInsertBlock());
        b.CreateBr(done->counted);
    } else {
        emit_return(l, done->ctx, l.c32(action), [&] { return l.c32(by.value); });
    }
}

/// The empty assembly keeps the block: else LLVM jumps from the test to the return, which then is the farther
/// way (see Lowering::out_of_line).
void Ends::return_from_function(uint32_t code) {
    auto* none = InlineAsm::get(FunctionType::get(l.builder.getVoidTy(), false), "", "", true);
    l.builder.CreateCall(none);
    result->addIncoming(l.c32(code), l.builder.GetInsertBlock());
    l.builder.CreateBr(leave);
}

void Ends::propagate(Value* decision) {
    auto& b = l.builder;
    if (!done) {
        result->addIncoming(decision, b.GetInsertBlock());
        b.CreateBr(leave);
        return;
    }
    Value* action = b.CreateAnd(b.CreateLShr(decision, result_action_shift), uint64_t{7});
    const auto who = [&] { return b.CreateAnd(decision, uint64_t{result_by_mask}); };
    Value* counted = b.CreateICmpNE(b.CreateAnd(decision, uint64_t{result_counted}), l.c32(0));
    done->action->addIncoming(action, b.GetInsertBlock());
    done->slot->addIncoming(who(), b.GetInsertBlock());
    BasicBlock* plain = l.block("plain");
    b.CreateCondBr(counted, done->counted, plain);
    b.SetInsertPoint(plain);
    emit_return(l, done->ctx, action, who);
}

namespace {

/// A name the kernel takes for a function.
std::string name_of(const Lowering& l, const Part& part) {
    std::string name = "chain_" + l.input.program.chains[part.chain].name;
    for (char& c : name) {
        c = isalnum(static_cast<unsigned char>(c)) ? c : '_';
    }
    name.resize(std::min<size_t>(name.size(), 100));
    return part.end == Part::whole ? name : name + "_" + std::to_string(part.begin);
}

} // namespace

Function* Functions::get(const Part& part) {
    Function*& function = made_[part];
    if (!function) {
        function = Function::Create(FunctionType::get(l_.i32(), {l_.ptr(), l_.ptr()}, false),
                                    GlobalValue::InternalLinkage, name_of(l_, part), l_.module);
        function->addFnAttr(Attribute::NoInline);
        function->addFnAttr(Attribute::NoUnwind);
        open_.push_back(part);
    }
    return function;
}

Value* Functions::call(RuleScope& scope, const Part& part) {
    return l_.builder.CreateCall(get(part), {scope.ctx, scope.base});
}

void Functions::emit_body(const Part& part, Function* function) {
    const ir::Chain& chain = l_.input.program.chains[part.chain];
    const Span place = part.begin < chain.rules.size() ? chain.rules[part.begin].span : chain.end.span;
    auto& b = l_.builder;
    l_.debug.begin_function(*function, place);
    b.SetInsertPoint(BasicBlock::Create(l_.context(), "entry", function));
    l_.debug.at(b, place);
    BasicBlock* start = l_.block("start");
    BasicBlock* leave = l_.block("leave");
    BasicBlock* to_caller = l_.block("to_caller");
    b.CreateBr(start);
    b.SetInsertPoint(leave);
    Ends ends{l_, nullptr, leave, b.CreatePHI(l_.i32(), 4)};
    Value* base = function->getArg(1);
    // By way of memory, so that the verifier takes it for any number: it tells apart what callers test, and
    // would follow each decision of the function through all of them.
    Value* result = at(l_, base, memory_.result_offset);
    b.CreateAlignedStore(ends.result, result, Align(4));
    b.CreateRet(b.CreateAlignedLoad(l_.i32(), result, Align(4), true));
    const KeyReader keys = [&](ir::KeyId id) {
        return load_stored_key(l_, memory_, base, id.value, nullptr);
    };
    RuleScope scope{l_, function->getArg(0), keys, ends, this, base};
    b.SetInsertPoint(start);
    if (part.end == Part::whole) {
        emit_chain_here(scope, {part.chain}, to_caller);
    } else {
        emit_rule_range(scope, {part.chain}, part.begin, part.end, to_caller);
        ends.return_from_function(result_continue);
    }
    b.SetInsertPoint(to_caller);
    ends.return_from_function(result_leave);
}

void Functions::emit_bodies() {
    while (!open_.empty()) {
        const Part part = open_.front();
        open_.pop_front();
        emit_body(part, made_[part]);
    }
}

void emit_shared_rules(Lowering& l, Value* ctx, const KeyMemory& memory, Value* base, Done& done) {
    const KeyReader keys = [&](ir::KeyId id) { return load_stored_key(l, memory, base, id.value, nullptr); };
    Functions functions(l, memory);
    RuleScope scope{l, ctx, keys, {l, &done, nullptr, nullptr}, &functions, base};
    if (l.input.plan.programs.empty()) {
        emit_entry(scope);
    } else {
        emit_programs(scope, memory);
    }
    functions.emit_bodies();
}

} // namespace xdpc::codegen
