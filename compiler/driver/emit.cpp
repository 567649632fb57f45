#include "compiler/ast/print.h"
#include "compiler/codegen/codegen_client.h"
#include "compiler/compile.h"
#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <cstdlib>

namespace xdpc::driver {

namespace {

/// The stages from the program on.
int emit_program(const Policy& policy, const Sources& sources, Diagnostics& diagnostics,
                 const EmitOptions& options, const std::string& cpu) {
    CodegenOptions codegen;
    codegen.cpu = cpu;
    const std::optional<Prepared> prepared = prepare(policy, sources, diagnostics, codegen);
    const bool wrong = report(diagnostics, sources);
    if (!prepared || wrong) {
        return ExitPolicy;
    }
    if (options.form == "ir") {
        put(ir::print(prepared->program, policy));
        return ExitFine;
    }
    if (options.form == "plan") {
        put(print(prepared->plan, prepared->program) + print(prepared->plan.state, policy));
        return ExitFine;
    }
    const Progress progress("compiling " + options.file);
    const auto text =
        generate_isolated({policy, prepared->program, prepared->plan, sources, prepared->metadata, codegen},
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
    return emit_program(**policy, sources, diagnostics, options, *cpu);
}

namespace {
/// What came of `build`: a failure, mistakes in the policy, or an object of so many bytes.
struct Built {
    std::optional<Error> failure;
    size_t bytes = 0;
};

Built build_object(const BuildOptions& options, const CodegenOptions& codegen, Sources& sources,
                   Diagnostics& diagnostics) {
    Result<std::optional<Policy>> policy = load_policy(options.file, sources, diagnostics);
    if (!policy) {
        return {policy.error(), 0};
    }
    if (!*policy) {
        return {};
    }
    const Progress progress("compiling " + options.file, options.json);
    const auto compiled = compile(std::move(**policy), sources, diagnostics, codegen);
    if (!compiled) {
        return {compiled.error(), 0};
    }
    if (diagnostics.has_errors() || !*compiled) {
        return {};
    }
    const Result<std::vector<uint8_t>> object = object_with_elements((*compiled)->artifact);
    if (!object) {
        return {object.error(), 0};
    }
    const Result<void> written =
        write_file(options.output, {reinterpret_cast<const char*>(object->data()), object->size()});
    return written ? Built{{}, object->size()} : Built{written.error(), 0};
}
} // namespace

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
    const Built built = build_object(options, codegen, sources, diagnostics);
    const int code = built.failure ? ExitSystem : built.bytes == 0 ? ExitPolicy : ExitFine;
    if (options.json) {
        diagnostics.sort();
        Json out = {{"ok", code == ExitFine},
                    {"file", options.file},
                    {"output", options.output},
                    {"bytes", built.bytes},
                    {"diagnostics", to_json(diagnostics, sources)}};
        if (built.failure) {
            out["error"] = to_json(*built.failure);
        }
        put_json(out);
        return code;
    }
    report(diagnostics, sources);
    return built.failure ? report(*built.failure) : code;
}

} // namespace xdpc::driver
