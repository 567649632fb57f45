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

// ---- classify_rfc.cpp, classify_forest.cpp: the rule + 1 (i64), or 0; the words are the function's
// arguments.
/// The number of each field, then the presence word, as i64.
using Numbers = std::vector<llvm::Value*>;
/// `number` emits a field's number where it is used, so that few are live at a time: the stack of all frames
/// together is 512 bytes.
llvm::Value* emit_rfc(Lowering& l, const classify::Rfc& rfc,
                      const std::function<llvm::Value*(size_t field)>& number, llvm::BasicBlock* never);
llvm::Value* emit_forest(Lowering& l, const classify::Forest& forest, const classify::RuleSet& set,
                         const Numbers& numbers, llvm::BasicBlock* never);
/// Constant bytes, in maps apart from other data.
llvm::GlobalVariable* add_bytes(Lowering& l, std::vector<uint8_t> bytes);
/// A number of `bytes` bytes at `index` of an array of `count`; leads to `never` from where the index is
/// beyond.
llvm::Value* load_cell(Lowering& l, llvm::GlobalVariable* array, llvm::Value* index, uint64_t count,
                       unsigned bytes, llvm::BasicBlock* never);
/// A copy LLVM knows nothing of.
llvm::Value* hidden(Lowering& l, llvm::Value* value);

} // namespace xdpc::codegen
