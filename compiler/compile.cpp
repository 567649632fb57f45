#include "compiler/compile.h"

#include "compiler/codegen/codegen_client.h"
#include "compiler/metadata.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <chrono>

namespace xdpc {

namespace {

/// Adds the time since its begin, or since the last phase, to a list that may not be wanted.
class Stopwatch {
public:
    explicit Stopwatch(std::vector<PhaseTime>* times) : times_(times) {}
    void done(const char* phase) {
        const auto now = Clock::now();
        if (times_) {
            times_->push_back({phase, std::chrono::duration<double, std::milli>(now - begin_).count()});
        }
        begin_ = now;
    }

private:
    using Clock = std::chrono::steady_clock;
    std::vector<PhaseTime>* times_;
    Clock::time_point begin_ = Clock::now();
};

} // namespace

PlanOptions plan_options() {
    PlanOptions options;
    if (const char* rules = std::getenv("XDPC_TEST_PROGRAM_RULES")) {
        options.rules_in_program = std::strtoull(rules, nullptr, 10);
    }
    return options;
}

Result<std::optional<Policy>> load_policy(const std::string& path, Sources& sources, Diagnostics& diagnostics,
                                          std::vector<PhaseTime>* times) {
    Stopwatch watch(times);
    const Result<ast::File> file = parse_file(path, sources, diagnostics);
    if (!file) {
        return tl::unexpected(file.error());
    }
    watch.done("parse");
    std::optional<Policy> policy = check(*file, sources, diagnostics);
    watch.done("check");
    return policy;
}

std::optional<Prepared> prepare(const Policy& policy, Diagnostics& diagnostics, const PassOptions& passes,
                                std::vector<PhaseTime>* times) {
    Stopwatch watch(times);
    Prepared prepared;
    prepared.program = ir::flatten(policy);
    watch.done("flatten");
    prepared.passes = optimize(prepared.program, passes);
    warn(prepared.passes, diagnostics);
    watch.done("passes");
    PlanOptions options = plan_options();
    options.classifier_budget.aim = policy.options.optimize;
    std::optional<Plan> plan = choose(prepared.program, options, diagnostics);
    if (!plan) {
        return {};
    }
    prepared.plan = std::move(*plan);
    watch.done("plan");
    return prepared;
}

Result<std::optional<Compiled>> compile(Policy policy, const Sources& sources, Diagnostics& diagnostics,
                                        const CodegenOptions& options, std::vector<PhaseTime> times,
                                        const PassOptions& passes) {
    std::optional<Prepared> prepared = prepare(policy, diagnostics, passes, &times);
    if (!prepared) {
        return std::nullopt;
    }
    Stopwatch watch(&times);
    auto generating =
        start_generating({policy, prepared->program, prepared->plan, sources, options}, CodegenForm::Object);
    if (!generating) {
        return tl::unexpected(generating.error());
    }
    Artifact artifact = describe(policy, sources, options); // meanwhile
    Result<std::vector<uint8_t>> object = generating->finish();
    if (!object) {
        return tl::unexpected(object.error());
    }
    watch.done("codegen");
    artifact.object = std::move(*object);
    return Compiled{std::move(policy), std::move(artifact), std::move(prepared->plan), std::move(times),
                    std::move(prepared->passes)};
}

} // namespace xdpc
