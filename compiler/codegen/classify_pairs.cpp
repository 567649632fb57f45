// Pairs of classes that lead to lists of lines. Nothing here branches on what a packet holds, but for lists
// that are longer than most: packets of many kinds would have every such branch guessed wrongly.
#include "compiler/codegen/classify.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

void put(std::vector<uint8_t>& data, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
        data.push_back(static_cast<uint8_t>(value >> 8 * i));
    }
}

class PairsEmitter {
public:
    PairsEmitter(Lowering& l, const classify::Pairs& pairs, const classify::RuleSet& set,
                 const std::vector<Outcome>& outcomes, const Number& number, BasicBlock* never)
        : l_(l), pairs_(pairs), set_(set), outcomes_(outcomes), number_(number), never_(never),
          lanes_(classify::lanes_of(pairs, set)), lane_words_(classify::lane_words(pairs, set)),
          line_bytes_(classify::line_bytes(pairs, set)) {}
    Value* run();

private:
    /// `row` is its first cell.
    Value* grid(const classify::Grid& grid, Value* row, Value* column);
    /// What the key leads to, of all parts in one word.
    Value* place(size_t axis);
    /// Of all parts, the first cell of the row, or the column.
    std::vector<Value*> places(size_t axis);
    Value* kind();
    void prepare_lanes();
    [[nodiscard]] std::vector<uint8_t> line_data() const;
    /// The lesser of entries below 2^63.
    Value* lesser(Value* a, Value* b);
    /// All ones if a line does not hold the packet, else 0.
    Value* misses(Value* line);
    Value* first_of(Value* line, unsigned count);
    Value* word(Value* line, size_t index);
    Value* line_at(Value* index, uint64_t following);
    Value* search(const classify::Pairs::Part& part, Value* first, Value* best);
    Value* search_rest(const classify::Pairs::Part& part, Value* first, Value* best);

    Lowering& l_;
    const classify::Pairs& pairs_;
    const classify::RuleSet& set_;
    const std::vector<Outcome>& outcomes_;
    const Number& number_;
    BasicBlock* never_;
    std::vector<classify::Lane> lanes_;
    size_t lane_words_, line_bytes_;
    std::vector<uint64_t> guards_; // of each word, the clear bit above each lane
    std::vector<Value*> keys_;     // of each word, the packet's numbers
    Value* kind_ = nullptr;        // one bit
    GlobalVariable* lines_ = nullptr;
};

Value* PairsEmitter::grid(const classify::Grid& grid, Value* row, Value* column) {
    auto& b = l_.builder;
    Value* page = row;
    for (size_t level = 0; level < grid.levels.size(); ++level) {
        const uint32_t width = grid.widths[level];
        Value* within = b.CreateLShr(column, grid.shifts[level]);
        Value* index = nullptr;
        if (level == 0) {
            index = b.CreateAdd(page, within);
        } else {
            index = b.CreateOr(b.CreateMul(page, l_.c64(width)), b.CreateAnd(within, width - 1));
        }
        page = load_packed(l_, grid.levels[level], classify::cell_bytes_of(grid, level), index, never_);
    }
    return page;
}

Value* PairsEmitter::place(size_t axis) {
    const unsigned bytes = classify::place_bytes(pairs_, axis);
    const classify::Pairs::Axis& own = pairs_.axes[axis];
    const std::vector<uint64_t> places = classify::places_of(pairs_, axis);
    const bool single = classify::places_in_cells(pairs_, axis);
    Value* cell = l_.c64(0);
    if (single) {
        const classify::Rfc::Leaf& leaf = own.pieces[0];
        Value* number = number_(pairs_.keys[axis][0]);
        cell = emit_trie(l_, leaf, number, never_);
    }
    for (size_t i = 0; i < own.pieces.size() && !single; ++i) {
        Value* piece = emit_leaf(l_, own.pieces[i], number_(pairs_.keys[axis][i]), never_);
        Value* row = l_.builder.CreateMul(cell, l_.c64(i == 0 ? 0 : own.joins[i - 1].widths[0]));
        cell = i == 0 ? piece : grid(own.joins[i - 1], row, piece);
    }
    const size_t count = single ? own.pieces[0].cells.size() : places.size();
    GlobalVariable* table = bytes_for(l_, &own, [&] {
        std::vector<uint8_t> data;
        for (size_t i = 0; i < count; ++i) {
            put(data, places[single ? own.pieces[0].cells[i] : i], bytes);
        }
        return data;
    });
    return load_cell(l_, table, cell, count, bytes, never_);
}

