#include "compiler/base/overloaded.h"
#include "compiler/driver/test_case.h"
#include "compiler/packet/build.h"
#include "compiler/policy/evaluate_keys.h"

#include <algorithm>

namespace xdpc::driver {

namespace {

bool is_policy(const Policy& policy, DeciderId decider) {
    return decider.value >= policy.rules.size();
}

/// What goes out, as packets are seen.
PacketView view_out(const PacketGroup& group) {
    PacketView view = view_of(group.frame, group.around);
    view.frame = group.outcome.frame ? std::span<const uint8_t>(*group.outcome.frame) : view.frame;
    return view;
}

/// The first of what is said with the verdict that does not hold of the frame.
const Condition* first_broken(const CaseInput& input, const ExpectedVerdict& expected,
                              const PacketGroup& group) {
    if (expected.with.empty()) {
        return nullptr;
    }
    const PacketView view = view_out(group);
    Subject subject = subject_of(view, *input.begin);
    subject.policy = &input.policy;
    const auto broken = std::find_if(expected.with.begin(), expected.with.end(),
                                     [&](const Condition& condition) { return !holds(condition, subject); });
    return broken == expected.with.end() ? nullptr : &*broken;
}

bool is_decided_so(const Policy& policy, const ExpectedVerdict& expected, const Outcome& outcome) {
    const bool elsewhere = !expected.to.empty() && outcome.to != expected.to;
    if (action_of(expected.verdict) != outcome.action || elsewhere) {
        return false;
    }
    return !expected.by ||
           std::visit(
               Overloaded{[&](const ByRule& by) { return outcome.decider == decider_of(policy, by.rule); },
                          [&](const ByPolicy&) { return is_policy(policy, outcome.decider); }},
               *expected.by);
}

bool matches(const CaseInput& input, const ExpectedVerdict& expected, const PacketGroup& group) {
    return is_decided_so(input.policy, expected, group.outcome) &&
           first_broken(input, expected, group) == nullptr;
}

/// "redirect to eth1"
std::string end_text(const Outcome& outcome) {
    return name_of(outcome.action) + (outcome.to.empty() ? "" : " to " + outcome.to);
}

std::string expected_text(const CaseInput& input, const ExpectedVerdict& expected) {
    const Policy& policy = input.policy;
    const bool redirects = std::holds_alternative<Redirect>(expected.verdict);
    std::string out = redirects ? "redirect" : name_of(expected.verdict, policy);
    out += expected.to.empty() ? "" : " to " + expected.to;
    if (expected.count) {
        out += fmt::format(" {}", *expected.count);
    }
    if (expected.by) {
        out += " by " + std::visit(Overloaded{[&](const ByRule& by) { return policy.rule(by.rule).display; },
                                              [](const ByPolicy&) { return std::string("policy"); }},
                                   *expected.by);
    }
    for (const Condition& condition : expected.with) {
        out += &condition == expected.with.data() ? " with { " : "; ";
        out += input.sources.text(condition.span);
    }
    return expected.with.empty() ? out : out + " }";
}

std::string expected_text(const CaseInput& input, const Expect& expect) {
    std::string out;
    for (const ExpectedVerdict& verdict : expect.verdicts) {
        out += (out.empty() ? "" : ", ") + expected_text(input, verdict);
    }
    return out;
}

std::string actual_text(const Policy& policy, const std::vector<PacketGroup>& groups) {
    uint64_t all = 0;
    for (const PacketGroup& group : groups) {
        all += group.count;
    }
    std::string out;
    for (const PacketGroup& group : groups) {
        out += out.empty() ? "" : ", ";
        out += all == 1 ? outcome_text(policy, group.outcome)
                        : fmt::format("{} {} by {}", end_text(group.outcome), group.count,
                                      display_of(policy, group.outcome.decider));
    }
    return out.empty() ? "no packet was sent" : out;
}

/// How specific: a rule's own packets are given out before any policy's, those before any packet's.
int rank(const ExpectedVerdict& expected) {
    if (!expected.by) {
        return 2;
    }
    return std::holds_alternative<ByPolicy>(*expected.by) ? 1 : 0;
}

/// Index of a group that holds a packet nobody expected; groups.size() if only some are missing; nothing if
/// all is as expected.
std::optional<size_t> first_wrong(const CaseInput& input, const Expect& expect,
                                  const std::vector<PacketGroup>& groups) {
    if (expect.verdicts.size() == 1 && !expect.verdicts[0].count) {
        for (size_t i = 0; i < groups.size(); ++i) {
            if (!matches(input, expect.verdicts[0], groups[i])) {
                return i;
            }
        }
        return groups.empty() ? std::optional(groups.size()) : std::nullopt;
    }
    std::vector<uint64_t> left;
    left.reserve(groups.size());
    for (const PacketGroup& group : groups) {
        left.push_back(group.count);
    }
    bool missing = false;
    for (int wanted_rank = 0; wanted_rank <= 2; ++wanted_rank) {
        for (const ExpectedVerdict& expected : expect.verdicts) {
            uint64_t wanted = rank(expected) == wanted_rank ? expected.count.value_or(1) : 0;
            for (size_t i = 0; i < groups.size() && wanted > 0; ++i) {
                if (matches(input, expected, groups[i])) {
                    const uint64_t taken = std::min(wanted, left[i]);
                    wanted -= taken;
                    left[i] -= taken;
                }
            }
            missing = missing || wanted > 0;
        }
    }
    const auto extra = std::find_if(left.begin(), left.end(), [](uint64_t n) { return n > 0; });
    if (extra != left.end()) {
        return static_cast<size_t>(extra - left.begin());
    }
    return missing ? std::optional(groups.size()) : std::nullopt;
}

/// "what goes out: ip ttl is 63, wanted 64"
std::string broken_text(const CaseInput& input, const Condition& broken, const PacketGroup& group) {
    const PacketView view = view_out(group);
    Subject subject = subject_of(view, *input.begin);
    subject.policy = &input.policy;
    TraceStep step;
    xdpc::explain(broken, subject, step);
    return fmt::format("what goes out: {} is {}, wanted {}", step.field, step.value, step.wanted);
}

/// Which rule decided, as written, and why the expected ones did not match.
std::vector<std::string> explain(const CaseInput& input, const Expect& expect, const PacketGroup& group) {
    const Policy& policy = input.policy;
    std::vector<std::string> notes;
    if (is_policy(policy, group.outcome.decider)) {
        const Chain& chain =
            policy.chain({group.outcome.decider.value - static_cast<uint32_t>(policy.rules.size())});
        if (chain.policy) {
            notes.push_back(fmt::format("decided at {}: policy {}", input.sources.where(chain.policy_span),
                                        name_of(*chain.policy, policy)));
        }
    } else if (group.outcome.decider.value < policy.rules.size()) {
        const Rule& rule = policy.rule({group.outcome.decider.value});
        notes.push_back(fmt::format("decided at {}: {}", input.sources.where(rule.span), rule.text));
    }
    if (policy.has_state() && !group.trace) {
        return notes;
    }
    State state(*input.begin);
    state.elapsed_ns = group.around.elapsed_ns;
    state.seed = group.around.seed;
    state.packets = group.around.packet;
    Trace trace;
    if (group.trace) {
        trace = *group.trace;
    } else {
        evaluate(policy, state, view_of(group.frame, group.around), &trace);
    }
    for (const ExpectedVerdict& expected : expect.verdicts) {
        const bool so = is_decided_so(policy, expected, group.outcome);
        if (const Condition* broken = so ? first_broken(input, expected, group) : nullptr) {
            notes.push_back(broken_text(input, *broken, group));
        }
        const ByRule* by = expected.by ? std::get_if<ByRule>(&*expected.by) : nullptr;
        if (by == nullptr || group.outcome.decider == decider_of(policy, by->rule)) {
            continue;
        }
        const std::string& name = policy.rule(by->rule).display;
        const auto step = std::find_if(trace.steps.begin(), trace.steps.end(),
                                       [&](const TraceStep& s) { return s.rule == by->rule; });
        if (step == trace.steps.end()) {
            notes.push_back(fmt::format("`{}` was not reached", name));
        } else if (!step->matched) {
            notes.push_back(fmt::format("`{}` did not match: {} is {}, wanted {}", name, step->field,
                                        step->value, step->wanted));
        }
    }
    return notes;
}

} // namespace

std::string outcome_text(const Policy& policy, const Outcome& outcome) {
    return fmt::format("{} by {}", end_text(outcome), display_of(policy, outcome.decider));
}

ShownPacket show(const CaseInput& input, const PacketGroup& group) {
    return {fmt::format("{}: {}", input.sources.where(group.span), group.send->text),
            packet::describe(group.frame)};
}

std::optional<Failure> judge(const CaseInput& input, const Expect& expect, Span span,
                             const std::vector<PacketGroup>& groups) {
    const std::optional<size_t> wrong = first_wrong(input, expect, groups);
    if (!wrong) {
        return std::nullopt;
    }
    Failure failure;
    failure.where = input.sources.where(span);
    failure.expected = expected_text(input, expect);
    failure.actual = actual_text(input.policy, groups);
    if (!groups.empty()) {
        const PacketGroup& example = *wrong < groups.size() ? groups[*wrong] : groups.back();
        failure.packet = show(input, example);
        failure.notes = explain(input, expect, example);
    }
    return failure;
}

} // namespace xdpc::driver
