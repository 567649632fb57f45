#include "tests/harness/ir_eval.h"

#include "codegen-templates/abi.h"
#include "compiler/base/bytes.h"
#include "compiler/base/overloaded.h"
#include "compiler/policy/evaluate_keys.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

namespace xdpc::test {

namespace {

struct Machine {
    const ir::Program& program;
    const Policy& policy;
    State& state;
    std::vector<Count>& slots;
    PacketView& view;
    std::vector<uint8_t>& bytes; // of the packet's own, once it was rewritten
    Subject& subject;

    [[nodiscard]] std::optional<std::vector<u128>> tuple(const std::vector<ir::KeyId>& keys,
                                                         const std::vector<u128>& masks) const {
        std::vector<u128> values;
        for (size_t i = 0; i < keys.size(); ++i) {
            const std::optional<u128> value = read_key(program.keys[keys[i].value], subject);
            if (!value) {
                return {};
            }
            values.push_back(*value & masks[i]);
        }
        return values;
    }

    [[nodiscard]] const ir::Table::Entry* find(ir::TableId table, const std::vector<u128>& tuple) const {
        for (const ir::Table::Entry& entry : program.tables[table.value].entries) {
            if (in_box(tuple, entry.box)) {
                return &entry;
            }
        }
        return nullptr;
    }

    std::optional<FoundElement> find(SetId id, const std::vector<u128>& values) {
        const LiveSet& set = policy.set(id);
        SetState& elements = state.sets[id.value];
        const auto found = elements.find(set, values, state.now_ns());
        if (found) {
            elements.count(set, values, state.now_ns(), subject.view.frame.size());
        }
        return found;
    }

    [[nodiscard]] bool holds(const ir::Cond& cond) {
        return std::visit(Overloaded{
                              [&](const ir::Atom& atom) {
                                  const std::optional<u128> value =
                                      read_key(program.keys[atom.key.value], subject);
                                  return value && atom.values.contains(*value & atom.mask);
                              },
                              [&](const ir::Lookup& lookup) {
                                  const auto values = tuple(lookup.keys, lookup.masks);
                                  return values && (find(lookup.table, *values) != nullptr) != lookup.negated;
                              },
                              [&](const ir::SetLookup& lookup) {
                                  const auto values = tuple(lookup.keys, lookup.masks);
                                  return values && find(lookup.set, *values).has_value() != lookup.negated;
                              },
                              [&](const ir::And& all) {
                                  bool result = true;
                                  for (const ir::Cond& part : all.parts) {
                                      result = result && holds(part);
                                  }
                                  return result;
                              },
                              [&](const ir::Or& any) {
                                  bool result = false;
                                  for (const ir::Cond& part : any.parts) {
                                      result = result || holds(part);
                                  }
                                  return result;
                              },
                              [&](const ir::Not& negation) { return !holds(negation.part.front()); },
                          },
                          cond.node);
    }

    void count(ir::SlotId slot) {
        ++slots[slot.value].packets;
        slots[slot.value].bytes += subject.view.frame.size();
    }

    [[nodiscard]] std::optional<Verdict> dispatch(const ir::Dispatch& dispatch) const {
        const auto values = tuple(dispatch.keys, dispatch.masks);
        if (!values) {
            return {};
        }
        const ir::Table::Entry* entry = find(dispatch.table, *values);
        return entry ? std::optional(dispatch.verdicts[entry->value]) : dispatch.otherwise;
    }

    /// False: the rule ends.
    bool update(const ir::UpdateSet& update) {
        const auto values = tuple(update.keys, update.masks);
        return values && state.sets[update.set.value].update(policy.set(update.set), update.op, *values,
                                                             update.timeout_ns, state.now_ns());
    }

    [[nodiscard]] std::optional<Verdict> dispatch(const ir::LiveDispatch& dispatch) {
        const auto values = tuple(dispatch.keys, dispatch.masks);
        if (!values) {
            return {};
        }
        const auto found = find(dispatch.map, *values);
        return found ? std::optional(dispatch.verdicts[found->value]) : dispatch.otherwise;
    }

