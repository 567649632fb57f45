// State of programs that only tests run: back to its beginning, and looked at.
#include "runtime/load_state.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

/// What `limits` or `dynamic` has of one table: the cursor lies in it.
template<class T>
Result<void> clear_tables(const Loaded& loaded, const char* array, size_t count,
                          const std::vector<uint32_t>& slots, std::string (*hash_name)(size_t),
                          std::string (*ring_name)(size_t),
                          const std::function<std::pair<uint32_t, uint32_t>(size_t)>& size_and_words) {
    int fd = loaded.map_fd(array);
    if (fd < 0)
        return {};
    auto memory = map_all(fd);
    if (!memory)
        return tl::unexpected(memory.error());
    T* entries = static_cast<T*>(memory->address());
    for (size_t id = 0; id < count; id++) {
        int hash = loaded.map_fd(hash_name(id));
        int ring = loaded.map_fd(ring_name(id));
        if (hash < 0 || ring < 0 || entries[slots[id]].cursor == 0)
            continue;
        auto [size, words] = size_and_words(id);
        auto table = open_bounded(hash, ring, &entries[slots[id]].cursor, size, words);
        if (!table)
            return tl::unexpected(table.error());
        if (auto cleared = clear_bounded(*table); !cleared)
            return cleared;
    }
    return {};
}

/// Programs change nothing of these sets but counters.
Result<void> clear_counters_of(const SetArray& array, const ArtifactSet& set) {
    auto table = open_table(array, set);
    if (!table)
        return tl::unexpected(table.error());
    table->list([&](const sets::Element& element) {
        xdpc_set_attribute& attribute = attribute_of(array, *table, element.number);
        attribute.packets = attribute.bytes = 0;
        return true;
    });
    return {};
}

} // namespace

Result<void> reset_state(const Loaded& loaded) {
    const Artifact& artifact = loaded.artifact();
    const LoadedState& state = loaded.state();
    auto cleared = clear_tables<xdpc_limit>(
        loaded, "limits", artifact.limits.size(), state.slots.limits, limit_map, limit_ring,
        [&](size_t id) { return std::pair(artifact.limits[id].size, words_of(artifact.limits[id].key)); });
    if (cleared)
        cleared = clear_tables<xdpc_dynamic_set>(
            loaded, "dynamic", artifact.sets.size(), state.slots.sets, set_map, set_ring,
            [&](size_t id) { return std::pair(artifact.sets[id].size, words_of(artifact.sets[id].parts)); });
    if (!cleared)
        return cleared;
    for (size_t id = 0; id < artifact.sets.size(); id++) {
        if (!is_dynamic(artifact.sets[id]) && artifact.sets[id].has_counter) {
            if (auto done = clear_counters_of(state.arrays[id], artifact.sets[id]); !done)
                return done;
        }
    }
    return loaded.begin_state().and_then([&] { return loaded.fill_tables(test_clock_begin_ns, nullptr); });
}

Result<std::optional<FoundElement>> find_element(const Loaded& loaded, uint32_t id,
                                                 std::span<const uint32_t> low,
                                                 std::span<const uint32_t> high, uint64_t now_ns) {
    using Found = std::optional<FoundElement>;
    const ArtifactSet& set = loaded.artifact().sets.at(id);
    if (is_dynamic(set)) {
        int hash = loaded.map_fd(set_map(id));
        xdpc_dynamic entry{};
        if (hash < 0 || bpf_map_lookup_elem(hash, low.data(), &entry) != 0 || expired(entry, now_ns))
            return Found{};
        return Found({entry.packets, entry.bytes, entry.expires_ns, entry.value});
    }
    auto table = open_table(loaded.state().arrays[id], set);
    if (!table)
        return tl::unexpected(table.error());
    auto number = table->find(low, high, now_ns);
    if (!number)
        return Found{};
    sets::Element element = table->element(*number);
    return Found({element.packets, element.bytes, element.expires_ns, element.value});
}

} // namespace xdpc::rt
