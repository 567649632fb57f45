#include "runtime/state_maps.h"
#include "compiler/base/set_kinds.h"
#include "runtime/generations.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <ctime>
#include <fmt/format.h>
#include <sys/mman.h>

namespace xdpc::rt {

uint64_t monotonic_now() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

bool is_dynamic(const ArtifactSet& set) {
    return set_kind_of(set.kind) == SetKind::Dynamic;
}
bool has_ends(const ArtifactSet& set) {
    return has_two_ends(set_kind_of(set.kind));
}

uint32_t words_of(const std::vector<std::pair<std::string, uint16_t>>& parts) {
    uint32_t words = 0;
    for (const auto& part : parts)
        words += (part.second + 31U) / 32;
    return words;
}

sets::Shape shape_of(const ArtifactSet& set) {
    sets::Shape shape;
    const auto kind = set_kind_of(set.kind);
    shape.kind = kind == SetKind::Interval ? sets::Kind::Interval
                 : kind == SetKind::Tuples ? sets::Kind::Tuples
                                           : sets::Kind::Hash;
    for (const auto& part : set.parts)
        shape.parts.push_back(part.second);
    shape.size = set.size;
    shape.has_timeout = set.has_timeout;
    shape.has_counter = set.has_counter;
    shape.is_map = set.is_map();
    shape.auto_merge = set.auto_merge;
    return shape;
}

std::span<const uint32_t> words_of_element(const ArtifactSet& set, const SetElements& elements,
                                           size_t index) {
    size_t each = words_of(set.parts) * (has_ends(set) ? 2U : 1U);
    return std::span(elements.words).subspan(index * each, each);
}

std::vector<sets::NewElement> new_elements(const ArtifactSet& set, const SetElements& elements,
                                           uint64_t now) {
    std::vector<sets::NewElement> made(elements.count);
    const uint32_t words = words_of(set.parts);
    for (size_t i = 0; i < made.size(); i++) {
        auto ends = words_of_element(set, elements, i);
        made[i].low = ends.first(words);
        made[i].high = ends.last(words);
        made[i].timeout_ns = set.timeout_ns;
        made[i].value = i < elements.values.size() ? elements.values[i] : 0;
        made[i].from_file = true;
    }
    for (const SetElements::Extra& extra : elements.extras) {
        if (extra.element >= made.size())
            continue;
        if (extra.timeout_ns != 0)
            made[extra.element].timeout_ns = extra.timeout_ns;
        made[extra.element].comment = extra.comment;
    }
    for (sets::NewElement& element : made)
        element.expires_ns = set.has_timeout && element.timeout_ns != 0 ? now + element.timeout_ns : 0;
    return made;
}

namespace {

/// Bytes of a mapping of an ARRAY map.
Result<size_t> mapped_bytes(int fd) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
        return fail_errno("cannot ask for a map of state");
    size_t bytes = (size_t{info.value_size} + 7) / 8 * 8 * info.max_entries;
    return (bytes + 4095) / 4096 * 4096;
}

} // namespace

Result<Mapping> map_all(int fd) {
    auto bytes = mapped_bytes(fd);
    if (!bytes)
        return tl::unexpected(bytes.error());
    void* address = mmap(nullptr, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED)
        return fail_errno("cannot map state into memory");
    return Mapping(address, *bytes);
}

Result<SetArray> map_array(Fd fd) {
    auto memory = map_all(fd.get());
    if (!memory)
        return tl::unexpected(memory.error());
    return SetArray{std::move(fd), std::move(*memory), {}};
}

Result<SetArray> map_array_in_windows(Fd fd) {
    auto bytes = mapped_bytes(fd.get());
    if (!bytes)
        return tl::unexpected(bytes.error());
    auto windows = sets::Windows::reserve(fd.get(), *bytes);
    if (!windows)
        return tl::unexpected(windows.error());
    return SetArray{std::move(fd), {}, std::move(*windows)};
}

Result<SetArray> make_array(const ArtifactSet& set) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    Fd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_set", sizeof(uint32_t), XDPC_SET_LINE,
                         sets::layout_of(shape_of(set)).lines, &options));
    if (!fd.valid())
        return fail_errno(fmt::format("cannot make set `{}` of {} elements", set.name, set.size));
    return map_array(std::move(fd));
}

Result<sets::Table> open_table(const SetArray& array, const ArtifactSet& set) {
    return sets::Table::open(
        array.bytes(), shape_of(set), [] { wait_for_running_programs(); }, array.windows.get());
}

xdpc_set_attribute& attribute_of(const SetArray& array, const sets::Table& table, uint32_t number) {
    auto* lines = array.bytes().data() + size_t{table.layout().attributes} * XDPC_SET_LINE;
    return reinterpret_cast<xdpc_set_attribute*>(lines)[number];
}

Result<uint32_t> entries_of(int outer_fd) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(outer_fd, &info, &size) != 0)
        return fail_errno("cannot ask for a map of state");
    return info.max_entries;
}

Result<void> put_array(int outer_fd, uint32_t entry, const SetArray& array) {
    int fd = array.fd.get();
    if (bpf_map_update_elem(outer_fd, &entry, &fd, BPF_ANY) != 0)
        return fail_errno("cannot put a set's array in its place");
    return {};
}

