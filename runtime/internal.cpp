#include "runtime/internal.h"

#include <bpf/libbpf.h>
#include <cstdarg>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace xdpc::rt {

namespace {

thread_local LibbpfMessages* current_messages = nullptr;

int keep_message(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG || current_messages == nullptr)
        return 0;
    char line[2048];
    vsnprintf(line, sizeof line, format, arguments);
    current_messages->append(line);
    return 0;
}

} // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0)
            close(fd_);
        fd_ = other.release();
    }
    return *this;
}

Fd::~Fd() {
    if (fd_ >= 0)
        close(fd_);
}

int Fd::release() {
    return std::exchange(fd_, -1);
}

tl::unexpected<Error> fail_errno(const std::string& what, int error) {
    error = error < 0 ? -error : error;
    const char* hint = "";
    if (error == EPERM || error == EACCES)
        hint = "run as root, or with CAP_BPF and CAP_NET_ADMIN";
    // ENOTSUPP is the kernel's own and has no text in libc.
    constexpr int kernel_not_supported = 524;
    if (error == kernel_not_supported)
        error = EOPNOTSUPP;
    return fail(fmt::format("{}: {}", what, strerror(error)), hint);
}

LibbpfMessages::LibbpfMessages() : outer_(std::exchange(current_messages, this)) {
    static std::once_flag once;
    std::call_once(once, [] { libbpf_set_print(keep_message); });
}

LibbpfMessages::~LibbpfMessages() {
    current_messages = outer_;
}

std::string LibbpfMessages::last_line() const {
    std::string last;
    size_t from = 0;
    while (from < text_.size()) {
        size_t end = text_.find('\n', from);
        if (end == std::string::npos)
            end = text_.size();
        std::string line = text_.substr(from, end - from);
        // The log has its own place; libbpf frames it with lines that say nothing.
        if (line.starts_with("libbpf: ") && line.find("BEGIN PROG LOAD LOG") == std::string::npos &&
            line.find("END PROG LOAD LOG") == std::string::npos &&
            line.find("failed to load object") == std::string::npos)
            last = line.substr(strlen("libbpf: "));
        from = end + 1;
    }
    return last;
}

Mapping::Mapping(Mapping&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(size_, other.size_);
    return *this;
}

Mapping::~Mapping() {
    if (address_ != nullptr)
        munmap(address_, size_);
}

uint64_t memory_of_fd(int fd) {
    std::ifstream info(fmt::format("/proc/self/fdinfo/{}", fd));
    std::string line;
    while (std::getline(info, line)) {
        if (line.starts_with("memlock:"))
            return strtoull(line.c_str() + strlen("memlock:"), nullptr, 10);
    }
    return 0;
}

} // namespace xdpc::rt
