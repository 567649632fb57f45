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

    packet::Rewritten rewrite(const ir::RewriteStep& step) {
        const auto key = tuple(step.keys, step.masks);
        if (!key) {
            return packet::Rewritten::Absent;
        }
        const auto* set = std::get_if<packet::SetField>(&step.what);
        const u128 value = set != nullptr ? packet::value_for(*set, key->empty() ? 0 : key->front()) : 0;
        std::vector<uint8_t> frame(view.frame.begin(), view.frame.end());
        const packet::Rewritten result = packet::rewrite(step.what, value, frame);
        if (result == packet::Rewritten::Done) {
            bytes = std::move(frame);
            view.frame = bytes;
            subject.parsed = packet::parse_packet(view.frame);
        }
        return result;
    }

    std::optional<Verdict> run(const ir::Rule& rule) {
        for (const ir::Step& step : rule.steps) {
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
                const packet::Rewritten result = this->rewrite(*rewrite);
                if (result != packet::Rewritten::Done) {
                    return result == packet::Rewritten::Refused ? std::optional<Verdict>(Drop{})
                                                                : std::nullopt;
                }
                continue;
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
        const std::optional<Verdict> verdict = machine.run(rule);
        if (!verdict) {
            continue;
        }
        if (const auto action = action_of(*verdict)) {
            if (rule.slot) {
                machine.count(*rule.slot);
            }
            return {*action, rule.decider, {}};
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

/// What passes between two packets: now and then some seconds, in which elements expire.
uint64_t step_ns(uint64_t packet) {
    return packet % 3 == 0 ? (packet * 7919 % 4) * 1'000'000'000 : 1'000'000;
}

/// The first set in which both differ, "" if there is none.
std::string element_difference(const Policy& policy, const State& program, const State& evaluator) {
    for (const LiveSet& set : policy.sets) {
        const auto of_program = program.sets[set.id.value].elements(set, program.now_ns());
        const auto of_evaluator = evaluator.sets[set.id.value].elements(set, evaluator.now_ns());
        if (of_program != of_evaluator) {
            return fmt::format("@{}: {} elements, evaluator {}, or they differ", set.name, of_program.size(),
                               of_evaluator.size());
        }
    }
    return {};
}

/// The same for limits, quotas and events.
std::string meter_difference(const Policy& policy, const Meters& program, const Meters& evaluator) {
    for (const Limit& limit : policy.limits) {
        const LimitState& a = program.limits[limit.id.value];
        const LimitState& b = evaluator.limits[limit.id.value];
        if (a.full_at != b.full_at || a.within != b.within || a.beyond != b.beyond ||
            a.overflows != b.overflows) {
            return fmt::format("limit {}: {} within, {} beyond, {} overflows, evaluator {}, {}, {}",
                               limit.display, a.within, a.beyond, a.overflows, b.within, b.beyond,
                               b.overflows);
        }
    }
    for (const Quota& quota : policy.quotas) {
        const size_t i = quota.id.value;
        if (program.used[i] != evaluator.used[i]) {
            return fmt::format("quota {}: {} used, evaluator {}", quota.display, program.used[i],
                               evaluator.used[i]);
        }
    }
    return program.events == evaluator.events ? std::string()
                                              : fmt::format("{} events, evaluator {}, or they differ",
                                                            program.events.size(), evaluator.events.size());
}

std::string name_of(const Policy& policy, const Outcome& outcome) {
    return fmt::format("{} by {}", name_of(outcome.action), display_of(policy, outcome.decider));
}

std::string count_difference(const Policy& policy, const State& state, const std::vector<Count>& slots) {
    const ir::SlotPlan plan = ir::assign_slots(policy);
    const auto differs = [&](const std::optional<ir::SlotId>& slot, const Count& wanted) {
        return slot && !(slots[slot->value] == wanted);
    };
    for (uint32_t i = 0; i < plan.end.size(); ++i) {
        if (differs(plan.end[i], state.end_counts[i])) {
            return fmt::format("end counter of {}: {} packets, evaluator {}", display_of(policy, {i}),
                               slots[plan.end[i]->value].packets, state.end_counts[i].packets);
        }
    }
    for (uint32_t i = 0; i < plan.mid.size(); ++i) {
        if (differs(plan.mid[i], state.mid_counts[i])) {
            return fmt::format("mid counter of {}: {} packets, evaluator {}", display_of(policy, {i}),
                               slots[plan.mid[i]->value].packets, state.mid_counts[i].packets);
        }
    }
    for (uint32_t i = 0; i < plan.named.size(); ++i) {
        if (differs(plan.named[i], state.named_counts[i])) {
            return fmt::format("counter {}: {} packets, evaluator {}", policy.counters[i].name,
                               slots[plan.named[i].value].packets, state.named_counts[i].packets);
        }
    }
    return {};
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

std::string difference(const Policy& policy, const ir::Program& program,
                       const std::vector<std::vector<uint8_t>>& frames) {
    State state(policy);
    State of_program(policy);
    std::vector<Count> slots(program.slots);
    for (const std::vector<uint8_t>& frame : frames) {
        PacketView view;
        view.frame = frame;
        of_program.packets = state.packets;
        of_program.elapsed_ns = state.elapsed_ns;
        const Outcome got = evaluate(program, policy, slots, of_program, view);
        const Outcome wanted = xdpc::evaluate(policy, state, view);
        state.elapsed_ns += step_ns(state.packets);
        if (!(got == wanted)) {
            return fmt::format("{}: IR {}, evaluator {}", hex_text(frame), name_of(policy, got),
                               name_of(policy, wanted));
        }
    }
    of_program.elapsed_ns = state.elapsed_ns;
    for (const std::string& differs : {element_difference(policy, of_program, state),
                                       meter_difference(policy, of_program.meters, state.meters)}) {
        if (!differs.empty()) {
            return differs;
        }
    }
    return count_difference(policy, state, slots);
}

} // namespace xdpc::test
