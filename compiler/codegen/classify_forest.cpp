// Trees walked side by side, so that their loads overlap; then the rows of their leaves one by one.
#include "compiler/codegen/classify.h"

#include <bit>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// Levels before the walk first asks whether all trees are at a leaf.
constexpr unsigned blind_levels = 2;

struct RowLayout {
    std::vector<unsigned> offsets; // of each field's low end; how far it reaches stands behind it
    unsigned need = 0, rule = 4, bytes = 8;
};

RowLayout layout_of(const classify::RuleSet& set) {
    RowLayout layout;
    for (const classify::Field& field : set.fields) {
        layout.offsets.push_back(layout.bytes);
        layout.bytes += field.width > 16 ? 8 : 4;
    }
    layout.bytes = (layout.bytes + 7) / 8 * 8;
    return layout;
}

std::vector<uint8_t> row_data(const classify::Forest& forest, const classify::RuleSet& set,
                              const RowLayout& layout) {
    std::vector<uint8_t> data(forest.rows.size() * layout.bytes);
    const auto put = [&](size_t offset, uint32_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) {
            data[offset + i] = static_cast<uint8_t>(value >> 8 * i);
        }
    };
    for (size_t row = 0; row < forest.rows.size(); ++row) {
        const uint32_t box = forest.rows[row];
        const size_t base = row * layout.bytes;
        put(base + layout.need, set.needs[box], 4);
        put(base + layout.rule, set.rules[box], 4);
        for (size_t f = 0; f < set.fields.size(); ++f) {
            const auto [lo, hi] = set.box(box)[f];
            const unsigned bytes = set.fields[f].width > 16 ? 4 : 2;
            put(base + layout.offsets[f], lo, bytes);
            put(base + layout.offsets[f] + bytes, hi - lo, bytes);
        }
    }
    return data;
}

class ForestEmitter {
public:
    ForestEmitter(Lowering& l, const classify::Forest& forest, const classify::RuleSet& set,
                  const Numbers& numbers, BasicBlock* never)
        : l_(l), forest_(forest), set_(set), numbers_(numbers), never_(never), layout_(layout_of(set)) {}
    Value* run();

private:
    void store_numbers();
    Value* number(size_t field);
    Value* step(Value* node);
    std::vector<Value*> walk();
    /// The better of `best` and what the leaf's rows give: a rule, no_rule if none.
    Value* scan(Value* leaf, Value* best);
    /// Not zero if a row does not hold the packet.
    Value* outside(Value* row);

    Lowering& l_;
    const classify::Forest& forest_;
    const classify::RuleSet& set_;
    const Numbers& numbers_;
    BasicBlock* never_;
    RowLayout layout_;
    AllocaInst* memory_ = nullptr; // the numbers, so that a node can name one
    uint64_t slots_ = 0;
    GlobalVariable* nodes_ = nullptr;
    GlobalVariable* rows_ = nullptr;
};

void ForestEmitter::store_numbers() {
    auto& b = l_.builder;
    slots_ = std::bit_ceil(numbers_.size());
    Function* function = b.GetInsertBlock()->getParent();
    IRBuilder<> head(&function->getEntryBlock(), function->getEntryBlock().begin());
    memory_ = head.CreateAlloca(ArrayType::get(l_.i32(), slots_));
    memory_->setAlignment(Align(8));
    for (uint64_t i = 0; i < slots_; ++i) { // all: the verifier lets no other be read
        Value* number = i < numbers_.size() ? b.CreateTrunc(numbers_[i], l_.i32()) : l_.c32(0);
        b.CreateAlignedStore(number, at(l_, memory_, 4 * i), Align(4), true);
    }
}

/// From there: kept as a value besides, each number would be spilled, and a function's stack is short.
Value* ForestEmitter::number(size_t field) {
    Value* place = at(l_, memory_, 4 * field);
    return l_.builder.CreateZExt(l_.builder.CreateAlignedLoad(l_.i32(), place, Align(4), true), l_.i64());
}

/// To the child; a leaf stays what it is.
Value* ForestEmitter::step(Value* node) {
    auto& b = l_.builder;
    Value* done = hidden(l_, b.CreateAShr(node, 63)); // all ones at a leaf
    Value* field = b.CreateAnd(hidden(l_, b.CreateLShr(node, 48)), slots_ - 1);
    Value* place = b.CreateGEP(l_.i8(), memory_, b.CreateMul(field, l_.c64(4)));
    Value* number = b.CreateZExt(b.CreateAlignedLoad(l_.i32(), place, Align(4), true), l_.i64());
    Value* left = b.CreateAnd(b.CreateLShr(node, 32), 31);
    Value* right = b.CreateAnd(b.CreateLShr(node, 40), 31);
    Value* bits = b.CreateAnd(b.CreateShl(number, left), l_.c64(0xffffffff));
    bits = b.CreateLShr(bits, right);
    Value* index = b.CreateAdd(b.CreateAnd(node, l_.c64(0xffffffff)), bits);
    index = b.CreateAnd(index, b.CreateNot(done));
    Value* child = load_cell(l_, nodes_, index, forest_.nodes.size(), 8, never_);
    return b.CreateOr(b.CreateAnd(node, done), b.CreateAnd(child, b.CreateNot(done)));
}

