// Tables in .rodata. The verifier follows every branch and remembers what each tells of a register, so a
// search written with branches costs it 2^steps, a scan N^2. Both are written without any: comparisons are
// borrow bits, which it sees as unknown numbers of one bit, and what they add up to as an index within
// bounds.
// Searches and scans are global functions of scalars besides: the verifier goes through each once, not once
// for every way that leads to it.
#include "compiler/codegen/lowering.h"

#include <llvm/IR/InlineAsm.h>

#include <algorithm>
#include <bit>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// One word (up to 64 bits) or two, high one first, as 64-bit values.
using Number = std::vector<Value*>;

/// A copy LLVM knows nothing of: it must not turn arithmetic back into branches, or drop a mask the verifier
/// needs.
Value* opaque(Lowering& l, Value* value) {
    auto* type = FunctionType::get(l.i64(), {l.i64()}, false);
    return l.builder.CreateCall(type, InlineAsm::get(type, "", "=r,0", false), {value});
}

Number masked(Lowering& l, const KeyValue& key, u128 mask) {
    Number number;
    for (unsigned i = 0; i < key.value.count; ++i) {
        const bool high = key.value.count == 2 && i == 0;
        const auto bits = static_cast<uint64_t>(high ? mask >> 64 : mask);
        Value* word = l.builder.CreateZExt(key.value.word[i], l.i64());
        number.push_back(l.builder.CreateAnd(word, bits));
    }
    return number;
}

/// The borrow of a - b - in, as 0 or 1.
Value* borrow(Lowering& l, Value* a, Value* b, Value* in) {
    auto& build = l.builder;
    Value* difference = build.CreateSub(a, b);
    difference = in ? build.CreateSub(difference, in) : difference;
    Value* below = build.CreateAnd(build.CreateNot(a), b);
    Value* equal_signs = build.CreateNot(build.CreateXor(a, b));
    Value* sign = build.CreateOr(below, build.CreateAnd(equal_signs, difference));
    return build.CreateLShr(opaque(l, sign), 63);
}

/// 1 if a < b, else 0.
Value* less(Lowering& l, const Number& a, const Number& b, unsigned width) {
    if (width < 64) { // the difference has a sign of its own
        return l.builder.CreateLShr(opaque(l, l.builder.CreateSub(a[0], b[0])), 63);
    }
    Value* low = borrow(l, a.back(), b.back(), nullptr);
    return a.size() == 1 ? low : borrow(l, a[0], b[0], low);
}

unsigned element_bytes(unsigned width) {
    return width <= 32 ? 4 : width <= 64 ? 8 : 16;
}

/// The number at `index` of a column of numbers of that width.
Number load_number(Lowering& l, GlobalVariable* column, Value* index, unsigned width) {
    auto& b = l.builder;
    const unsigned bytes = element_bytes(width);
    Value* place = b.CreateGEP(l.i8(), column, b.CreateMul(index, l.c64(bytes)));
    if (bytes == 4) {
        return {b.CreateZExt(b.CreateAlignedLoad(l.i32(), place, Align(4)), l.i64())};
    }
    Number number;
    for (unsigned word = 0; word < bytes / 8; ++word) {
        number.push_back(b.CreateAlignedLoad(l.i64(), at(l, place, word * 8), Align(8)));
    }
    return number;
}

GlobalVariable* add_column(Lowering& l, const std::vector<u128>& numbers, unsigned width) {
    if (element_bytes(width) == 4) {
        const std::vector<uint32_t> words(numbers.begin(), numbers.end());
        return add_table(l, ConstantDataArray::get(l.context(), words));
    }
    std::vector<uint64_t> words;
    for (const u128 number : numbers) {
        if (width > 64) {
            words.push_back(static_cast<uint64_t>(number >> 64));
        }
        words.push_back(static_cast<uint64_t>(number));
    }
    return add_table(l, ConstantDataArray::get(l.context(), words));
}

/// Low and high column for each key, then the values' column.
const TableData& interval_columns(Lowering& l, ir::TableId id, uint64_t rows) {
    TableData& data = l.table_data[id.value];
    if (!data.columns.empty()) {
        return data;
    }
    const ir::Table& table = l.input.program.tables[id.value];
    data.rows = rows;
    const auto entry = [&](uint64_t row) -> const ir::Table::Entry& {
        return table.entries[std::min<uint64_t>(row, table.entries.size() - 1)]; // the last fills up
    };
    for (size_t key = 0; key < table.widths.size(); ++key) {
        std::vector<u128> low;
        std::vector<u128> high;
        for (uint64_t row = 0; row < rows; ++row) {
            low.push_back(entry(row).box[key].lo);
            high.push_back(entry(row).box[key].hi);
        }
        data.columns.push_back(add_column(l, low, table.widths[key]));
        data.columns.push_back(add_column(l, high, table.widths[key]));
    }
    std::vector<u128> values;
    for (uint64_t row = 0; row < rows; ++row) {
        values.push_back(entry(row).value);
    }
    data.columns.push_back(add_column(l, values, 32));
    return data;
}

