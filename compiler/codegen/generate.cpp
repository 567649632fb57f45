// The entry of libxdpc-codegen.so: lowers a program for its kinds of packet, then emits it.
#include "compiler/base/overloaded.h"
#include "compiler/codegen/lowering.h"

namespace xdpc {

namespace codegen {

using namespace llvm;

namespace {

void mark(std::vector<bool>& used, ir::KeyId key) {
    used[key.value] = true;
}

void mark(std::vector<bool>& used, const ir::Cond& cond) {
    const auto parts = [&](const std::vector<ir::Cond>& all) {
        for (const ir::Cond& part : all) {
            mark(used, part);
        }
    };
    std::visit(Overloaded{
                   [&](const ir::Atom& atom) { mark(used, atom.key); },
                   [&](const ir::Lookup& lookup) {
                       for (const ir::KeyId key : lookup.keys) {
                           mark(used, key);
                       }
                   },
                   [&](const ir::And& all) { parts(all.parts); },
                   [&](const ir::Or& any) { parts(any.parts); },
                   [&](const ir::Not& negation) { parts(negation.part); },
               },
               cond.node);
}

std::vector<bool> used_keys(const ir::Program& program) {
    std::vector<bool> used(program.keys.size());
    for (const ir::Chain& chain : program.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                if (const auto* guard = std::get_if<ir::Guard>(&step.node)) {
                    mark(used, guard->cond);
                } else if (const auto* dispatch = std::get_if<ir::Dispatch>(&step.node)) {
                    for (const ir::KeyId key : dispatch->keys) {
                        mark(used, key);
                    }
                }
            }
        }
    }
    return used;
}

void lower(Lowering& l) {
    auto& b = l.builder;
    const Span place = l.input.program.chains[l.input.program.entry.value].end.span;
    add_globals(l);
    Function* main = Function::Create(FunctionType::get(l.i32(), {l.ptr()}, false),
                                      GlobalValue::ExternalLinkage, "xdpc", l.module);
    main->setSection("xdp");
    main->addFnAttr(Attribute::NoUnwind);
    l.debug.begin_function(*main, place);
    Value* ctx = main->getArg(0);
    BasicBlock* entry = BasicBlock::Create(l.context(), "entry", main);
    b.SetInsertPoint(entry);
    l.debug.at(b, place);
    Done done = make_done(l, ctx);
    BasicBlock* generic = l.block("generic");
    const auto enter = [&](const char*, std::vector<KeyValue> keys) { emit_rules(l, ctx, keys, done); };
    emit_fast_parse(l, ctx, generic, enter);
    b.SetInsertPoint(generic);
    l.debug.at(b, place);
    emit_rules(l, ctx, emit_generic_parse(l, ctx), done);
}

} // namespace
} // namespace codegen

Result<std::vector<uint8_t>> generate(const CodegenInput& input, CodegenForm form) {
    llvm::LLVMContext context;
    context.setDiscardValueNames(form == CodegenForm::Object);
    llvm::Module module("xdpc", context);
    codegen::Lowering l(input, module);
    l.used_keys = codegen::used_keys(input.program);
    codegen::lower(l);
    return codegen::emit_module(l, form);
}

} // namespace xdpc

/// Called by codegen_client.cpp, by name.
extern "C" __attribute__((visibility("default"))) bool xdpc_codegen_generate(const xdpc::CodegenInput& input,
                                                                             xdpc::CodegenForm form,
                                                                             std::vector<uint8_t>& bytes,
                                                                             xdpc::Error& error) {
    auto result = xdpc::generate(input, form);
    if (!result) {
        error = result.error();
        return false;
    }
    bytes = std::move(*result);
    return true;
}
