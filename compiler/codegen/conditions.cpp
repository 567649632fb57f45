// Conditions as branches: short circuits, what is known of the kind of packet at hand folded away.
#include "compiler/codegen/conditions.h"
#include "compiler/base/overloaded.h"

#include <llvm/IR/Intrinsics.h>

#include <algorithm>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// A value whose words may be compared in the order they were loaded in (raw) or as numbers.
struct Operand {
    const KeyValue& key;
    u128 mask;
    unsigned width;
    [[nodiscard]] bool masked() const { return mask != max_of_width(width); }
};

u128 swapped(u128 value, unsigned width) {
    u128 result = 0;
    for (unsigned i = 0; i < width / 8; ++i) {
        result = result << 8 | (value >> (8 * i) & 0xff);
    }
    return result;
}

/// One raw word's constant: the words of a 128-bit value are loaded, and swapped, separately.
uint64_t raw_word(u128 value, unsigned width, unsigned index) {
    if (width == 128) {
        const auto word = static_cast<uint64_t>(index == 0 ? value >> 64 : value);
        return __builtin_bswap64(word);
    }
    return static_cast<uint64_t>(swapped(value, width));
}

uint64_t plain_word(u128 value, unsigned width, unsigned index) {
    return static_cast<uint64_t>(words_of(width) == 2 && index == 0 ? value >> 64 : value);
}

Value* masked_word(Lowering& l, Value* word, uint64_t mask) {
    const uint64_t all = word->getType()->isIntegerTy(32) ? 0xffffffffULL : ~0ULL;
    return (mask & all) == all ? word : l.builder.CreateAnd(word, mask & all);
}

/// (key & mask) == value; words whose mask is zero do not count.
void emit_equal(Lowering& l, const Operand& o, u128 mask, u128 value, BasicBlock* yes, BasicBlock* no) {
    if ((value & ~mask) != 0) { // a bit that is masked away is asked for
        l.builder.CreateBr(no);
        return;
    }
    const bool raw = o.key.raw.count != 0;
    const Words& words = raw ? o.key.raw : o.key.value;
    std::vector<Value*> tests;
    // The low word first: addresses of one network differ there.
    for (unsigned i = words.count; i-- > 0;) {
        const uint64_t m = raw ? raw_word(mask, o.width, i) : plain_word(mask, o.width, i);
        const uint64_t v = raw ? raw_word(value, o.width, i) : plain_word(value, o.width, i);
        if (m == 0) {
            continue;
        }
        // A word of fewer bits than its register has nothing above them.
        const bool full = mask == max_of_width(o.width);
        Value* word = full ? words.word[i] : masked_word(l, words.word[i], m);
        // Not `word == v`: SimplifyCFG would gather such tests of following rules into switches, one more for
        // each way that leads to them. Instruction selection makes the plain comparison of it.
        Value* differs = l.builder.CreateXor(word, ConstantInt::get(word->getType(), v));
        tests.push_back(l.builder.CreateICmpEQ(differs, Constant::getNullValue(word->getType())));
    }
    if (tests.empty()) {
        l.builder.CreateBr(yes);
        return;
    }
    for (size_t i = 0; i + 1 < tests.size(); ++i) {
        BasicBlock* next = l.block("eq");
        branch_rarely(l, tests[i], next, no);
        l.builder.SetInsertPoint(next);
    }
    branch_rarely(l, tests.back(), yes, no);
}

Words masked_value(Lowering& l, const Operand& o) {
    Words words = o.key.value;
    for (unsigned i = 0; i < words.count && o.masked(); ++i) {
        words.word[i] = masked_word(l, words.word[i], plain_word(o.mask, o.width, i));
    }
    return words;
}

