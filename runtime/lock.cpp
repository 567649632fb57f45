#include "runtime/lock.h"
#include "runtime/pins.h"

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

namespace xdpc::rt {

namespace {

const char* const lock_directory = "/run/xdpc";

std::string lock_path(uint64_t network_namespace, uint32_t ifindex) {
    return fmt::format("{}/{}-{}.lock", lock_directory, network_namespace, ifindex);
}

/// The file may have been removed (and made anew by another) between open and flock.
bool still_there(int fd, const std::string& path) {
    struct stat opened{};
    struct stat named{};
    return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

/// As /proc/locks tells ("1: FLOCK  ADVISORY  WRITE 1234 fe:01:5678 0 EOF"): to write it into the file would
/// make every command wait for a disk where /run is on one.
std::string holder_of(int fd) {
    struct stat opened{};
    std::ifstream locks("/proc/locks");
    std::string line;
    while (fstat(fd, &opened) == 0 && std::getline(locks, line)) {
        long process = 0;
        unsigned major_number = 0;
        unsigned minor_number = 0;
        unsigned long inode = 0;
        if (sscanf(line.c_str(), "%*s FLOCK %*s %*s %ld %x:%x:%lu", &process, &major_number, &minor_number,
                   &inode) == 4 &&
            inode == opened.st_ino && makedev(major_number, minor_number) == opened.st_dev && process > 0)
            return fmt::format("process {}", process);
    }
    return "another process";
}

} // namespace

Result<InterfaceLock> InterfaceLock::acquire(uint64_t network_namespace, uint32_t ifindex) {
    return acquire_file(lock_path(network_namespace, ifindex), 10'000);
}

InterfaceLock InterfaceLock::try_acquire(uint64_t network_namespace, uint32_t ifindex) {
    auto lock = acquire_file(lock_path(network_namespace, ifindex), 0);
    return lock ? std::move(*lock) : InterfaceLock();
}

Result<InterfaceLock> InterfaceLock::acquire_listener(uint64_t network_namespace, uint32_t ifindex,
                                                      uint32_t place) {
    return acquire_file(fmt::format("{}/{}-{}.listener{}", lock_directory, network_namespace, ifindex, place),
                        0);
}

Result<InterfaceLock> InterfaceLock::acquire_file(const std::string& path, int milliseconds) {
    InterfaceLock lock;
    lock.path_ = path;
    if (mkdir(lock_directory, 0755) != 0 && errno != EEXIST)
        return fail_errno(fmt::format("cannot make {}", lock_directory));
    auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
    for (;;) {
        lock.fd_ = Fd(open(lock.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!lock.fd_.valid())
            return fail_errno(fmt::format("cannot open {}", lock.path_));
        if (flock(lock.fd_.get(), LOCK_EX | LOCK_NB) == 0) {
            if (!still_there(lock.fd_.get(), lock.path_))
                continue;
            return lock;
        }
        if (std::chrono::steady_clock::now() >= give_up)
            return fail(fmt::format("{} is at work on this interface (holds {})", holder_of(lock.fd_.get()),
                                    lock.path_),
                        "wait for it to end, or end it; what it leaves is repaired");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

void InterfaceLock::remove_file() {
    if (!fd_.valid())
        return;
    // Listeners that were killed leave theirs; those that still run hold theirs, and remove them at their
    // end.
    const std::string listeners = std::filesystem::path(path_).stem().string() + ".listener";
    const auto names = names_in(lock_directory);
    for (const std::string& name : names.value_or(std::vector<std::string>())) {
        if (name.starts_with(listeners)) {
            if (auto held = acquire_file(fmt::format("{}/{}", lock_directory, name), 0))
                unlink(held->path_.c_str());
        }
    }
    unlink(path_.c_str());
}

void remove_stale_lock_files() {
    const auto nothing_pinned = [](uint64_t network_namespace, uint32_t ifindex) {
        const auto directory = interface_directory(network_namespace, ifindex);
        return directory && directory->empty();
    };
    const auto names = names_in(lock_directory);
    for (const std::string& name : names.value_or(std::vector<std::string>())) {
        uint64_t network_namespace = 0;
        uint32_t ifindex = 0;
        if (sscanf(name.c_str(), "%" SCNu64 "-%" SCNu32, &network_namespace, &ifindex) != 2 ||
            !nothing_pinned(network_namespace, ifindex))
            continue;
        InterfaceLock lock = InterfaceLock::try_acquire(network_namespace, ifindex);
        if (lock.valid() && nothing_pinned(network_namespace, ifindex))
            lock.remove_file();
    }
}

} // namespace xdpc::rt
