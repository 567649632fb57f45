#include "runtime/target.h"
#include "runtime/devices.h"
#include "runtime/event_maps.h"
#include "runtime/hooked.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

namespace xdpc::rt {

namespace {

std::string describe(const AttachedProgram& program) {
    std::string name = program_name(program.id);
    return name.empty() ? fmt::format("program {}", program.id)
                        : fmt::format("program {} `{}`", program.id, name);
}

Result<void> refuse_foreign(Target& target, const ApplyOptions& options) {
    target.foreign = true;
    if (options.force) {
        target.foreign_program = program_by_id(target.attached.id);
        return {};
    }
    std::string hint = "`--force` replaces it";
    if (program_name(target.attached.id) == "xdpc")
        hint +=
            "; if xdpc applied it, its pins are in another mount namespace's /sys/fs/bpf, or it belongs to "
            "an interface that has moved here";
    return fail(fmt::format("`{}` runs {}, which is not ours", target.iface.name, describe(target.attached)),
                hint);
}

Result<void> check_mode(Target& target, const ApplyOptions& options) {
    target.report.mode = target.attached.mode;
    if (options.mode == Mode::Auto || options.mode == target.attached.mode)
        return {};
    return fail(fmt::format("the policy on `{}` runs in {} mode; {} mode needs it off first",
                            target.iface.name, name_of(target.attached.mode), name_of(options.mode)),
                fmt::format("`xdpc detach -i {}`, then apply again", target.iface.name));
}

} // namespace

Result<void> inspect(Target& target, const Artifact& artifact, const ApplyOptions& options) {
    auto attached = attached_program(target.iface);
    if (!attached)
        return tl::unexpected(attached.error());
    target.attached = *attached;
    target.report.iface = target.iface.name;
    target.report.mode = options.mode == Mode::Auto ? Mode::Native : options.mode;
    const auto& link = target.running.link;
    bool ours = link && link->ifindex == target.iface.index && link->program_id == target.attached.id;
    if (target.attached.id != 0 && !ours) {
        if (auto accepted = refuse_foreign(target, options); !accepted)
            return accepted;
    }
    if (link && !ours)
        return fail(
            fmt::format("the pins in {} are of a policy on another interface", target.running.directory),
            "an interface was moved to another network namespace: remove the pins to end its policy");
    if (ours) {
        if (auto accepted = check_mode(target, options); !accepted)
            return accepted;
        target.report.replaced = true;
    }
    if (target.running.live) {
        if (auto meta = read_meta(*target.running.live))
            target.previous = std::move(*meta);
    }
    target.report.changes = compare_deciders(
        target.previous ? target.previous->artifact.deciders : std::vector<Decider>{}, artifact.deciders);
    return {};
}

Result<void> adopt_state(Target& target, const Artifact& artifact, const ApplyOptions& options) {
    const Generation* previous = target.running.live ? &*target.running.live : nullptr;
    auto adopted = adopt(artifact, previous, options.reset_sets, options.element_text);
    if (!adopted)
        return tl::unexpected(adopted.error());
    target.adoption = std::move(*adopted);
    target.report.sets = target.adoption.changes;
    return {};
}

namespace {

/// Whether a packet leaves more behind than counts of rules.
bool has_state(const Artifact& artifact) {
    return !artifact.sets.empty() || !artifact.limits.empty() || !artifact.quotas.empty() ||
           !artifact.logs.empty();
}

/// A TCP segment over IPv4: enough for any program to have something to look at.
constexpr uint8_t smoke_frame[64] = {2, 0, 0, 0,  0, 1, 2, 0,  0, 0, 0, 2,  8, 0, 0x45, 0, 0,  50, 0,
                                     0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,    0, 80, 0,  80};

tl::unexpected<LoadError> as_load_error(Error error) {
    return tl::unexpected<LoadError>({std::move(error), {}});
}

/// The program has its number in it, so it is chosen before loading.
Result<void> number_generation(Target& target) {
    std::string directory = target.running.directory;
    if (directory.empty())
        directory = new_interface_directory(target.network_namespace, target.iface);
    const auto earlier = generations(directory);
    if (!earlier)
        return tl::unexpected(earlier.error());
    target.generation = generation_of(directory, earlier->empty() ? 1 : earlier->back().number + 1);
    target.report.generation = target.generation.number;
    return {};
}

} // namespace

tl::expected<void, LoadError> load_for(Target& target, const Artifact& artifact, bool measure) {
    step("load");
    if (auto numbered = number_generation(target); !numbered)
        return as_load_error(numbered.error());
    const SharedMaps shared(target.running.live);
    LoadOptions options{{target.iface.name, target.generation.number}, measure, target.adoption.state};
    options.shared = shared.by_name();
    // Not owned: the artifact lives until all is applied.
    auto loaded = load_shared({std::shared_ptr<const void>(), &artifact}, options);
    if (!loaded)
        return tl::unexpected(loaded.error());
    auto filled =
        fill_devices(*loaded, target.devices).and_then([&] { return fill_ports(*loaded, target.ports); });
    if (!filled)
        return as_load_error(filled.error());
    step("smoke");
    // State may be that of the running policy, and is none of this packet's business.
    auto ran = has_state(artifact) ? RunResult{} : test_run(*loaded, smoke_frame);
    if (!ran)
        return as_load_error({"the loaded program fails on a test packet: " + ran.error().message, {}});
    int counters = loaded->map_fd("counters");
    if (artifact.slots != 0 && counters < 0)
        return as_load_error({"the program counts but has no map `counters`", "build it again"});
    if (auto cleared = clear_counters(counters, artifact.slots); !cleared)
        return as_load_error(cleared.error());
    target.report.verifier = loaded->report();
    target.report.load_ms = loaded->report().load_ms;
    target.report.program_id = loaded->program_id();
    if (target.previous)
        carry_log_times(*target.running.live, target.previous->artifact, *loaded);
    target.loaded = std::move(*loaded);
    return {};
}

void note_tags(Target& target, const Artifact& artifact, const ApplyOptions& options) {
    // Who asks for it to be on knows.
    if (!artifact.reads_tags || options.rxvlan == true || rxvlan_offload(target.iface) != true)
        return;
    // A veth's switch changes nothing: its peer decides whether the tag travels in the frame or beside it.
    if (driver_of(target.iface) == "veth")
        target.report.notes.push_back(fmt::format(
            "the policy looks at VLAN tags, but `{}` is a veth: XDP does not see the tags that its "
            "peer's stack adds (802.1Q devices, bridges) unless on the peer `ethtool -K PEER txvlan "
            "off` is done",
            target.iface.name));
    else if (options.rxvlan != false)
        target.report.notes.push_back(fmt::format(
            "the policy looks at VLAN tags, but `{0}` may take them off before XDP sees the frame "
            "(rx-vlan-offload is on): `ethtool -K {0} rxvlan off`, or apply with `--rxvlan off`",
            target.iface.name));
}

Result<void> turn_off_rxvlan(Target& target, const Artifact& artifact, const ApplyOptions& options) {
    if (!artifact.reads_tags || options.rxvlan != false || rxvlan_offload(target.iface) != true)
        return {};
    if (auto off = set_rxvlan_offload(target.iface, false); !off)
        return off;
    target.rxvlan_changed = true;
    target.report.notes.push_back(fmt::format("turned rx-vlan-offload of `{}` off", target.iface.name));
    return {};
}

namespace {

/// Errors by which drivers say that they cannot run this natively, now or ever (MTU, queues, no support).
bool native_is_refused(int error) {
    constexpr int kernel_not_supported = 524;
    return error == EOPNOTSUPP || error == EINVAL || error == ERANGE || error == ENOMEM || error == ENOSPC ||
           error == E2BIG || error == kernel_not_supported;
}

Fd create_link(const Target& target, Mode mode) {
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = flags_of(mode));
    return Fd(bpf_link_create(target.loaded->program_fd(), static_cast<int>(target.iface.index), BPF_XDP,
                              &options));
}

Result<Fd> create_link_in_mode(Target& target, Mode wanted) {
    Mode mode = wanted == Mode::Auto ? Mode::Native : wanted;
    Fd link = create_link(target, mode);
    int error = errno;
    if (!link.valid() && wanted == Mode::Auto && native_is_refused(error)) {
        std::string reason = fail_errno("", error).value().message;
        mode = Mode::Generic;
        link = create_link(target, mode);
        if (link.valid())
            target.report.notes.push_back(fmt::format(
                "the driver of `{}` does not take XDP programs natively{}: attached in generic mode, "
                "which is slower",
                target.iface.name, reason));
        else
            error = errno;
    }
    target.report.mode = mode;
    if (link.valid())
        return link;
    auto failed =
        fail_errno(fmt::format("cannot attach to `{}` in {} mode", target.iface.name, name_of(mode)), error);
    if (wanted == Mode::Native && native_is_refused(error))
        failed.value().hint =
            "the driver may not support XDP, or not with this MTU or number of queues; `--mode "
            "generic` works everywhere";
    if (wanted == Mode::Offload)
        failed.value().hint =
            "few cards run programs themselves, and none with programs loaded for the host; "
            "leave `--mode` out";
    return failed;
}

Fd old_program_of(const Target& target) {
    const Running& running = target.running;
    return running.live ? entry_program(*running.live, running.hooked) : Fd();
}

Result<void> swap(Target& target) {
    step("swap");
    const PinnedLink& link = *target.running.link;
    Fd old_program = old_program_of(target);
    if (target.running.live && !old_program.valid())
        return fail_errno(fmt::format("cannot open the program that runs on `{}`", target.iface.name));
    LIBBPF_OPTS(bpf_link_update_opts, options);
    if (old_program.valid()) {
        options.flags = BPF_F_REPLACE;
        options.old_prog_fd = static_cast<uint32_t>(old_program.get());
    }
    const int program = target.hooked.valid() ? target.hooked.get() : target.loaded->program_fd();
    if (bpf_link_update(link.fd.get(), program, &options) != 0)
        return fail_errno(fmt::format("cannot replace the program on `{}`", target.iface.name));
    target.swapped = true;
    return {};
}

} // namespace

