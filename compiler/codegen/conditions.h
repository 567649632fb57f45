// What the lowering of single conditions and of fused ones share. Private to compiler/codegen.
#pragma once

#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

/// The mask that keeps what all of [lo, hi] share, if the interval is a prefix.
std::optional<u128> prefix_mask(Interval i, unsigned width);
/// Whether an atom can be one of emit_fused.
bool is_fusible(const Lowering& l, const ir::Atom& atom);
/// A word (i64) that is zero where the atom holds.
llvm::Value* fused_difference(Lowering& l, const ir::Atom& atom, const KeyValue& key);
/// One branch: to `yes` if all atoms hold.
void emit_fused(Lowering& l, const std::vector<const ir::Atom*>& atoms, const KeyReader& keys,
                llvm::BasicBlock* yes, llvm::BasicBlock* no);

} // namespace xdpc::codegen
