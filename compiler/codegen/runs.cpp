// Rules that follow each other and test one key for one value each become one switch, which is a search tree.
#include "compiler/codegen/conditions.h"
#include "compiler/codegen/rules.h"

#include <set>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr size_t least_run = 4;

/// The one atom of a rule that does nothing but compare a key of one word with a value, and decide.
const ir::Atom* only_test(const Lowering& l, const ir::Rule& rule) {
    if (rule.steps.size() != 2 || !l.input.options.break_rule.empty()) {
        return nullptr;
    }
    const auto* guard = std::get_if<ir::Guard>(&rule.steps[0].node);
    const auto* decide = std::get_if<ir::Decide>(&rule.steps[1].node);
    const auto* atom = guard && decide ? std::get_if<ir::Atom>(&guard->cond.node) : nullptr;
    if (!atom || atom->values.intervals().size() != 1) {
        return nullptr;
    }
    const Interval value = atom->values.intervals()[0];
    const unsigned width = width_of(l.input.program.keys[atom->key.value]);
    const bool plain = value.lo == value.hi && value.hi <= max_of_width(width) && width <= 64;
    return plain ? atom : nullptr;
}

} // namespace

size_t end_of_run(const Lowering& l, const ir::Chain& chain, size_t begin, size_t end) {
    const ir::Atom* first = only_test(l, chain.rules[begin]);
    size_t at = begin + (first ? 1 : 0);
    while (first && at < end) {
        const ir::Atom* next = only_test(l, chain.rules[at]);
        if (!next || next->key != first->key || next->mask != first->mask) {
            break;
        }
        ++at;
    }
    return at - begin >= least_run ? at : begin;
}

void emit_run(RuleScope& s, const ir::Chain& chain, size_t begin, size_t end, const VerdictEmitter& verdict,
              BasicBlock* next) {
    Lowering& l = s.l;
    const ir::Atom& first = *only_test(l, chain.rules[begin]);
    l.debug.at(l.builder, chain.rules[begin].span);
    const unsigned width = width_of(l.input.program.keys[first.key.value]);
    const KeyValue key = s.keys(first.key);
    BasicBlock* there = l.block("present");
    branch(l, key.present, there, next);
    l.builder.SetInsertPoint(there);
    if (known(key.present) == false) {
        l.builder.CreateBr(next);
        return;
    }
    const ComparedWord compared = compared_word(l, key, first.mask & max_of_width(width), width);
    SwitchInst* choice = l.builder.CreateSwitch(compared.word, next, static_cast<unsigned>(end - begin));
    std::set<u128> seen;
    for (size_t i = begin; i < end; ++i) {
        const u128 value = only_test(l, chain.rules[i])->values.intervals()[0].lo;
        if (!seen.insert(value).second) {
            continue; // an earlier rule decides
        }
        BasicBlock* matched = l.block("match");
        choice->addCase(compared.constant(value), matched);
        l.builder.SetInsertPoint(matched);
        verdict(i);
    }
}

} // namespace xdpc::codegen
