#include "tests/differential/verify.h"

#include "compiler/compile.h"
#include "compiler/driver/test_engine.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "tests/harness/random_large.h"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sstream>

namespace xdpc::test {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// The lines that draw errors are taken out: random rules contradict themselves now and then.
std::string without_mistakes(std::string text) {
    for (int round = 0; round < 8; ++round) {
        Sources sources;
        Diagnostics diagnostics;
        check(parse(sources.get(sources.add("random.xdp", text)), diagnostics), sources, diagnostics);
        if (!diagnostics.has_errors()) {
            break;
        }
        std::set<uint32_t> wrong;
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            if (info(diagnostic.kind).severity == Severity::Error) {
                wrong.insert(sources.position(diagnostic.span).line);
            }
        }
        std::istringstream lines(text);
        std::string kept;
        uint32_t number = 1;
        for (std::string line; std::getline(lines, line); ++number) {
            kept += wrong.count(number) ? "" : line + "\n";
        }
        text = std::move(kept);
    }
    return text;
}

std::string errors_of(const Diagnostics& diagnostics, const Sources& sources) {
    std::string text;
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        text += info(diagnostic.kind).severity == Severity::Error ? render(diagnostic, sources) : "";
    }
    return text;
}

/// Compiled for tests and loaded; the difference says why it is not.
struct Subject {
    std::optional<Policy> policy;
    std::optional<rt::Loaded> loaded;
};

Subject make_subject(const std::string& text, Verified& verified) {
    if (const char* keep = std::getenv("XDPC_KEEP_POLICY")) {
        std::ofstream(keep) << text;
    }
    Subject subject;
    const auto begin = Clock::now();
    Sources sources;
    Diagnostics diagnostics;
    auto policy =
        check(parse(sources.get(sources.add("generated.xdp", text)), diagnostics), sources, diagnostics);
    if (!policy) {
        verified.result.difference = "it is refused: " + errors_of(diagnostics, sources);
        return subject;
    }
    verified.rules = policy->rules.size();
    CodegenOptions options;
    options.instrument = true;
    auto compiled = compile(std::move(*policy), sources, diagnostics, options);
    if (!compiled || !*compiled) {
        verified.result.difference = "it does not compile: " +
                                     (!compiled ? compiled.error().message : errors_of(diagnostics, sources));
        return subject;
    }
    for (const ChainPlan& chain : (*compiled)->plan.chains) {
        verified.slices += chain.slices.size();
        for (const Slice& slice : chain.slices) {
            verified.in_slices += slice.end - slice.begin;
        }
    }
    auto loaded = rt::load((*compiled)->artifact);
    verified.compile_s = seconds_since(begin);
    if (!loaded) {
        verified.result.difference = text_of(loaded.error());
        return subject;
    }
    subject.policy = std::move((*compiled)->policy);
    subject.loaded = std::move(*loaded);
    return subject;
}

template<class F> Result<Verified> compared(Verified verified, F compare) {
    const auto begin = Clock::now();
    Result<DifferentialResult> result = compare();
    if (!result) {
        return tl::unexpected(result.error());
    }
    verified.result = std::move(*result);
    verified.compare_s = seconds_since(begin);
    return verified;
}

} // namespace

Result<Verified> verify_set(const RuleOptions& options, size_t packets) {
    Verified verified;
    verified.what = fmt::format("{} {}", name_of(options.shape), options.ip6 ? "ip6" : "ip4");
    verified.seed = options.seed;
    const auto rules = make_rules(options);
    const Subject subject = make_subject(policy_text(rules, options.ip6), verified);
    if (!subject.loaded) {
        return verified;
    }
    return compared(std::move(verified), [&] {
        return compare_stateless(*subject.policy, make_odd_frames(rules, packets, options.ip6, options.seed),
                                 *subject.loaded);
    });
}

Result<Verified> verify_chains(uint64_t seed, size_t rules, size_t packets) {
    Verified verified;
    verified.seed = seed;
    Rng rng(seed);
    const Frames samples = varied_frames(rng, 3 * rules, driver::shortest_kernel_frame);
    LargeTextOptions options;
    options.rules = rules;
    options.chains = 1 + below(rng, 4);
    options.jumps = below(rng, 4);
    options.odd = pick<unsigned>(rng, {0, 1, 2, 4, 10, 20});
    verified.what = fmt::format("chains {}", options.odd);
    options.meters = chance(rng, 70);
    options.live = chance(rng, 70);
    const Subject subject =
        make_subject(without_mistakes(large_policy_text(rng, samples, options)), verified);
    if (!subject.loaded) {
        return verified;
    }
    return compared(std::move(verified), [&] {
        return compare_with_kernel(*subject.policy,
                                   aimed_frames(rng, samples, packets, driver::shortest_kernel_frame),
                                   *subject.loaded, seed);
    });
}

} // namespace xdpc::test
