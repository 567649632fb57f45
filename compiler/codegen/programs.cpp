// The programs that a large policy is cut into. The first parses and leaves what it read in memory; each goes
// on to the next by a tail call through the array `programs`, which belongs to this object alone. What a
// packet's way comes back to behind a chain with programs of its own is a word in the same memory: chains do
// not lead back to themselves, so one for each will do.
#include "compiler/codegen/rules.h"

#include <algorithm>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t map_type_prog_array = 3; // BPF_MAP_TYPE_PROG_ARRAY

void emit_tail_call(RuleScope& s, Value* index) {
    Lowering& l = s.l;
    if (!l.programs) {
        l.programs = map_global(l, "programs");
        const auto entries = static_cast<uint32_t>(l.input.plan.programs.size());
        l.debug.describe_map(*l.programs, MapShape{map_type_prog_array, 4, 4, entries, 0});
    }
    call_helper(l, Helper::TailCall, l.i64(), {s.ctx, l.programs, index});
    // Never: the array is filled before the first program is attached, and the plan stays below the kernel's
    // limit of calls. XDP_ABORTED, as nothing may pass so.
    l.builder.CreateRet(l.c32(0));
}

size_t first_program_of(const Plan& plan, uint32_t chain) {
    const auto of_chain = [&](const ProgramPlan& program) { return program.chain == chain; };
    const auto found = std::find_if(plan.programs.begin(), plan.programs.end(), of_chain);
    return static_cast<size_t>(found - plan.programs.begin());
}

/// Of the entry that is its end alone, if any rule of it leads away.
size_t last_program_of(const Plan& plan, uint32_t chain) {
    const auto of_chain = [&](const ProgramPlan& program) { return program.chain == chain; };
    const auto found = std::find_if(plan.programs.rbegin(), plan.programs.rend(), of_chain);
    return static_cast<size_t>(plan.programs.rend() - found) - 1;
}

Value* return_word(RuleScope& s, uint32_t chain) {
    return at(s.l, s.base, s.program->memory.return_offset[chain]);
}

Value* load_return(RuleScope& s, uint32_t chain) {
    return s.l.builder.CreateAlignedLoad(s.l.i32(), return_word(s, chain), Align(8), true);
}

/// What the chain's `return` leads to.
BasicBlock* emit_way_back(RuleScope& s, uint32_t chain) {
    Lowering& l = s.l;
    const ir::Program& program = l.input.program;
    BasicBlock* here = l.builder.GetInsertBlock();
    BasicBlock* back = l.block("back");
    l.builder.SetInsertPoint(back);
    if (chain == program.entry.value) {
        emit_end(s, program.chains[chain].end, back);
    } else {
        emit_tail_call(s, load_return(s, chain));
    }
    l.builder.SetInsertPoint(here);
    return back;
}

void emit_program(RuleScope& s) {
    Lowering& l = s.l;
    const Plan& plan = l.input.plan;
    const size_t index = s.program->index;
    const ProgramPlan& part = plan.programs[index];
    const ir::Chain& chain = l.input.program.chains[part.chain];
    const Span place = part.begin < chain.rules.size() ? chain.rules[part.begin].span : chain.end.span;
    l.debug.at(l.builder, place);
    BasicBlock* back = emit_way_back(s, part.chain);
    const size_t functions_end = part.leaves.value_or(part.end);
    if (part.segments.empty()) {
        emit_rule_range(s, {part.chain}, part.begin, functions_end, back);
    } else {
        emit_segments(s, {part.chain}, part.segments, functions_end, back);
    }
    emit_rule_range(s, {part.chain}, functions_end, part.end, back);
    if (part.end < chain.rules.size() || part.leaves) {
        l.debug.at(l.builder, place);
        emit_tail_call(s, l.c32(index + 1));
    } else {
        emit_end(s, chain.end, back);
    }
}

} // namespace

void emit_departure(RuleScope& s, ChainId chain, bool comes_back) {
    Lowering& l = s.l;
    const Plan& plan = l.input.plan;
    const uint32_t from = plan.programs[s.program->index].chain;
    Value* next = comes_back                            ? l.c32(s.program->index + 1)
                  : from == l.input.program.entry.value ? l.c32(last_program_of(plan, from))
                                                        : load_return(s, from);
    l.builder.CreateAlignedStore(next, return_word(s, chain.value), Align(8), true);
    emit_tail_call(s, l.c32(first_program_of(plan, chain.value)));
}

void emit_programs(RuleScope& first, const KeyMemory& memory) {
    Lowering& l = first.l;
    const ProgramScope scope{0, memory};
    first.program = &scope;
    emit_program(first);
    for (size_t i = 1; i < l.input.plan.programs.size(); ++i) {
        Program program = begin_program(l, "xdpc_" + std::to_string(i));
        Value* base = find_memory(l, memory);
        const KeyReader keys = [&](ir::KeyId id) {
            return load_stored_key(l, memory, base, id.value, nullptr);
        };
        const ProgramScope own{i, memory};
        RuleScope rules{l,    program.ctx, keys, {l, &program.done, nullptr, nullptr}, first.functions,
                        base, &own};
        emit_program(rules);
    }
}

} // namespace xdpc::codegen