Result<void> attach(Target& target, const ApplyOptions& options) {
    // As late as can be: where tables go on, the running program sees these elements too.
    if (auto filled = target.loaded->fill_tables(monotonic_now(), &target.added); !filled)
        return filled;
    if (target.running.link)
        return swap(target);
    step("attach");
    if (target.foreign) {
        if (auto removed = remove_foreign(target.iface, target.attached); !removed)
            return removed;
        target.foreign_removed = true;
        target.report.notes.push_back(fmt::format("replaced the foreign program {} on `{}`; between the two, "
                                                  "packets passed unfiltered for an instant",
                                                  target.attached.id, target.iface.name));
    }
    auto link = create_link_in_mode(target, options.mode);
    if (!link)
        return tl::unexpected(link.error());
    target.link = std::move(*link);
    target.attached_now = true;
    step("pin-link");
    std::string directory = target.generation.path.substr(0, target.generation.path.rfind('/'));
    return pin(target.link, directory + "/link");
}

namespace {
void remove_keys(const Target& target, const AddedKeys& keys) {
    for (const auto& [set, key] : keys)
        bpf_map_delete_elem(target.loaded->map_fd(set_map(set)), key.data());
}
} // namespace

void finish(Target& target) {
    if (!target.swapped)
        return;
    step("carry");
    remove_keys(target, target.adoption.leaving);
    const auto all = generations(target.running.directory);
    if (!all)
        return; // the next command carries and removes what is left
    for (const Generation& old : *all) {
        if (old.number >= target.generation.number)
            continue;
        const bool replaced = target.previous && old.number == target.running.live->number;
        auto carried = carry_counters(old, target.generation, replaced ? &target.previous->artifact : nullptr,
                                      &target.loaded->artifact())
                           .and_then([&] { return carry_state(old, target.generation); });
        if (carried) {
            step("unpin");
            carried = remove_generation(old);
        }
        if (!carried)
            target.report.notes.push_back(carried.error().message + "; the next command tries again");
    }
}

