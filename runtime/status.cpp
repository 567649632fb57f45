// What runs where, what it has counted, and taking it off.
#include "runtime/held.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

/// Looks, without lock and repair.
Result<Held> look(const Interface& iface) {
    Held held;
    held.iface = iface;
    auto network = network_namespace();
    if (!network)
        return tl::unexpected(network.error());
    held.network_namespace = *network;
    auto attached = attached_program(iface);
    if (!attached)
        return tl::unexpected(attached.error());
    held.attached = *attached;
    auto running = interface_directory(*network, iface.index).and_then(find_running);
    if (!running)
        return tl::unexpected(running.error());
    held.running = std::move(*running);
    // It may well be ours: do not call it foreign without having looked.
    if (held.attached.id != 0 && !held.ours()) {
        auto visible = pins_visible();
        std::string name = program_name(held.attached.id);
        if (!visible && (name.empty() || name == "xdpc"))
            return tl::unexpected(visible.error());
    }
    return held;
}

/// Takes the lock if there is something to protect, and repairs.
Result<Held> hold(const Interface& iface, Ask ask) {
    auto network = network_namespace();
    if (!network)
        return tl::unexpected(network.error());
    InterfaceLock lock;
    const auto directory = interface_directory(*network, iface.index);
    if (!directory)
        return tl::unexpected(directory.error());
    if (!directory->empty()) {
        auto acquired = InterfaceLock::acquire(*network, iface.index);
        if (!acquired)
            return tl::unexpected(acquired.error());
        lock = std::move(*acquired);
        auto running = interface_directory(*network, iface.index).and_then(repair);
        if (!running)
            return tl::unexpected(running.error());
        if (running->directory.empty())
            lock.remove_file();
        // An interface runs the program of the link that is attached to it, and no other.
        if (ask == Ask::Link && running->live && running->link->ifindex == iface.index) {
            AttachedProgram attached{running->link->program_id, Mode::Auto};
            return Held{iface, *network, std::move(lock), std::move(*running), attached};
        }
    }
    auto held = look(iface);
    if (held)
        held->lock = std::move(lock);
    return held;
}

void name_state(const Artifact& artifact, Status& status) {
    for (const ArtifactSet& set : artifact.sets) {
        // Those of `inet_addr` are two of one name.
        if (std::find(status.sets.begin(), status.sets.end(), set.name) == status.sets.end())
            status.sets.push_back(set.name);
    }
    for (const ArtifactLimit& limit : artifact.limits)
        status.limits.push_back(limit.display);
    for (const ArtifactQuota& quota : artifact.quotas)
        status.quotas.push_back(quota.display);
    for (const ArtifactCounter& counter : artifact.counters)
        status.counters.push_back(counter.name);
}

Status status_of(const Held& held) {
    Status status;
    status.iface = held.iface.name;
    status.ifindex = held.iface.index;
    status.mode = held.attached.mode;
    status.program_id = held.attached.id;
    status.ours = held.ours();
    if (!status.ours) {
        status.program_name = program_name(held.attached.id);
        return status;
    }
    if (!held.running.live)
        return status;
    status.generation = held.running.live->number;
    if (auto meta = read_meta(*held.running.live)) {
        status.policy = meta->artifact.policy;
        status.source_digest = meta->artifact.source_digest;
        status.applied_at = meta->applied_at;
        name_state(meta->artifact, status);
    }
    return status;
}

tl::unexpected<Error> nothing_of_ours(const Held& held) {
    std::string hint = fmt::format("`xdpc apply FILE -i {}` applies one", held.iface.name);
    if (held.attached.id == 0)
        return fail(fmt::format("no policy is applied to `{}`", held.iface.name), hint);
    std::string name = program_name(held.attached.id);
    return fail(fmt::format("`{}` runs program {}{}, which is not ours", held.iface.name, held.attached.id,
                            name.empty() ? "" : fmt::format(" `{}`", name)));
}

} // namespace

Result<Held> hold_ours(const std::string& name, Ask ask) {
    auto iface = find_interface(name);
    if (!iface)
        return tl::unexpected(iface.error());
    auto held = hold(*iface, ask);
    if (!held)
        return held;
    if (!held->ours())
        return nothing_of_ours(*held);
    if (!held->running.live)
        return fail(fmt::format("the pins of the policy on `{}` are gone", name), "apply it again");
    return held;
}

Result<std::vector<Status>> show() {
    repair_all();
    std::vector<Status> all;
    for (const Interface& iface : all_interfaces()) {
        auto attached = attached_program(iface);
        // The interface may be gone by now.
        if (!attached || attached->id == 0)
            continue;
        auto held = look(iface);
        if (!held)
            return tl::unexpected(held.error());
        if (held->attached.id != 0)
            all.push_back(status_of(*held));
    }
    return all;
}

Result<Stats> stats(const std::string& name) {
    auto held = hold_ours(name);
    if (!held)
        return tl::unexpected(held.error());
    auto meta = read_meta(*held->running.live);
    if (!meta)
        return tl::unexpected(meta.error());
    auto totals = read_totals(*held->running.live, meta->artifact.slots);
    if (!totals)
        return tl::unexpected(totals.error());
    Stats stats;
    stats.status = status_of(*held);
    auto count_of = [&](std::optional<uint32_t> slot) {
        return slot && *slot < totals->size() ? std::optional<SlotCount>((*totals)[*slot]) : std::nullopt;
    };
    for (const Decider& decider : meta->artifact.deciders) {
        DeciderCount count{decider, count_of(decider.slot), count_of(decider.mid_slot)};
        if (count.end) {
            stats.total.packets += count.end->packets;
            stats.total.bytes += count.end->bytes;
        }
        stats.deciders.push_back(std::move(count));
    }
    auto state = read_state_stats(*held->running.live, meta->artifact, *totals);
    if (!state)
        return tl::unexpected(state.error());
    stats.state = std::move(*state);
    return stats;
}

Result<Artifact> attached_metadata(const std::string& name) {
    auto held = hold_ours(name);
    if (!held)
        return tl::unexpected(held.error());
    auto meta = read_meta(*held->running.live);
    if (!meta)
        return tl::unexpected(meta.error());
    return std::move(meta->artifact);
}

Result<bool> detach(const std::string& name) {
    auto iface = find_interface(name);
    if (!iface)
        return tl::unexpected(iface.error());
    auto held = hold(*iface, Ask::Interface);
    if (!held)
        return tl::unexpected(held.error());
    if (!held->running.link) {
        if (held->attached.id == 0)
            return false;
        return nothing_of_ours(*held);
    }
    if (!held->ours() && held->running.link->ifindex != held->iface.index)
        return fail(
            fmt::format("the pins in {} are of a policy on another interface", held->running.directory));
    step("detach");
    if (bpf_link_detach(held->running.link->fd.get()) != 0)
        return fail_errno(fmt::format("cannot detach from `{}`", name));
    step("unpin");
    if (auto removed = remove_directory(held->running.directory); !removed)
        return fail(fmt::format("the policy is off `{}`, but {}", name, removed.error().message),
                    "the next command removes what is left");
    held->lock.remove_file();
    return true;
}

} // namespace xdpc::rt
