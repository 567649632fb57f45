// Counters that outlive the program that counted them.
#include "runtime/generations.h"

#include <bpf/bpf.h>
#include <chrono>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace xdpc::rt {

Result<Fd> make_base(uint32_t slots) {
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_base", sizeof(uint32_t), sizeof(xdpc_counter),
                          slots == 0 ? 1 : slots, nullptr));
    if (!map.valid())
        return fail_errno("cannot make the map of carried counters");
    return map;
}

Result<std::vector<SlotCount>> read_base(int base_fd, uint32_t slots) {
    std::vector<SlotCount> counts(slots);
    for (uint32_t slot = 0; slot < slots; slot++) {
        xdpc_counter value{};
        if (bpf_map_lookup_elem(base_fd, &slot, &value) != 0)
            return fail_errno("cannot read the carried counters");
        counts[slot] = {value.packets, value.bytes};
    }
    return counts;
}

namespace {

Result<void> write_base(int base_fd, const std::vector<SlotCount>& counts) {
    for (uint32_t slot = 0; slot < counts.size(); slot++) {
        xdpc_counter value{counts[slot].packets, counts[slot].bytes};
        if (bpf_map_update_elem(base_fd, &slot, &value, BPF_ANY) != 0)
            return fail_errno("cannot write the carried counters");
    }
    return {};
}

Result<std::vector<SlotCount>> read_counted(const Generation& generation, uint32_t slots) {
    if (slots == 0)
        return std::vector<SlotCount>{};
    Fd counters = open_pin(generation.path + "/counters");
    if (!counters.valid())
        return fail_errno(fmt::format("cannot open {}/counters", generation.path));
    return read_counters(counters.get(), slots);
}

SlotCount operator+(const SlotCount& a, const SlotCount& b) {
    return {a.packets + b.packets, a.bytes + b.bytes};
}

/// `counts` of `from`'s slots in the order of `to`'s, zero where a slot is new.
std::vector<SlotCount> translate(const std::vector<SlotCount>& counts, const Artifact& from,
                                 const Artifact& to) {
    std::vector<SlotCount> translated(to.slots);
    auto move = [&](std::optional<uint32_t> old_slot, std::optional<uint32_t> new_slot) {
        if (old_slot && new_slot && *old_slot < counts.size() && *new_slot < translated.size())
            translated[*new_slot] = counts[*old_slot];
    };
    auto matches = match_deciders(from.deciders, to.deciders);
    for (size_t i = 0; i < matches.size(); i++) {
        if (!matches[i])
            continue;
        move(from.deciders[*matches[i]].slot, to.deciders[i].slot);
        move(from.deciders[*matches[i]].mid_slot, to.deciders[i].mid_slot);
    }
    for (const ArtifactCounter& counter : to.counters)
        for (const ArtifactCounter& old : from.counters)
            if (old.name == counter.name)
                move(old.slot, counter.slot);
    return translated;
}

/// Whether the generation still has all that counting needs; a removal that was begun takes pins away, and
/// is begun only after the carry.
bool complete(const Generation& generation, uint32_t slots) {
    return is_pinned(generation.path + "/base") && (slots == 0 || is_pinned(generation.path + "/counters"));
}

} // namespace

Result<std::vector<SlotCount>> read_totals(const Generation& generation, uint32_t slots) {
    Fd base = open_pin(generation.path + "/base");
    if (!base.valid())
        return fail_errno(fmt::format("cannot open {}/base", generation.path));
    auto totals = read_base(base.get(), slots);
    if (!totals)
        return totals;
    auto counted = read_counted(generation, slots);
    if (!counted)
        return counted;
    for (size_t slot = 0; slot < counted->size(); slot++)
        (*totals)[slot] = (*totals)[slot] + (*counted)[slot];
    return totals;
}

Result<void> carry_counters(const Generation& from, const Generation& to, const Artifact* old,
                            const Artifact* next) {
    std::optional<Meta> old_meta, next_meta;
    if (old == nullptr) {
        auto meta = read_meta(from);
        if (!meta && is_pinned(from.path + "/meta"))
            return tl::unexpected(meta.error());
        if (!meta)
            return {}; // its removal has begun, so this was done
        old = &old_meta.emplace(std::move(*meta)).artifact;
    }
    if (!complete(from, old->slots))
        return {};
    if (next == nullptr) {
        auto meta = read_meta(to);
        if (!meta)
            return tl::unexpected(meta.error());
        next = &next_meta.emplace(std::move(*meta)).artifact;
    }
    wait_for_running_programs();
    auto totals = read_totals(from, old->slots);
    if (!totals)
        return tl::unexpected(totals.error());
    Fd base = open_pin(to.path + "/base");
    if (!base.valid())
        return fail_errno(fmt::format("cannot open {}/base", to.path));
    return write_base(base.get(), translate(*totals, *old, *next));
}

Result<void> give_back_counters(const Generation& from, const Generation& to) {
    auto from_meta = read_meta(from);
    auto to_meta = read_meta(to);
    Fd base = open_pin(to.path + "/base");
    if (!from_meta || !to_meta || !base.valid())
        return fail("cannot give the counters back");
    wait_for_running_programs();
    auto counted = read_counted(from, from_meta->artifact.slots);
    auto carried = read_base(base.get(), to_meta->artifact.slots);
    if (!counted || !carried)
        return fail("cannot give the counters back");
    auto returned = translate(*counted, from_meta->artifact, to_meta->artifact);
    for (size_t slot = 0; slot < returned.size(); slot++)
        (*carried)[slot] = (*carried)[slot] + returned[slot];
    return write_base(base.get(), *carried);
}

void wait_for_running_programs() {
    // Programs run inside RCU read-side sections; this command is synchronize_rcu() by another name.
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0)
        return;
    // Refused on nohz_full kernels: a poll of packets (NAPI) takes far less than this.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

} // namespace xdpc::rt
