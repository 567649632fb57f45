// Keys in memory: one element of a per-CPU array, for programs that read more keys than registers and stack
// hold, or whose rules are several functions. Every use loads anew, so the verifier carries nothing it
// learned at one rule on to the next.
#pragma once

#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

struct KeyMemory {
    std::vector<unsigned> value_offset; // by KeyId
    unsigned parse_offset = 0;          // of ParseMemory
    unsigned result_offset = 0;         // of a function of rules, 32 bits
    unsigned bytes = 0;                 // a byte for each key, 1 where it is absent, then the values
    /// By ChainId, of those that are cut into programs: the program that goes on behind it, 32 bits.
    std::vector<unsigned> return_offset;
};
KeyMemory lay_out_keys(const Lowering& l);

/// The element, looked up; the builder goes on where it was found.
llvm::Value* find_memory(Lowering& l, const KeyMemory& memory);
void store_key(Lowering& l, const KeyMemory& memory, llvm::Value* base, size_t key, const KeyValue& value);
KeyValue load_stored_key(Lowering& l, const KeyMemory& memory, llvm::Value* base, size_t key,
                         llvm::Value* present);

} // namespace xdpc::codegen
