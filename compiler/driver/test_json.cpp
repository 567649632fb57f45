#include "compiler/driver/json.h"
#include "compiler/driver/test_result.h"

namespace xdpc::driver {

namespace {

Json failure_json(const Failure& failure) {
    Json out = {{"kind", name_of(failure.kind)},
                {"where", failure.where},
                {"expected", failure.expected},
                {"actual", failure.actual},
                {"notes", failure.notes}};
    if (failure.packet) {
        out["packet"] = {{"sent", failure.packet->sent}, {"layers", failure.packet->layers}};
    }
    return out;
}

Json file_json(const TestFile& file) {
    Json tests = Json::array();
    bool ok = !file.error && !file.refusal && !file.diagnostics.has_errors();
    for (const TestResult& test : file.tests) {
        Json failures = Json::array();
        for (const Failure& failure : test.failures) {
            failures.push_back(failure_json(failure));
        }
        ok = ok && test.failures.empty();
        tests.push_back({{"title", test.title},
                         {"where", test.where},
                         {"ok", test.failures.empty()},
                         {"seconds", test.seconds},
                         {"failures", std::move(failures)}});
    }
    Json out = {{"file", file.path},
                {"ok", ok},
                {"seconds", file.seconds},
                {"diagnostics", to_json(file.diagnostics, file.sources)},
                {"tests", std::move(tests)}};
    if (file.error) {
        out["error"] = to_json(rt::LoadError{*file.error, file.refusal});
    }
    return out;
}

} // namespace

void print_json(const std::vector<TestFile>& files, Engine engine) {
    const TestTotals sum = totals(files);
    Json list = Json::array();
    for (const TestFile& file : files) {
        list.push_back(file_json(file));
    }
    put_json({{"ok", sum.failed == 0 && sum.broken_files == 0},
              {"engine", name_of(engine)},
              {"passed", sum.passed},
              {"failed", sum.failed},
              {"broken_files", sum.broken_files},
              {"files", std::move(list)}});
}

} // namespace xdpc::driver
