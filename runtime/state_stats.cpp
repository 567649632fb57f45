#include "runtime/state_stats.h"
#include "codegen-templates/abi.h"
#include "runtime/bounded.h"
#include "runtime/pins.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

using Wide = unsigned __int128;

struct Reader {
    const Generation& generation;
    const StateRecord& record;
    uint64_t now = 0;

    [[nodiscard]] Fd pinned(const std::string& name) const { return open_pin(generation.path + "/" + name); }
    /// One entry of an array that all share; zeros where no rule is left that asks it.
    template<class T> [[nodiscard]] T shared(const char* array, uint32_t slot) const {
        T value{};
        Fd fd = pinned(array);
        if (fd.valid())
            bpf_map_lookup_elem(fd.get(), &slot, &value);
        return value;
    }
};

uint64_t tokens_of(const ArtifactLimit& limit, uint64_t ns) {
    if (limit.cost_ns == 0)
        return 0;
    return static_cast<uint64_t>((Wide{ns} << limit.cost_shift) / limit.cost_ns);
}

uint64_t tokens_left(const ArtifactLimit& limit, uint64_t full_at, uint64_t now) {
    uint64_t missing = full_at > now ? full_at - now : 0;
    return tokens_of(limit, limit.capacity_ns - std::min(missing, limit.capacity_ns));
}

/// The buckets of a limit per key.
Result<void> read_buckets(const Reader& reader, uint32_t id, LimitStats& stats) {
    Fd hash = reader.pinned(limit_map(id));
    Fd ring = reader.pinned(limit_ring(id));
    if (!hash.valid() || !ring.valid())
        return {};
    auto buckets = bucket_entries(hash.get(), words_of(stats.limit.key));
    if (!buckets)
        return tl::unexpected(buckets.error());
    stats.memory = memory_of_fd(hash.get()) + memory_of_fd(ring.get());
    stats.keys = buckets->size();
    std::erase_if(*buckets, [&](const auto& bucket) { return bucket.entry.full_at <= reader.now; });
    stats.busy = buckets->size();
    auto shown = std::min(max_busiest, buckets->size());
    std::partial_sort(buckets->begin(), buckets->begin() + static_cast<ptrdiff_t>(shown), buckets->end(),
                      [](const auto& a, const auto& b) { return a.entry.full_at > b.entry.full_at; });
    for (size_t i = 0; i < shown; i++)
        stats.busiest.push_back({std::move((*buckets)[i].key),
                                 tokens_left(stats.limit, (*buckets)[i].entry.full_at, reader.now)});
    if (shown > 0)
        stats.left = stats.busiest[0].left;
    return {};
}

Result<LimitStats> read_limit(const Reader& reader, uint32_t id) {
    LimitStats stats;
    stats.limit = reader.record.artifact.limits[id];
    auto common = reader.shared<xdpc_limit>("limits", reader.record.slots.limits[id]);
    stats.within = common.within;
    stats.beyond = common.beyond;
    stats.no_room = common.overflows;
    stats.most = tokens_of(stats.limit, stats.limit.capacity_ns);
    if (stats.limit.key.empty()) {
        stats.left = tokens_left(stats.limit, common.full_at, reader.now);
        return stats;
    }
    stats.left = stats.most;
    if (auto done = read_buckets(reader, id, stats); !done)
        return tl::unexpected(done.error());
    return stats;
}

/// One that has not expired: xdpc_dynamic, sets::Element.
template<class Element> void add_element(SetStats& stats, const Element& element) {
    stats.elements++;
    if (stats.hits) {
        stats.hits->packets += element.packets;
        stats.hits->bytes += element.bytes;
    }
}

Result<void> read_dynamic(const Reader& reader, uint32_t id, SetStats& stats) {
    Fd hash = reader.pinned(set_map(id));
    if (!hash.valid())
        return {}; // no rule is left that asks it
    auto entries = live_entries(hash.get(), words_of(stats.set.parts), reader.now);
    if (!entries)
        return tl::unexpected(entries.error());
    for (const auto& [key, element] : *entries)
        add_element(stats, element);
    stats.no_room = reader.shared<xdpc_dynamic_set>("dynamic", reader.record.slots.sets[id]).overflows;
    stats.memory = memory_of_fd(hash.get());
    if (Fd ring = reader.pinned(set_ring(id)); ring.valid())
        stats.memory += memory_of_fd(ring.get());
    return {};
}

