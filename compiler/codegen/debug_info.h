// Debug info whose source is the policy: every instruction carries the line of the rule it serves, so that
// disassembly and the verifier's log show rules.
#pragma once

#include "compiler/codegen/codegen.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <map>

namespace xdpc::codegen {

class DebugInfo {
public:
    DebugInfo(llvm::Module& module, const CodegenInput& input);

    /// Gives a function its place and its BTF signature; instructions emitted next belong to it.
    void begin_function(llvm::Function& function, Span span);
    /// The place of the instructions the builder makes from now on.
    void at(llvm::IRBuilder<>& builder, Span span);
    /// Gives a linked function without debug info a place for all its instructions.
    void cover(llvm::Function& function, Span span);
    /// A map as libbpf wants it described in BTF.
    void describe_map(llvm::GlobalVariable& map, uint32_t type, uint32_t entries, llvm::DIType* value);
    llvm::DIType* counter_type();
    llvm::DIType* bytes_type(uint64_t bytes);
    /// A global of `bytes` bytes, for .rodata and .data sections.
    void describe_bytes(llvm::GlobalVariable& global, uint64_t bytes);
    void finish();

private:
    llvm::DIFile* file_of(FileId id);
    llvm::DISubroutineType* signature_of(const llvm::Function& function);
    llvm::DIType* array_of(llvm::DIType* element, uint64_t count);
    llvm::DIType* integer(const char* name, uint64_t bits);
    llvm::DIType* member(const char* name, llvm::DIType* type, uint64_t offset);
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
