// Debug info whose source is the policy: every instruction carries the line of the rule it serves, so that
// disassembly and the verifier's log show rules.
#pragma once

#include "compiler/codegen/codegen.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>

namespace xdpc::codegen {

/// A map as the kernel makes it.
struct MapShape {
    uint32_t type = 0; // enum bpf_map_type
    uint32_t key_bytes = 4;
    uint32_t value_bytes = 0;
    uint32_t entries = 1;
    uint32_t flags = 0;
};

class DebugInfo {
public:
    DebugInfo(llvm::Module& module, const CodegenInput& input);

    /// Gives a function its place and its BTF signature; instructions emitted next belong to it. A function
    /// whose first argument is a key in memory says how many bytes that has; else it is the context.
    void begin_function(llvm::Function& function, Span span, unsigned key_bytes = 0);
    /// The place of the instructions the builder makes from now on.
    void at(llvm::IRBuilder<>& builder, Span span);
    /// Gives a linked function without debug info a place for all its instructions.
    void cover(llvm::Function& function, Span span);
    /// A map as libbpf wants it described in BTF.
    void describe_map(llvm::GlobalVariable& map, uint32_t type, uint32_t entries, llvm::DIType* value);
    void describe_map(llvm::GlobalVariable& map, const MapShape& shape);
    /// An array of so many maps, each a ring buffer.
    void describe_rings(llvm::GlobalVariable& map, uint32_t entries);
    llvm::DIType* counter_type();
    llvm::DIType* bytes_type(uint64_t bytes);
    /// A global of `bytes` bytes, for .rodata and .data sections.
    void describe_bytes(llvm::GlobalVariable& global, uint64_t bytes);
    void finish();

private:
    llvm::DIFile* file_of(FileId id);
    llvm::DISubroutineType* signature_of(const llvm::Function& function, unsigned key_bytes);
    llvm::DIType* array_of(llvm::DIType* element, uint64_t count);
    llvm::DIType* integer(const char* name, uint64_t bits);
    llvm::DIType* member(const char* name, llvm::DIType* type, uint64_t offset);
    /// A number as libbpf reads it: the size of an array that a pointer points to.
    llvm::DIType* number(uint64_t n);
    void describe(llvm::GlobalVariable& global, llvm::DIType* type);

    llvm::Module& module_;
    const Sources& sources_;
    llvm::DIBuilder builder_;
    std::map<uint32_t, llvm::DIFile*> files_;
    llvm::DICompileUnit* unit_ = nullptr;
    llvm::DISubprogram* function_ = nullptr;
    FileId function_file_;
};

} // namespace xdpc::codegen