/// value >= bound, bound > 0; two words.
void emit_at_least(Lowering& l, const Words& v, u128 bound, BasicBlock* yes, BasicBlock* no) {
    const auto high = static_cast<uint64_t>(bound >> 64);
    const auto low = static_cast<uint64_t>(bound);
    auto& b = l.builder;
    if (low == 0) {
        branch(l, b.CreateICmpUGE(v.word[0], l.c64(high)), yes, no);
        return;
    }
    BasicBlock* not_above = l.block("ge");
    BasicBlock* equal = l.block("ge");
    branch(l, b.CreateICmpUGT(v.word[0], l.c64(high)), yes, not_above);
    b.SetInsertPoint(not_above);
    branch(l, b.CreateICmpEQ(v.word[0], l.c64(high)), equal, no);
    b.SetInsertPoint(equal);
    branch(l, b.CreateICmpUGE(v.word[1], l.c64(low)), yes, no);
}

void emit_interval(Lowering& l, const Operand& o, const Words& v, Interval i, BasicBlock* yes,
                   BasicBlock* no) {
    auto& b = l.builder;
    const u128 top = max_of_width(o.width);
    if (v.count == 2) {
        BasicBlock* below_end = yes;
        if (i.hi < top) {
            below_end = l.block("in");
        }
        if (i.lo > 0) {
            emit_at_least(l, v, i.lo, below_end, no);
        } else {
            b.CreateBr(below_end);
        }
        if (i.hi < top) {
            b.SetInsertPoint(below_end);
            emit_at_least(l, v, i.hi + 1, no, yes);
        }
        return;
    }
    Value* word = v.word[0];
    const auto constant = [&](u128 n) { return ConstantInt::get(word->getType(), static_cast<uint64_t>(n)); };
    if (i.lo == 0) {
        branch(l, b.CreateICmpULE(word, constant(i.hi)), yes, no);
    } else if (i.hi >= top) {
        branch(l, b.CreateICmpUGE(word, constant(i.lo)), yes, no);
    } else {
        branch(l, b.CreateICmpULE(b.CreateSub(word, constant(i.lo)), constant(i.hi - i.lo)), yes, no);
    }
}

void emit_one(Lowering& l, const Operand& o, Interval i, BasicBlock* yes, BasicBlock* no) {
    if (const auto prefix = prefix_mask(i, o.width)) {
        emit_equal(l, o, o.mask & *prefix, i.lo & *prefix, yes, no);
        return;
    }
    emit_interval(l, o, masked_value(l, o), i, yes, no);
}

/// Single values as a switch, which becomes a search tree.
bool emit_switch(Lowering& l, const Operand& o, const std::vector<Interval>& intervals, BasicBlock* yes,
                 BasicBlock* no) {
    const bool single =
        std::all_of(intervals.begin(), intervals.end(), [](const Interval& i) { return i.lo == i.hi; });
    if (!single || o.key.value.count != 1) {
        return false;
    }
    const ComparedWord compared = compared_word(l, o.key, o.mask, o.width);
    SwitchInst* choice = l.builder.CreateSwitch(compared.word, no, static_cast<unsigned>(intervals.size()));
    for (const Interval& i : intervals) {
        choice->addCase(compared.constant(i.lo), yes);
    }
    return true;
}

/// Many intervals: halving, then the one left.
void emit_search(Lowering& l, const Operand& o, const Words& v, const std::vector<Interval>& all,
                 size_t begin, size_t end, BasicBlock* yes, BasicBlock* no) {
    if (end - begin == 1) {
        emit_one(l, o, all[begin], yes, no);
        return;
    }
    const size_t middle = begin + (end - begin) / 2;
    BasicBlock* upper = l.block("upper");
    BasicBlock* lower = l.block("lower");
    if (v.count == 2) {
        emit_at_least(l, v, all[middle].lo, upper, lower);
    } else {
        Value* bound = ConstantInt::get(v.word[0]->getType(), static_cast<uint64_t>(all[middle].lo));
        branch(l, l.builder.CreateICmpUGE(v.word[0], bound), upper, lower);
    }
    l.builder.SetInsertPoint(upper);
    emit_search(l, o, v, all, middle, end, yes, no);
    l.builder.SetInsertPoint(lower);
    emit_search(l, o, v, all, begin, middle, yes, no);
}

std::optional<u128> known_value(const KeyValue& key) {
    u128 result = 0;
    for (unsigned i = 0; i < key.value.count; ++i) {
        const auto* word = dyn_cast<ConstantInt>(key.value.word[i]);
        if (!word) {
            return {};
        }
        result = result << 64 | word->getZExtValue();
    }
    return result;
}

} // namespace

