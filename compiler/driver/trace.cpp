#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/driver/trace_source.h"
#include "compiler/packet/build.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "compiler/policy/evaluate.h"

#include <chrono>
#include <unistd.h>

namespace xdpc::driver {

namespace {

struct Traced {
    std::vector<std::string> layers;
    Trace trace;
    Outcome outcome;
};

/// The packets to trace; nothing after reporting why not (`code` says what to exit with).
std::optional<std::vector<packet::Frame>> packets(const TraceOptions& options, Sources& sources,
                                                  Diagnostics& diagnostics, int& code) {
    if (!options.pcap.empty()) {
        Result<std::vector<packet::Frame>> frames = packet::read_pcap(options.pcap);
        if (!frames) {
            code = report(frames.error());
            return std::nullopt;
        }
        return std::move(*frames);
    }
    const FileId text = sources.add("<packet>", options.layers);
    const ast::SendStep step = parse_layers(sources.get(text), diagnostics);
    std::optional<packet::Source> source;
    if (!diagnostics.has_errors()) {
        source = check_layers(step, sources, diagnostics);
    }
    if (!source || diagnostics.has_errors()) {
        code = ExitPolicy;
        return std::nullopt;
    }
    return packet::frames(*source);
}

Traced trace_one(const Policy& policy, State& state, std::span<const uint8_t> frame,
                 const std::string& iface) {
    PacketView view;
    view.frame = frame;
    if (!iface.empty()) {
        view.iifname = iface;
    }
    Traced out;
    out.layers = packet::describe(frame);
    out.outcome = evaluate(policy, state, view, &out.trace);
    return out;
}

/// A rule's name, with its chain's where that is not the entry.
std::string title_of(const Policy& policy, const Rule& rule) {
    const std::string chain = rule.chain == policy.entry ? "" : policy.chain(rule.chain).name + " / ";
    return chain + rule.display;
}

std::string why(const TraceStep& step) {
    if (step.matched) {
        return step.verdict.empty() ? "matches, and goes on" : step.verdict;
    }
    return fmt::format("{} is {}, wanted {}", step.field, step.value.empty() ? "absent" : step.value,
                       step.wanted);
}

std::string decider_place(const Policy& policy, DeciderId decider, const Sources& sources) {
    if (decider.value < policy.rules.size()) {
        const Rule& rule = policy.rules[decider.value];
        return fmt::format("{}: {}", sources.where(rule.span), rule.text);
    }
    const size_t chain = decider.value - policy.rules.size();
    if (chain < policy.chains.size() && policy.chains[chain].policy) {
        return fmt::format("{}: policy {}", sources.where(policy.chains[chain].policy_span),
                           name_of(*policy.chains[chain].policy, policy));
    }
    return "";
}

bool is_routed(const Policy& policy, DeciderId decider) {
    const bool by_rule = decider.value < policy.rules.size();
    return by_rule &&
           std::any_of(
               policy.rules[decider.value].statements.begin(), policy.rules[decider.value].statements.end(),
               [](const Statement& statement) { return std::holds_alternative<RouteStatement>(statement); });
}

void print_text(const Policy& policy, const Sources& sources, const Traced& traced) {
    const bool color = use_color(STDOUT_FILENO);
    for (const std::string& layer : traced.layers) {
        say("{}\n", layer);
    }
    size_t width = 0;
    for (const TraceStep& step : traced.trace.steps) {
        width = std::max(width, title_of(policy, policy.rule(step.rule)).size());
    }
    for (const TraceStep& step : traced.trace.steps) {
        const char* paint = !color ? "" : step.matched ? "\x1b[32m" : "\x1b[2m";
        say("  {}{} {:<{}}  {}{}\n", paint, step.matched ? "✓" : "✗",
            title_of(policy, policy.rule(step.rule)), width, why(step), color ? "\x1b[0m" : "");
    }
    say("{} by {}", name_of(traced.outcome.action), display_of(policy, traced.outcome.decider));
    const std::string place = decider_place(policy, traced.outcome.decider, sources);
    say("{}\n", place.empty() ? "" : " (" + place + ")");
    if (is_routed(policy, traced.outcome.decider)) {
        say("`trace` knows no routes: by the kernel's the packet may be sent on\n");
    }
}

Json traced_json(const Policy& policy, const Sources& sources, const Traced& traced) {
    Json steps = Json::array();
    for (const TraceStep& step : traced.trace.steps) {
        const Rule& rule = policy.rule(step.rule);
        Json entry = {{"rule", rule.display},
                      {"chain", policy.chain(rule.chain).name},
                      {"where", sources.where(rule.span)},
                      {"text", rule.text},
                      {"matched", step.matched}};
        if (step.matched) {
            entry["verdict"] = step.verdict;
        } else {
            entry["field"] = step.field;
            entry["value"] = step.value;
            entry["wanted"] = step.wanted;
        }
        steps.push_back(std::move(entry));
    }
    return {{"layers", traced.layers},
            {"rules", std::move(steps)},
            {"verdict", name_of(traced.outcome.action)},
            {"by", display_of(policy, traced.outcome.decider)}};
}

/// The clock of `meta time` and its kin stands at now, in UTC.
uint64_t now_since_epoch_of_tests() {
    const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    const auto ns = static_cast<uint64_t>(now);
    return ns > test_epoch_ns ? ns - test_epoch_ns : 0;
}

int finish_early(const TraceOptions& options, Diagnostics& diagnostics, const Sources& sources, int code) {
    if (options.json) {
        diagnostics.sort();
        put_json({{"ok", false}, {"diagnostics", to_json(diagnostics, sources)}, {"packets", Json::array()}});
    } else {
        report(diagnostics, sources);
    }
    return code;
}

} // namespace

int run_trace(const TraceOptions& options) {
    Sources sources;
    Diagnostics diagnostics;
    const Result<std::optional<Policy>> policy =
        policy_to_trace(options.file, options.iface, sources, diagnostics);
    if (!policy) {
        report(policy.error());
        return finish_early(options, diagnostics, sources, ExitSystem);
    }
    if (!*policy) {
        return finish_early(options, diagnostics, sources, ExitPolicy);
    }
    int code = ExitFine;
    const auto frames = packets(options, sources, diagnostics, code);
    if (!frames) {
        return finish_early(options, diagnostics, sources, code);
    }
    if (!options.json) {
        report(diagnostics, sources);
    }
    State state(**policy, now_since_epoch_of_tests());
    Json list = Json::array();
    for (size_t i = 0; i < frames->size(); ++i) {
        const Traced traced = trace_one(**policy, state, (*frames)[i], options.iface);
        if (options.json) {
            list.push_back(traced_json(**policy, sources, traced));
            continue;
        }
        if (frames->size() > 1) {
            say("{}packet {}\n", i == 0 ? "" : "\n", i + 1);
        }
        print_text(**policy, sources, traced);
    }
    if (options.json) {
        diagnostics.sort();
        put_json(
            {{"ok", true}, {"diagnostics", to_json(diagnostics, sources)}, {"packets", std::move(list)}});
    }
    return ExitFine;
}

} // namespace xdpc::driver
