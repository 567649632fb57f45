#include "runtime/adopt.h"
#include "runtime/exchange_sets.h"
#include "runtime/hooked.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstdio>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

std::function<void(const char*)>& hook() {
    static std::function<void(const char*)> function;
    return function;
}

/// 0 where none is pinned.
Result<uint32_t> entry_program_id(const Generation& generation, bool hooked) {
    const auto program = open_if_pinned(entry_program_pin(generation, hooked));
    if (!program)
        return tl::unexpected(program.error());
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    if (program->valid() && bpf_obj_get_info_by_fd(program->get(), &info, &size) != 0)
        return fail_errno(fmt::format("cannot ask for the program in {}", generation.path));
    return info.id;
}

} // namespace

void set_step_hook(std::function<void(const char*)> function) {
    hook() = std::move(function);
}

void step(const char* name) {
    if (hook())
        hook()(name);
}

Result<Running> find_running(const std::string& directory) {
    Running running;
    running.directory = directory;
    if (directory.empty())
        return running;
    auto link = open_link(directory);
    if (!link)
        return tl::unexpected(link.error());
    running.link = std::move(*link);
    if (running.link && running.link->ifindex != 0) {
        auto all = generations(directory);
        if (!all)
            return tl::unexpected(all.error());
        running.generations = std::move(*all);
        for (const Generation& generation : running.generations) {
            const auto silent = entry_program_id(generation, false);
            const auto hooked = silent ? entry_program_id(generation, true) : silent;
            if (!hooked) // what runs must not be taken for what does not
                return tl::unexpected(hooked.error());
            if (*silent == running.link->program_id || *hooked == running.link->program_id) {
                running.live = generation;
                running.hooked = *silent != running.link->program_id;
            }
        }
    }
    return running;
}

Result<Running> repair(const std::string& directory) {
    auto running = find_running(directory);
    if (!running || directory.empty())
        return running;
    // Killed before the link was pinned, or in detach; or the interface is gone.
    if (!running->link || running->link->ifindex == 0) {
        if (auto removed = remove_directory(directory); !removed)
            return tl::unexpected(removed.error());
        return Running{};
    }
    for (const Generation& generation : running->generations) {
        if (running->live && generation.number == running->live->number)
            continue;
        // An older one was replaced: its counts are to be carried. A newer one never came to run.
        if (running->live && generation.number < running->live->number) {
            auto carried = carry_counters(generation, *running->live).and_then([&] {
                return carry_state(generation, *running->live);
            });
            if (!carried)
                return tl::unexpected(carried.error());
        }
        if (auto removed = remove_generation(generation); !removed)
            return tl::unexpected(removed.error());
    }
    if (running->live) {
        if (auto finished = finish_exchange(running->live->path); !finished)
            return tl::unexpected(finished.error());
        unhook_unwatched(*running);
    }
    return running;
}

void repair_all() {
    const auto all = all_interface_directories();
    if (!all)
        return; // who looks says so
    for (const DirectoryOf& directory : *all) {
        InterfaceLock lock = InterfaceLock::try_acquire(directory.network_namespace, directory.ifindex);
        if (!lock.valid())
            continue; // at work, or not permitted
        auto running = repair(directory.path);
        if (running && running->directory.empty())
            lock.remove_file();
    }
    remove_stale_lock_files();
}

} // namespace xdpc::rt