/// Goes to the target of a value, which is one of theirs.
void to_target(Lowering& l, Value* value, const TableQuery& query) {
    if (query.targets.size() == 1) {
        l.builder.CreateBr(query.targets.front());
        return;
    }
    auto* choice = l.builder.CreateSwitch(value, query.none, static_cast<unsigned>(query.targets.size()));
    for (size_t i = 0; i < query.targets.size(); ++i) {
        choice->addCase(l.c64(i), query.targets[i]);
    }
}

const TableData& bitmap_of(Lowering& l, const TableQuery& query) {
    TableData& data = l.table_data[query.table.value];
    if (!data.columns.empty()) {
        return data;
    }
    const ir::Table& table = l.input.program.tables[query.table.value];
    const bool map = l.input.plan.tables[query.table.value].map;
    data.rows = uint64_t{1} << table.widths[0];
    std::vector<uint8_t> bytes(map ? data.rows : std::max<uint64_t>(data.rows / 8, 1), map ? 0xff : 0);
    for (const ir::Table::Entry& entry : table.entries) {
        for (u128 value = entry.box[0].lo; value <= entry.box[0].hi; ++value) {
            const auto index = static_cast<uint64_t>(value);
            if (map) {
                bytes[index] = static_cast<uint8_t>(entry.value);
            } else {
                bytes[index / 8] = static_cast<uint8_t>(bytes[index / 8] | 1U << (index % 8));
            }
        }
    }
    data.columns.push_back(add_table(l, ConstantDataArray::get(l.context(), bytes)));
    return data;
}

} // namespace

void emit_bitmap(Lowering& l, const TableQuery& query) {
    auto& b = l.builder;
    const TableData& data = bitmap_of(l, query);
    const Number number = masked(l, query.keys[0], query.masks[0]);
    Value* index = b.CreateAnd(opaque(l, number[0]), data.rows - 1);
    if (l.input.plan.tables[query.table.value].map) {
        Value* place = b.CreateGEP(l.i8(), data.columns[0], index);
        Value* value = b.CreateZExt(b.CreateAlignedLoad(l.i8(), place, Align(1)), l.i64());
        BasicBlock* found = l.block("found");
        branch(l, b.CreateICmpEQ(value, l.c64(255)), query.none, found);
        b.SetInsertPoint(found);
        to_target(l, value, query);
        return;
    }
    Value* place = b.CreateGEP(l.i8(), data.columns[0], b.CreateLShr(index, 3));
    Value* byte = b.CreateZExt(b.CreateAlignedLoad(l.i8(), place, Align(1)), l.i64());
    Value* bit = b.CreateAnd(b.CreateLShr(byte, b.CreateAnd(index, 7)), 1);
    branch(l, b.CreateICmpNE(bit, l.c64(0)), query.targets[0], query.none);
}

