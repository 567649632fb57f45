// A live set in a map, searched by one of the programs of lookups.bpf.c.
#pragma once

#include "runtime/sets/table.h"

#include <memory>
#include <string>
#include <utility>

struct bpf_object;
struct bpf_map;

namespace xdpc::sets {

constexpr uint32_t most_keys = 65536;
struct Found {
    uint32_t element = 0;
    uint32_t value = 0;
};

class KernelSet {
public:
    /// Loads `program` alone. `sizes`: of those maps of the kernel that it uses, entries.
    static Result<std::unique_ptr<KernelSet>>
    load(const std::string& program, const Shape& shape,
         const std::vector<std::pair<std::string, uint32_t>>& sizes = {});
    KernelSet() = default;
    KernelSet(const KernelSet&) = delete;
    KernelSet& operator=(const KernelSet&) = delete;
    ~KernelSet();

    /// The array, zero at first.
    [[nodiscard]] std::span<std::byte> memory() const { return set_; }
    /// Puts another array there, as `replace` does, and gives its memory.
    Result<std::span<std::byte>> replace();
    [[nodiscard]] int map_fd(const std::string& name) const;

    /// Keys to look for, most_keys at most, a multiple of `words` words.
    void set_keys(std::span<const uint32_t> keys, uint32_t words);
    /// Looks for all keys; nanoseconds of one look-up.
    double run(uint64_t now, uint32_t bytes = 0, int repeat = 1);
    [[nodiscard]] std::span<const Found> found() const { return {results_, count_}; }

private:
    Result<std::span<std::byte>> new_array();
    bpf_object* object_ = nullptr;
    int program_ = -1;
    int set_fd_ = -1;
    uint32_t lines_ = 0;
    std::span<std::byte> set_;
    std::vector<std::span<std::byte>> mapped_;
    uint32_t* keys_ = nullptr;
    const Found* results_ = nullptr;
    struct Control {
        uint64_t now;
        uint32_t count, bytes;
    };
    Control* control_ = nullptr;
    uint32_t count_ = 0;
};

} // namespace xdpc::sets
