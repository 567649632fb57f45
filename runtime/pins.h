// What is pinned for an interface, and nothing about when: names in bpffs, generations, the link, the
// metadata map. When each is made and removed is in apply.cpp, detach.cpp and repair.cpp, and specified in
// PROTOCOL.md.
#pragma once

#include "runtime/interface.h"

namespace xdpc::rt {

/// Whether /sys/fs/bpf is a bpffs in this mount namespace.
bool bpffs_mounted();
/// Whether pins can be seen from here; why not, if not.
Result<void> pins_visible();
/// Mounts it if that is safe.
Result<void> ensure_bpffs();

/// The directory of pins of an interface, found by its index (names change); "" if there is none.
Result<std::string> interface_directory(uint64_t network_namespace, uint32_t ifindex);
/// What it would be called.
std::string new_interface_directory(uint64_t network_namespace, const Interface& iface);
struct DirectoryOf {
    uint64_t network_namespace = 0;
    uint32_t ifindex = 0;
    std::string path;
};
/// The directories of all interfaces of all namespaces.
Result<std::vector<DirectoryOf>> all_interface_directories();

struct Generation {
    uint32_t number = 0;
    std::string path;
};
/// Names of what stands in a directory; none if there is none.
Result<std::vector<std::string>> names_in(const std::string& directory);
/// Oldest first.
Result<std::vector<Generation>> generations(const std::string& directory);
Generation generation_of(const std::string& directory, uint32_t number);

Result<void> make_directories(const std::string& path);
Result<void> pin(const Fd& object, const std::string& path);
Result<void> pin(int fd, const std::string& path);
/// Invalid if there is no such pin or it may not be opened (errno tells).
Fd open_pin(const std::string& path);
/// Invalid where nothing is pinned there; an error where that cannot be told.
Result<Fd> open_if_pinned(const std::string& path);
/// Also where it cannot be told.
bool is_pinned(const std::string& path);
/// Unpins all below, and removes the directory.
Result<void> remove_tree(const std::string& path);
Result<void> remove_generation(const Generation& generation);
/// Removes the link's pin, all generations and the directory, and parents that are left empty.
Result<void> remove_directory(const std::string& directory);

/// A frozen array of one value, and the value of a pinned one.
Result<Fd> make_frozen_map(const char* name, std::span<const uint8_t> value);
Result<std::vector<uint8_t>> read_frozen_map(const std::string& path);

struct PinnedLink {
    Fd fd;
    uint32_t program_id = 0;
    uint32_t ifindex = 0; // 0: the interface is gone, or the link was detached
};
Result<std::optional<PinnedLink>> open_link(const std::string& directory);

struct Meta {
    Artifact artifact; // without object
    uint32_t generation = 0;
    uint64_t applied_at = 0;
};
/// A frozen map that holds what Meta has, without the object.
Result<Fd> make_meta(const Artifact& artifact, uint32_t generation, uint64_t applied_at);
Result<Meta> read_meta(const Generation& generation);

} // namespace xdpc::rt