namespace {

/// Puts the old program back where the new one already ran.
Result<void> swap_back(Target& target) {
    Fd old_program = old_program_of(target);
    if (!old_program.valid())
        return fail(fmt::format("the earlier program of `{}` is gone: the new one stays", target.iface.name));
    if (bpf_link_update(target.running.link->fd.get(), old_program.get(), nullptr) != 0)
        return fail_errno(fmt::format("cannot put the earlier program of `{}` back", target.iface.name));
    // What the new one counted meanwhile; not worth failing for.
    (void)give_back_counters(target.generation, *target.running.live);
    (void)give_back_state(target.generation, *target.running.live);
    return {};
}

} // namespace

Result<void> undo(Target& target) {
    if (target.swapped) {
        if (auto back = swap_back(target); !back) {
            // The new program runs and its pins must stay: as good as applied.
            finish(target);
            return back;
        }
    }
    Result<void> undone;
    if (target.loaded)
        remove_keys(target, target.added);
    if (target.attached_now && bpf_link_detach(target.link.get()) != 0)
        undone = fail_errno(fmt::format("cannot detach from `{}` again", target.iface.name));
    if (undone && target.foreign_removed)
        undone = restore_foreign(target.iface, target.attached, target.foreign_program);
    if (target.rxvlan_changed)
        (void)set_rxvlan_offload(target.iface, true);
    if (!target.pinned)
        return undone;
    std::string directory = target.generation.path.substr(0, target.generation.path.rfind('/'));
    auto removed = target.running.link ? remove_generation(target.generation) : remove_directory(directory);
    return undone ? removed : undone;
}

} // namespace xdpc::rt
