#include "compiler/driver/test_engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <net/if.h>

namespace xdpc::driver {

PacketView view_of(std::span<const uint8_t> frame, const Surroundings& around) {
    PacketView view;
    view.frame = frame;
    if (!around.iface.empty()) {
        view.iifname = around.iface;
        const uint32_t index = if_nametoindex(around.iface.c_str());
        view.ifindex = index != 0 ? index : view.ifindex;
    }
    return view;
}

Result<void> reset(const rt::Loaded& program) {
    if (const Result<void> state = rt::reset_state(program); !state) {
        return state;
    }
    const int counters = program.map_fd("counters");
    const Result<void> cleared =
        counters < 0 ? Result<void>{} : rt::clear_counters(counters, program.artifact().slots);
    return cleared ? rt::reset_state(program) : cleared;
}

Result<Decision> run_in_kernel(const rt::Loaded& program, std::span<const uint8_t> frame,
                               const Surroundings& around) {
    xdpc_test_area* area = program.test_area();
    if (area == nullptr) {
        return fail("the program was not compiled for tests");
    }
    const PacketView view = view_of(frame, around);
    xdpc_test_control control{};
    control.now_ns = test_clock_begin_ns + around.elapsed_ns;
    control.wall_ns = test_epoch_ns + around.elapsed_ns;
    control.seed = around.seed;
    control.packet = around.packet;
    rt::pack_name(view.iifname, control.iifname_hi, control.iifname_lo);
    control.ifindex = view.ifindex;
    control.rxqueue = view.rxqueue;
    control.cpu = view.cpu;
    area->control = control;
    area->result = {};
    auto run = rt::test_run(program, frame);
    if (!run) {
        return tl::unexpected(run.error());
    }
    const volatile xdpc_test_result& result = area->result; // written by the kernel
    if (result.ran != 1 || run->action > static_cast<uint32_t>(Action::Redirect)) {
        return fail(
            fmt::format("the program ended with action {} and did not say what decided", run->action));
    }
    Decision decision{{static_cast<Action>(run->action), DeciderId{result.decider}, {}},
                      std::move(run->frame)};
    if (decision.outcome.action == Action::Redirect) {
        decision.outcome.to = InterfaceId{result.target};
    }
    if (!std::ranges::equal(decision.frame, frame)) {
        decision.outcome.frame = decision.frame;
    }
    return decision;
}

Result<Counts> counts_in_kernel(const rt::Loaded& program, const Policy& policy) {
    const Artifact& artifact = program.artifact();
    Counts counts{std::vector<Count>(policy.rules.size() + policy.chains.size()),
                  std::vector<Count>(policy.rules.size()), std::vector<Count>(policy.counters.size())};
    const int counters = program.map_fd("counters");
    if (counters < 0) {
        return counts;
    }
    const auto slots = rt::read_counters(counters, artifact.slots);
    if (!slots) {
        return tl::unexpected(slots.error());
    }
    auto at = [&](uint32_t slot) {
        return slot < slots->size() ? Count{(*slots)[slot].packets, (*slots)[slot].bytes} : Count{};
    };
    for (size_t i = 0; i < artifact.deciders.size() && i < counts.end.size(); ++i) {
        const Decider& decider = artifact.deciders[i];
        if (decider.slot) {
            counts.end[i] = at(*decider.slot);
        }
        if (decider.mid_slot && i < counts.mid.size()) {
            counts.mid[i] = at(*decider.mid_slot);
        }
    }
    for (size_t i = 0; i < artifact.counters.size() && i < counts.named.size(); ++i) {
        counts.named[i] = at(artifact.counters[i].slot);
    }
    return counts;
}

} // namespace xdpc::driver
