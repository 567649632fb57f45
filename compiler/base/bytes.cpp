#include "compiler/base/bytes.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace xdpc {

namespace {

tl::unexpected<Error> cannot_read(const std::string& path, int error) {
    return fail(fmt::format("cannot read `{}`: {}", path, std::generic_category().message(error)));
}

/// read(2), since streams tell of a failing read by an exception or not at all.
Result<std::string> read_to_end(int fd, const std::string& path, size_t limit) {
    constexpr size_t step = size_t{64} << 10;
    std::string bytes;
    size_t size = 0;
    for (;;) {
        bytes.resize(size + step);
        const ssize_t got = read(fd, bytes.data() + size, step);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return cannot_read(path, errno);
        }
        size += static_cast<size_t>(got);
        if (size > limit) {
            return fail(fmt::format("`{}` is larger than {} MiB", path, limit >> 20));
        }
        if (got == 0) {
            bytes.resize(size);
            return bytes;
        }
    }
}

} // namespace

std::string hex_text(std::span<const uint8_t> bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const uint8_t byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

Result<std::string> read_bytes(const std::string& path, size_t limit) {
    if (path == "-") {
        return read_to_end(STDIN_FILENO, "<stdin>", limit);
    }
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return cannot_read(path, errno);
    }
    struct stat info{};
    Result<std::string> bytes = fstat(fd, &info) != 0 ? cannot_read(path, errno)
                                : S_ISDIR(info.st_mode)
                                    ? fail(fmt::format("cannot read `{}`: it is a directory", path))
                                    : read_to_end(fd, path, limit);
    close(fd);
    return bytes;
}

} // namespace xdpc
