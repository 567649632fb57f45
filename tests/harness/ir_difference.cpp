// Whether the IR, as its interpreter runs it, does what the policy means.
#include "compiler/base/bytes.h"
#include "tests/harness/ir_eval.h"

#include <fmt/format.h>

namespace xdpc::test {

namespace {

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
