#include "runtime/load_state.h"
#include "runtime/comments.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

bpf_map* find_map(bpf_object* object, const std::string& name) {
    return bpf_object__find_map_by_name(object, name.c_str());
}

std::string text_of(const ArtifactSet& set, const sets::NewElement& element, const ElementText& text) {
    if (text)
        return text(set, element.low, element.high);
    return fmt::format("{:08x}", fmt::join(element.low, " "));
}

Result<void> fill_slots(bpf_object* object, const Artifact& artifact, const Slots& slots) {
    bpf_map* map = find_map(object, ".rodata.slots");
    if (map == nullptr)
        return {};
    std::vector<uint32_t> words;
    for (const auto* each : {&slots.limits, &slots.quotas, &slots.sets})
        words.insert(words.end(), each->begin(), each->end());
    size_t size = bpf_map__value_size(map);
    if (size < words.size() * sizeof(uint32_t) || artifact.sets.size() != slots.sets.size())
        return fail("the program's `.rodata.slots` has another size than this xdpc fills",
                    "build it again with this version of xdpc");
    words.resize(size / sizeof(uint32_t));
    if (bpf_map__set_initial_value(map, words.data(), size) != 0)
        return fail("cannot fill the program's `.rodata.slots`");
    return {};
}

/// One of the arrays `limits`, `quotas`, `dynamic`: sets what is begun anew.
template<class T, class Begin>
Result<void> begin_entries(bpf_object* object, const char* name, const std::vector<uint32_t>& slots,
                           const std::vector<bool>& keep, Begin begin) {
    bpf_map* map = find_map(object, name);
    if (map == nullptr)
        return {};
    for (uint32_t id = 0; id < slots.size(); id++) {
        if (keep[id])
            continue;
        T value{};
        begin(value, id);
        if (bpf_map_update_elem(bpf_map__fd(map), &slots[id], &value, BPF_ANY) != 0)
            return fail_errno(fmt::format("cannot write map `{}`", name));
    }
    return {};
}

/// A mapped array of which entries have cursors; none where the object has no such map.
template<class T> Result<std::pair<Mapping, T*>> map_entries(bpf_object* object, const char* name) {
    bpf_map* map = find_map(object, name);
    if (map == nullptr)
        return std::pair<Mapping, T*>{};
    auto memory = map_all(bpf_map__fd(map));
    if (!memory)
        return tl::unexpected(memory.error());
    T* first = static_cast<T*>(memory->address());
    return std::pair(std::move(*memory), first);
}

Result<void> fill_set(bpf_object* object, const Artifact& artifact, const LoadedState& state, uint32_t id,
                      uint64_t* cursor, uint64_t now, AddedKeys* added) {
    const ArtifactSet& set = artifact.sets[id];
    bpf_map* hash = find_map(object, set_map(id));
    bpf_map* ring = find_map(object, set_ring(id));
    if (hash == nullptr || ring == nullptr || cursor == nullptr)
        return {}; // no rule uses it
    auto table = open_bounded(bpf_map__fd(hash), bpf_map__fd(ring), cursor, set.size, words_of(set.parts));
    if (!table)
        return tl::unexpected(table.error());
    for (const DynamicElement& element : state.elements[id]) {
        auto done = put_in(*table, element.key, element.entry, now);
        if (!done)
            return tl::unexpected(done.error());
        if (*done == PutIn::Full)
            return fail(fmt::format("set `{}` of size {} is full before all elements of the policy are in it",
                                    set.name, set.size),
                        "a larger `size`, or `--reset-sets`");
        if (*done == PutIn::Done && added != nullptr)
            added->emplace_back(id, element.key);
    }
    return {};
}

Result<void> fill_limit(bpf_object* object, const Artifact& artifact, const LoadedState& state, uint32_t id,
                        uint64_t* cursor, uint64_t now) {
    const ArtifactLimit& limit = artifact.limits[id];
    bpf_map* hash = find_map(object, limit_map(id));
    bpf_map* ring = find_map(object, limit_ring(id));
    if (hash == nullptr || ring == nullptr || cursor == nullptr)
        return {};
    auto table = open_bounded(bpf_map__fd(hash), bpf_map__fd(ring), cursor, limit.size, words_of(limit.key));
    if (!table)
        return tl::unexpected(table.error());
    for (const Bucket& bucket : state.buckets[id]) {
        if (auto done = put_in(*table, bucket.key, bucket.entry, now); !done)
            return tl::unexpected(done.error());
    }
    return {};
}

} // namespace

std::vector<DynamicElement> dynamic_elements(const ArtifactSet& set, const SetElements& elements,
                                             uint64_t now) {
    std::vector<DynamicElement> made;
    for (const sets::NewElement& element : new_elements(set, elements, now)) {
        DynamicElement& one = made.emplace_back();
        one.key.assign(element.low.begin(), element.low.end());
        one.entry = dynamic_entry(element);
        one.comment = element.comment;
    }
    return made;
}

Result<SetArray> build_array(const ArtifactSet& set, const std::vector<sets::NewElement>& elements,
                             uint64_t now, const ElementText& text) {
    auto array = make_array(set);
    if (!array)
        return array;
    auto table = sets::Table::create(array->bytes(), shape_of(set), {});
    auto built = table.build(elements, now);
    if (built)
        return array;
    const sets::Failure& failure = built.error();
    std::string message =
        fmt::format("set `{}`: element {} {}", set.name,
                    failure.index < elements.size() ? text_of(set, elements[failure.index], text) : "",
                    sets::describe(failure, shape_of(set)));
    std::string hint;
    if (failure.other != 0 && failure.other <= elements.size()) {
        const sets::NewElement& other = elements[failure.other - 1];
        message +=
            fmt::format(": {}{}", text_of(set, other, text), other.from_file ? "" : ", which was added live");
        if (!other.from_file || !elements[failure.index].from_file)
            hint = "`xdpc set del` takes it out; `--reset-sets` starts from the file";
    }
    return fail(std::move(message), std::move(hint));
}

