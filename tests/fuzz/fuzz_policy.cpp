// Any bytes as a policy: parse, print and parse again, check, flatten, passes, plan, and the printers.
// Nothing may crash, and what is printed must read back as the same.
#include "compiler/ast/print.h"
#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/plan/plan.h"
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
    ir::Program program = ir::flatten(*policy);
    optimize(program);
    ir::verify(program);
    (void)ir::print(program, *policy);
    if (auto plan = choose(program, {}, diagnostics))
        (void)print(*plan, program);
    return 0;
}
