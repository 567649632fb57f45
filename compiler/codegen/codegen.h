// ir::Program and Plan to an Artifact, with LLVM in this process. The only phase that uses LLVM; it lives in
// a module of its own (libxdpc-codegen.so) that codegen_client.h loads on demand, so that commands that do
// not compile do not load it.
#pragma once

#include "compiler/artifact.h"
#include "compiler/ir/ir.h"
#include "compiler/plan/plan.h"

namespace xdpc {

struct CodegenOptions {
    bool instrument = false; // result record and test control in `.data.test`; tests only
    std::string cpu = "v3";  // BPF CPU: v3 for 6.1, v4 from 6.6
    std::string break_rule;  // test hook: display name of a rule whose code is made to fail verification
};

enum class CodegenForm : uint8_t { Object, LlvmIr, Assembly };

struct CodegenInput {
    const Policy& policy;
    const ir::Program& program;
    const Plan& plan;
    const Sources& sources;
    CodegenOptions options;
};

/// The bytes of the object, or text of LLVM IR or assembly. Fails (never aborts the process that calls
/// compile_isolated) when LLVM refuses.
Result<std::vector<uint8_t>> generate(const CodegenInput& input, CodegenForm form);

} // namespace xdpc
