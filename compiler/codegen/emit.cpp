// Optimises a module with passes chosen for straight code, and makes an object or text of it.
#include "compiler/codegen/lowering.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/Analysis/LoopAnalysisManager.h>
#include <llvm/IR/DiagnosticInfo.h>
#include <llvm/IR/DiagnosticPrinter.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/Transforms/IPO/AlwaysInliner.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/SROA.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>

extern "C" {
void LLVMInitializeBPFTargetInfo();
void LLVMInitializeBPFTarget();
void LLVMInitializeBPFTargetMC();
void LLVMInitializeBPFAsmPrinter();
void LLVMInitializeBPFAsmParser();
}

namespace xdpc::codegen {

using namespace llvm;

namespace {

void initialize_target() {
    LLVMInitializeBPFTargetInfo();
    LLVMInitializeBPFTarget();
    LLVMInitializeBPFTargetMC();
    LLVMInitializeBPFAsmPrinter();
    LLVMInitializeBPFAsmParser();
}

std::unique_ptr<TargetMachine> make_target(const std::string& cpu, std::string& error) {
    initialize_target();
    const Target* target = TargetRegistry::lookupTarget("bpf", error);
    if (!target) {
        return nullptr;
    }
    return std::unique_ptr<TargetMachine>(target->createTargetMachine(
        "bpf", cpu, "", TargetOptions(), Reloc::PIC_, std::nullopt, CodeGenOptLevel::Default));
}

/// Not the default pipeline: it is superlinear in the size of a function, and InstCombine rewrites packet
/// pointers and fused tests into what the verifier does not follow.
void run_passes(Module& module, TargetMachine& target, bool share_values) {
    LoopAnalysisManager loops;
    FunctionAnalysisManager functions;
    CGSCCAnalysisManager cycles;
    ModuleAnalysisManager modules;
    PassBuilder builder(&target);
    builder.registerModuleAnalyses(modules);
    builder.registerCGSCCAnalyses(cycles);
    builder.registerFunctionAnalyses(functions);
    builder.registerLoopAnalyses(loops);
    builder.crossRegisterProxies(loops, functions, cycles, modules);
    ModulePassManager inliner;
    inliner.addPass(AlwaysInlinerPass(false));
    inliner.run(module, modules);
    FunctionPassManager state; // templates with constants in them
    state.addPass(SROAPass(SROAOptions::ModifyCFG));
    state.addPass(EarlyCSEPass());
    state.addPass(SimplifyCFGPass());
    state.addPass(ADCEPass());
    FunctionPassManager passes;
    passes.addPass(SimplifyCFGPass());
    if (share_values) { // what rules have in common stays in a register, or on the stack
        passes.addPass(EarlyCSEPass());
    }
    passes.addPass(SimplifyCFGPass());
    passes.addPass(ADCEPass());
    for (Function& function : module) {
        // The templates come optimised.
        if (function.hasFnAttribute("xdpc-state")) {
            state.run(function, functions);
        } else if (!function.isDeclaration() && !function.hasFnAttribute("xdpc-template")) {
            passes.run(function, functions);
        }
    }
}

/// Collects what LLVM says instead of printing it.
struct Listener : DiagnosticHandler {
    std::string& text;
    explicit Listener(std::string& to) : text(to) {}
    bool handleDiagnostics(const DiagnosticInfo& info) override {
        if (info.getSeverity() == DS_Error) {
            raw_string_ostream stream(text);
            DiagnosticPrinterRawOStream printer(stream);
            info.print(printer);
            stream << "; ";
        }
        return true;
    }
};

} // namespace

Result<std::vector<uint8_t>> emit_module(Lowering& l, CodegenForm form) {
    std::string error;
    l.context().setDiagnosticHandler(std::make_unique<Listener>(error));
    const auto target = make_target(l.input.options.cpu, error);
    if (!target) {
        return fail("LLVM has no BPF target: " + error);
    }
    l.module.setTargetTriple("bpf");
    l.module.setDataLayout(target->createDataLayout());
    if (std::string refused = link_templates(l); !refused.empty()) {
        return fail("LLVM cannot link the templates: " + refused);
    }
    l.debug.finish();
    std::string broken; // would crash LLVM's passes
    raw_string_ostream broken_stream(broken);
    if (verifyModule(l.module, &broken_stream)) {
        return fail("the generated LLVM IR is not valid: " + broken);
    }
    run_passes(l.module, *target, l.effort == Lowering::Effort::Quick);
    SmallVector<char, 0> bytes;
    raw_svector_ostream stream(bytes);
    if (form == CodegenForm::LlvmIr) {
        l.module.print(stream, nullptr);
    } else {
        legacy::PassManager passes;
        const auto type =
            form == CodegenForm::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
        if (target->addPassesToEmitFile(passes, stream, nullptr, type, true)) {
            return fail("LLVM cannot emit BPF code");
        }
        passes.run(l.module);
    }
    if (!error.empty()) {
        return fail("LLVM refuses the program: " + error);
    }
    std::vector<uint8_t> result(bytes.begin(), bytes.end());
    if (form == CodegenForm::Object && !l.contents.empty()) {
        if (auto placed = place_contents(result, l.contents); !placed) {
            return tl::unexpected(placed.error());
        }
    }
    return result;
}

} // namespace xdpc::codegen

/// Called by codegen_client.cpp, by name, before the child is forked: what does not depend on the program.
extern "C" __attribute__((visibility("default"))) void xdpc_codegen_warm_up() {
    xdpc::codegen::initialize_target();
}
