#include "compiler/driver/test_engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <linux/rtnetlink.h>
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

namespace {

/// An address as the kernel takes it.
std::vector<uint8_t> bytes_of(u128 number, size_t bytes) {
    std::vector<uint8_t> out;
    for (size_t i = bytes; i-- > 0;) {
        out.push_back(static_cast<uint8_t>(number >> (8 * i)));
    }
    return out;
}

rt::NewRoute as_made(const packet::GivenRoute& route, const std::vector<uint32_t>& indices) {
    using Kind = packet::GivenRoute::Kind;
    rt::NewRoute made;
    made.address = bytes_of(route.address, route.ip6 ? 16 : 4);
    made.length = route.length;
    made.table = route.table;
    made.type = route.kind == Kind::Via           ? RTN_UNICAST
                : route.kind == Kind::Local       ? RTN_LOCAL
                : route.kind == Kind::Blackhole   ? RTN_BLACKHOLE
                : route.kind == Kind::Unreachable ? RTN_UNREACHABLE
                                                  : RTN_PROHIBIT;
    made.ifindex = route.kind == Kind::Via ? indices[route.iface] : 0;
    made.next_hop = route.ether ? bytes_of(*route.ether, 6) : std::vector<uint8_t>();
    return made;
}

/// By its place among those that rules redirect to, or by the index that a route has.
std::string target_name(const Artifact& artifact, uint32_t target) {
    if ((target & XDPC_TARGET_INDEX) == 0) {
        return target < artifact.interfaces.size() ? artifact.interfaces[target] : "?";
    }
    char name[IF_NAMESIZE] = {};
    const char* found = if_indextoname(target & ~XDPC_TARGET_INDEX, name);
    return found != nullptr ? found : "?";
}

} // namespace

Result<void> enter_network(const rt::Loaded& program, const packet::Network& given,
                           std::optional<rt::PrivateNetwork>& made) {
    if (!rt::sends_by_routes(program)) {
        return {};
    }
    auto entered = rt::PrivateNetwork::enter();
    if (!entered) {
        return tl::unexpected(entered.error());
    }
    made.emplace(std::move(*entered));
    std::vector<uint32_t> indices;
    for (const packet::GivenInterface& iface : given.interfaces) {
        const auto index = made->add_interface(iface.name, bytes_of(iface.ether, 6), iface.mtu);
        if (!index) {
            return tl::unexpected(index.error());
        }
        indices.push_back(*index);
    }
    // Those to this host come last: none of the kernel's next hops may be one of its addresses.
    for (const bool local : {false, true}) {
        for (const packet::GivenRoute& route : given.routes) {
            const bool now = (route.kind == packet::GivenRoute::Kind::Local) == local;
            const auto added = now ? made->add_route(as_made(route, indices)) : Result<void>{};
            if (!added) {
                return added;
            }
        }
    }
    return rt::fill_ports(program, indices);
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
        decision.outcome.to = target_name(program.artifact(), result.target);
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
