#include "tests/differential/replace_sets.h"

#include "runtime/load_state.h"

#include <bpf/bpf.h>
#include <set>

namespace xdpc::test {
namespace {

/// Some of the elements, and in a set without ends some that are near others.
SetElements other_elements(const LiveSet& set, Rng& rng) {
    const size_t each = size_t{set.key_words()} * (set.has_intervals() ? 2 : 1);
    SetElements made;
    std::set<std::vector<uint32_t>> known;
    for (size_t i = 0; i < set.elements.count; ++i) {
        if (chance(rng, 40)) {
            continue;
        }
        const auto from = set.elements.words.begin() + static_cast<ptrdiff_t>(i * each);
        std::vector<uint32_t> words(from, from + static_cast<ptrdiff_t>(each));
        if (!set.has_intervals() && chance(rng, 50)) {
            words.back() ^= 1U;
        }
        if (!known.insert(words).second) {
            continue;
        }
        made.words.insert(made.words.end(), words.begin(), words.end());
        if (set.is_map) {
            made.values.push_back(set.elements.values[i]);
        }
        ++made.count;
    }
    return made;
}

Result<void> put_array_in(const rt::Loaded& loaded, const ArtifactSet& set, uint32_t id,
                          const SetElements& elements, uint64_t now) {
    const int outer = loaded.map_fd(rt::set_map(id));
    if (outer < 0)
        return {}; // no rule is left that asks it
    auto array = rt::build_array(set, rt::new_elements(set, elements, now), now, {});
    return array ? rt::put_array(outer, 0, *array) : tl::unexpected(array.error());
}

/// As runtime/replace_dynamic.cpp does it: what is new first, then what leaves, then the epoch.
Result<void> turn(const rt::Loaded& loaded, const ArtifactSet& set, uint32_t id, const SetElements& elements,
                  uint64_t now) {
    const int hash = loaded.map_fd(rt::set_map(id)), ring = loaded.map_fd(rt::set_ring(id));
    if (hash < 0 || ring < 0)
        return {};
    auto memory = rt::map_all(loaded.map_fd("dynamic"));
    if (!memory)
        return tl::unexpected(memory.error());
    auto& shared = static_cast<xdpc_dynamic_set*>(memory->address())[id];
    auto table = rt::open_bounded(hash, ring, &shared.cursor, set.size, rt::words_of(set.parts));
    auto there = rt::live_entries(hash, rt::words_of(set.parts), now);
    if (!table || !there)
        return tl::unexpected(table ? there.error() : table.error());
    std::set<std::vector<uint32_t>> leaving;
    for (const auto& [key, entry] : *there)
        leaving.insert(key);
    for (const rt::DynamicElement& wanted : rt::dynamic_elements(set, elements, now)) {
        xdpc_dynamic entry{};
        if (leaving.erase(wanted.key) != 0 && bpf_map_lookup_elem(hash, wanted.key.data(), &entry) == 0) {
            entry.expires_ns = wanted.entry.expires_ns;
            entry.timeout_ns = wanted.entry.timeout_ns;
            entry.value = wanted.entry.value;
            bpf_map_update_elem(hash, wanted.key.data(), &entry, BPF_EXIST);
            continue;
        }
        bpf_map_delete_elem(hash, wanted.key.data());
        entry = wanted.entry;
        entry.life = shared.epoch + 1;
        if (auto put = rt::put_in(*table, wanted.key, entry, now); !put)
            return tl::unexpected(put.error());
    }
    ++shared.epoch;
    for (const std::vector<uint32_t>& key : leaving)
        bpf_map_delete_elem(hash, key.data());
    return {};
}

} // namespace

Result<size_t> replace_sets(Policy& policy, State& state, const rt::Loaded& loaded, Rng& rng) {
    const uint64_t now = state.now_ns();
    size_t replaced = 0;
    for (LiveSet& set : policy.sets) {
        if (set.elements.count == 0 || !chance(rng, 70))
            continue;
        const ArtifactSet& described = loaded.artifact().sets[set.id.value];
        SetElements next = other_elements(set, rng);
        const bool dynamic = set.kind == LiveSet::Kind::Dynamic;
        // A set that calls itself full before it is, does so after other numbers of tries here and there.
        if (dynamic && set.size < 2 * (next.count + 20))
            continue;
        const auto done = dynamic ? turn(loaded, described, set.id.value, next, now)
                                  : put_array_in(loaded, described, set.id.value, next, now);
        if (!done)
            return tl::unexpected(done.error());
        set.elements = std::move(next);
        state.sets[set.id.value].replace(set, now);
        ++replaced;
    }
    return replaced;
}

} // namespace xdpc::test