std::vector<Value*> PairsEmitter::places(size_t axis) {
    auto& b = l_.builder;
    const std::vector<unsigned> widths = classify::place_widths(pairs_, axis);
    std::vector<Value*> result(widths.size(), l_.c64(0));
    if (classify::place_bytes(pairs_, axis) == 0) {
        return result;
    }
    Value* all = place(axis);
    unsigned shift = 0;
    for (size_t p = 0; p < widths.size(); ++p) {
        if (widths[p] > 0) {
            const uint64_t mask = ~uint64_t{0} >> (64 - widths[p]);
            Value* own = b.CreateLShr(all, shift);
            result[p] = widths.size() == 1 ? own : b.CreateAnd(own, mask);
        }
        shift += widths[p];
    }
    return result;
}

Value* PairsEmitter::kind() {
    auto& b = l_.builder;
    Value* cell = l_.c64(0);
    for (const classify::Rfc::Leaf& leaf : pairs_.kinds.leaves) {
        cell = b.CreateAdd(b.CreateMul(cell, l_.c64(leaf.classes)),
                           emit_leaf(l_, leaf, number_(leaf.field), never_));
    }
    GlobalVariable* table = bytes_for(l_, &pairs_.kinds.cells, [&] {
        std::vector<uint8_t> data;
        for (const uint32_t kind : pairs_.kinds.cells) {
            put(data, uint64_t{1} << kind, 8);
        }
        return data;
    });
    return load_cell(l_, table, cell, pairs_.kinds.cells.size(), 8, never_);
}

void PairsEmitter::prepare_lanes() {
    auto& b = l_.builder;
    guards_.assign(lane_words_, 0);
    keys_.assign(lane_words_, l_.c64(0));
    for (size_t i = 0; i < lanes_.size(); ++i) {
        const auto [word, shift] = lanes_[i];
        guards_[word] |= uint64_t{1} << (shift + set_.fields[pairs_.compared[i]].width);
        keys_[word] = b.CreateOr(keys_[word], b.CreateShl(number_(pairs_.compared[i]), shift));
    }
    for (Value*& key : keys_) {
        key = hidden(l_, key);
    }
}

std::vector<uint8_t> PairsEmitter::line_data() const {
    std::vector<uint8_t> data;
    data.reserve(line_bytes_ * pairs_.lines.size());
    for (const classify::Pairs::Line& line : pairs_.lines) {
        std::vector<uint64_t> lo(lane_words_), hi = guards_;
        const bool some = line.box != classify::no_rule;
        for (size_t i = 0; i < lanes_.size() && some; ++i) {
            const classify::Range range = set_.box(line.box)[pairs_.compared[i]];
            lo[lanes_[i].word] |= uint64_t{range.lo} << lanes_[i].shift;
            hi[lanes_[i].word] |= uint64_t{range.hi} << lanes_[i].shift;
        }
        for (size_t word = 0; word < lane_words_; ++word) {
            put(data, lo[word], 8);
            put(data, hi[word], 8);
        }
        put(data, line.kinds | uint64_t{line.last} << 63, 8);
        put(data, some ? entry_of(set_.rules[line.box], outcomes_) : no_entry, 8);
    }
    return data;
}

Value* PairsEmitter::lesser(Value* a, Value* b) {
    auto& builder = l_.builder;
    Value* difference = builder.CreateSub(a, b);
    Value* less = hidden(l_, builder.CreateAShr(difference, 63));
    return hidden(l_, builder.CreateAdd(b, builder.CreateAnd(difference, less)));
}

Value* PairsEmitter::word(Value* line, size_t index) {
    return l_.builder.CreateAlignedLoad(l_.i64(), at(l_, line, 8 * index), Align(8));
}

/// With `following` lines behind it.
Value* PairsEmitter::line_at(Value* index, uint64_t following) {
    auto& b = l_.builder;
    index = hidden(l_, index);
    BasicBlock* inside = l_.block("inside");
    b.CreateCondBr(b.CreateICmpULT(index, l_.c64(pairs_.lines.size() - following)), inside, never_);
    b.SetInsertPoint(inside);
    return b.CreateGEP(l_.i8(), lines_, b.CreateMul(index, l_.c64(line_bytes_)));
}

Value* PairsEmitter::misses(Value* line) {
    auto& b = l_.builder;
    // Of each lane, the bit above stays set in both differences if the number is in the range.
    Value* wrong = b.CreateAnd(kind_, b.CreateNot(word(line, 2 * lane_words_)));
    for (size_t i = 0; i < lane_words_; ++i) {
        Value* guards = l_.c64(guards_[i]);
        Value* above = b.CreateSub(b.CreateOr(keys_[i], guards), word(line, 2 * i));
        Value* below = b.CreateSub(word(line, 2 * i + 1), keys_[i]);
        Value* both = hidden(l_, b.CreateAnd(b.CreateAnd(above, below), guards));
        wrong = b.CreateOr(wrong, b.CreateXor(both, guards));
    }
    wrong = hidden(l_, wrong);
    return hidden(l_, b.CreateAShr(hidden(l_, b.CreateOr(wrong, b.CreateNeg(wrong))), 63));
}

