// What a program tells those who listen: `log`, `sample`, decided packets. While nobody listens, the first
// two cost the load of a word of `.data.capture` and a branch, and what tells of decided packets is not in
// the program that runs (XDPC_HOOK in abi.h). The rest is in codegen-templates/events.bpf.c.
#include "compiler/codegen/rules.h"
#include "compiler/policy/evaluate_limits.h"

#include <algorithm>
#include <llvm/IR/InlineAsm.h>

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t map_type_array = 2; // BPF_MAP_TYPE_ARRAY
constexpr uint32_t map_type_percpu_array = 6;

static_assert(Meters::log_snap == XDPC_LOG_SNAP, "the evaluator tells as many bytes");

/// How many `log` statements have a clock, and whether any statement tells something.
struct Told {
    bool any = false;
    uint32_t logs = 0;
};
Told told_by(const ir::Program& program) {
    Told told;
    for (const ir::Chain& chain : program.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                if (const auto* log = std::get_if<ir::Log>(&step.node)) {
                    told.any = true;
                    told.logs = std::max(told.logs, log->index + 1);
                }
                told.any = told.any || std::holds_alternative<ir::Sample>(step.node);
            }
        }
    }
    return told;
}

/// The builder goes on in a block that is reached while somebody listens; gives the one behind it.
BasicBlock* enter_if_listening(Lowering& l, uint64_t word) {
    auto& b = l.builder;
    BasicBlock* silent = l.block("silent"); // first: its way then has no jump
    BasicBlock* listening = l.block("listening");
    Value* bits = b.CreateAlignedLoad(l.i32(), at(l, l.capture, word), Align(4), true);
    branch_rarely(l, b.CreateICmpNE(bits, l.c32(0)), listening, silent);
    b.SetInsertPoint(listening);
    return silent;
}

/// The builder goes on in a block that programs without hook do not have; gives the one behind it. LLVM must
/// not look into the jump: to it both ways are open.
BasicBlock* enter_hooked(Lowering& l) {
    BasicBlock* hooked = l.block("hooked");
    BasicBlock* silent = l.block("silent");
    auto* type = FunctionType::get(l.builder.getVoidTy(), false);
    const std::string jump = "if r10 == " + std::to_string(XDPC_HOOK) + " goto ${0:l}";
    l.builder.CreateCallBr(type, InlineAsm::get(type, jump, "!i", true), hooked, {silent});
    l.builder.SetInsertPoint(hooked);
    return silent;
}

Value* generation(Lowering& l) {
    if (l.test_area) {
        return l.c32(0);
    }
    Value* from = at(l, l.bind, offsetof(xdpc_bind, generation));
    return l.builder.CreateAlignedLoad(l.i32(), from, Align(4), true);
}

/// The generation and the rule's number, as one.
Value* author(Lowering& l, DeciderId rule) {
    auto& b = l.builder;
    return b.CreateOr(b.CreateShl(b.CreateZExt(generation(l), l.i64()), 32), uint64_t{rule.value});
}

/// Calls a function of the templates with the context and these.
void tell(RuleScope& s, const char* name, ArrayRef<Value*> scalars) {
    SmallVector<Value*> arguments = {s.ctx};
    arguments.append(scalars.begin(), scalars.end());
    SmallVector<Type*> types;
    for (const Value* argument : arguments) {
        types.push_back(argument->getType());
    }
    s.l.builder.CreateCall(s.l.module.getOrInsertFunction(name, FunctionType::get(s.l.i64(), types, false)),
                           arguments);
}

} // namespace

/// Tests look at verdicts, and at what statements tell.
bool can_capture(const Lowering& l) {
    return l.input.policy.options.capture && !l.input.options.instrument;
}

void add_event_maps(Lowering& l) {
    const Told told = told_by(l.input.program);
    if (!told.any && !can_capture(l)) {
        return;
    }
    l.capture = bytes_global(l, "xdpc_capture", ".data.capture", sizeof(xdpc_capture), false);
    l.debug.describe_rings(*map_global(l, "rings"), XDPC_LISTENERS);
    if (told.logs > 0) {
        l.debug.describe_map(*map_global(l, "logs"), map_type_array, told.logs, l.debug.bytes_type(8));
    }
    if (can_capture(l) && ir::may_rewrite(l.input.program)) {
        l.saved = map_global(l, "saved_frame");
        l.debug.describe_map(*l.saved, map_type_percpu_array, 1, l.debug.bytes_type(sizeof(xdpc_saved)));
    }
}

void emit_save(Lowering& l, Value* ctx) {
    if (l.saved) {
        BasicBlock* silent = enter_hooked(l);
        l.builder.CreateCall(template_function(l, "xdpc_save_frame", 0), {ctx});
        l.builder.CreateBr(silent);
        l.builder.SetInsertPoint(silent);
    }
}

void emit_return(Lowering& l, Value* ctx, Value* action, const std::function<Value*()>& by) {
    auto& b = l.builder;
    if (can_capture(l)) {
        BasicBlock* silent = enter_hooked(l);
        const char* name = l.saved ? "xdpc_captured_saved" : "xdpc_captured";
        b.CreateCall(template_function(l, name, 3), {ctx, by(), action, generation(l)});
        b.CreateBr(silent);
        b.SetInsertPoint(silent);
    }
    b.CreateRet(action);
}

void emit_log(RuleScope& s, const ir::Log& log, DeciderId rule) {
    Lowering& l = s.l;
    BasicBlock* silent = enter_if_listening(l, offsetof(xdpc_capture, watching));
    tell(s, "xdpc_log", {author(l, rule), l.c32(log.index), l.c64(log.every_ns), monotonic_ns(l, true)});
    l.builder.CreateBr(silent);
    l.builder.SetInsertPoint(silent);
}

void emit_sample(RuleScope& s, const ir::Sample& sample, DeciderId rule) {
    Lowering& l = s.l;
    auto& b = l.builder;
    BasicBlock* silent = enter_if_listening(l, offsetof(xdpc_capture, watching));
    Value* draw = b.CreateTrunc(random_number(l, sample.occurrence), l.i32());
    BasicBlock* drawn = l.block("drawn");
    branch_rarely(l, b.CreateICmpEQ(b.CreateURem(draw, l.c32(sample.one_in)), l.c32(0)), drawn, silent);
    b.SetInsertPoint(drawn);
    tell(s, "xdpc_sample", {author(l, rule), l.c32(sample.snap), monotonic_ns(l, true)});
    b.CreateBr(silent);
    b.SetInsertPoint(silent);
}

} // namespace xdpc::codegen
