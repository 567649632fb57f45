#include "runtime/adopt_sets.h"
#include "runtime/carry_sets.h"
#include "runtime/comments.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <map>
#include <sys/mman.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

/// The n-th of an identity continues the n-th.
template<class T, class Same>
std::vector<std::optional<uint32_t>> match(const std::vector<T>& previous, const std::vector<T>& next,
                                           Same same) {
    std::vector<std::optional<uint32_t>> found(next.size());
    std::vector<bool> taken(previous.size());
    for (size_t i = 0; i < next.size(); i++) {
        for (uint32_t j = 0; j < previous.size() && !found[i]; j++) {
            if (!taken[j] && same(previous[j], next[i])) {
                found[i] = j;
                taken[j] = true;
            }
        }
    }
    return found;
}

/// A rule without a name is known by its text, as its counters are.
bool has_rule_name(const std::string& display) {
    return display.find(':') == std::string::npos;
}

/// Places of the new policy's objects: those that go on keep theirs, others get one that the old policy does
/// not use.
Result<std::vector<uint32_t>> assign_slots(const std::vector<std::optional<uint32_t>>& from,
                                           const std::vector<uint32_t>& old_slots, bool shared) {
    std::vector<uint32_t> slots(from.size());
    std::vector<bool> used(XDPC_STATE_SLOTS);
    if (from.size() > XDPC_STATE_SLOTS / 2)
        return fail(fmt::format("the policy has more than {} limits, quotas or sets", XDPC_STATE_SLOTS / 2));
    for (uint32_t slot : shared ? old_slots : std::vector<uint32_t>{})
        used[slot % XDPC_STATE_SLOTS] = true;
    uint32_t next = 0;
    for (size_t i = 0; i < from.size(); i++) {
        if (shared && from[i]) {
            slots[i] = old_slots[*from[i]];
            continue;
        }
        while (used[next])
            next++;
        slots[i] = next++;
    }
    return slots;
}

struct Old {
    std::string path;
    StateRecord record;
    Result<void> read; // whether all that is handed on could be opened
};

/// Hands a whole map on; false where it is not pinned.
bool hand_on(LoadedState& state, Old& old, const std::string& old_name, const std::string& name) {
    auto map = open_if_pinned(old.path + "/" + old_name);
    if (!map)
        old.read = tl::unexpected(map.error());
    if (!map || !map->valid())
        return false;
    state.reuse.emplace(name, std::move(*map));
    return true;
}

/// Elements of the new policy's file, by key.
using FileKeys = std::map<std::vector<uint32_t>, size_t>;

Result<void> adopt_array(Adoption& out, const Artifact& next, uint32_t id, Old& old, uint32_t from,
                         const ElementText& text) {
    const ArtifactSet& set = next.sets[id];
    const ArtifactSet& before = old.record.artifact.sets[from];
    if (auto fits = check_types(before, set); !fits)
        return fits;
    auto array = map_array(open_pin(old.path + "/" + inner_pin(from)));
    if (!array)
        return tl::unexpected(array.error());
    auto table = open_table(*array, before);
    if (!table)
        return tl::unexpected(table.error());
    uint64_t now = monotonic_now();
    auto merged = merge_elements(before, set, next.elements[id], sets::live_elements(*table, now), now, text);
    if (!merged)
        return tl::unexpected(merged.error());
    merged->change.set = set.name;
    merged->change.family = set.family;
    out.changes.push_back(merged->change);
    if (!merged->differs && before == set && !table->damaged()) {
        out.state->arrays[id] = std::move(*array);
        return {};
    }
    auto built = build_array(set, merged->elements, now, text);
    if (!built)
        return tl::unexpected(built.error());
    out.state->arrays[id] = std::move(*built);
    if (before.has_counter && set.has_counter) {
        auto carry = make_carry(*table, merged->there);
        if (!carry)
            return tl::unexpected(carry.error());
        out.carry[id] = std::move(*carry);
    }
    return {};
}

/// The table goes on: what is in it counts as it stands.
Result<void> adopt_table(Adoption& out, const ArtifactSet& set, uint32_t id, const FileKeys& in_file,
                         SetChange& change, uint64_t now) {
    auto entries = live_entries(out.state->reuse.at(set_map(id)).get(), words_of(set.parts), now);
    if (!entries)
        return tl::unexpected(entries.error());
    for (const auto& entry : *entries) {
        if ((entry.entry.flags & XDPC_ELEMENT_FILE) != 0 && !in_file.contains(entry.key)) {
            out.leaving.emplace_back(id, entry.key);
            change.removed++;
            continue;
        }
        change.kept++;
        change.live += (entry.entry.flags & XDPC_ELEMENT_FILE) == 0 ? 1 : 0;
    }
    return {};
}