/// Of a set that user space writes.
Result<void> read_array(const Reader& reader, uint32_t id, SetStats& stats) {
    Fd fd = reader.pinned(inner_pin(id));
    if (!fd.valid())
        return fail_errno(fmt::format("cannot open set `{}`", stats.set.name));
    const bool whole = stats.set.has_counter || stats.set.has_timeout; // else the header tells
    auto array = whole ? map_array(std::move(fd)) : map_array_in_windows(std::move(fd));
    if (!array)
        return tl::unexpected(array.error());
    auto table = open_table(*array, stats.set);
    if (!table)
        return tl::unexpected(table.error());
    stats.memory = memory_of_fd(array->fd.get());
    stats.elements = table->statistics().used;
    if (!whole)
        return {};
    stats.elements = 0;
    table->list([&](const sets::Element& element) {
        if (!element.expired(reader.now))
            add_element(stats, element);
        return true;
    });
    return {};
}

Result<SetStats> read_set(const Reader& reader, uint32_t id) {
    SetStats stats;
    stats.set = reader.record.artifact.sets[id];
    if (stats.set.has_counter)
        stats.hits.emplace();
    auto done = is_dynamic(stats.set) ? read_dynamic(reader, id, stats) : read_array(reader, id, stats);
    if (!done)
        return tl::unexpected(done.error());
    return stats;
}

/// Those that renewed their term lately.
std::vector<ListenerStats> read_listeners(const Generation& generation, uint64_t now) {
    std::vector<ListenerStats> listeners;
    xdpc_capture shared{};
    Fd fd = open_pin(generation.path + "/capture");
    bpf_map_info info{};
    uint32_t size = sizeof info;
    uint32_t key = 0;
    if (!fd.valid() || bpf_obj_get_info_by_fd(fd.get(), &info, &size) != 0 ||
        info.value_size != sizeof shared || bpf_map_lookup_elem(fd.get(), &key, &shared) != 0)
        return listeners;
    for (uint32_t place = 0; place < XDPC_LISTENERS; place++) {
        const xdpc_listener& listener = shared.listeners[place];
        ListenerStats stats{place, (shared.watching >> place & 1U) != 0,
                            (shared.capturing >> place & 1U) != 0, listener.lost};
        if ((stats.statements || stats.packets) && now < listener.until_ns)
            listeners.push_back(stats);
    }
    return listeners;
}

} // namespace

Result<SetStats> read_set_stats(const Generation& generation, const StateRecord& record, uint32_t set) {
    return read_set(Reader{generation, record, monotonic_now()}, set);
}

Result<StateStats> read_state_stats(const Generation& generation, const Artifact& metadata,
                                    const std::vector<SlotCount>& totals) {
    StateStats stats;
    const uint64_t now = monotonic_now();
    stats.listeners = read_listeners(generation, now);
    for (const ArtifactCounter& counter : metadata.counters)
        stats.counters.push_back(
            {counter.name, counter.slot < totals.size() ? totals[counter.slot] : SlotCount{}});
    if (metadata.sets.empty() && metadata.limits.empty() && metadata.quotas.empty())
        return stats;
    auto record = read_record(generation.path);
    if (!record)
        return tl::unexpected(record.error());
    const Reader reader{generation, *record, now};
    for (uint32_t id = 0; id < reader.record.artifact.limits.size(); id++) {
        auto limit = read_limit(reader, id);
        if (!limit)
            return tl::unexpected(limit.error());
        stats.limits.push_back(std::move(*limit));
    }
    for (uint32_t id = 0; id < reader.record.artifact.quotas.size(); id++)
        stats.quotas.push_back({reader.record.artifact.quotas[id],
                                reader.shared<xdpc_quota>("quotas", reader.record.slots.quotas[id]).used});
    for (uint32_t id = 0; id < reader.record.artifact.sets.size(); id++) {
        auto set = read_set(reader, id);
        if (!set)
            return tl::unexpected(set.error());
        stats.sets.push_back(std::move(*set));
    }
    return stats;
}

} // namespace xdpc::rt
