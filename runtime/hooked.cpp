#include "runtime/hooked.h"
#include "runtime/state_maps.h"

#include <bpf/bpf.h>
#include <cinttypes>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

std::string hooked_path(const Generation& generation) {
    return generation.path + "/hooked";
}

/// The pin of the program without hooks that stands at a place of the array while one with them is there.
std::string silent_pin(const Generation& generation, uint32_t index) {
    return fmt::format("{}/silent{}", hooked_path(generation), index);
}

/// Which place of the array `programs` that one has; none for the first, which is attached.
std::optional<uint32_t> index_of(const Code& code) {
    uint32_t index = 0;
    return sscanf(code.name.c_str(), "xdpc_%" SCNu32, &index) == 1 ? std::optional(index) : std::nullopt;
}

Result<void> replace_part(const Generation& generation, const Fd& programs, uint32_t index, const Fd& by) {
    uint32_t id = 0;
    if (bpf_map_lookup_elem(programs.get(), &index, &id) != 0)
        return fail_errno(fmt::format("cannot look into {}/{}", generation.path, programs_map));
    const Fd silent(bpf_prog_get_fd_by_id(id));
    if (!silent.valid())
        return fail_errno(fmt::format("cannot open the program {}", id));
    if (auto pinned = pin(silent, silent_pin(generation, index)); !pinned)
        return pinned;
    const int fd = by.get();
    if (bpf_map_update_elem(programs.get(), &index, &fd, BPF_ANY) != 0)
        return fail_errno(fmt::format("cannot replace the program {}", id));
    return {};
}

Result<void> update_link(const Running& running, const Fd& from, const Fd& to) {
    LIBBPF_OPTS(bpf_link_update_opts, options, .flags = BPF_F_REPLACE,
                .old_prog_fd = static_cast<uint32_t>(from.get()));
    if (bpf_link_update(running.link->fd.get(), to.get(), &options) != 0)
        return fail_errno("cannot exchange the program for one with or without hooks");
    return {};
}

/// Those without hooks to their places in the array, and all that was pinned for the others away.
Result<void> restore_parts(const Generation& generation) {
    const Fd programs = open_pin(fmt::format("{}/{}", generation.path, programs_map));
    const auto names = names_in(hooked_path(generation));
    if (!names)
        return tl::unexpected(names.error());
    for (const std::string& name : *names) {
        uint32_t index = 0;
        if (sscanf(name.c_str(), "silent%" SCNu32, &index) != 1)
            continue;
        const Fd silent = open_pin(silent_pin(generation, index));
        const int fd = silent.get();
        if (bpf_map_update_elem(programs.get(), &index, &fd, BPF_ANY) != 0)
            return fail_errno(fmt::format("cannot write {}/{}", generation.path, programs_map));
    }
    return remove_tree(hooked_path(generation));
}

} // namespace

bool has_captures(const Generation& generation) {
    const Fd map = open_pin(generation.path + "/capture");
    xdpc_capture capture{};
    bpf_map_info info{};
    uint32_t size = sizeof info;
    const uint32_t key = 0;
    if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0 ||
        info.value_size != sizeof capture || bpf_map_lookup_elem(map.get(), &key, &capture) != 0)
        return false;
    const uint64_t now = monotonic_now();
    for (uint32_t place = 0; place < XDPC_LISTENERS; place++) {
        if ((capture.capturing >> place & 1) != 0 && now < capture.listeners[place].until_ns)
            return true;
    }
    return false;
}

std::string entry_program_pin(const Generation& generation, bool hooked) {
    return (hooked ? hooked_path(generation) : generation.path) + "/prog";
}

Fd entry_program(const Generation& generation, bool hooked) {
    return open_pin(entry_program_pin(generation, hooked));
}

Result<Fd> make_hooked(const Generation& generation) {
    const std::string record = generation.path + "/code";
    if (access(record.c_str(), F_OK) != 0)
        return Fd();
    auto code = read_code_map(record);
    if (!code)
        return tl::unexpected(code.error());
    const Fd silent = entry_program(generation, false);
    const Fd programs = open_pin(fmt::format("{}/{}", generation.path, programs_map));
    std::vector<Fd> loaded;
    for (const Code& each : *code) { // all, before any is exchanged
        auto program = load_hooked(each, silent);
        if (!program)
            return program;
        loaded.push_back(std::move(*program));
    }
    Result<void> done = make_directories(hooked_path(generation));
    Fd entry;
    for (size_t i = 0; done && i < loaded.size(); i++) {
        if (const auto index = index_of((*code)[i])) {
            done = replace_part(generation, programs, *index, loaded[i]);
        } else {
            done = pin(loaded[i], hooked_path(generation) + "/prog");
            entry = std::move(loaded[i]);
        }
    }
    if (!done) {
        (void)restore_parts(generation);
        return tl::unexpected(done.error());
    }
    return entry;
}

namespace {

/// Which program the link runs, after it was changed.
void look_again(Running& running, bool hooked) {
    auto link = open_link(running.directory);
    if (link && *link)
        running.link = std::move(*link);
    running.hooked = hooked;
}

/// Also finishes what a killed command began.
Result<void> unhook(Running& running) {
    const Generation& live = *running.live;
    if (running.hooked) {
        auto swapped = update_link(running, entry_program(live, true), entry_program(live, false));
        if (!swapped)
            return swapped;
        look_again(running, false);
        step("unhook");
    }
    return restore_parts(live);
}

bool has_hooked_pins(const Generation& generation) {
    return access(hooked_path(generation).c_str(), F_OK) == 0;
}

} // namespace

Result<void> hook(Running& running) {
    if (running.hooked)
        return {};
    const Generation& live = *running.live;
    if (has_hooked_pins(live)) { // a killed command's
        if (auto undone = unhook(running); !undone)
            return undone;
    }
    auto entry = make_hooked(live);
    if (!entry)
        return tl::unexpected(entry.error());
    if (!entry->valid())
        return {};
    step("hook");
    auto swapped = update_link(running, entry_program(live, false), *entry);
    if (swapped)
        look_again(running, true);
    else
        (void)restore_parts(live);
    return swapped;
}

void unhook_unwatched(Running& running) {
    if (has_hooked_pins(*running.live) && !has_captures(*running.live))
        (void)unhook(running);
}

} // namespace xdpc::rt
