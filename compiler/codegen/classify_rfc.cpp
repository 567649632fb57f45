// Recursive flow classification: a chain of loads, each of whose index the classes before it give.
#include "compiler/codegen/classify.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint64_t block_bit = uint64_t{1} << 31;

/// 16 bits for each cell where that is enough.
std::vector<uint8_t> cell_bytes(const std::vector<uint32_t>& cells, unsigned bytes) {
    std::vector<uint8_t> result;
    result.reserve(cells.size() * bytes);
    for (const uint32_t cell : cells) {
        for (unsigned i = 0; i < bytes; ++i) {
            result.push_back(static_cast<uint8_t>(cell >> 8 * i));
        }
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

Value* emit_rfc(Lowering& l, const classify::Rfc& rfc, const Numbers& numbers, BasicBlock* never) {
    auto& b = l.builder;
    std::vector<Value*> classes;
    for (const classify::Rfc::Leaf& leaf : rfc.leaves) {
        if (leaf.classes == 1) {
            classes.push_back(l.c64(0));
        } else if (leaf.trie) {
            classes.push_back(emit_trie(l, leaf, numbers[leaf.field], never));
        } else {
            classes.push_back(load_packed(l, leaf.cells, leaf.classes, numbers[leaf.field], never));
        }
    }
    for (const classify::Rfc::Join& join : rfc.joins) {
        Value* row = b.CreateMul(classes[join.left], l.c64(join.columns));
        Value* index = b.CreateAdd(row, classes[join.right]);
        classes.push_back(load_packed(l, join.cells, join.classes, index, never));
    }
    return classes.back();
}

} // namespace xdpc::codegen
