// The metadata map: one value that a header and the artifact's JSON fill, frozen so that it stays true.
#include "runtime/pins.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

struct MetaHeader {
    char magic[8];
    uint32_t version;
    uint32_t generation;
    uint64_t applied_at; // seconds since 1970
    uint64_t json_bytes; // follow
};
constexpr char magic[8] = {'x', 'd', 'p', 'c', 'm', 'e', 't', 'a'};
constexpr uint32_t current_version = 1;

} // namespace

Result<Fd> make_frozen_map(const char* name, std::span<const uint8_t> value) {
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t), static_cast<uint32_t>(value.size()), 1,
                          nullptr));
    uint32_t key = 0;
    if (!map.valid() || bpf_map_update_elem(map.get(), &key, value.data(), BPF_ANY) != 0 ||
        bpf_map_freeze(map.get()) != 0)
        return fail_errno(fmt::format("cannot make the map `{}`", name));
    return map;
}

Result<std::vector<uint8_t>> read_frozen_map(const std::string& path) {
    Fd map = open_pin(path);
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (!map.valid() || bpf_obj_get_info_by_fd(map.get(), &info, &size) != 0)
        return fail_errno(fmt::format("cannot open {}", path));
    std::vector<uint8_t> value(info.value_size);
    uint32_t key = 0;
    // A value of a per-CPU map would be larger than it says.
    if (info.type != BPF_MAP_TYPE_ARRAY || info.max_entries != 1 ||
        bpf_map_lookup_elem(map.get(), &key, value.data()) != 0)
        return fail(fmt::format("cannot read {}", path));
    return value;
}

Result<Fd> make_meta(const Artifact& artifact, uint32_t generation, uint64_t applied_at) {
    std::string json = artifact_metadata(artifact);
    MetaHeader header{{}, current_version, generation, applied_at, json.size()};
    memcpy(header.magic, magic, sizeof magic);
    json.insert(0, reinterpret_cast<const char*>(&header), sizeof header);
    return make_frozen_map("xdpc_meta", {reinterpret_cast<const uint8_t*>(json.data()), json.size()});
}

Result<Meta> read_meta(const Generation& generation) {
    std::string path = generation.path + "/meta";
    auto value = read_frozen_map(path);
    if (!value)
        return tl::unexpected(value.error());
    MetaHeader header{};
    if (value->size() < sizeof header)
        return fail(fmt::format("{} is damaged", path));
    memcpy(&header, value->data(), sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) != 0 || header.version != current_version ||
        header.json_bytes > value->size() - sizeof header)
        return fail(fmt::format("{} was not written by this version of xdpc", path),
                    "detach with the version that applied the policy, or remove the pins by hand");
    Meta meta;
    auto artifact = parse_artifact_metadata(
        {reinterpret_cast<const char*>(value->data()) + sizeof header, header.json_bytes});
    if (!artifact)
        return tl::unexpected(artifact.error());
    meta.artifact = std::move(*artifact);
    meta.generation = header.generation;
    meta.applied_at = header.applied_at;
    return meta;
}

} // namespace xdpc::rt
