#include "compiler/policy/evaluate.h"

#include "compiler/base/overloaded.h"
#include "compiler/policy/evaluate_keys.h"

#include <cassert>

namespace xdpc {

namespace {

/// A place in a chain: the next rule to look at.
struct Place {
    ChainId chain;
    size_t next = 0;
};

/// How a statement leaves its rule: on to the next statement, or the rule ends, with or without a verdict.
struct Going {};
struct Failed {};
using Step = std::variant<Going, Failed, Verdict>;

/// `continue` from a verdict map goes on with what follows in the rule, as in nft.
Step step_of(const Verdict& verdict) {
    return std::holds_alternative<Continue>(verdict) ? Step{Going{}} : Step{verdict};
}

Step run_vmap(const VmapStatement& vmap, const Subject& subject) {
    const auto tuple = read_tuple(vmap.keys, subject);
    if (!tuple) {
        return Failed{};
    }
    for (const auto& [box, verdict] : vmap.entries) {
        if (in_box(*tuple, box)) {
            return step_of(verdict);
        }
    }
    if (vmap.otherwise) {
        return step_of(*vmap.otherwise);
    }
    return Failed{};
}

Step run_live_vmap(const LiveVmapStatement& vmap, const Subject& subject) {
    if (!read_tuple(vmap.keys, subject)) {
        return Failed{};
    }
    if (const auto found = find_element(vmap.keys, vmap.map, subject)) {
        return step_of(subject.policy->set(vmap.map).verdicts[found->value]);
    }
    return vmap.otherwise ? step_of(*vmap.otherwise) : Step{Failed{}};
}

Step run_update(const UpdateSetStatement& update, const Subject& subject) {
    const auto tuple = read_tuple(update.keys, subject);
    if (!tuple) {
        return Failed{};
    }
    SetState& set = subject.effects->sets[update.set.value];
    const bool done = set.update(subject.policy->set(update.set), update.op, *tuple, update.timeout_ns,
                                 subject.state.now_ns());
    return done ? Step{Going{}} : Step{Failed{}};
}

void count(Count& to, const Subject& subject) {
    ++to.packets;
    to.bytes += subject.view.frame.size();
}

Step run(const Statement& statement, const Subject& subject, Count& mid, TraceStep* trace) {
    return std::visit(Overloaded{
                          [&](const MatchStatement& s) -> Step {
                              if (holds(s.condition, subject)) {
                                  return Going{};
                              }
                              if (trace != nullptr) {
                                  explain(s.condition, subject, *trace);
                              }
                              return Failed{};
                          },
                          [&](const CountStatement&) -> Step {
                              count(mid, subject);
                              return Going{};
                          },
                          [&](const VerdictStatement& s) -> Step { return s.verdict; },
                          [&](const VmapStatement& s) -> Step {
                              Step step = run_vmap(s, subject);
                              if (trace != nullptr && std::holds_alternative<Failed>(step)) {
                                  explain(s, subject, *trace);
                              }
                              return step;
                          },
                          [&](const LiveVmapStatement& s) -> Step {
                              Step step = run_live_vmap(s, subject);
                              if (trace != nullptr && std::holds_alternative<Failed>(step)) {
                                  explain(s, subject, *trace);
                              }
                              return step;
                          },
                          [&](const LimitStatement&) -> Step {
                              assert(false);
                              return Failed{};
                          },
                          [&](const QuotaStatement&) -> Step {
                              assert(false);
                              return Failed{};
                          },
                          [&](const NamedCountStatement&) -> Step {
                              assert(false);
                              return Failed{};
                          },
                          [&](const UpdateSetStatement& s) -> Step {
                              Step step = run_update(s, subject);
                              if (trace != nullptr && std::holds_alternative<Failed>(step)) {
                                  explain(s, subject, *trace);
                              }
                              return step;
                          },
                          [&](const LogStatement&) -> Step {
                              assert(false);
                              return Going{};
                          },
                          [&](const SampleStatement&) -> Step {
                              assert(false);
                              return Going{};
                          },
                      },
                      statement);
}

/// Going: all statements ran, none gave a verdict.
Step run(const Rule& rule, const Subject& subject, Count& mid, TraceStep* trace) {
    for (const Statement& statement : rule.statements) {
        Step step = run(statement, subject, mid, trace);
        if (!std::holds_alternative<Going>(step)) {
            return step;
        }
    }
    return Going{};
}

Step run_traced(const Policy& policy, const Rule& rule, const Subject& subject, Count& mid, Trace* trace) {
    if (trace == nullptr) {
        return run(rule, subject, mid, nullptr);
    }
    TraceStep& entry = trace->steps.emplace_back();
    entry.rule = rule.id;
    entry.span = rule.span;
    Step step = run(rule, subject, mid, &entry);
    entry.matched = !std::holds_alternative<Failed>(step);
    if (const auto* verdict = std::get_if<Verdict>(&step)) {
        entry.verdict = name_of(*verdict, policy);
    }
    return step;
}

/// Where the packet is: the chains that are to be gone on with, the current one last.
class Path {
public:
    explicit Path(ChainId entry) : entry_(entry), places_{{entry}} {}