    /// Ended: the rule does not match; a verdict: the limit had no room.
    struct Ended {};
    using Met = std::variant<std::monostate, Ended, Verdict>;
    Met meet(const ir::LimitStep& step, const Moment& moment) {
        const auto key = tuple(step.keys, step.masks);
        if (!key) {
            return Ended{};
        }
        const Limit& limit = policy.limit(step.limit);
        const LimitAnswer answer = ask_limit(limit, state.meters.limits[limit.id.value], *key, moment);
        if (answer == LimitAnswer::Full) {
            const auto verdict = verdict_on_full(limit);
            return verdict ? Met{*verdict} : Met{Ended{}};
        }
        if ((answer == LimitAnswer::Beyond) == step.over) {
            return {};
        }
        return step.drops ? Met{Verdict{Drop{}}} : Met{Ended{}};
    }
    Met meet(const ir::QuotaStep& step, const Moment& moment) {
        const Quota& quota = policy.quota(step.quota);
        return ask_quota(quota, state.meters.used[quota.id.value], moment) == step.over ? Met{}
                                                                                        : Met{Ended{}};
    }
    /// The steps with meters; nothing for the others.
    std::optional<Met> meet(const ir::Rule& rule, const ir::Step& step) {
        const Moment moment{{rule.decider.value}, state.now_ns(), subject.view.frame};
        if (const auto* limit = std::get_if<ir::LimitStep>(&step.node)) {
            return meet(*limit, moment);
        }
        if (const auto* quota = std::get_if<ir::QuotaStep>(&step.node)) {
            return meet(*quota, moment);
        }
        if (const auto* log = std::get_if<ir::Log>(&step.node)) {
            run_log(state.meters, log->index, log->every_ns, moment);
            return Met(std::monostate{});
        }
        if (const auto* sample = std::get_if<ir::Sample>(&step.node)) {
            const uint32_t draw = random_draw(state.seed, state.packets, sample->occurrence);
            run_sample(state.meters, sample->one_in, sample->snap, draw, moment);
            return Met(std::monostate{});
        }
        return {};
    }

    /// Whether the step is left out.
    [[nodiscard]] bool lacks(const ir::Step& step) const {
        const std::vector<ir::KeyId>* keys = ir::keys_of(step);
        return step.may_lack && keys != nullptr &&
               std::any_of(keys->begin(), keys->end(),
                           [&](ir::KeyId key) { return !read_key(program.keys[key.value], subject); });
    }

    std::optional<u128> value_for(const ir::RewriteStep& step, const std::vector<u128>& keys) {
        const auto* set = std::get_if<packet::SetField>(&step.what);
        if (set != nullptr && step.live) {
            const auto found = find(*step.live, keys);
            return found ? std::optional<u128>(found->value) : step.otherwise;
        }
        if (set == nullptr || !step.table) {
            return set == nullptr ? 0 : packet::value_for(*set, keys.empty() ? 0 : keys.front());
        }
        const ir::Table::Entry* entry = find(*step.table, keys);
        return entry != nullptr ? std::optional(step.values[entry->value]) : step.otherwise;
    }

    std::optional<uint32_t> picked(const ir::Pick& pick) {
        const auto keys = tuple(pick.keys, pick.masks);
        if (!keys) {
            return {};
        }
        if (pick.live) {
            const auto found = find(*pick.live, *keys);
            return found ? std::optional(found->value) : pick.otherwise;
        }
        const ir::Table::Entry* entry = find(*pick.table, *keys);
        return entry != nullptr ? std::optional(entry->value) : pick.otherwise;
    }

    packet::Rewritten rewrite(const ir::RewriteStep& step) {
        const auto key = tuple(step.keys, step.masks);
        if (!key) {
            return packet::Rewritten::Absent;
        }
        const auto value = value_for(step, *key);
        if (!value) {
            return packet::Rewritten::Absent;
        }
        std::vector<uint8_t> frame(view.frame.begin(), view.frame.end());
        const packet::Rewritten result = packet::rewrite(step.what, *value, frame);
        if (result == packet::Rewritten::Done || result == packet::Rewritten::Answered) {
            bytes = std::move(frame);
            view.frame = bytes;
            subject.parsed = packet::parse_packet(view.frame);
        }
        return result;
    }

    /// What becomes of the packet; nothing if it is none for it. `to`: where it is sent.
    std::optional<Action> route(const ir::Route& step, std::string& to) {
        static const packet::Network none;
        std::vector<uint8_t> frame(view.frame.begin(), view.frame.end());
        const packet::Routed routed =
            packet::route(state.network != nullptr ? *state.network : none, step.table, frame);
        switch (routed.fate) {
        case packet::Routed::Fate::Absent:
            return {};
        case packet::Routed::Fate::Stack:
            return Action::Pass;
        case packet::Routed::Fate::Refused:
            return Action::Drop;
        case packet::Routed::Fate::Sent:
            break;
        }
        bytes = std::move(frame);
        view.frame = bytes;
        to = routed.iface;
        return Action::Redirect;
    }

    /// Where a rule leads to; the outcome of `route` by itself.
    using Led = std::variant<std::monostate, Verdict, Outcome>;
    Led lead(const ir::Rule& rule) {
        std::optional<Outcome> routed;
        const std::optional<Verdict> verdict = run(rule, routed);
        return routed ? Led{*routed} : verdict ? Led{*verdict} : Led{};
    }

