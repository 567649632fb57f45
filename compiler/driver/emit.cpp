#include "compiler/ast/print.h"
#include "compiler/codegen/codegen_client.h"
#include "compiler/compile.h"
#include "compiler/driver/command.h"
#include "compiler/driver/output.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <cstdlib>

namespace xdpc::driver {

namespace {

/// The stages from the program on.
int emit_program(const Policy& policy, const Sources& sources, Diagnostics& diagnostics,
                 const EmitOptions& options, const std::string& cpu) {
    ir::Program program = ir::flatten(policy);
    optimize(program);
    if (options.form == "ir") {
        put(ir::print(program, policy));
        return ExitFine;
    }
    const std::optional<Plan> plan = choose(program, {}, diagnostics);
    if (report(diagnostics, sources) || !plan) {
        return ExitPolicy;
    }
    if (options.form == "plan") {
        put(print(*plan, program));
        return ExitFine;
    }
    Artifact metadata;
    metadata.policy = policy.path;
    metadata.slots = program.slots;
    CodegenOptions codegen;
    codegen.cpu = cpu;
    const Progress progress("compiling " + options.file);
    const auto text = generate_isolated({policy, program, *plan, sources, metadata, codegen},
                                        options.form == "llvm" ? CodegenForm::LlvmIr : CodegenForm::Assembly);
    if (!text) {
        return report(text.error());
    }
    put(std::string_view(reinterpret_cast<const char*>(text->data()), text->size()));
    return ExitFine;
}

} // namespace

int run_emit(const EmitOptions& options) {
    const std::optional<std::string> cpu = cpu_of_kernel(options.kernel);
    if (!cpu) {
        put_error(fmt::format("xdpc: error: unknown kernel `{}`\n", options.kernel));
        return ExitUsage;
    }
    Sources sources;
    Diagnostics diagnostics;
    if (options.form == "ast") {
        const Result<ast::File> tree = parse_file(options.file, sources, diagnostics);
        if (!tree) {
            return report(tree.error());
        }
        put(ast::dump(*tree));
        return report(diagnostics, sources) ? ExitPolicy : ExitFine;
    }
    const Result<std::optional<Policy>> policy = load_policy(options.file, sources, diagnostics);
    if (!policy) {
        return report(policy.error());
    }
    if (!*policy) {
        report(diagnostics, sources);
        return ExitPolicy;
    }
    if (options.form == "policy") {
        put(print(**policy));
        report(diagnostics, sources);
        return ExitFine;
    }
    const int code = emit_program(**policy, sources, diagnostics, options, *cpu);
    if (options.form == "ir") {
        report(diagnostics, sources);
    }
    return code;
}

int run_build(const BuildOptions& options) {
    const std::optional<std::string> cpu = cpu_of_kernel(options.kernel);
    if (!cpu) {
        put_error(fmt::format("xdpc: error: unknown kernel `{}`\n", options.kernel));
        return ExitUsage;
    }
    Sources sources;
    Diagnostics diagnostics;
    CodegenOptions codegen;
    codegen.cpu = *cpu;
    Result<std::optional<Policy>> policy = load_policy(options.file, sources, diagnostics);
    if (!policy) {
        return report(policy.error());
    }
    if (!*policy) {
        report(diagnostics, sources);
        return ExitPolicy;
    }
    const Progress progress("compiling " + options.file);
    const auto compiled = compile(std::move(**policy), sources, diagnostics, codegen);
    const bool wrong = report(diagnostics, sources);
    if (!compiled) {
        return report(compiled.error());
    }
    if (wrong || !*compiled) {
        return ExitPolicy;
    }
    const std::vector<uint8_t>& object = (*compiled)->artifact.object;
    const Result<void> written =
        write_file(options.output, {reinterpret_cast<const char*>(object.data()), object.size()});
    return written ? ExitFine : report(written.error());
}

} // namespace xdpc::driver
