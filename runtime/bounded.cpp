#include "runtime/bounded.h"
#include "runtime/pins.h"

#include <algorithm>
#include <atomic>
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <sched.h>

namespace xdpc::rt {

namespace {

/// The last word of a ring's place.
enum Mark : uint32_t { Taken = 1, Busy = 2 };

constexpr size_t stride_of(uint32_t words) {
    return (size_t{words} + 1 + 1) / 2 * 2; // words; places are multiples of eight bytes
}

bool is_free(const xdpc_bucket& bucket, uint64_t now) {
    return bucket.full_at <= now;
}
bool is_free(const xdpc_dynamic& element, uint64_t now) {
    return expired(element, now);
}

/// Looks at one place: takes it for the key and puts the entry in, or leaves it.
template<class Entry>
Result<std::optional<PutIn>> try_place(const BoundedTable& table, uint32_t place,
                                       std::span<const uint32_t> key, Entry& entry, uint64_t now) {
    auto* words = static_cast<uint32_t*>(table.ring.address()) + place * stride_of(table.words);
    std::atomic_ref<uint32_t> mark(words[table.words]);
    uint32_t was = mark.load();
    if (was == Busy || !mark.compare_exchange_strong(was, Busy))
        return std::nullopt;
    if (was == Taken) {
        Entry there{};
        if (bpf_map_lookup_elem(table.hash, words, &there) == 0 && there.place == place) {
            if (!is_free(there, now)) {
                mark.store(Taken);
                return std::nullopt;
            }
            bpf_map_delete_elem(table.hash, words);
        }
    }
    std::copy_n(key.data(), table.words, words);
    entry.place = place;
    int error = bpf_map_update_elem(table.hash, key.data(), &entry, BPF_NOEXIST) == 0 ? 0 : errno;
    mark.store(Taken);
    if (error == 0)
        return PutIn::Done;
    if (error == EEXIST)
        return PutIn::Exists;
    if (error == E2BIG)
        return PutIn::Full;
    return fail_errno("cannot write a table", error);
}

template<class Entry>
Result<PutIn> put(const BoundedTable& table, std::span<const uint32_t> key, Entry entry, uint64_t now) {
    std::atomic_ref<uint64_t> cursor(*table.cursor);
    for (uint64_t tried = 0; tried < std::max<uint64_t>(table.size, XDPC_RING_PROBES); tried++) {
        auto place = static_cast<uint32_t>(cursor.fetch_add(1) % table.size);
        auto taken = try_place(table, place, key, entry, now);
        if (!taken)
            return tl::unexpected(taken.error());
        if (*taken)
            return **taken;
    }
    return PutIn::Full;
}

template<class Entry> Result<std::vector<KeyedEntry<Entry>>> entries(int fd, uint32_t words) {
    constexpr uint32_t batch_size = 4096;
    std::vector<KeyedEntry<Entry>> all;
    std::vector<uint32_t> keys(size_t{words} * batch_size);
    std::vector<Entry> values(batch_size);
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    uint32_t batch = 0;
    for (bool more = true, first = true; more; first = false) {
        uint32_t count = batch_size;
        int error = bpf_map_lookup_batch(fd, first ? nullptr : &batch, &batch, keys.data(), values.data(),
                                         &count, &options);
        more = error == 0;
        if (error != 0 && errno != ENOENT)
            return fail_errno("cannot read a table");
        for (uint32_t i = 0; i < count; i++)
            all.push_back({{keys.begin() + i * words, keys.begin() + (i + 1) * words}, values[i]});
    }
    return all;
}

} // namespace

Result<BoundedTable> open_bounded(int hash_fd, int ring_fd, uint64_t* cursor, uint32_t size, uint32_t words) {
    auto ring = map_all(ring_fd);
    if (!ring)
        return tl::unexpected(ring.error());
    if (ring->size() < stride_of(words) * sizeof(uint32_t) * size || size == 0)
        return fail("a table's ring is smaller than the table");
    return BoundedTable{hash_fd, std::move(*ring), cursor, size, words};
}

Result<std::optional<DynamicTable>> open_dynamic(const std::string& generation_path,
                                                 const StateRecord& record, uint32_t set) {
    DynamicTable opened;
    const std::pair<Fd*, std::string> maps[] = {
        {&opened.hash, set_map(set)}, {&opened.ring, set_ring(set)}, {&opened.shared, "dynamic"}};
    for (const auto& [to, name] : maps) {
        auto pinned = open_if_pinned(generation_path + "/" + name);
        if (!pinned)
            return tl::unexpected(pinned.error());
        *to = std::move(*pinned);
    }
    if (!opened.hash.valid() || !opened.ring.valid() || !opened.shared.valid())
        return std::optional<DynamicTable>{};
    auto memory = map_all(opened.shared.get());
    if (!memory)
        return tl::unexpected(memory.error());
    opened.memory = std::move(*memory);
    auto* entries = static_cast<xdpc_dynamic_set*>(opened.memory.address());
    const ArtifactSet& described = record.artifact.sets[set];
    auto table = open_bounded(opened.hash.get(), opened.ring.get(), &entries[record.slots.sets[set]].cursor,
                              described.size, words_of(described.parts));
    if (!table)
        return tl::unexpected(table.error());
    opened.table = std::move(*table);
    return std::optional(std::move(opened));
}

Result<PutIn> put_in(const BoundedTable& table, std::span<const uint32_t> key, xdpc_dynamic entry,
                     uint64_t now) {
    return put(table, key, entry, now);
}
Result<PutIn> put_in(const BoundedTable& table, std::span<const uint32_t> key, xdpc_bucket entry,
                     uint64_t now) {
    return put(table, key, entry, now);
}

Result<std::vector<KeyedEntry<xdpc_dynamic>>> dynamic_entries(int hash_fd, uint32_t words) {
    return entries<xdpc_dynamic>(hash_fd, words);
}
Result<std::vector<KeyedEntry<xdpc_bucket>>> bucket_entries(int hash_fd, uint32_t words) {
    return entries<xdpc_bucket>(hash_fd, words);
}

bool expired(const xdpc_dynamic& element, uint64_t now) {
    return element.expires_ns != 0 && element.expires_ns <= now;
}

Result<std::vector<KeyedEntry<xdpc_dynamic>>> live_entries(int hash_fd, uint32_t words, uint64_t now) {
    auto all = dynamic_entries(hash_fd, words);
    if (all)
        std::erase_if(*all, [&](const auto& one) { return expired(one.entry, now); });
    return all;
}

xdpc_dynamic dynamic_entry(const sets::NewElement& element) {
    xdpc_dynamic entry{};
    entry.expires_ns = element.expires_ns;
    entry.timeout_ns = element.timeout_ns;
    entry.value = element.value;
    entry.flags = XDPC_ELEMENT_USED;
    if (element.from_file)
        entry.flags |= XDPC_ELEMENT_FILE;
    else if (!element.comment.empty())
        entry.flags |= XDPC_ELEMENT_COMMENT;
    return entry;
}

Result<void> clear_bounded(const BoundedTable& table) {
    std::vector<uint32_t> key(table.words);
    while (bpf_map_get_next_key(table.hash, nullptr, key.data()) == 0) {
        if (bpf_map_delete_elem(table.hash, key.data()) != 0 && errno != ENOENT)
            return fail_errno("cannot empty a table");
    }
    uint64_t used = std::min<uint64_t>(*table.cursor, table.size);
    memset(table.ring.address(), 0, used * stride_of(table.words) * sizeof(uint32_t));
    *table.cursor = 0;
    return {};
}

} // namespace xdpc::rt