ConstantInt* ComparedWord::constant(u128 value) const {
    const uint64_t bits = raw ? raw_word(value, width, 0) : plain_word(value, width, 0);
    return cast<ConstantInt>(ConstantInt::get(word->getType(), bits));
}

ComparedWord compared_word(Lowering& l, const KeyValue& key, u128 mask, unsigned width) {
    const bool raw = key.raw.count != 0;
    Value* word = raw ? key.raw.word[0] : key.value.word[0];
    if (mask != max_of_width(width)) {
        word = masked_word(l, word, raw ? raw_word(mask, width, 0) : plain_word(mask, width, 0));
    }
    return {word, raw, width};
}

void emit_membership(Lowering& l, const KeyValue& key, u128 mask, unsigned width, const IntervalSet& values,
                     BasicBlock* yes, BasicBlock* no) {
    const u128 top = max_of_width(width);
    mask &= top;
    const IntervalSet possible = values.intersect(IntervalSet::all(width));
    if (const auto value = known_value(key)) {
        l.builder.CreateBr(values.contains(*value & mask) ? yes : no);
        return;
    }
    if (possible.empty()) {
        l.builder.CreateBr(no);
        return;
    }
    if (possible.is_all(width)) {
        l.builder.CreateBr(yes);
        return;
    }
    const Operand operand{key, mask, width};
    const auto& intervals = possible.intervals();
    // "Anything but": the complement is one interval, cheaper to test.
    const IntervalSet rest = possible.complement(width);
    if (rest.intervals().size() == 1 && intervals.size() >= 1 && prefix_mask(rest.intervals()[0], width)) {
        emit_one(l, operand, rest.intervals()[0], no, yes);
        return;
    }
    if (intervals.size() == 1) {
        emit_one(l, operand, intervals[0], yes, no);
        return;
    }
    if (emit_switch(l, operand, intervals, yes, no)) {
        return;
    }
    emit_search(l, operand, masked_value(l, operand), intervals, 0, intervals.size(), yes, no);
}

