// The functions of codegen-templates, compiled when this program was built and embedded in it: as bitcode
// where they are inlined, as assembly where they are called, since LLVM took as long for them as for all
// rules.
#include "compiler/codegen/lowering.h"

#include <llvm/ADT/StringExtras.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Support/MemoryBuffer.h>

extern "C" {
extern const char xdpc_template_begin[]; // bitcode
extern const char xdpc_template_end[];
extern const char xdpc_fixed_begin[]; // assembly of the functions that are used as they are
extern const char xdpc_fixed_end[];
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

using Bodies = StringMap<std::string>; // by function

/// LLVM writes a move of 32 bits that widens as `r1 = w2`, which its assembler does not read; `w1 = w2` is
/// the same instruction.
std::string readable(StringRef line) {
    const auto [to, from] = line.split(" = ");
    const bool widens = to.starts_with("\tr") && from.starts_with("w") && isDigit(from.back());
    return widens ? ("\tw" + to.drop_front(2) + " = " + from).str() : line.str();
}

/// Instructions and labels of each function, from the compiler's output. Labels get a prefix that keeps them
/// out of the symbol table and apart from this module's own.
Bodies fixed_bodies() {
    Bodies bodies;
    std::string* body = nullptr;
    StringRef rest(xdpc_fixed_begin, static_cast<size_t>(xdpc_fixed_end - xdpc_fixed_begin));
    while (!rest.empty()) {
        StringRef line;
        std::tie(line, rest) = rest.split('\n');
        line = line.split('#').first.rtrim();
        const bool is_label = line.starts_with("LBB");
        if (line.ends_with(":") && !is_label && !line.starts_with(".")) {
            body = &bodies[line.drop_back()];
        } else if (body && (is_label || (line.starts_with("\t") && !line.starts_with("\t.")))) {
            const auto [before, label] = line.split("LBB");
            *body += readable(before) + (line.contains("LBB") ? ".Lfixed" + label.str() : "") + "\n";
        }
    }
    return bodies;
}

/// Names of the functions that a body calls.
std::vector<StringRef> called_by(StringRef body) {
    std::vector<StringRef> names;
    while (!body.empty()) {
        StringRef line;
        std::tie(line, body) = body.split('\n');
        if (line.consume_front("\tcall ") && !isDigit(line.front())) {
            names.push_back(line);
        }
    }
    return names;
}

/// Gives a declared function its assembly as body, and so on to those that it calls. `templates` tells what
/// they are like.
void define_fixed(Lowering& l, const Module& templates, const Bodies& bodies, StringRef name, Span place) {
    const Function* prototype = templates.getFunction(name);
    const auto body = bodies.find(name);
    if (!prototype || body == bodies.end()) {
        return;
    }
    auto* function =
        cast<Function>(l.module.getOrInsertFunction(name, prototype->getFunctionType()).getCallee());
    if (!function->isDeclaration()) {
        return;
    }
    function->setLinkage(prototype->getLinkage());
    forget_results(*function);
    function->addFnAttr(Attribute::Naked);
    IRBuilder<> builder(BasicBlock::Create(l.context(), "", function));
    auto* type = FunctionType::get(builder.getVoidTy(), false);
    builder.CreateCall(type, InlineAsm::get(type, body->second, "", true));
    builder.CreateUnreachable();
    l.debug.cover(*function, place);
    for (const StringRef called : called_by(body->second)) {
        define_fixed(l, templates, bodies, called, place);
    }
}

/// Functions of the templates that are called and have no body yet.
std::vector<std::string> wanted_templates(const Module& module) {
    std::vector<std::string> names;
    for (const Function& function : module) {
        if (function.isDeclaration() && function.getName().starts_with("xdpc_")) {
            names.push_back(function.getName().str());
        }
    }
    return names;
}

} // namespace

std::string link_templates(Lowering& l) {
    const std::vector<std::string> wanted = wanted_templates(l.module);
    if (wanted.empty()) {
        return {};
    }
    const StringRef bitcode(xdpc_template_begin,
                            static_cast<size_t>(xdpc_template_end - xdpc_template_begin));
    auto templates = getLazyBitcodeModule(MemoryBufferRef(bitcode, "templates"), l.context());
    if (!templates) {
        return toString(templates.takeError());
    }
    const Span place = l.input.program.chains[l.input.program.entry.value].end.span;
    const Bodies bodies = fixed_bodies();
    for (const std::string& name : wanted) {
        define_fixed(l, **templates, bodies, name, place);
    }
    if (!wanted_templates(l.module).empty() &&
        Linker::linkModules(l.module, std::move(*templates), Linker::LinkOnlyNeeded)) {
        return "the templates cannot be linked";
    }
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
