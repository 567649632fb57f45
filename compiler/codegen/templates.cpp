// The functions of codegen-templates, compiled to bitcode when this program was built and embedded in it.
#include "compiler/codegen/lowering.h"

#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>

extern "C" {
extern const char xdpc_template_begin[];
extern const char xdpc_template_end[];
}

namespace xdpc::codegen {

using namespace llvm;

FunctionCallee template_function(Lowering& l, const char* name, unsigned scalars, bool context) {
    SmallVector<Type*> types;
    if (context) {
        types.push_back(l.ptr());
    }
    types.append(scalars, l.i32());
    return l.module.getOrInsertFunction(name, FunctionType::get(l.i64(), types, false));
}

namespace {

/// What the compiler knows of the functions must not reach their callers: the verifier does not know it.
void forget_results(Function& function) {
    function.setAttributes(AttributeList());
    function.addFnAttr(Attribute::NoInline);
    function.addFnAttr(Attribute::NoUnwind);
    function.addFnAttr("xdpc-template");
}

/// Into the functions of state_functions.cpp, whose lines their code gets.
void make_inline(Function& function) {
    function.setAttributes(AttributeList());
    function.addFnAttr(Attribute::AlwaysInline);
    function.addFnAttr(Attribute::NoUnwind);
    function.setLinkage(GlobalValue::InternalLinkage);
}

} // namespace

std::string link_templates(Lowering& l) {
    const bool wanted = std::any_of(l.module.begin(), l.module.end(), [](const Function& f) {
        return f.isDeclaration() && f.getName().starts_with("xdpc_");
    });
    if (!wanted) {
        return {};
    }
    const StringRef bitcode(xdpc_template_begin,
                            static_cast<size_t>(xdpc_template_end - xdpc_template_begin));
    auto templates = getLazyBitcodeModule(MemoryBufferRef(bitcode, "templates"), l.context());
    if (!templates) {
        return toString(templates.takeError());
    }
    if (Linker::linkModules(l.module, std::move(*templates), Linker::LinkOnlyNeeded)) {
        return "the templates cannot be linked";
    }
    const Span place = l.input.program.chains[l.input.program.entry.value].end.span;
    for (Function& function : l.module) {
        if (!function.isDeclaration() && function.getName().starts_with("xdpc_inline_")) {
            make_inline(function);
        } else if (!function.isDeclaration() && !function.getSubprogram()) {
            forget_results(function);
            l.debug.cover(function, place);
        }
    }
    return {};
}

} // namespace xdpc::codegen