Slots plain_slots(const Artifact& artifact) {
    Slots slots;
    for (uint32_t i = 0; i < artifact.limits.size(); i++)
        slots.limits.push_back(i);
    for (uint32_t i = 0; i < artifact.quotas.size(); i++)
        slots.quotas.push_back(i);
    for (uint32_t i = 0; i < artifact.sets.size(); i++)
        slots.sets.push_back(i);
    return slots;
}

Result<Epochs> Epochs::open(const std::string& generation_path) {
    Fd fd = open_pin(generation_path + "/dynamic");
    if (!fd.valid())
        return fail_errno("cannot open the epochs of sets");
    auto memory = map_all(fd.get());
    if (!memory)
        return tl::unexpected(memory.error());
    Epochs epochs;
    epochs.memory_ = std::move(*memory);
    return epochs;
}
uint32_t& Epochs::at(const StateRecord& record, uint32_t set) const {
    const auto& sets = record.artifact.sets;
    auto first = std::ranges::find(sets, sets[set].name, [](const ArtifactSet& each) { return each.name; });
    uint32_t slot = record.slots.sets[static_cast<size_t>(first - sets.begin())];
    return static_cast<xdpc_dynamic_set*>(memory_.address())[slot % XDPC_STATE_SLOTS].epoch;
}
uint32_t Epochs::of(const StateRecord& record, uint32_t set) const {
    return __atomic_load_n(&at(record, set), __ATOMIC_ACQUIRE);
}
void Epochs::next(const StateRecord& record, uint32_t set) {
    __atomic_add_fetch(&at(record, set), 1, __ATOMIC_SEQ_CST);
}

std::string set_map(size_t set) {
    return fmt::format("set{}", set);
}
std::string set_ring(size_t set) {
    return fmt::format("ring_set{}", set);
}
std::string limit_map(size_t limit) {
    return fmt::format("limit{}", limit);
}
std::string limit_ring(size_t limit) {
    return fmt::format("ring_limit{}", limit);
}
std::string inner_pin(size_t set) {
    return fmt::format("inner{}", set);
}
std::string carry_pin(size_t set) {
    return fmt::format("carry{}", set);
}
std::string comments_pin(size_t set) {
    return fmt::format("comments{}", set);
}

// ---- the record

namespace {

constexpr char record_magic[8] = {'x', 'd', 'p', 'c', 's', 't', 'a', 't'};
struct RecordHeader {
    char magic[8];
    uint32_t limits, quotas, sets;
    uint32_t json_bytes;
};

void append(std::vector<uint8_t>& to, const void* bytes, size_t count) {
    const auto* from = static_cast<const uint8_t*>(bytes);
    to.insert(to.end(), from, from + count);
}

} // namespace

Result<Fd> make_record(const Artifact& artifact, const Slots& slots) {
    Artifact state;
    state.slots = artifact.slots; // named counters stand in them
    state.policy = artifact.policy;
    state.sets = artifact.sets;
    state.limits = artifact.limits;
    state.quotas = artifact.quotas;
    state.counters = artifact.counters;
    std::string json = artifact_metadata(state);
    RecordHeader header{};
    memcpy(header.magic, record_magic, sizeof record_magic);
    header.limits = static_cast<uint32_t>(slots.limits.size());
    header.quotas = static_cast<uint32_t>(slots.quotas.size());
    header.sets = static_cast<uint32_t>(slots.sets.size());
    header.json_bytes = static_cast<uint32_t>(json.size());
    std::vector<uint8_t> value;
    append(value, &header, sizeof header);
    for (const auto* kind : {&slots.limits, &slots.quotas, &slots.sets})
        append(value, kind->data(), kind->size() * sizeof(uint32_t));
    append(value, json.data(), json.size());
    return make_frozen_map("xdpc_state", value);
}

Result<StateRecord> read_record(const std::string& generation_path) {
    std::string path = generation_path + "/state";
    auto value = read_frozen_map(path);
    if (!value)
        return tl::unexpected(value.error());
    RecordHeader header{};
    auto damaged = [&] {
        return fail(fmt::format("{} was not written by this version of xdpc", path),
                    "apply the policy again");
    };
    if (value->size() < sizeof header)
        return damaged();
    memcpy(&header, value->data(), sizeof header);
    uint64_t words = uint64_t{header.limits} + header.quotas + header.sets;
    uint64_t needed = sizeof header + words * sizeof(uint32_t) + header.json_bytes;
    if (memcmp(header.magic, record_magic, sizeof record_magic) != 0 || needed > value->size())
        return damaged();
    const uint8_t* at = value->data() + sizeof header;
    StateRecord record;
    auto take = [&](std::vector<uint32_t>& to, uint32_t count) {
        to.resize(count);
        memcpy(to.data(), at, count * sizeof(uint32_t));
        at += count * sizeof(uint32_t);
    };
    take(record.slots.limits, header.limits);
    take(record.slots.quotas, header.quotas);
    take(record.slots.sets, header.sets);
    auto artifact = parse_artifact_metadata({reinterpret_cast<const char*>(at), header.json_bytes});
    if (!artifact)
        return tl::unexpected(artifact.error());
    record.artifact = std::move(*artifact);
    if (record.artifact.limits.size() != header.limits || record.artifact.quotas.size() != header.quotas ||
        record.artifact.sets.size() != header.sets)
        return damaged();
    return record;
}

} // namespace xdpc::rt
