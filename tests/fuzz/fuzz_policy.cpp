// Any bytes as a policy: parse, print and parse again, check, flatten, passes, plan, the printers, and the
// object that LLVM makes of it. Nothing may crash, what is printed must read back as the same, and what the
// plan accepts must compile.
#include "compiler/ast/print.h"
#include "compiler/compile.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <cstdio>
#include <cstdlib>

using namespace xdpc;

namespace {

void print_again(const ast::File& file, const Sources& sources) {
    std::string once = ast::print(file, sources);
    Sources again;
    Diagnostics diagnostics;
    FileId id = again.add("again.xdp", once);
    ast::File reparsed = parse(again.get(id), diagnostics);
    std::string twice = ast::print(reparsed, again);
    if (diagnostics.has_errors() || once != twice) {
        std::fprintf(stderr, "print is no fixed point:\n%s\n---\n%s\n%s", once.c_str(), twice.c_str(),
                     render(diagnostics, again).c_str());
        std::abort();
    }
}

void emit(const Policy& policy, const Prepared& prepared, const Sources& sources,
          const CodegenOptions& options) {
    constexpr size_t small = 4000; // instructions: large programs take LLVM too long here
    if (prepared.plan.estimated_instructions > small) {
        return;
    }
    const auto object =
        generate({policy, prepared.program, prepared.plan, sources, options}, CodegenForm::Object);
    if (!object) {
        std::fprintf(stderr, "the plan accepts it, code generation does not: %s\n",
                     object.error().message.c_str());
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size > 1 << 16)
        return 0;
    Sources sources;
    Diagnostics diagnostics;
    FileId id = sources.add("fuzz.xdp", std::string(reinterpret_cast<const char*>(data), size));
    ast::File file = parse(sources.get(id), diagnostics);
    if (!diagnostics.has_errors())
        print_again(file, sources);
    auto policy = check(file, sources, diagnostics);
    diagnostics.sort();
    (void)render(diagnostics, sources);
    if (!policy)
        return 0;
    (void)print(*policy);
    const CodegenOptions options;
    const auto prepared = prepare(*policy, diagnostics);
    if (!prepared) {
        return 0;
    }
    ir::verify(prepared->program);
    (void)ir::print(prepared->program, *policy);
    (void)print(prepared->plan, prepared->program);
    emit(*policy, *prepared, sources, options);
    return 0;
}