Result<LoadedState> fresh_state(const Artifact& artifact, uint64_t now, const std::vector<bool>& leave_out) {
    LoadedState state;
    state.slots = plain_slots(artifact);
    state.keep_limits.resize(artifact.limits.size());
    state.keep_quotas.resize(artifact.quotas.size());
    state.keep_sets.resize(artifact.sets.size());
    state.elements.resize(artifact.sets.size());
    state.comments.resize(artifact.sets.size());
    state.buckets.resize(artifact.limits.size());
    for (size_t i = 0; i < artifact.sets.size(); i++) {
        const ArtifactSet& set = artifact.sets[i];
        if (i < leave_out.size() && leave_out[i]) {
            state.arrays.emplace_back();
            continue;
        }
        static const SetElements none;
        const SetElements& elements = i < artifact.elements.size() ? artifact.elements[i] : none;
        if (is_dynamic(set)) {
            state.elements[i] = dynamic_elements(set, elements, now);
            state.arrays.emplace_back();
            auto comments = make_comments(set, comments_of(state.elements[i]));
            if (!comments)
                return tl::unexpected(comments.error());
            state.comments[i] = std::move(*comments);
            continue;
        }
        auto array = build_array(set, new_elements(set, elements, now), now, {});
        if (!array)
            return tl::unexpected(array.error());
        state.arrays.push_back(std::move(*array));
    }
    return state;
}

Result<void> give_state(bpf_object* object, const Artifact& artifact, const LoadedState& state) {
    for (const auto& [name, fd] : state.reuse) {
        bpf_map* map = find_map(object, name);
        if (map != nullptr && bpf_map__reuse_fd(map, fd.get()) != 0)
            return fail_errno(fmt::format("cannot take map `{}` over", name));
    }
    if (find_map(object, ".rodata.slots") != nullptr) {
        for (const char* name : {"limits", "quotas", "dynamic"}) {
            bpf_map* map = find_map(object, name);
            if (map != nullptr && !state.reuse.contains(name))
                bpf_map__set_max_entries(map, XDPC_STATE_SLOTS);
        }
    }
    for (size_t i = 0; i < state.arrays.size(); i++) {
        bpf_map* outer = find_map(object, set_map(i));
        if (outer == nullptr || !state.arrays[i].valid())
            continue;
        if (bpf_map__set_inner_map_fd(outer, state.arrays[i].fd.get()) != 0)
            return fail(fmt::format("cannot prepare the map of set `{}`", artifact.sets[i].name));
    }
    return fill_slots(object, artifact, state.slots);
}

Result<void> place_arrays(bpf_object* object, const LoadedState& state) {
    for (size_t i = 0; i < state.arrays.size(); i++) {
        bpf_map* outer = find_map(object, set_map(i));
        if (outer == nullptr || !state.arrays[i].valid())
            continue;
        auto entries = entries_of(bpf_map__fd(outer));
        if (!entries)
            return tl::unexpected(entries.error());
        for (uint32_t entry = 0; entry < *entries; entry++) {
            if (auto put = put_array(bpf_map__fd(outer), entry, state.arrays[i]); !put)
                return put;
        }
    }
    return {};
}

Result<void> begin_state(bpf_object* object, const Artifact& artifact, const LoadedState& state) {
    return begin_entries<xdpc_limit>(object, "limits", state.slots.limits, state.keep_limits,
                                     [](xdpc_limit&, uint32_t) {})
        .and_then([&] {
            return begin_entries<xdpc_quota>(
                object, "quotas", state.slots.quotas, state.keep_quotas,
                [&](xdpc_quota& quota, uint32_t id) { quota.used = artifact.quotas[id].used; });
        })
        .and_then([&]() -> Result<void> {
            // Elements of a table that goes on may be in it from an epoch on, which that of another place,
            // where it gets one, must not be before.
            auto sets = map_entries<xdpc_dynamic_set>(object, "dynamic");
            if (!sets)
                return tl::unexpected(sets.error());
            uint32_t epoch = 0;
            for (size_t i = 0; sets->second != nullptr && i < XDPC_STATE_SLOTS; i++)
                epoch = std::max(epoch, sets->second[i].epoch);
            return begin_entries<xdpc_dynamic_set>(
                object, "dynamic", state.slots.sets, state.keep_sets,
                [&](xdpc_dynamic_set& set, uint32_t) { set.epoch = epoch; });
        });
}

Result<void> fill_tables(bpf_object* object, const Artifact& artifact, const LoadedState& state, uint64_t now,
                         AddedKeys* added) {
    auto limits = map_entries<xdpc_limit>(object, "limits");
    auto sets = map_entries<xdpc_dynamic_set>(object, "dynamic");
    if (!limits || !sets)
        return tl::unexpected(limits ? sets.error() : limits.error());
    for (uint32_t id = 0; id < state.elements.size(); id++) {
        uint64_t* cursor = sets->second == nullptr ? nullptr : &sets->second[state.slots.sets[id]].cursor;
        if (state.elements[id].empty())
            continue;
        if (auto filled = fill_set(object, artifact, state, id, cursor, now, added); !filled)
            return filled;
    }
    for (uint32_t id = 0; id < state.buckets.size(); id++) {
        uint64_t* cursor =
            limits->second == nullptr ? nullptr : &limits->second[state.slots.limits[id]].cursor;
        if (state.buckets[id].empty())
            continue;
        if (auto filled = fill_limit(object, artifact, state, id, cursor, now); !filled)
            return filled;
    }
    return {};
}

} // namespace xdpc::rt
