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

/// What came of `emit`: a failure, or the text of a stage. Neither where mistakes in the policy are in its
/// way.
struct Emitted {
    std::optional<Error> failure;
    std::optional<std::string> text;
};

/// The stages from the program on.
Emitted emit_program(const Policy& policy, const Sources& sources, Diagnostics& diagnostics,
                     const EmitOptions& options, const std::string& cpu) {
    CodegenOptions codegen;
    codegen.cpu = cpu;
    const std::optional<Prepared> prepared = prepare(policy, diagnostics, {options.without});
    if (!prepared || diagnostics.has_errors()) {
        return {};
    }
    if (options.form == "ir") {
        return {{}, ir::print(prepared->program, policy)};
    }
    if (options.form == "plan") {
        return {{},
                print(prepared->passes) + print(prepared->plan, prepared->program) +
                    print(prepared->plan.state, policy)};
    }
    const Progress progress("compiling " + options.file, options.json);
    const auto text = generate_isolated({policy, prepared->program, prepared->plan, sources, codegen},
                                        options.form == "llvm" ? CodegenForm::LlvmIr : CodegenForm::Assembly);
    if (!text) {
        return {text.error(), {}};
    }
    return {{}, std::string(text->begin(), text->end())};
}

Emitted emit(const EmitOptions& options, const std::string& cpu, Sources& sources, Diagnostics& diagnostics) {
    if (options.form == "ast") { // also of a file with mistakes
        const Result<ast::File> tree = parse_file(options.file, sources, diagnostics);
        return tree ? Emitted{{}, ast::dump(*tree)} : Emitted{tree.error(), {}};
    }
    const Result<std::optional<Policy>> policy = load_policy(options.file, sources, diagnostics);
    if (!policy) {
        return {policy.error(), {}};
    }
    if (!*policy) {
        return {};
    }
    if (options.form == "policy") {
        return {{}, print(**policy)};
    }
    return emit_program(**policy, sources, diagnostics, options, cpu);
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
    const Emitted emitted = emit(options, *cpu, sources, diagnostics);
    const int code = emitted.failure                             ? ExitSystem
                     : !emitted.text || diagnostics.has_errors() ? ExitPolicy
                                                                 : ExitFine;
    if (options.json) {
        diagnostics.sort();
        Json out = {{"ok", code == ExitFine}, {"file", options.file}, {"as", options.form}};
        if (emitted.text) {
            out["text"] = *emitted.text;
        }
        out["diagnostics"] = to_json(diagnostics, sources);
        if (emitted.failure) {
            out["error"] = to_json(*emitted.failure);
        }
        put_json(out);
        return code;
    }
    if (emitted.text) {
        put(*emitted.text);
    }
    report(diagnostics, sources);
    return emitted.failure ? report(*emitted.failure) : code;
}

namespace {
/// What came of `build`: a failure, mistakes in the policy, or an object of so many bytes.
struct Built {
    std::optional<Error> failure;
    size_t bytes = 0;
};

Built build_object(const BuildOptions& options, const CodegenOptions& codegen, Sources& sources,
                   Diagnostics& diagnostics) {
    const Preloading preloading;
    Result<std::optional<Policy>> policy = load_policy(options.file, sources, diagnostics);
    if (!policy) {
        return {policy.error(), 0};
    }
    if (!*policy) {
        return {};
    }
    const Progress progress("compiling " + options.file, options.json);
    const auto compiled = compile(std::move(**policy), sources, diagnostics, codegen, {}, {options.without});
    if (!compiled) {
        return {compiled.error(), 0};
    }
    if (diagnostics.has_errors() || !*compiled) {
        return {};
    }
    const Result<std::vector<uint8_t>> object = complete_object((*compiled)->artifact);
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
