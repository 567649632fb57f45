// A dynamic set whose size changes: what is left in the old table, once nothing writes it any more.
#include "runtime/adopt.h"

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
    const auto& [key, entry] = old;
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

Result<void> move_table(const Generation& from, uint32_t old_id, const Generation& to, uint32_t id,
                        const StateRecord& record) {
    const ArtifactSet& set = record.artifact.sets[id];
    Fd old_hash = open_pin(from.path + "/" + set_map(old_id));
    Fd hash = open_pin(to.path + "/" + set_map(id));
    Fd ring = open_pin(to.path + "/" + set_ring(id));
    Fd shared = open_pin(to.path + "/dynamic");
    if (!old_hash.valid() || !hash.valid() || !ring.valid() || !shared.valid())
        return {}; // no rule of one of them uses it
    auto memory = map_all(shared.get());
    auto entries = dynamic_entries(old_hash.get(), words_of(set.parts));
    if (!memory || !entries)
        return tl::unexpected(memory ? entries.error() : memory.error());
    auto* cursors = static_cast<xdpc_dynamic_set*>(memory->address());
    auto table = open_bounded(hash.get(), ring.get(), &cursors[record.slots.sets[id]].cursor, set.size,
                              words_of(set.parts));
    if (!table)
        return tl::unexpected(table.error());
    uint64_t now = monotonic_now();
    for (const auto& entry : *entries) {
        if (entry.entry.expires_ns != 0 && entry.entry.expires_ns <= now)
            continue;
        if (auto moved = move_one(old_hash, *table, entry, now); !moved)
            return moved;
    }
    return {};
}

} // namespace

Result<void> move_tables(const Generation& from, const Generation& to, const Generation& newer) {
    auto old = read_record(from.path);
    auto next = read_record(to.path);
    if (!old || !next)
        return {};
    auto matches = match_sets(old->artifact.sets, next->artifact.sets);
    for (uint32_t id = 0; id < matches.size(); id++) {
        if (!matches[id])
            continue;
        const uint32_t newer_id = newer.path == to.path ? id : *matches[id];
        const std::string carry = newer.path + "/" + carry_pin(newer_id);
        if (!is_dynamic(next->artifact.sets[id]) || !open_pin(carry).valid())
            continue;
        if (auto moved = move_table(from, *matches[id], to, id, *next); !moved)
            return moved;
        if (newer.path == to.path)
            unlink(carry.c_str());
    }
    return {};
}

} // namespace xdpc::rt