/// A table of another size: it begins with what the old one holds. What is counted and added there until the
/// old program has ended is carried (carry_state.cpp).
Result<void> copy_table(Adoption& out, const ArtifactSet& set, uint32_t id, const Fd& old_hash,
                        const FileKeys& in_file, SetChange& change, uint64_t now) {
    auto entries = live_entries(old_hash.get(), words_of(set.parts), now);
    if (!entries)
        return tl::unexpected(entries.error());
    std::vector<DynamicElement>& elements = out.state->elements[id];
    for (auto& [key, entry] : *entries) {
        auto found = in_file.find(key);
        if (found == in_file.end() && (entry.flags & XDPC_ELEMENT_FILE) != 0) {
            change.removed++;
            continue;
        }
        change.kept++;
        change.live += (entry.flags & XDPC_ELEMENT_FILE) == 0 ? 1 : 0;
        entry.packets = entry.bytes = 0;
        entry.life = 0;
        if (found == in_file.end())
            elements.push_back({key, entry});
        else
            elements[found->second].entry = entry;
    }
    if (elements.size() > set.size)
        return fail(
            fmt::format("set `{}` would have {} elements, {} of them added live, and its new size is {}",
                        set.name, elements.size(), change.live, set.size),
            "a larger `size`, or `xdpc set del`; `--reset-sets` starts all sets from the policy");
    return {};
}

Result<void> adopt_dynamic(Adoption& out, const Artifact& next, uint32_t id, Old& old, uint32_t from) {
    const ArtifactSet& set = next.sets[id];
    const ArtifactSet& before = old.record.artifact.sets[from];
    if (auto fits = check_types(before, set); !fits)
        return fits;
    if (before.names != set.names)
        return fail(fmt::format("set `{}` changes what its elements map to, and rules write it: its elements "
                                "cannot go on",
                                set.name),
                    "`--reset-sets` starts all sets from the policy");
    SetChange change{set.name, set.family};
    uint64_t now = monotonic_now();
    out.state->elements[id] = dynamic_elements(set, next.elements[id], now);
    size_t given = out.state->elements[id].size();
    FileKeys in_file;
    for (size_t i = 0; i < given; i++)
        in_file.emplace(out.state->elements[id][i].key, i);
    Result<void> done;
    if (before.size != set.size) {
        auto hash = open_if_pinned(old.path + "/" + set_map(from));
        if (!hash)
            return tl::unexpected(hash.error());
        if (hash->valid())
            done = copy_table(out, set, id, *hash, in_file, change, now);
        out.carry[id] = std::move(*hash);
    } else if (hand_on(*out.state, old, set_map(from), set_map(id)) &&
               hand_on(*out.state, old, set_ring(from), set_ring(id))) {
        done = adopt_table(out, set, id, in_file, change, now);
    }
    CommentRows rows = comments_of(out.state->elements[id]);
    auto comments = done.and_then([&] { return adopt_comments(rows, old.path, from, before); }).and_then([&] {
        return make_comments(set, rows);
    });
    if (!comments)
        return tl::unexpected(comments.error());
    out.state->comments[id] = std::move(*comments);
    change.elements = std::max<uint64_t>(change.kept, given + change.live);
    change.added = change.elements - change.kept;
    out.changes.push_back(change);
    return {};
}

Result<void> adopt_sets(Adoption& out, const Artifact& next, Old& old,
                        const std::vector<std::optional<uint32_t>>& from, const ElementText& text) {
    for (uint32_t id = 0; id < next.sets.size(); id++) {
        if (!from[id])
            continue;
        auto done = is_dynamic(next.sets[id]) ? adopt_dynamic(out, next, id, old, *from[id])
                                              : adopt_array(out, next, id, old, *from[id], text);
        if (!done)
            return done;
    }
    return {};
}