std::vector<Value*> ForestEmitter::walk() {
    auto& b = l_.builder;
    std::vector<Value*> nodes;
    for (const uint64_t root : forest_.roots) {
        nodes.push_back(hidden(l_, l_.c64(root)));
    }
    BasicBlock* leaves = l_.block("leaves");
    std::vector<std::pair<BasicBlock*, std::vector<Value*>>> ways;
    for (unsigned level = 0; level < forest_.depth; ++level) {
        for (Value*& node : nodes) {
            node = step(node);
        }
        if (level + 1 < blind_levels || level + 1 == forest_.depth) {
            continue;
        }
        Value* all = nodes.front();
        for (Value* node : nodes) {
            all = b.CreateAnd(all, node);
        }
        BasicBlock* deeper = l_.block("level");
        ways.emplace_back(b.GetInsertBlock(), nodes);
        b.CreateCondBr(b.CreateICmpSLT(hidden(l_, all), l_.c64(0)), leaves, deeper);
        b.SetInsertPoint(deeper);
    }
    ways.emplace_back(b.GetInsertBlock(), nodes);
    b.CreateBr(leaves);
    b.SetInsertPoint(leaves);
    std::vector<Value*> found;
    for (size_t i = 0; i < nodes.size(); ++i) {
        PHINode* leaf = b.CreatePHI(l_.i64(), 4);
        for (const auto& [from, values] : ways) {
            leaf->addIncoming(values[i], from);
        }
        found.push_back(leaf);
    }
    return found;
}

Value* ForestEmitter::outside(Value* row) {
    auto& b = l_.builder;
    const auto load = [&](unsigned offset, unsigned bytes) {
        IntegerType* type = b.getIntNTy(8 * bytes);
        return b.CreateZExt(b.CreateAlignedLoad(type, at(l_, row, offset), Align(bytes)), l_.i64());
    };
    Value* need = load(layout_.need, 4);
    Value* differs = b.CreateAnd(need, b.CreateNot(number(set_.fields.size())));
    for (size_t f = 0; f < set_.fields.size(); ++f) {
        const unsigned bytes = set_.fields[f].width > 16 ? 4 : 2;
        Value* above = b.CreateSub(number(f), load(layout_.offsets[f], bytes));
        above = b.CreateAnd(above, l_.c64(0xffffffff)); // below the low end: very large
        Value* beyond = b.CreateSub(load(layout_.offsets[f] + bytes, bytes), above);
        differs = b.CreateOr(differs, b.CreateLShr(hidden(l_, beyond), 63));
    }
    return hidden(l_, differs);
}

Value* ForestEmitter::scan(Value* leaf, Value* best) {
    auto& b = l_.builder;
    Value* count = b.CreateAnd(hidden(l_, b.CreateLShr(leaf, 32)), 255);
    Value* first = b.CreateAnd(leaf, l_.c64(0xffffffff));
    BasicBlock* before = b.GetInsertBlock();
    BasicBlock* loop = l_.block("row");
    BasicBlock* compare = l_.block("compare");
    BasicBlock* end = l_.block("scanned");
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode* turn = b.CreatePHI(l_.i64(), 2);
    turn->addIncoming(l_.c64(0), before);
    // Two bounds: the leaf's own count, and a constant, by which the verifier sees an end. The latter at the
    // bottom: the verifier of 6.1 takes a loop only if it goes round by a jump that may leave it.
    BasicBlock* there = l_.block("there");
    b.CreateCondBr(b.CreateICmpULT(turn, count), there, end);
    b.SetInsertPoint(there);
    Value* index = hidden(l_, b.CreateAdd(first, turn));
    BasicBlock* inside = l_.block("inside");
    b.CreateCondBr(b.CreateICmpULT(index, l_.c64(forest_.rows.size())), inside, never_);
    b.SetInsertPoint(inside);
    Value* row = b.CreateGEP(l_.i8(), rows_, b.CreateMul(index, l_.c64(layout_.bytes)));
    Value* rule = b.CreateZExt(b.CreateAlignedLoad(l_.i32(), at(l_, row, layout_.rule), Align(4)), l_.i64());
    b.CreateCondBr(b.CreateICmpULT(rule, best), compare, end); // rows are in the order of their rules
    b.SetInsertPoint(compare);
    Value* differs = outside(row);
    BasicBlock* next = l_.block("next_row");
    b.CreateCondBr(b.CreateICmpEQ(differs, l_.c64(0)), end, next);
    b.SetInsertPoint(next);
    Value* following = hidden(l_, b.CreateAdd(turn, l_.c64(1)));
    turn->addIncoming(following, next);
    b.CreateCondBr(b.CreateICmpULT(following, l_.c64(forest_.leaf)), loop, end);
    b.SetInsertPoint(end);
    PHINode* better = b.CreatePHI(l_.i64(), 4);
    better->addIncoming(best, loop);
    better->addIncoming(best, next);
    better->addIncoming(best, inside);
    better->addIncoming(rule, compare);
    return better;
}

Value* ForestEmitter::run() {
    auto& b = l_.builder;
    store_numbers();
    const auto* bytes = reinterpret_cast<const uint8_t*>(forest_.nodes.data());
    nodes_ = add_bytes(l_, {bytes, bytes + 8 * forest_.nodes.size()});
    rows_ = add_bytes(l_, row_data(forest_, set_, layout_));
    Value* best = l_.c64(classify::no_rule);
    if (forest_.wide) { // its 0 is no rule, and becomes it
        Value* found = emit_rfc(l_, *forest_.wide, [this](size_t field) { return number(field); }, never_);
        best = b.CreateAnd(b.CreateSub(found, l_.c64(1)), l_.c64(0xffffffff));
    }
    best = hidden(l_, best);
    for (Value* leaf : walk()) {
        best = scan(leaf, best);
    }
    return b.CreateAnd(b.CreateAdd(best, l_.c64(1)), l_.c64(0xffffffff)); // 0 for none
}

} // namespace

Value* emit_forest(Lowering& l, const classify::Forest& forest, const classify::RuleSet& set,
                   const Numbers& numbers, BasicBlock* never) {
    return ForestEmitter(l, forest, set, numbers, never).run();
}

} // namespace xdpc::codegen
