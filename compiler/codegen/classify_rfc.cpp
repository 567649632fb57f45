// Recursive flow classification: a chain of loads, each of whose index the classes before it give.
#include "compiler/codegen/classify.h"

#include <cstring>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint64_t block_bit = uint64_t{1} << 31;

/// 16 bits for each cell where that is enough.
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

Value* load_packed(Lowering& l, const std::vector<uint32_t>& cells, uint32_t classes, Value* index,
                   BasicBlock* never) {
    const unsigned bytes = classes > 65536 ? 4 : 2;
    return load_cell(l, add_bytes(l, cell_bytes(cells, bytes)), index, cells.size(), bytes, never);
}

/// 16, 8 and 8 bits of the number.
Value* emit_trie(Lowering& l, const classify::Rfc::Leaf& leaf, Value* number, BasicBlock* never) {
    auto& b = l.builder;
    Value* cell = load_cell(l, add_bytes(l, cell_bytes(leaf.cells, 4)), b.CreateLShr(number, 16),
                            leaf.cells.size(), 4, never);
    if (leaf.blocks.empty()) {
        return cell;
    }
    GlobalVariable* blocks = add_bytes(l, cell_bytes(leaf.blocks, 4));
    BasicBlock* end = l.block("class");
    std::vector<std::pair<Value*, BasicBlock*>> found;
    for (const unsigned shift : {8U, 0U}) {
        BasicBlock* deeper = l.block("deeper");
        found.emplace_back(cell, b.GetInsertBlock());
        b.CreateCondBr(b.CreateICmpUGE(cell, l.c64(block_bit)), deeper, end);
        b.SetInsertPoint(deeper);
        Value* low = b.CreateAnd(b.CreateLShr(number, shift), 255);
        Value* index = b.CreateOr(b.CreateShl(b.CreateAnd(cell, block_bit - 1), 8), low);
        cell = load_cell(l, blocks, index, leaf.blocks.size(), 4, never);
    }
    found.emplace_back(cell, b.GetInsertBlock());
    b.CreateBr(end);
    b.SetInsertPoint(end);
    PHINode* result = b.CreatePHI(l.i64(), 3);
    for (const auto& [value, from] : found) {
        result->addIncoming(value, from);
    }
    return result;
}

} // namespace

Value* emit_rfc(Lowering& l, const classify::Rfc& rfc, const std::function<Value*(size_t field)>& number,
                BasicBlock* never) {
    auto& b = l.builder;
    const auto leaf_class = [&](const classify::Rfc::Leaf& leaf) -> Value* {
        if (leaf.classes == 1) {
            return l.c64(0);
        }
        return leaf.trie ? emit_trie(l, leaf, number(leaf.field), never)
                         : load_packed(l, leaf.cells, leaf.classes, number(leaf.field), never);
    };
    // Each class right before the join that needs it, the whole of a left side before its right one.
    std::vector<Value*> classes(rfc.leaves.size() + rfc.joins.size());
    const std::function<Value*(size_t)> class_of = [&](size_t index) {
        Value*& known = classes[index];
        if (!known && index < rfc.leaves.size()) {
            known = leaf_class(rfc.leaves[index]);
        } else if (!known) {
            const classify::Rfc::Join& join = rfc.joins[index - rfc.leaves.size()];
            Value* row = b.CreateMul(class_of(join.left), l.c64(join.columns));
            Value* cell = b.CreateAdd(row, class_of(join.right));
            known = load_packed(l, join.cells, join.classes, cell, never);
        }
        return known;
    };
    return class_of(classes.size() - 1);
}

} // namespace xdpc::codegen
