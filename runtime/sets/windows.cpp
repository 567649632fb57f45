#include "runtime/sets/windows.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace xdpc::sets {

Windows::Windows(int fd, std::byte* base, size_t bytes)
    : fd_(fd), base_(base), bytes_(bytes), mapped_((bytes + window - 1) / window) {}

Result<std::unique_ptr<Windows>> Windows::reserve(int fd, size_t bytes) {
    void* base = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return fail(std::string("cannot reserve addresses for a set: ") + std::strerror(errno));
    }
    return std::unique_ptr<Windows>(new Windows(fd, static_cast<std::byte*>(base), bytes));
}

Windows::~Windows() {
    munmap(base_, bytes_);
}

void Windows::map(size_t index) {
    map(index * window, std::min(window, bytes_ - index * window));
    mapped_[index] = true;
}

void Windows::need_all() {
    map(0, bytes_);
    mapped_.assign(mapped_.size(), true);
}

void Windows::map(size_t offset, size_t bytes) {
    void* at = mmap(base_ + offset, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd_,
                    static_cast<off_t>(offset));
    if (at == MAP_FAILED) {
        // In the middle of a change, which the next writer repairs as after any kill: nothing may be unwound.
        std::perror("xdpc: error: cannot map a part of a set");
        constexpr int refused_by_the_system = 3;
        _exit(refused_by_the_system);
    }
}

} // namespace xdpc::sets
