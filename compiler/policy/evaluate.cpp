#include "compiler/policy/evaluate.h"

#include "codegen-templates/abi.h"
#include "compiler/base/overloaded.h"
#include "compiler/policy/evaluate_keys.h"
#include "compiler/policy/travelling.h"

#include <algorithm>
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
/// Out of an interface that a route says.
struct Routed {
    std::string to;
};
using Step = std::variant<Going, Failed, Verdict, Routed>;

/// `continue` from a verdict map goes on with what follows in the rule, as in nft.
Step step_of(const Verdict& verdict) {
    return std::holds_alternative<Continue>(verdict) ? Step{Going{}} : Step{verdict};
}

/// What becomes of a rule whose statement has keys that the packet lacks.
Step lacking(bool may_lack) {
    return may_lack ? Step{Going{}} : Step{Failed{}};
}

Step run_vmap(const VmapStatement& vmap, const Subject& subject) {
    const auto tuple = read_tuple(vmap.keys, subject);
    if (!tuple) {
        return lacking(vmap.may_lack);
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
        return lacking(vmap.may_lack);
    }
    if (const auto found = find_element(vmap.keys, vmap.map, subject)) {
        return step_of(subject.policy->set(vmap.map).verdicts[found->value]);
    }
    return vmap.otherwise ? step_of(*vmap.otherwise) : Step{Failed{}};
}

