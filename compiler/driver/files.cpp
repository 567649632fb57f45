#include "compiler/driver/command.h"
#include "runtime/load.h"
#include "runtime/probe.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

namespace xdpc::driver {

namespace {

std::string reason() {
    return std::generic_category().message(errno);
}

/// Where a write to `path` is to go: through symbolic links, which a rename would replace.
std::string resolved(const std::string& path) {
    char buffer[PATH_MAX];
    return realpath(path.c_str(), buffer) != nullptr ? std::string(buffer) : path;
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(fd, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<size_t>(written));
    }
    return true;
}

} // namespace

Result<void> write_file(const std::string& path, std::string_view text) {
    const std::string target = resolved(path);
    struct stat info{};
    const bool exists = stat(target.c_str(), &info) == 0;
    if (exists && !S_ISREG(info.st_mode)) { // a pipe, /dev/stdout: nothing to rename onto
        std::ofstream out(target, std::ios::binary);
        out << text << std::flush;
        return out ? Result<void>{} : fail(fmt::format("cannot write `{}`: {}", path, reason()));
    }
    std::string temporary = target + ".XXXXXX";
    const int fd = mkstemp(temporary.data());
    if (fd < 0) {
        return fail(fmt::format("cannot write `{}`: {}", path, reason()));
    }
    const mode_t mask = umask(0);
    umask(mask);
    const mode_t mode = exists ? info.st_mode & 07777U : 0666U & ~mask;
    const bool ok = write_all(fd, text) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
    const int failure = errno;
    close(fd);
    if (!ok || rename(temporary.c_str(), target.c_str()) != 0) {
        const int why = ok ? errno : failure;
        unlink(temporary.c_str());
        return fail(fmt::format("cannot write `{}`: {}", path, std::generic_category().message(why)));
    }
    return {};
}

std::optional<std::string> cpu_of_kernel(const std::string& kernel) {
    std::string release = kernel;
    if (kernel == "host") {
        if (rt::may_load()) {
            return rt::runs_cpu_v4() ? "v4" : "v3";
        }
        utsname name{};
        if (uname(&name) != 0) {
            return std::nullopt;
        }
        release = name.release;
    }
    unsigned major = 0;
    unsigned minor = 0;
    if (std::sscanf(release.c_str(), "%u.%u", &major, &minor) != 2 || major < 6 ||
        (major == 6 && minor < 1)) {
        return std::nullopt;
    }
    return major > 6 || minor >= 6 ? "v4" : "v3"; // cpu v4 (gotol, bswap, signed loads) came with 6.6
}

} // namespace xdpc::driver