    [[nodiscard]] ChainId chain() const { return places_.back().chain; }
    size_t next() { return places_.back().next++; }
    void jump(ChainId to) { places_.push_back({to}); }
    void go_to(ChainId to) { places_.back() = {to}; }
    /// False in the entry chain, or in one reached from there by goto alone.
    bool leave() {
        places_.pop_back();
        return !places_.empty();
    }
    [[nodiscard]] ChainId entry() const { return entry_; }

private:
    ChainId entry_;
    std::vector<Place> places_;
};

Outcome apply_policy(const Policy& policy, ChainId id, const Subject& subject, State& state) {
    const Chain& chain = policy.chain(id);
    const DeciderId decider = decider_of(policy, id);
    if (chain.counts_policy) {
        count(state.end_counts[decider.value], subject);
    }
    const auto action = chain.policy ? action_of(*chain.policy) : std::nullopt;
    assert(action && "a chain's policy decides");
    return {action.value_or(Action::Abort), decider};
}

/// Follows the rules until one, or a chain's policy, decides.
Outcome decide(const Policy& policy, State& state, const Subject& subject, Trace* trace) {
    Path path(policy.entry);
    for (;;) {
        const Chain& chain = policy.chain(path.chain());
        const size_t index = path.next();
        if (index >= chain.rules.size()) {
            if (chain.policy) {
                return apply_policy(policy, chain.id, subject, state);
            }
            if (!path.leave()) {
                return apply_policy(policy, path.entry(), subject, state);
            }
            continue;
        }
        const Rule& rule = policy.rule(chain.rules[index]);
        const Step step = run_traced(policy, rule, subject, state.mid_counts[rule.id.value], trace);
        const auto* verdict = std::get_if<Verdict>(&step);
        if (verdict == nullptr) {
            continue;
        }
        if (const auto action = action_of(*verdict)) {
            const DeciderId decider = decider_of(policy, rule.id);
            if (rule.counts) {
                count(state.end_counts[decider.value], subject);
            }
            return {*action, decider};
        }
        if (const auto* jump = std::get_if<Jump>(verdict)) {
            path.jump(jump->chain);
        } else if (const auto* go_to = std::get_if<Goto>(verdict)) {
            path.go_to(go_to->chain);
        } else if (std::holds_alternative<Return>(*verdict) && !path.leave()) {
            return apply_policy(policy, path.entry(), subject, state);
        }
    }
}

} // namespace

Outcome evaluate(const Policy& policy, State& state, const PacketView& packet, Trace* trace) {
    Subject subject = subject_of(packet, state);
    subject.policy = &policy;
    subject.effects = &state;
    const Outcome outcome = decide(policy, state, subject, trace);
    ++state.packets;
    return outcome;
}

} // namespace xdpc