/// The entry of the first line that holds the packet. Which one that is comes as masks, not as a comparison
/// of entries, so that little waits for the line before.
Value* PairsEmitter::first_of(Value* line, unsigned count) {
    auto& b = l_.builder;
    Value* found = l_.c64(no_entry);
    for (unsigned i = count; i-- > 0;) {
        Value* own = at(l_, line, i * line_bytes_);
        Value* miss = misses(own);
        Value* entry = b.CreateAnd(word(own, 2 * lane_words_ + 1), b.CreateNot(miss));
        found = hidden(l_, b.CreateOr(b.CreateAnd(found, miss), entry));
    }
    return found;
}

Value* PairsEmitter::search(const classify::Pairs::Part& part, Value* first, Value* best) {
    auto& b = l_.builder;
    Value* line = line_at(first, part.blind - 1);
    best = lesser(first_of(line, part.blind), best);
    if (part.longest <= part.blind) {
        return best;
    }
    Value* last = word(line, (part.blind - 1) * line_bytes_ / 8 + 2 * lane_words_);
    BasicBlock* before = b.GetInsertBlock();
    BasicBlock* more = l_.block("more_lines");
    BasicBlock* end = l_.block("compared");
    b.CreateCondBr(b.CreateICmpSLT(hidden(l_, last), l_.c64(0)), end, more);
    b.SetInsertPoint(more);
    Value* rest = search_rest(part, b.CreateAdd(first, l_.c64(part.blind)), best);
    BasicBlock* after = b.GetInsertBlock();
    b.CreateBr(end);
    b.SetInsertPoint(end);
    PHINode* result = b.CreatePHI(l_.i64(), 2);
    result->addIncoming(best, before);
    result->addIncoming(rest, after);
    return result;
}

/// One by one, to the last line or the first that holds the packet: later ones are of later rules.
Value* PairsEmitter::search_rest(const classify::Pairs::Part& part, Value* first, Value* best) {
    auto& b = l_.builder;
    BasicBlock* before = b.GetInsertBlock();
    BasicBlock* loop = l_.block("line");
    BasicBlock* end = l_.block("lines_end");
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode* turn = b.CreatePHI(l_.i64(), 2);
    turn->addIncoming(l_.c64(0), before);
    Value* line = line_at(b.CreateAdd(first, turn), 0);
    Value* miss = misses(line);
    Value* entry = b.CreateOr(b.CreateAnd(word(line, 2 * lane_words_ + 1), b.CreateNot(miss)),
                              b.CreateAnd(l_.c64(no_entry), miss));
    Value* last = word(line, 2 * lane_words_);
    BasicBlock* next = l_.block("next_line");
    b.CreateCondBr(b.CreateICmpSLT(hidden(l_, b.CreateOr(last, b.CreateNot(miss))), l_.c64(0)), end, next);
    b.SetInsertPoint(next);
    Value* following = hidden(l_, b.CreateAdd(turn, l_.c64(1)));
    turn->addIncoming(following, next);
    // The verifier sees an end; that of 6.1 takes a loop only if it goes round by a jump that may leave it.
    b.CreateCondBr(b.CreateICmpULT(following, l_.c64(part.longest)), loop, never_);
    b.SetInsertPoint(end);
    return lesser(entry, best);
}

Value* PairsEmitter::run() {
    const std::vector<Value*> rows = places(0);
    const std::vector<Value*> columns = places(1);
    std::vector<Value*> first;
    for (size_t p = 0; p < pairs_.parts.size(); ++p) {
        first.push_back(grid(pairs_.parts[p].lists, rows[p], columns[p]));
    }
    Value* best = l_.c64(no_entry);
    if (pairs_.wide) {
        best = load_entry(l_, emit_rfc(l_, *pairs_.wide, number_, never_), &pairs_.wide, outcomes_, never_);
    }
    kind_ = hidden(l_, kind());
    prepare_lanes();
    lines_ = bytes_for(l_, &pairs_.lines, [this] { return line_data(); });
    for (size_t p = 0; p < pairs_.parts.size(); ++p) {
        best = search(pairs_.parts[p], first[p], best);
    }
    return best;
}

} // namespace

Value* emit_pairs(Lowering& l, const classify::Pairs& pairs, const classify::RuleSet& set,
                  const std::vector<Outcome>& outcomes, const Number& number, BasicBlock* never) {
    return PairsEmitter(l, pairs, set, outcomes, number, never).run();
}

} // namespace xdpc::codegen