namespace {

void emit_atom(Lowering& l, const ir::Atom& atom, const KeyReader& keys, BasicBlock* yes, BasicBlock* no) {
    if (!l.out_of_line && is_fusible(l, atom)) {
        emit_fused(l, {&atom}, keys, yes, no);
        return;
    }
    const unsigned width = width_of(l.input.program.keys[atom.key.value]);
    const KeyValue key = keys(atom.key);
    if (known(key.present) == false) {
        l.builder.CreateBr(no);
        return;
    }
    if (!known(key.present)) {
        BasicBlock* there = l.block("present");
        branch(l, key.present, there, no);
        l.builder.SetInsertPoint(there);
    }
    emit_membership(l, key, atom.mask, width, atom.values, yes, no);
}

void emit_lookup(Lowering& l, const ir::Lookup& lookup, const KeyReader& keys, BasicBlock* yes,
                 BasicBlock* no) {
    std::vector<KeyValue> values;
    for (const ir::KeyId key : lookup.keys) {
        values.push_back(keys(key));
        if (known(values.back().present) == false) {
            l.builder.CreateBr(no);
            return;
        }
        if (!known(values.back().present)) {
            BasicBlock* there = l.block("present");
            branch(l, values.back().present, there, no);
            l.builder.SetInsertPoint(there);
        }
    }
    BasicBlock* in = lookup.negated ? no : yes;
    BasicBlock* out = lookup.negated ? yes : no;
    emit_table(l, lookup.table, values, lookup.masks, {in}, out);
}

/// Whether asking leaves something behind: such a condition stays where it is.
bool has_effect(const ir::Cond& cond) {
    const auto any = [](const std::vector<ir::Cond>& parts) {
        return std::any_of(parts.begin(), parts.end(), has_effect);
    };
    return std::visit(Overloaded{
                          [](const ir::Atom&) { return false; },
                          [](const ir::Lookup&) { return false; },
                          [](const ir::SetLookup& lookup) { return lookup.counts; },
                          [&](const ir::And& all) { return any(all.parts); },
                          [&](const ir::Or& alternatives) { return any(alternatives.parts); },
                          [&](const ir::Not& negation) { return any(negation.part); },
                      },
                      cond.node);
}

/// How much a test leaves over, roughly: those that leave little come first. The order of tests without
/// effects is free.
double share_left(Lowering& l, const ir::Cond& cond) {
    const auto* atom = std::get_if<ir::Atom>(&cond.node);
    if (!atom) {
        return std::holds_alternative<ir::SetLookup>(cond.node) ? 3 : 2; // they cost more
    }
    const unsigned width = width_of(l.input.program.keys[atom->key.value]);
    double inside = 0;
    for (const Interval& i : atom->values.intervals()) {
        inside += static_cast<double>(i.hi - i.lo) + 1;
    }
    return inside / (static_cast<double>(max_of_width(width)) + 1);
}

/// The atoms that one branch can answer are taken out of `order`.
std::vector<const ir::Atom*> take_fusible(Lowering& l, std::vector<const ir::Cond*>& order) {
    std::vector<const ir::Atom*> atoms;
    std::erase_if(order, [&](const ir::Cond* part) {
        const auto* atom = std::get_if<ir::Atom>(&part->node);
        const bool fusible = atom && is_fusible(l, *atom);
        if (fusible) {
            atoms.push_back(atom);
        }
        return fusible;
    });
    return atoms;
}

/// Tests without effects, in an order of their own; the builder goes on where all hold.
void emit_free(Lowering& l, std::vector<const ir::Cond*> order, const KeyReader& keys, BasicBlock* no) {
    std::stable_sort(order.begin(), order.end(), [&](const ir::Cond* a, const ir::Cond* b) {
        return share_left(l, *a) < share_left(l, *b);
    });
    if (!l.out_of_line) {
        const auto atoms = take_fusible(l, order);
        if (!atoms.empty()) {
            BasicBlock* next = l.block("fused");
            emit_fused(l, atoms, keys, next, no);
            l.builder.SetInsertPoint(next);
        }
    }
    for (const ir::Cond* part : order) {
        BasicBlock* next = l.block("and");
        emit_condition(l, *part, keys, next, no);
        l.builder.SetInsertPoint(next);
    }
}

void emit_all(Lowering& l, const ir::And& all, const KeyReader& keys, BasicBlock* yes, BasicBlock* no) {
    std::vector<const ir::Cond*> free;
    for (const ir::Cond& part : all.parts) {
        if (!has_effect(part)) {
            free.push_back(&part);
            continue;
        }
        emit_free(l, std::move(free), keys, no);
        free.clear();
        BasicBlock* next = l.block("and");
        emit_condition(l, part, keys, next, no);
        l.builder.SetInsertPoint(next);
    }
    emit_free(l, std::move(free), keys, no);
    l.builder.CreateBr(yes);
}

} // namespace

void emit_condition(Lowering& l, const ir::Cond& cond, const KeyReader& keys, BasicBlock* yes,
                    BasicBlock* no) {
    l.debug.at(l.builder, cond.span);
    std::visit(Overloaded{
                   [&](const ir::Atom& atom) { emit_atom(l, atom, keys, yes, no); },
                   [&](const ir::Lookup& lookup) { emit_lookup(l, lookup, keys, yes, no); },
                   [&](const ir::SetLookup& lookup) { emit_set_lookup(l, lookup, keys, yes, no); },
                   [&](const ir::And& all) { emit_all(l, all, keys, yes, no); },
                   [&](const ir::Or& any) {
                       for (const ir::Cond& part : any.parts) {
                           BasicBlock* next = l.block("or");
                           emit_condition(l, part, keys, yes, next);
                           l.builder.SetInsertPoint(next);
                       }
                       l.builder.CreateBr(no);
                   },
                   [&](const ir::Not& negation) { emit_condition(l, negation.part.front(), keys, no, yes); },
               },
               cond.node);
}

} // namespace xdpc::codegen