namespace {

/// 0 if not found, else the row's value + 1 (sets have the value 0).
Value* code_of(Lowering& l, Value* found, Value* value) {
    auto& b = l.builder;
    return value ? b.CreateAnd(b.CreateNeg(found), b.CreateAdd(value, l.c64(1))) : found;
}

/// The last row whose low end is not above the key, found in as many steps as its number has bits.
Value* search(Lowering& l, ir::TableId id, const std::vector<Number>& keys, bool map) {
    auto& b = l.builder;
    const ir::Table& table = l.input.program.tables[id.value];
    const unsigned width = table.widths[0];
    const uint64_t rows = std::bit_ceil(table.entries.size());
    const TableData& data = interval_columns(l, id, rows);
    const Number& key = keys[0];
    Value* row = l.c64(0);
    for (unsigned step = std::bit_width(rows) - 1; step-- > 0;) {
        Value* next = b.CreateAdd(row, l.c64(uint64_t{1} << step));
        Value* above = less(l, key, load_number(l, data.columns[0], next, width), width);
        // Opaque, so that the next sum stays one: to the verifier of 6.1 what is or'ed has no bounds.
        row = opaque(l, b.CreateAdd(row, b.CreateShl(b.CreateXor(above, l.c64(1)), step)));
    }
    Value* below = less(l, key, load_number(l, data.columns[0], row, width), width);
    Value* above = less(l, load_number(l, data.columns[1], row, width), key, width);
    Value* found = b.CreateXor(b.CreateOr(below, above), l.c64(1));
    return code_of(l, found, map ? load_number(l, data.columns[2], row, 32)[0] : nullptr);
}

/// Every row is looked at; of those that hold the tuple the first counts.
Value* scan(Lowering& l, ir::TableId id, const std::vector<Number>& keys, bool map) {
    auto& b = l.builder;
    const ir::Table& table = l.input.program.tables[id.value];
    const TableData& data = interval_columns(l, id, table.entries.size());
    BasicBlock* before = b.GetInsertBlock();
    BasicBlock* loop = l.block("scan");
    BasicBlock* end = l.block("scanned");
    b.CreateBr(loop);
    b.SetInsertPoint(loop);
    PHINode* row = b.CreatePHI(l.i64(), 2);
    PHINode* open = b.CreatePHI(l.i64(), 2); // 1 until a row was found
    PHINode* result = b.CreatePHI(l.i64(), 2);
    Value* outside = l.c64(0);
    for (size_t i = 0; i < keys.size(); ++i) {
        const unsigned width = table.widths[i];
        outside =
            b.CreateOr(outside, less(l, keys[i], load_number(l, data.columns[2 * i], row, width), width));
        outside =
            b.CreateOr(outside, less(l, load_number(l, data.columns[2 * i + 1], row, width), keys[i], width));
    }
    Value* take = opaque(l, b.CreateAnd(b.CreateXor(outside, l.c64(1)), open));
    Value* still_open = b.CreateXor(open, take);
    Value* value = load_number(l, data.columns.back(), row, 32)[0];
    Value* now = b.CreateOr(result, b.CreateAnd(b.CreateNeg(take), value));
    // Opaque, so that no pointer takes the counter's place: the verifier could not tell when the loop ends.
    Value* next = opaque(l, b.CreateAdd(row, l.c64(1)));
    row->addIncoming(l.c64(0), before);
    row->addIncoming(next, loop);
    open->addIncoming(l.c64(1), before);
    open->addIncoming(still_open, loop);
    result->addIncoming(l.c64(0), before);
    result->addIncoming(now, loop);
    b.CreateCondBr(b.CreateICmpULT(next, l.c64(data.rows)), loop, end);
    b.SetInsertPoint(end);
    return code_of(l, b.CreateXor(still_open, l.c64(1)), map ? now : nullptr);
}

Value* find_row(Lowering& l, ir::TableId id, const std::vector<Number>& keys) {
    const TablePlan& plan = l.input.plan.tables[id.value];
    return plan.strategy == TableStrategy::Search ? search(l, id, keys, plan.map)
                                                  : scan(l, id, keys, plan.map);
}

/// What a BPF function can take.
constexpr size_t max_arguments = 5;

} // namespace

void emit_row_table(Lowering& l, const TableQuery& query) {
    auto& b = l.builder;
    std::vector<Number> keys;
    std::vector<Value*> words;
    for (size_t i = 0; i < query.keys.size(); ++i) {
        keys.push_back(masked(l, query.keys[i], query.masks[i]));
        words.insert(words.end(), keys.back().begin(), keys.back().end());
    }
    Value* code = nullptr;
    if (words.size() <= max_arguments) {
        Function*& function = l.table_functions[query.table.value];
        if (!function) {
            const std::vector<Type*> types(words.size(), l.i64());
            function =
                Function::Create(FunctionType::get(l.i64(), types, false), GlobalValue::ExternalLinkage,
                                 "table_" + std::to_string(query.table.value), l.module);
            function->addFnAttr(Attribute::NoInline);
            function->addFnAttr(Attribute::NoUnwind);
        }
        code = b.CreateCall(function, words);
    } else {
        code = find_row(l, query.table, keys);
    }
    if (!l.input.plan.tables[query.table.value].map) {
        branch(l, b.CreateICmpNE(code, l.c64(0)), query.targets[0], query.none);
        return;
    }
    auto* choice = b.CreateSwitch(code, query.none, static_cast<unsigned>(query.targets.size()));
    for (size_t i = 0; i < query.targets.size(); ++i) {
        choice->addCase(l.c64(i + 1), query.targets[i]);
    }
}

void emit_table_functions(Lowering& l, Span place) {
    for (const auto& [id, function] : l.table_functions) {
        l.debug.begin_function(*function, place);
        l.builder.SetInsertPoint(BasicBlock::Create(l.context(), "entry", function));
        l.debug.at(l.builder, place);
        std::vector<Number> keys;
        unsigned argument = 0;
        for (const uint16_t width : l.input.program.tables[id].widths) {
            Number& key = keys.emplace_back();
            for (unsigned word = 0; word < words_of(width); ++word) {
                key.push_back(function->getArg(argument++));
            }
        }
        l.builder.CreateRet(find_row(l, {id}, keys));
    }
}

} // namespace xdpc::codegen
