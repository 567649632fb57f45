// What the files of this folder share: system errors as Results, libbpf's messages kept, owned mappings.
#pragma once

#include "runtime/load.h"

#include <cerrno>
#include <cstring>
#include <string>

namespace xdpc::rt {

/// "WHAT: No such device" from errno (or the given error number), with a hint where the number has an
/// obvious one.
tl::unexpected<Error> fail_errno(const std::string& what, int error = errno);

/// Keeps what libbpf would print to standard error; per thread.
class LibbpfMessages {
public:
    LibbpfMessages();
    ~LibbpfMessages();
    LibbpfMessages(const LibbpfMessages&) = delete;
    LibbpfMessages& operator=(const LibbpfMessages&) = delete;
    [[nodiscard]] const std::string& text() const { return text_; }
    /// The last line that says something, without "libbpf: ".
    [[nodiscard]] std::string last_line() const;

    void append(const char* message) { text_ += message; }

private:
    std::string text_;
    LibbpfMessages* outer_;
};

/// An owned memory mapping.
class Mapping {
public:
    Mapping() = default;
    Mapping(void* address, size_t size) : address_(address), size_(size) {}
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping();
    [[nodiscard]] void* address() const { return address_; }
    [[nodiscard]] size_t size() const { return size_; }

private:
    void* address_ = nullptr;
    size_t size_ = 0;
};

/// `memlock` of an open program or map as /proc tells.
uint64_t memory_of_fd(int fd);

/// Reads a verifier log into what a user needs to know; `artifact` turns base names into paths.
Refusal refusal_from_log(const std::string& log, const Artifact& artifact);
/// "stack depth 16+8" of the log's statistics.
uint32_t stack_depth_from_log(const std::string& log);

} // namespace xdpc::rt