Result<void> adopt_rest(Adoption& out, const Artifact& next, Old& old,
                        std::vector<std::optional<uint32_t>> sets) {
    LoadedState& state = *out.state;
    const Artifact& before = old.record.artifact;
    auto limits = match_limits(before.limits, next.limits);
    auto quotas = match_quotas(before.quotas, next.quotas);
    for (uint32_t id = 0; id < next.sets.size(); id++)
        if (sets[id] && !state.reuse.contains(set_map(id)))
            sets[id].reset();
    bool limits_go_on = hand_on(state, old, "limits", "limits");
    bool quotas_go_on = hand_on(state, old, "quotas", "quotas");
    bool sets_go_on = hand_on(state, old, "dynamic", "dynamic");
    for (uint32_t id = 0; limits_go_on && id < next.limits.size(); id++) {
        if (!limits[id] || next.limits[id].key.empty())
            continue;
        if (!hand_on(state, old, limit_map(*limits[id]), limit_map(id)) ||
            !hand_on(state, old, limit_ring(*limits[id]), limit_ring(id)))
            limits[id].reset();
    }
    auto limit_slots = assign_slots(limits, old.record.slots.limits, limits_go_on);
    auto quota_slots = assign_slots(quotas, old.record.slots.quotas, quotas_go_on);
    auto set_slots = assign_slots(sets, old.record.slots.sets, sets_go_on);
    if (!limit_slots || !quota_slots || !set_slots)
        return tl::unexpected(Error{"the policy has too many limits, quotas or sets", {}});
    state.slots = {*limit_slots, *quota_slots, *set_slots};
    for (uint32_t id = 0; id < limits.size(); id++)
        state.keep_limits[id] = limits_go_on && limits[id];
    for (uint32_t id = 0; id < quotas.size(); id++)
        state.keep_quotas[id] = quotas_go_on && quotas[id];
    for (uint32_t id = 0; id < sets.size(); id++)
        state.keep_sets[id] = sets_go_on && sets[id];
    return {};
}

} // namespace

std::vector<std::optional<uint32_t>> match_sets(const std::vector<ArtifactSet>& previous,
                                                const std::vector<ArtifactSet>& next) {
    return match(previous, next, [](const ArtifactSet& a, const ArtifactSet& b) {
        return a.name == b.name && a.family == b.family;
    });
}
std::vector<std::optional<uint32_t>> match_limits(const std::vector<ArtifactLimit>& previous,
                                                  const std::vector<ArtifactLimit>& next) {
    return match(previous, next, [](const ArtifactLimit& a, const ArtifactLimit& b) {
        bool same = a.name != b.name           ? false
                    : !a.name.empty()          ? true
                    : has_rule_name(a.display) ? a.display == b.display
                                               : a.text == b.text && !has_rule_name(b.display);
        return same && a.key == b.key && a.size == b.size;
    });
}
std::vector<std::optional<uint32_t>> match_quotas(const std::vector<ArtifactQuota>& previous,
                                                  const std::vector<ArtifactQuota>& next) {
    return match(previous, next, [](const ArtifactQuota& a, const ArtifactQuota& b) {
        bool same = a.name != b.name           ? false
                    : !a.name.empty()          ? true
                    : has_rule_name(a.display) ? a.display == b.display
                                               : a.bytes == b.bytes && !has_rule_name(b.display);
        return same;
    });
}

Result<Adoption> adopt(const Artifact& next, const Generation* previous, bool reset_sets,
                       const ElementText& text) {
    Adoption out;
    std::optional<Old> old;
    std::vector<std::optional<uint32_t>> from(next.sets.size());
    if (previous != nullptr && is_pinned(previous->path + "/state")) {
        auto record = read_record(previous->path);
        if (!record)
            return tl::unexpected(record.error());
        old = Old{previous->path, std::move(*record), {}};
        if (!reset_sets)
            from = match_sets(old->record.artifact.sets, next.sets);
    }
    std::vector<bool> matched;
    for (const auto& each : from)
        matched.push_back(each.has_value());
    auto fresh = fresh_state(next, monotonic_now(), matched);
    if (!fresh)
        return tl::unexpected(fresh.error());
    out.state = std::make_shared<LoadedState>(std::move(*fresh));
    out.carry.resize(next.sets.size());
    if (!old)
        return out;
    if (auto done = adopt_sets(out, next, *old, from, text); !done)
        return tl::unexpected(done.error());
    if (auto done = adopt_rest(out, next, *old, from).and_then([&] { return old->read; }); !done)
        return tl::unexpected(done.error());
    return out;
}

} // namespace xdpc::rt
