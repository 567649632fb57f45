// Tables: comparisons for the small ones, the others as the plan says.
#include "compiler/codegen/lowering.h"
#include "compiler/ir/disjoint.h"

#include <algorithm>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// One key: values that lead to one place together; the sets are disjoint, so their order is free.
void compare_one(Lowering& l, const ir::Table& table, const KeyValue& key, u128 mask,
                 const std::vector<BasicBlock*>& targets, BasicBlock* none) {
    std::map<uint32_t, std::vector<Interval>> by_value;
    for (const auto& entry : ir::disjoint(table.entries)) {
        by_value[entry.value].push_back(entry.box.front());
    }
    for (auto& [value, intervals] : by_value) {
        BasicBlock* next = l.block("entry");
        emit_membership(l, key, mask, table.widths[0], IntervalSet::of(intervals), targets[value], next);
        l.builder.SetInsertPoint(next);
    }
    l.builder.CreateBr(none);
}

void compare_all(Lowering& l, const ir::Table& table, const std::vector<KeyValue>& keys,
                 const std::vector<u128>& masks, const std::vector<BasicBlock*>& targets, BasicBlock* none) {
    for (const auto& entry : table.entries) {
        BasicBlock* next = l.block("entry");
        for (size_t i = 0; i < keys.size(); ++i) {
            BasicBlock* in = l.block("in");
            emit_membership(l, keys[i], masks[i], table.widths[i], IntervalSet::of({entry.box[i]}), in, next);
            l.builder.SetInsertPoint(in);
        }
        l.builder.CreateBr(targets[entry.value]);
        l.builder.SetInsertPoint(next);
    }
    l.builder.CreateBr(none);
}

} // namespace

void emit_table(Lowering& l, ir::TableId id, const std::vector<KeyValue>& keys,
                const std::vector<u128>& masks, const std::vector<BasicBlock*>& targets, BasicBlock* none) {
    const ir::Table& table = l.input.program.tables[id.value];
    switch (l.input.plan.tables[id.value].strategy) {
    case TableStrategy::Bitmap:
        emit_bitmap(l, {id, keys, masks, targets, none});
        return;
    case TableStrategy::Search:
    case TableStrategy::Scan:
        emit_row_table(l, {id, keys, masks, targets, none});
        return;
    case TableStrategy::Compare:
        break;
    }
    if (keys.size() == 1) {
        compare_one(l, table, keys[0], masks[0], targets, none);
    } else {
        compare_all(l, table, keys, masks, targets, none);
    }
}

} // namespace xdpc::codegen
