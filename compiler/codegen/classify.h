// Look-ups that answer many rules at once. Private to compiler/codegen.
#pragma once

#include "compiler/codegen/rules.h"

#include <functional>

namespace xdpc::codegen {

/// The slice that begins at a rule of a chain; null if none does.
const Slice* slice_at(const Lowering& l, ChainId chain, size_t rule);
/// Where the next slice behind that rule begins; ~0 if there is none.
size_t next_slice(const Lowering& l, ChainId chain, size_t rule);

/// Emits a slice's look-up; goes to `code` (by Slice::coded) or `next`, or to where decisions go.
void emit_slice(RuleScope& s, ChainId chain, const Slice& slice, const std::vector<llvm::BasicBlock*>& codes,
                llvm::BasicBlock* next);
/// The bodies of the functions that slices call.
void emit_classifiers(Lowering& l, Span place);

/// What a look-up finds: the rule in the upper half, what becomes of the packet in the lower one. The least
/// counts; no_entry is above all.
uint64_t entry_of(uint32_t rule, const std::vector<Outcome>& outcomes);
inline constexpr uint64_t no_entry = (uint64_t{0x7fffffff} << 32) | result_continue;
/// The entry of a rule + 1, or of 0; one table for each `source`, which stands in the plan.
llvm::Value* load_entry(Lowering& l, llvm::Value* found, const void* source,
                        const std::vector<Outcome>& outcomes, llvm::BasicBlock* never);

// ---- classify_rfc.cpp, classify_forest.cpp: the rule + 1 (i64), or 0.
/// The number of each field, then the presence word, as i64.
using Numbers = std::vector<llvm::Value*>;
/// Emits a field's number where it is used, so that few are live at a time: the stack of all frames together
/// is 512 bytes.
using Number = std::function<llvm::Value*(size_t field)>;
llvm::Value* emit_rfc(Lowering& l, const classify::Rfc& rfc, const Number& number, llvm::BasicBlock* never);
/// A trie's cell for that number.
llvm::Value* emit_trie(Lowering& l, const classify::Rfc::Leaf& leaf, llvm::Value* number,
                       llvm::BasicBlock* never);
/// A leaf's class of that number.
llvm::Value* emit_leaf(Lowering& l, const classify::Rfc::Leaf& leaf, llvm::Value* number,
                       llvm::BasicBlock* never);
llvm::Value* emit_forest(Lowering& l, const classify::Forest& forest, const classify::RuleSet& set,
                         const Numbers& numbers, llvm::BasicBlock* never);
// ---- classify_pairs.cpp: an entry.
llvm::Value* emit_pairs(Lowering& l, const classify::Pairs& pairs, const classify::RuleSet& set,
                        const std::vector<Outcome>& outcomes, const Number& number, llvm::BasicBlock* never);
/// Constant bytes, in maps apart from other data.
llvm::GlobalVariable* add_bytes(Lowering& l, std::vector<uint8_t> bytes);
/// The bytes for what stands there in the plan: made once, however often it is asked for.
llvm::GlobalVariable* bytes_for(Lowering& l, const void* source,
                                const std::function<std::vector<uint8_t>()>& make);
/// A number of `bytes` bytes at `index` of an array of `count`; leads to `never` from where the index is
/// beyond.
llvm::Value* load_cell(Lowering& l, llvm::GlobalVariable* array, llvm::Value* index, uint64_t count,
                       unsigned bytes, llvm::BasicBlock* never);
/// Of numbers laid out in so many bytes each.
llvm::Value* load_packed(Lowering& l, const std::vector<uint32_t>& cells, unsigned bytes, llvm::Value* index,
                         llvm::BasicBlock* never);
/// A copy LLVM knows nothing of.
llvm::Value* hidden(Lowering& l, llvm::Value* value);

} // namespace xdpc::codegen
