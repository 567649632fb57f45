// What the lowering of single conditions and of fused ones share. Private to compiler/codegen.
#pragma once

#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

/// The mask that keeps what all of [lo, hi] share, if the interval is a prefix.
inline std::optional<u128> prefix_mask(Interval i, unsigned width) {
    const u128 varying = i.lo ^ i.hi;
    const bool block = (varying & (varying + 1)) == 0 && (i.lo & varying) == 0;
    return block ? std::optional<u128>(max_of_width(width) & ~varying) : std::nullopt;
}
/// The one word of a key of at most 64 bits as it is best compared for equality: as loaded, or as a number.
struct ComparedWord {
    llvm::Value* word = nullptr; // masked
    bool raw = false;
    unsigned width = 0;
    [[nodiscard]] llvm::ConstantInt* constant(u128 value) const;
};
ComparedWord compared_word(Lowering& l, const KeyValue& key, u128 mask, unsigned width);
/// Whether an atom can be one of emit_fused.
bool is_fusible(const Lowering& l, const ir::Atom& atom);
/// A word (i64) that is zero where the atom holds.
llvm::Value* fused_difference(Lowering& l, const ir::Atom& atom, const KeyValue& key);
/// One branch: to `yes` if all atoms hold.
void emit_fused(Lowering& l, const std::vector<const ir::Atom*>& atoms, const KeyReader& keys,
                llvm::BasicBlock* yes, llvm::BasicBlock* no);

} // namespace xdpc::codegen
