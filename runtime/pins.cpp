#include "runtime/pins.h"
#include "runtime/generations.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace xdpc::rt {

namespace fs = std::filesystem;

namespace {

const char* const bpffs = "/sys/fs/bpf";
const char* const root = "/sys/fs/bpf/xdpc";

std::string namespace_directory(uint64_t network_namespace) {
    return fmt::format("{}/{}", root, network_namespace);
}

/// The kernel's own: MNT_NS_INIT_INO of linux/nsfs.h, in newer kernels.
constexpr ino_t initial_mount_namespace = 0xEFFFFFF8;

bool in_first_mount_namespace() {
    struct stat own{};
    struct stat first{};
    if (stat("/proc/self/ns/mnt", &own) != 0)
        return false;
    // Not even root may look at process 1 everywhere.
    return own.st_ino == initial_mount_namespace ||
           (stat("/proc/1/ns/mnt", &first) == 0 && own.st_ino == first.st_ino);
}

/// A directory that is not there has no entries.
template<class Visit> Result<void> for_each_entry(const std::string& directory, const Visit& visit) {
    std::error_code error; // a range-based for would throw where an entry cannot be read
    fs::directory_iterator entry(directory, error);
    for (; !error && entry != fs::directory_iterator(); entry.increment(error))
        visit(entry->path().string(), entry->path().filename().string());
    if (error && error.value() != ENOENT)
        return fail_errno(fmt::format("cannot read {}", directory), error.value());
    return {};
}

} // namespace

bool bpffs_mounted() {
    struct statfs status{};
    return statfs(bpffs, &status) == 0 && static_cast<uint64_t>(status.f_type) == BPF_FS_MAGIC;
}

Result<void> pins_visible() {
    if (!bpffs_mounted()) {
        if (in_first_mount_namespace())
            return {}; // there are none
        return fail("/sys/fs/bpf is not a bpffs in this mount namespace",
                    "`ip netns exec` hides it: use `nsenter --net=/run/netns/NAME xdpc …`; in a container, "
                    "mount one (`mount -t bpf bpf /sys/fs/bpf`)");
    }
    if (access(bpffs, R_OK | X_OK) != 0 || (access(root, R_OK | X_OK) != 0 && errno == EACCES))
        return fail_errno(fmt::format("cannot look at {}", root));
    return {};
}

Result<void> ensure_bpffs() {
    // In a private mount namespace (`ip netns exec` makes one with a /sys of its own) the mount, and with it
    // the policy, would vanish with the process.
    if (auto visible = pins_visible(); !visible || bpffs_mounted())
        return visible;
    if (mount("bpf", bpffs, "bpf", 0, "mode=0700") != 0 && !(errno == EBUSY && bpffs_mounted()))
        return fail_errno("cannot mount a bpffs on /sys/fs/bpf");
    return {};
}

Result<std::string> interface_directory(uint64_t network_namespace, uint32_t ifindex) {
    std::string found;
    std::string prefix = fmt::format("{}-", ifindex);
    return for_each_entry(namespace_directory(network_namespace),
                          [&](const std::string& path, const std::string& name) {
                              if (name.starts_with(prefix))
                                  found = path;
                          })
        .map([&] { return found; });
}

std::string new_interface_directory(uint64_t network_namespace, const Interface& iface) {
    // bpffs keeps names with a dot for itself ("eth0.5").
    std::string name = iface.name;
    std::replace(name.begin(), name.end(), '.', '_');
    return fmt::format("{}/{}-{}", namespace_directory(network_namespace), iface.index, name);
}

Result<std::vector<DirectoryOf>> all_interface_directories() {
    std::vector<DirectoryOf> found;
    Result<void> inner;
    auto outer = for_each_entry(root, [&](const std::string& outer, const std::string& outer_name) {
        auto read = for_each_entry(outer, [&](const std::string& path, const std::string& name) {
            DirectoryOf directory{0, 0, path};
            if (sscanf(outer_name.c_str(), "%" SCNu64, &directory.network_namespace) == 1 &&
                sscanf(name.c_str(), "%" SCNu32 "-", &directory.ifindex) == 1)
                found.push_back(directory);
        });
        if (!read)
            inner = read;
    });
    if (!outer || !inner)
        return tl::unexpected(outer ? inner.error() : outer.error());
    return found;
}

