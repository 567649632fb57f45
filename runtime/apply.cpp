#include "runtime/devices.h"
#include "runtime/target.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;
using Targets = std::vector<Target>;

tl::unexpected<LoadError> as_load_error(Error error) {
    return tl::unexpected<LoadError>({std::move(error), {}});
}

/// One target for each different interface, in the order of their indices: all commands lock in this order.
Result<Targets> find_targets(const std::vector<std::string>& ifaces) {
    auto network = network_namespace();
    if (!network)
        return tl::unexpected(network.error());
    if (ifaces.empty())
        return fail("no interface is named", "name one with `-i`");
    Targets targets;
    for (const std::string& name : ifaces) {
        auto iface = find_interface(name);
        if (!iface)
            return tl::unexpected(iface.error());
        bool repeated = std::any_of(targets.begin(), targets.end(),
                                    [&](const Target& target) { return target.iface.index == iface->index; });
        if (repeated)
            continue;
        Target target;
        target.iface = *iface;
        target.network_namespace = *network;
        targets.push_back(std::move(target));
    }
    std::sort(targets.begin(), targets.end(),
              [](const Target& a, const Target& b) { return a.iface.index < b.iface.index; });
    return targets;
}

Result<void> lock_and_repair(Target& target) {
    auto lock = InterfaceLock::acquire(target.network_namespace, target.iface.index);
    if (!lock)
        return tl::unexpected(lock.error());
    target.lock = std::move(*lock);
    auto running = interface_directory(target.network_namespace, target.iface.index).and_then(repair);
    if (!running)
        return tl::unexpected(running.error());
    target.running = std::move(*running);
    return {};
}

/// What the policy sends packets to.
Result<void> look_for_devices(Target& target, const Targets& all, const Artifact& artifact,
                              const ApplyOptions& options) {
    std::vector<Interface> applied;
    for (const Target& each : all)
        applied.push_back(each.iface);
    auto devices = find_devices(artifact, applied, options.mode);
    if (!devices)
        return tl::unexpected(devices.error());
    target.devices = std::move(*devices);
    if (auto warning = warning_of_answers(artifact, target.iface, options.mode); !warning.empty())
        target.report.notes.push_back(std::move(warning));
    if (artifact.routes) {
        Ports ports = find_ports(applied, options.mode);
        target.ports = std::move(ports.indices);
        for (std::string& note : notes_of_routes(target.iface, ports.without))
            target.report.notes.push_back(std::move(note));
    }
    return {};
}

/// Everything up to the first packet that the new program sees can still be taken back without a trace.
tl::expected<void, LoadError> prepare(Targets& targets, const Artifact& artifact,
                                      const ApplyOptions& options) {
    for (Target& target : targets) {
        if (auto locked = lock_and_repair(target); !locked)
            return as_load_error(locked.error());
        if (auto inspected =
                inspect(target, artifact, options)
                    .and_then([&] { return adopt_state(target, artifact, options); })
                    .and_then([&] { return look_for_devices(target, targets, artifact, options); });
            !inspected)
            return as_load_error(inspected.error());
    }
    for (Target& target : targets) {
        if (auto loaded = load_for(target, artifact, false); !loaded)
            return loaded;
        note_tags(target, artifact, options);
    }
    for (Target& target : targets) {
        if (auto pinned = pin_generation(target, artifact); !pinned)
            return as_load_error(pinned.error());
    }
    return {};
}

Result<void> attach_all(Targets& targets, const Artifact& artifact, const ApplyOptions& options) {
    for (Target& target : targets) {
        if (auto off = turn_off_rxvlan(target, artifact, options); !off)
            return off;
        auto start = std::chrono::steady_clock::now();
        if (auto attached = attach(target, options); !attached)
            return attached;
        target.report.attach_ms = Milliseconds(std::chrono::steady_clock::now() - start).count();
    }
    return {};
}

/// The error, and what could not be taken back after it.
Error undo_all(Targets& targets, Error error) {
    for (auto target = targets.rbegin(); target != targets.rend(); ++target) {
        if (auto undone = undo(*target); !undone)
            error.message += "; then: " + undone.error().message;
        const auto left = interface_directory(target->network_namespace, target->iface.index);
        if (target->lock.valid() && left && left->empty())
            target->lock.remove_file();
    }
    return error;
}

/// In the order in which the user named the interfaces.
std::vector<ApplyReport> reports_of(Targets& targets, const std::vector<std::string>& ifaces) {
    std::vector<ApplyReport> reports;
    for (const std::string& name : ifaces) {
        auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](const Target& target) { return target.report.iface == name; });
        if (found == targets.end())
            continue;
        reports.push_back(std::move(found->report));
        targets.erase(found);
    }
    return reports;
}

} // namespace

tl::expected<std::vector<ApplyReport>, LoadError>
apply(const Artifact& artifact, const std::vector<std::string>& ifaces, const ApplyOptions& options) {
    if (artifact.instrumented)
        return as_load_error(
            {"this program is made for tests: it does not look at the real clock and interface",
             "build it without instrumentation"});
    auto targets = find_targets(ifaces);
    if (!targets)
        return as_load_error(targets.error());
    if (auto mounted = ensure_bpffs(); !mounted)
        return as_load_error(mounted.error());
    if (auto prepared = prepare(*targets, artifact, options); !prepared) {
        LoadError error = std::move(prepared.error());
        error.error = undo_all(*targets, std::move(error.error));
        return tl::unexpected(std::move(error));
    }
    if (auto attached = attach_all(*targets, artifact, options); !attached) {
        return as_load_error(undo_all(*targets, std::move(attached.error())));
    }
    for (Target& target : *targets)
        finish(target);
    return reports_of(*targets, ifaces);
}

tl::expected<std::vector<ApplyReport>, LoadError>
dry_run(const Artifact& artifact, const std::vector<std::string>& ifaces, const ApplyOptions& options) {
    auto targets = find_targets(ifaces);
    if (!targets)
        return as_load_error(targets.error());
    if (auto visible = pins_visible(); !visible)
        return as_load_error(visible.error());
    for (Target& target : *targets) {
        // Looking needs no lock: at worst it sees what another command is about to change.
        auto running =
            interface_directory(target.network_namespace, target.iface.index).and_then(find_running);
        if (!running)
            return as_load_error(running.error());
        target.running = std::move(*running);
        // What a killed command left would be repaired first.
        if (target.running.link && target.running.link->ifindex == 0)
            target.running = Running{};
        if (auto inspected =
                inspect(target, artifact, options)
                    .and_then([&] { return adopt_state(target, artifact, options); })
                    .and_then([&] { return look_for_devices(target, *targets, artifact, options); });
            !inspected)
            return as_load_error(inspected.error());
        if (auto loaded = load_for(target, artifact, true); !loaded)
            return tl::unexpected(loaded.error());
        note_tags(target, artifact, options);
        target.report.program_id = 0; // it is dropped again
    }
    return reports_of(*targets, ifaces);
}

} // namespace xdpc::rt
