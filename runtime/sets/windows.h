// An array map's memory of which only what is looked at gets mapped. The kernel enters every page of a
// mapping of an array at once: all of a set of a million elements takes more than ten milliseconds, and a
// single change looks at a few dozen lines.
#pragma once

#include "compiler/base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace xdpc::sets {

class Windows {
public:
    /// Reserves the addresses of a map of `bytes` bytes; `fd` has to outlive it.
    static Result<std::unique_ptr<Windows>> reserve(int fd, size_t bytes);
    Windows(const Windows&) = delete;
    Windows& operator=(const Windows&) = delete;
    ~Windows();

    /// To be called before these bytes are touched.
    void need(size_t offset, size_t bytes) {
        for (size_t i = offset / window; i <= (offset + bytes - 1) / window; i++) {
            if (!mapped_[i]) {
                map(i);
            }
        }
    }
    void need_all();
    [[nodiscard]] std::span<std::byte> memory() const { return {base_, bytes_}; }

private:
    static constexpr size_t window = size_t{1} << 15;
    Windows(int fd, std::byte* base, size_t bytes);
    void map(size_t index);
    void map(size_t offset, size_t bytes);

    int fd_;
    std::byte* base_;
    size_t bytes_;
    std::vector<bool> mapped_;
};

} // namespace xdpc::sets