Result<std::vector<std::string>> names_in(const std::string& directory) {
    std::vector<std::string> names;
    return for_each_entry(directory,
                          [&](const std::string&, const std::string& name) { names.push_back(name); })
        .map([&] { return names; });
}

Generation generation_of(const std::string& directory, uint32_t number) {
    return {number, fmt::format("{}/gen-{}", directory, number)};
}

Result<std::vector<Generation>> generations(const std::string& directory) {
    std::vector<Generation> found;
    auto read = for_each_entry(directory, [&](const std::string& path, const std::string& name) {
        uint32_t number = 0;
        if (sscanf(name.c_str(), "gen-%" SCNu32, &number) == 1)
            found.push_back({number, path});
    });
    if (!read)
        return tl::unexpected(read.error());
    std::sort(found.begin(), found.end(),
              [](const Generation& a, const Generation& b) { return a.number < b.number; });
    return found;
}

Result<void> make_directories(const std::string& path) {
    std::error_code error;
    // Another command may remove an empty parent meanwhile.
    for (int attempt = 0; attempt < 5; attempt++) {
        fs::create_directories(path, error);
        if (!error || error.value() != ENOENT)
            break;
    }
    if (error)
        return fail_errno(fmt::format("cannot make {}", path), error.value());
    return {};
}

Result<void> pin(const Fd& object, const std::string& path) {
    return pin(object.get(), path);
}

Result<void> pin(int fd, const std::string& path) {
    if (bpf_obj_pin(fd, path.c_str()) != 0)
        return fail_errno(fmt::format("cannot pin {}", path));
    return {};
}

Fd open_pin(const std::string& path) {
    return Fd(bpf_obj_get(path.c_str()));
}

Result<Fd> open_if_pinned(const std::string& path) {
    Fd pinned = open_pin(path);
    if (!pinned.valid() && errno != ENOENT)
        return fail_errno(fmt::format("cannot open {}", path));
    return pinned;
}

bool is_pinned(const std::string& path) {
    return access(path.c_str(), F_OK) == 0 || errno != ENOENT;
}

/// The array of programs empties itself with its last pin, and a packet on its way through would be lost.
static void wait_if_cut(const Generation& generation) {
    if (access(fmt::format("{}/{}", generation.path, programs_map).c_str(), F_OK) == 0)
        wait_for_running_programs();
}

Result<void> remove_tree(const std::string& path) {
    std::error_code error;
    fs::remove_all(path, error);
    if (error)
        return fail_errno(fmt::format("cannot remove {}", path), error.value());
    return {};
}

Result<void> remove_generation(const Generation& generation) {
    wait_if_cut(generation);
    return remove_tree(generation.path);
}

Result<void> remove_directory(const std::string& directory) {
    // The link first: without it a killed removal is recognised as one.
    std::string link = directory + "/link";
    if (unlink(link.c_str()) != 0 && errno != ENOENT)
        return fail_errno(fmt::format("cannot remove {}", link));
    const auto all = generations(directory);
    if (!all)
        return tl::unexpected(all.error());
    for (const Generation& generation : *all)
        wait_if_cut(generation);
    if (auto removed = remove_tree(directory); !removed)
        return removed;
    // Only if empty; another interface may live there.
    std::string parent = fs::path(directory).parent_path();
    rmdir(parent.c_str());
    rmdir(root);
    return {};
}

Result<std::optional<PinnedLink>> open_link(const std::string& directory) {
    PinnedLink link;
    link.fd = open_pin(directory + "/link");
    if (!link.fd.valid()) {
        if (errno == ENOENT)
            return std::optional<PinnedLink>{};
        return fail_errno(fmt::format("cannot open {}/link", directory));
    }
    bpf_link_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(link.fd.get(), &info, &size) != 0)
        return fail_errno(fmt::format("cannot ask for {}/link", directory));
    link.program_id = info.prog_id;
    link.ifindex = info.xdp.ifindex;
    return link;
}

} // namespace xdpc::rt