Step run_update(const UpdateSetStatement& update, const Subject& subject) {
    const auto tuple = read_tuple(update.keys, subject);
    if (!tuple) {
        return lacking(update.may_lack);
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

/// A rule at work on a packet.
struct Run {
    const Policy& policy;
    State& state;
    const Rule& rule;
    Travelling& packet;
    const Subject& subject; // of the packet
    TraceStep* trace;       // may be null

    [[nodiscard]] Moment moment() const { return {rule.id, state.now_ns(), subject.view.frame}; }
};

Step run_limit(const LimitStatement& statement, const Run& run) {
    const Limit& limit = run.policy.limit(statement.limit);
    const auto key = read_tuple(limit.keys, run.subject);
    if (!key) {
        return lacking(statement.may_lack);
    }
    const LimitAnswer answer = ask_limit(limit, run.state.meters.limits[limit.id.value], *key, run.moment());
    if (answer == LimitAnswer::Full) {
        const auto verdict = verdict_on_full(limit);
        return verdict ? Step{*verdict} : Step{Failed{}};
    }
    if ((answer == LimitAnswer::Beyond) == statement.over) {
        return Going{};
    }
    return statement.drops ? Step{Verdict{Drop{}}} : Step{Failed{}};
}

Step run_quota(const QuotaStatement& statement, const Run& run) {
    const Quota& quota = run.policy.quota(statement.quota);
    const bool over = ask_quota(quota, run.state.meters.used[quota.id.value], run.moment());
    return over == statement.over ? Step{Going{}} : Step{Failed{}};
}

/// What a field is set to; nothing if the map has no entry for the keys. 0 for what sets none.
std::optional<u128> value_for(const RewriteStatement& statement, const std::vector<u128>& keys,
                              const Subject& subject) {
    const auto* set = std::get_if<packet::SetField>(&statement.what);
    if (set == nullptr) {
        return 0;
    }
    if (!statement.map) {
        return packet::value_for(*set, keys.empty() ? 0 : keys.front());
    }
    if (const auto& live = statement.map->live) {
        if (const auto found = find_element(statement.keys, *live, subject)) {
            return found->value;
        }
    }
    for (const auto& [box, value] : statement.map->entries) {
        if (in_box(keys, box)) {
            return value;
        }
    }
    return statement.map->otherwise;
}

Step run_rewrite(const RewriteStatement& statement, const Run& run) {
    const auto key = read_tuple(statement.keys, run.subject);
    if (!key) {
        return lacking(statement.may_lack);
    }
    const auto value = value_for(statement, *key, run.subject);
    if (!value) {
        return Failed{};
    }
    switch (run.packet.rewrite(statement.what, *value)) {
    case packet::Rewritten::Done:
        return Going{};
    case packet::Rewritten::Refused:
        return Verdict{Drop{}};
    case packet::Rewritten::Answered:
        return Verdict{Tx{}};
    case packet::Rewritten::Absent:
        break;
    }
    return Failed{};
}

Step run_route(const RouteStatement& statement, const Run& run) {
    packet::Routed routed = run.packet.route(statement);
    switch (routed.fate) {
    case packet::Routed::Fate::Sent:
        return Routed{std::move(routed.iface)};
    case packet::Routed::Fate::Stack:
        return Verdict{Pass{}};
    case packet::Routed::Fate::Refused:
        return Verdict{Drop{}};
    case packet::Routed::Fate::Absent:
        break;
    }
    return Failed{};
}

/// Which of the statements that follow runs, if one does.
std::optional<uint32_t> picked(const PickStatement& pick, const std::vector<u128>& keys,
                               const Subject& subject) {
    if (pick.live) {
        const auto found = find_element(pick.keys, *pick.live, subject);
        return found ? std::optional(found->value) : pick.otherwise;
    }
    for (const auto& [box, which] : pick.entries) {
        if (in_box(keys, box)) {
            return which;
        }
    }
    return pick.otherwise;
}

/// `rest` are the statements that follow, for one that picks from them.
Step run(const Statement& statement, std::span<const Statement> rest, const Run& run) {
    const Subject& subject = run.subject;
    /// The step, explained where it ends the rule.
    const auto explained = [&](Step step, auto explain_it) {
        if (run.trace != nullptr && std::holds_alternative<Failed>(step)) {
            explain_it(*run.trace);
        }
        return step;
    };
    return std::visit(
        Overloaded{
            [&](const MatchStatement& s) {
                return explained(holds(s.condition, subject) ? Step{Going{}} : Step{Failed{}},
                                 [&](TraceStep& t) { explain(s.condition, subject, t); });
            },
            [&](const CountStatement&) -> Step {
                count(run.state.mid_counts[run.rule.id.value], subject);
                return Going{};
            },
            [&](const VerdictStatement& s) -> Step { return s.verdict; },
            [&](const VmapStatement& s) {
                return explained(run_vmap(s, subject), [&](TraceStep& t) { explain(s, subject, t); });
            },
            [&](const LiveVmapStatement& s) {
                return explained(run_live_vmap(s, subject), [&](TraceStep& t) { explain(s, subject, t); });
            },
            [&](const LimitStatement& s) {
                return explained(run_limit(s, run),
                                 [&](TraceStep& t) { explain(s, run.policy, subject, t); });
            },
            [&](const QuotaStatement& s) {
                return explained(run_quota(s, run),
                                 [&](TraceStep& t) { explain(s, run.policy, subject, t); });
            },
            [&](const NamedCountStatement& s) -> Step {
                count(run.state.named_counts[s.counter.value], subject);
                return Going{};
            },
            [&](const UpdateSetStatement& s) {
                return explained(run_update(s, subject), [&](TraceStep& t) { explain(s, subject, t); });
            },
            [&](const LogStatement& s) -> Step {
                run_log(run.state.meters, s.index, s.every_ns, run.moment());
                return Going{};
            },
            [&](const SampleStatement& s) -> Step {
                const uint32_t draw = random_draw(run.state.seed, run.state.packets, s.occurrence);
                run_sample(run.state.meters, s.one_in, s.snap, draw, run.moment());
                return Going{};
            },
            [&](const RewriteStatement& s) {
                return explained(run_rewrite(s, run), [&](TraceStep& t) { explain(s, subject, t); });
            },
            [&](const RouteStatement& s) {
                return explained(run_route(s, run), [&](TraceStep& t) { explain(s, subject, t); });
            },
            [&](const PickStatement& s) {
                const auto keys = read_tuple(s.keys, subject);
                const auto which = keys ? picked(s, *keys, subject) : std::nullopt;
                if (which) {
                    return xdpc::run(rest[*which], {}, run);
                }
                return explained(keys ? Step{Failed{}} : lacking(s.may_lack),
                                 [&](TraceStep& t) { explain(s, subject, t); });
            },
        },
        statement);
}

/// Going: all statements ran, none gave a verdict.
Step run(const Run& rule) {
    const std::vector<Statement>& all = rule.rule.statements;
    for (size_t i = 0; i < all.size(); ++i) {
        Step step = run(all[i], std::span(all).subspan(i + 1), rule);
        if (const auto* pick = std::get_if<PickStatement>(&all[i])) {
            i += pick->count;
        }
        if (!std::holds_alternative<Going>(step)) {
            return step;
        }
    }
    return Going{};
}

Step run_traced(const Policy& policy, State& state, const Rule& rule, Travelling& packet, Trace* trace) {
    if (trace == nullptr) {
        return run({policy, state, rule, packet, packet.subject, nullptr});
    }
    TraceStep& entry = trace->steps.emplace_back();
    entry.rule = rule.id;
    entry.span = rule.span;
    Step step = run({policy, state, rule, packet, packet.subject, &entry});
    entry.matched = !std::holds_alternative<Failed>(step);
    if (const auto* verdict = std::get_if<Verdict>(&step)) {
        entry.verdict = name_of(*verdict, policy);
    } else if (const auto* routed = std::get_if<Routed>(&step)) {
        entry.verdict = "redirect to " + routed->to;
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
    return {action.value_or(Action::Abort), decider, {}};
}

/// What becomes of the packet if the step ends its way.
std::optional<Outcome> outcome_of(const Policy& policy, const Rule& rule, const Step& step) {
    const DeciderId decider = decider_of(policy, rule.id);
    if (const auto* routed = std::get_if<Routed>(&step)) {
        return Outcome{Action::Redirect, decider, {}, routed->to};
    }
    const auto* verdict = std::get_if<Verdict>(&step);
    const auto action = verdict != nullptr ? action_of(*verdict) : std::nullopt;
    if (!action) {
        return {};
    }
    const auto* redirect = std::get_if<Redirect>(verdict);
    return Outcome{
        *action, decider, {}, redirect != nullptr ? policy.interfaces[redirect->to.value].name : ""};
}

/// Follows the rules until one, or a chain's policy, decides.
Outcome decide(const Policy& policy, State& state, Travelling& packet, Trace* trace) {
    const Subject& subject = packet.subject;
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
        const Step step = run_traced(policy, state, rule, packet, trace);
        if (auto outcome = outcome_of(policy, rule, step)) {
            if (rule.counts) {
                count(state.end_counts[outcome->decider.value], subject);
            }
            return std::move(*outcome);
        }
        const auto* verdict = std::get_if<Verdict>(&step);
        if (verdict == nullptr) {
            continue;
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
    Travelling travelling(packet, state, policy);
    Outcome outcome = decide(policy, state, travelling, trace);
    if (!std::ranges::equal(travelling.view.frame, packet.frame)) {
        outcome.frame = std::move(travelling.bytes);
    }
    ++state.packets;
    return outcome;
}

} // namespace xdpc