    std::optional<Verdict> run(const ir::Rule& rule, std::optional<Outcome>& routed) {
        for (size_t i = 0; i < rule.steps.size(); ++i) {
            const ir::Step& step = rule.steps[i];
            if (const auto* pick = std::get_if<ir::Pick>(&step.node)) {
                const auto which = picked(*pick);
                if (!which && !lacks(step)) {
                    return {};
                }
                const ir::Step* one = which ? &rule.steps[i + 1 + *which] : nullptr;
                const auto met = one != nullptr && !lacks(*one) ? meet(rule, *one) : std::nullopt;
                if (met && std::holds_alternative<Verdict>(*met)) {
                    return std::get<Verdict>(*met);
                }
                if (met && std::holds_alternative<Ended>(*met)) {
                    return {};
                }
                const auto* counter = one != nullptr ? std::get_if<ir::Count>(&one->node) : nullptr;
                if (counter != nullptr) {
                    count(counter->slot);
                }
                i += pick->count;
                continue;
            }
            if (lacks(step)) {
                continue;
            }
            if (const auto met = meet(rule, step)) {
                if (const auto* verdict = std::get_if<Verdict>(&*met)) {
                    return *verdict;
                }
                if (std::holds_alternative<Ended>(*met)) {
                    return {};
                }
                continue;
            }
            if (const auto* rewrite = std::get_if<ir::RewriteStep>(&step.node)) {
                switch (this->rewrite(*rewrite)) {
                case packet::Rewritten::Done:
                    continue;
                case packet::Rewritten::Refused:
                    return Drop{};
                case packet::Rewritten::Answered:
                    return Tx{};
                case packet::Rewritten::Absent:
                    return {};
                }
            }
            if (const auto* routes = std::get_if<ir::Route>(&step.node)) {
                std::string to;
                if (const auto action = route(*routes, to)) {
                    routed = Outcome{*action, rule.decider, {}, to};
                }
                return {};
            }
            if (const auto* guard = std::get_if<ir::Guard>(&step.node)) {
                if (!holds(guard->cond)) {
                    return {};
                }
            } else if (const auto* counter = std::get_if<ir::Count>(&step.node)) {
                count(counter->slot);
            } else if (const auto* decide = std::get_if<ir::Decide>(&step.node)) {
                return decide->verdict;
            } else if (const auto* change = std::get_if<ir::UpdateSet>(&step.node)) {
                if (!update(*change)) {
                    return {};
                }
            } else {
                const auto* live = std::get_if<ir::LiveDispatch>(&step.node);
                const auto verdict =
                    live != nullptr ? dispatch(*live) : dispatch(std::get<ir::Dispatch>(step.node));
                if (!verdict || !std::holds_alternative<Continue>(*verdict)) {
                    return verdict;
                }
            }
        }
        return {};
    }
};

struct Place {
    uint32_t chain = 0;
    size_t next = 0;
};

Outcome run(Machine& machine) {
    const ir::Program& program = machine.program;
    std::vector<Place> path{{program.entry.value}};
    const auto end = [&](const ir::Chain& chain) {
        if (chain.end.slot) {
            machine.count(*chain.end.slot);
        }
        return Outcome{action_of(*chain.end.verdict).value_or(Action::Abort), chain.end.decider, {}};
    };
    while (!path.empty()) {
        const ir::Chain& chain = program.chains[path.back().chain];
        if (path.back().next >= chain.rules.size()) {
            if (chain.end.verdict) {
                return end(chain);
            }
            path.pop_back();
            continue;
        }
        const ir::Rule& rule = chain.rules[path.back().next++];
        const Machine::Led led = machine.lead(rule);
        const auto* verdict = std::get_if<Verdict>(&led);
        const auto* routed = std::get_if<Outcome>(&led);
        if (verdict == nullptr && routed == nullptr) {
            continue;
        }
        const auto action = routed != nullptr ? routed->action : action_of(*verdict);
        if (action && rule.slot) {
            machine.count(*rule.slot);
        }
        if (routed != nullptr) {
            return *routed;
        }
        if (action) {
            const auto* redirect = std::get_if<Redirect>(verdict);
            return {*action,
                    rule.decider,
                    {},
                    redirect != nullptr ? machine.policy.interfaces[redirect->to.value].name : ""};
        }
        if (const auto* jump = std::get_if<Jump>(&*verdict)) {
            path.push_back({jump->chain.value});
        } else if (const auto* go = std::get_if<Goto>(&*verdict)) {
            path.back() = {go->chain.value};
        } else if (std::holds_alternative<Return>(*verdict)) {
            path.pop_back();
        }
    }
    return end(program.chains[program.entry.value]);
}

} // namespace

Outcome evaluate(const ir::Program& program, const Policy& policy, std::vector<Count>& slots, State& state,
                 const PacketView& packet) {
    PacketView view = packet;
    std::vector<uint8_t> bytes;
    Subject subject = subject_of(view, state);
    Machine machine{program, policy, state, slots, view, bytes, subject};
    Outcome outcome = run(machine);
    if (!std::ranges::equal(view.frame, packet.frame)) {
        outcome.frame = std::move(bytes);
    }
    return outcome;
}

} // namespace xdpc::test
