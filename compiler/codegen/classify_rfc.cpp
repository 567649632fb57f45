// Recursive flow classification: a chain of loads, each of whose index the classes before it give.
#include "compiler/codegen/classify.h"

#include <cstring>

namespace xdpc::codegen {

using namespace llvm;

namespace {

std::vector<uint8_t> cell_bytes(const std::vector<uint32_t>& cells, unsigned bytes) {
    if (bytes == 4) {
        const auto* begin = reinterpret_cast<const uint8_t*>(cells.data());
        return {begin, begin + 4 * cells.size()};
    }
    std::vector<uint8_t> result(2 * cells.size());
    for (size_t i = 0; i < cells.size(); ++i) {
        const auto cell = static_cast<uint16_t>(cells[i]);
        std::memcpy(result.data() + 2 * i, &cell, 2);
    }
    return result;
}

/// Where a trie's walk goes on: a cell of the level below (classify::Rfc::Leaf).
Value* next_cell(Lowering& l, Value* code, Value* bits) {
    auto& b = l.builder;
    Value* within = b.CreateLShr(bits, b.CreateAnd(code, 15));
    return b.CreateAdd(b.CreateLShr(code, 4), within);
}

} // namespace

Value* load_packed(Lowering& l, const std::vector<uint32_t>& cells, unsigned bytes, Value* index,
                   BasicBlock* never) {
    GlobalVariable* table = bytes_for(l, &cells, [&] { return cell_bytes(cells, bytes); });
    return load_cell(l, table, index, cells.size(), bytes, never);
}

Value* emit_trie(Lowering& l, const classify::Rfc::Leaf& leaf, Value* number, BasicBlock* never) {
    auto& b = l.builder;
    unsigned low = leaf.below;
    for (size_t level = 1; level < leaf.bits.size(); ++level) {
        low += leaf.bits[level];
    }
    Value* cell = b.CreateLShr(number, low);
    for (size_t level = 0; level < leaf.upper.size(); ++level) {
        Value* code = load_packed(l, leaf.upper[level], 4, cell, never);
        const unsigned bits = leaf.bits[level + 1];
        low -= bits;
        cell = next_cell(l, code, b.CreateAnd(b.CreateLShr(number, low), (uint64_t{1} << bits) - 1));
    }
    return cell;
}

Value* emit_leaf(Lowering& l, const classify::Rfc::Leaf& leaf, Value* number, BasicBlock* never) {
    if (leaf.classes == 1) {
        return l.c64(0);
    }
    Value* cell = emit_trie(l, leaf, number, never);
    return load_packed(l, leaf.cells, classify::cell_bytes_of(leaf), cell, never);
}

Value* emit_rfc(Lowering& l, const classify::Rfc& rfc, const Number& number, BasicBlock* never) {
    auto& b = l.builder;
    // Each class right before the join that needs it, the whole of a left side before its right one.
    std::vector<Value*> classes(rfc.leaves.size() + rfc.joins.size());
    const std::function<Value*(size_t)> class_of = [&](size_t index) {
        Value*& known = classes[index];
        if (!known && index < rfc.leaves.size()) {
            known = emit_leaf(l, rfc.leaves[index], number(rfc.leaves[index].field), never);
        } else if (!known) {
            const classify::Rfc::Join& join = rfc.joins[index - rfc.leaves.size()];
            Value* row = b.CreateMul(class_of(join.left), l.c64(join.columns));
            Value* cell = b.CreateAdd(row, class_of(join.right));
            known = load_packed(l, join.cells, join.classes > 65536 ? 4 : 2, cell, never);
        }
        return known;
    };
    return class_of(classes.size() - 1);
}

} // namespace xdpc::codegen
