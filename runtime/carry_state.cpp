// What the old program counted and added since the new one's state was made, once nothing writes it any more.
#include "runtime/adopt.h"
#include "runtime/carry_sets.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

/// The later of two, where 0 is never.
uint64_t later(uint64_t a, uint64_t b) {
    return a == 0 || b == 0 ? 0 : std::max(a, b);
}

Result<void> move_one(const Fd& from, const BoundedTable& to, const KeyedEntry<xdpc_dynamic>& old,
                      uint64_t now) {
    auto [key, entry] = old;
    entry.life = 0;
    xdpc_dynamic there{};
    if (bpf_map_lookup_elem(to.hash, key.data(), &there) == 0) {
        there.packets += entry.packets;
        there.bytes += entry.bytes;
        there.expires_ns = later(there.expires_ns, entry.expires_ns);
        if (bpf_map_update_elem(to.hash, key.data(), &there, BPF_EXIST) != 0 && errno != ENOENT)
            return fail_errno("cannot write a table");
    } else if ((entry.flags & XDPC_ELEMENT_FILE) == 0) { // else the new policy does not give it any more
        if (auto put = put_in(to, key, entry, now); !put)
            return tl::unexpected(put.error());
    }
    bpf_map_delete_elem(from.get(), key.data());
    return {};
}

/// What rules wrote into a table that has another size in `to`: moved there, entry by entry.
Result<void> move_table(const Generation& from, uint32_t old_id, const Generation& to, uint32_t id,
                        const StateRecord& record) {
    const auto old_hash = open_if_pinned(from.path + "/" + set_map(old_id));
    auto opened = open_dynamic(to.path, record, id);
    if (!old_hash || !opened)
        return tl::unexpected(old_hash ? opened.error() : old_hash.error());
    if (!old_hash->valid() || !*opened)
        return {}; // no rule of one of them uses it
    uint64_t now = monotonic_now();
    auto entries = live_entries(old_hash->get(), words_of(record.artifact.sets[id].parts), now);
    if (!entries)
        return tl::unexpected(entries.error());
    for (const auto& entry : *entries) {
        if (auto moved = move_one(*old_hash, (*opened)->table, entry, now); !moved)
            return moved;
    }
    return {};
}

/// Of each set that both have and one of them was made from the other's. The newer one's carry pins say
/// which, and go where all is in it.
Result<void> carry(const Generation& from, const Generation& to, Carry way) {
    if (!is_pinned(from.path + "/state") || !is_pinned(to.path + "/state"))
        return {};
    auto old = read_record(from.path);
    auto next = read_record(to.path);
    if (!old || !next)
        return tl::unexpected(old ? next.error() : old.error());
    auto matches = match_sets(old->artifact.sets, next->artifact.sets);
    for (uint32_t id = 0; id < matches.size(); id++) {
        if (!matches[id])
            continue;
        const uint32_t old_id = *matches[id];
        const std::string path =
            way == Carry::On ? to.path + "/" + carry_pin(id) : from.path + "/" + carry_pin(old_id);
        const auto pinned = open_if_pinned(path);
        if (!pinned)
            return tl::unexpected(pinned.error());
        if (!pinned->valid())
            continue;
        const ArtifactSet& set = next->artifact.sets[id];
        auto done =
            is_dynamic(set)
                ? move_table(from, old_id, to, id, *next)
                : carry_counts({open_pin(from.path + "/" + inner_pin(old_id)), old->artifact.sets[old_id]},
                               {open_pin(to.path + "/" + inner_pin(id)), set}, *pinned, way);
        if (!done)
            return done;
        if (way == Carry::On)
            unlink(path.c_str());
    }
    return {};
}

} // namespace

Result<void> carry_state(const Generation& from, const Generation& to) {
    return carry(from, to, Carry::On);
}

Result<void> give_back_state(const Generation& from, const Generation& to) {
    return carry(from, to, Carry::Back);
}

} // namespace xdpc::rt
