// Several tests as one branch: what differs is collected in one word, which is zero where all of them hold. A
// long list needs that: each branch that leads on to the next rule stays in the verifier's mind, which holds
// 8,192, and a branch on a key kept in a register makes it verify all that follows once more.
#include "compiler/codegen/conditions.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// Zero if key & mask equals `value` there.
Value* difference(Lowering& l, Value* word, uint64_t mask, uint64_t value) {
    auto& b = l.builder;
    Value* wide = b.CreateZExt(word, l.i64());
    if (mask != ~0ULL) {
        wide = b.CreateAnd(wide, mask);
    }
    return b.CreateXor(wide, value);
}

uint64_t word_of(u128 value, unsigned count, unsigned index) {
    return static_cast<uint64_t>(count == 2 && index == 0 ? value >> 64 : value);
}

Value* prefix_difference(Lowering& l, const KeyValue& key, u128 mask, u128 value, unsigned width) {
    Value* result = l.c64(0);
    for (unsigned i = 0; i < key.value.count; ++i) {
        uint64_t m = word_of(mask, key.value.count, i);
        if (m == 0) {
            continue;
        }
        const bool full = mask == max_of_width(width);
        Value* differs =
            difference(l, key.value.word[i], full ? ~0ULL : m, word_of(value, key.value.count, i));
        result = l.builder.CreateOr(result, differs);
    }
    return result;
}

/// Of a number of at most 32 bits: its sign tells whether it is outside.
Value* range_difference(Lowering& l, const KeyValue& key, u128 mask, Interval i) {
    auto& b = l.builder;
    Value* word = b.CreateZExt(key.value.word[0], l.i64());
    word = b.CreateAnd(word, static_cast<uint64_t>(mask));
    Value* below = b.CreateSub(word, l.c64(static_cast<uint64_t>(i.lo)));
    Value* above = b.CreateSub(l.c64(static_cast<uint64_t>(i.hi)), word);
    return b.CreateLShr(b.CreateOr(below, above), 63);
}

Value* missing(Lowering& l, const KeyValue& key) {
    if (key.missing) {
        return key.missing;
    }
    return l.builder.CreateXor(l.builder.CreateZExt(key.present, l.i64()), l.c64(1));
}

} // namespace

bool is_fusible(const Lowering& l, const ir::Atom& atom) {
    const unsigned width = width_of(l.input.program.keys[atom.key.value]);
    const auto& intervals = atom.values.intervals();
    if (intervals.size() != 1 || intervals[0].hi > max_of_width(width)) {
        return false;
    }
    return width <= 32 || prefix_mask(intervals[0], width).has_value();
}

Value* fused_difference(Lowering& l, const ir::Atom& atom, const KeyValue& key) {
    auto& b = l.builder;
    const unsigned width = width_of(l.input.program.keys[atom.key.value]);
    const u128 mask = atom.mask & max_of_width(width);
    const Interval interval = atom.values.intervals()[0];
    Value* differs = known(key.present) ? l.c64(known(key.present) == true ? 0 : 1) : missing(l, key);
    if (const auto prefix = prefix_mask(interval, width)) {
        const u128 kept = mask & *prefix;
        const u128 value = interval.lo & *prefix;
        if ((value & ~kept) != 0) {
            return l.c64(1); // a bit that is masked away is asked for
        }
        return b.CreateOr(differs, prefix_difference(l, key, kept, value, width));
    }
    return b.CreateOr(differs, range_difference(l, key, mask, interval));
}

void emit_fused(Lowering& l, const std::vector<const ir::Atom*>& atoms, const KeyReader& keys,
                BasicBlock* yes, BasicBlock* no) {
    Value* differs = l.c64(0);
    for (const ir::Atom* atom : atoms) {
        differs = l.builder.CreateOr(differs, fused_difference(l, *atom, keys(atom->key)));
    }
    branch(l, l.builder.CreateICmpEQ(differs, l.c64(0)), yes, no);
}

} // namespace xdpc::codegen
