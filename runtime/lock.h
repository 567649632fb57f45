// One command at a time on an interface: an flock that the kernel drops when its holder dies.
#pragma once

#include "runtime/internal.h"

namespace xdpc::rt {

class InterfaceLock {
public:
    /// Waits for up to ten seconds; the error names the process that holds it.
    static Result<InterfaceLock> acquire(uint64_t network_namespace, uint32_t ifindex);
    /// Invalid at once if another process holds it.
    static InterfaceLock try_acquire(uint64_t network_namespace, uint32_t ifindex);
    /// One of the places of listeners on an interface; a place that is taken is an Error that says by whom.
    static Result<InterfaceLock> acquire_listener(uint64_t network_namespace, uint32_t ifindex,
                                                  uint32_t place);
    [[nodiscard]] bool valid() const { return fd_.valid(); }
    /// Removes the lock's file when nothing is left to protect, an interface's with those that killed
    /// listeners left; the lock stays held until destruction.
    void remove_file();
    InterfaceLock() = default;

private:
    static Result<InterfaceLock> acquire_file(const std::string& path, int milliseconds);
    Fd fd_;
    std::string path_;
};

/// Removes files of locks that protect nothing: a command was killed before it pinned.
void remove_stale_lock_files();

} // namespace xdpc::rt
