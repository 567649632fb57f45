#include "compiler/codegen/codegen_client.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xdpc {

namespace {

using Generate = bool (*)(const CodegenInput&, CodegenForm, std::vector<uint8_t>&, Error&);

constexpr const char* library_name = "libxdpc-codegen.so";
constexpr int timeout_ms = 120'000;

/// First byte of what the child writes: bytes of an object follow, or message and hint.
enum class Reply : uint8_t { Bytes = 1, Failure = 2 };

class Pipe {
public:
    Pipe() {
        if (pipe2(ends_, O_CLOEXEC) != 0) {
            ends_[0] = ends_[1] = -1;
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_read();
        close_write();
    }
    [[nodiscard]] bool valid() const { return ends_[0] >= 0; }
    [[nodiscard]] int read_end() const { return ends_[0]; }
    [[nodiscard]] int write_end() const { return ends_[1]; }
    void close_read() { close_end(ends_[0]); }
    void close_write() { close_end(ends_[1]); }

private:
    static void close_end(int& fd) {
        if (fd >= 0) {
            close(fd);
            fd = -1;
        }
    }
    int ends_[2] = {-1, -1};
};

std::string folder_of_executable() {
    char path[4096];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
    if (size <= 0 || size == sizeof path) {
        return {};
    }
    const std::string text(path, static_cast<size_t>(size));
    return text.substr(0, text.rfind('/'));
}

void* open_library(std::string& tried) {
    const std::string folder = folder_of_executable();
    const std::string places[] = {folder + "/" + library_name, folder + "/../lib/xdpc/" + library_name,
                                  std::string(XDPC_CODEGEN_BUILD_DIR) + "/" + library_name};
    for (const std::string& place : places) {
        if (access(place.c_str(), R_OK) != 0) {
            tried += (tried.empty() ? "" : ", ") + place;
            continue;
        }
        if (void* library = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL)) {
            return library;
        }
        tried = dlerror();
        return nullptr;
    }
    tried = "not found: " + tried;
    return nullptr;
}

void write_all(int fd, const void* data, size_t size) {
    const char* at = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return;
        }
        at += done;
        size -= static_cast<size_t>(done);
    }
}

void send(int fd, Reply kind, const void* data, size_t size) {
    write_all(fd, &kind, 1);
    write_all(fd, data, size);
}

void send_error(int fd, const Error& error) {
    const std::string text = error.message + '\0' + error.hint;
    send(fd, Reply::Failure, text.data(), text.size());
}

/// In the child: never returns. `_exit`, since what the parent has buffered must not be written twice;
/// noexcept, since an exception (no memory) would unwind into the parent's code.
[[noreturn]] void run_child(const CodegenInput& input, CodegenForm form, int result, int errors) noexcept {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody is left to read the result
    dup2(errors, STDERR_FILENO);
    std::string why;
    void* library = open_library(why);
    auto generate =
        library ? reinterpret_cast<Generate>(dlsym(library, "xdpc_codegen_generate")) : Generate{};
    if (!generate) {
        send_error(result, {"cannot load the code generator: " + why,
                            std::string(library_name) + " belongs beside the xdpc executable"});
        _exit(0);
    }
    std::vector<uint8_t> bytes;
    Error error;
    if (generate(input, form, bytes, error)) {
        send(result, Reply::Bytes, bytes.data(), bytes.size());
    } else {
        send_error(result, error);
    }
    _exit(0);
}

struct Heard {
    std::vector<uint8_t> result;
    std::string errors;
    bool timed_out = false;
};

/// Reads both pipes to their ends, or until time is up.
Heard listen(int result, int errors) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    Heard heard;
    pollfd fds[2] = {{result, POLLIN, 0}, {errors, POLLIN, 0}};
    std::vector<char> buffer(65536);
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        const int ready = left.count() <= 0 ? 0 : poll(fds, 2, static_cast<int>(left.count()));
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0) {
            heard.timed_out = true;
            return heard;
        }
        for (pollfd& fd : fds) {
            if (fd.fd < 0 || fd.revents == 0) {
                continue;
            }
            const ssize_t size = read(fd.fd, buffer.data(), buffer.size());
            if (size <= 0) {
                fd.fd = size < 0 && errno == EINTR ? fd.fd : -1;
            } else if (&fd == &fds[0]) {
                heard.result.insert(heard.result.end(), buffer.data(), buffer.data() + size);
            } else if (heard.errors.size() < 65536) {
                heard.errors.append(buffer.data(), static_cast<size_t>(size));
            }
        }
    }
    return heard;
}

/// LLVM's last words, in one line: its message, without the advice to report a bug and the stack.
std::string first_words(const std::string& errors) {
    std::string text;
    for (size_t begin = 0; begin < errors.size() && text.size() < 300;) {
        const size_t end = std::min(errors.find('\n', begin), errors.size());
        const std::string line = errors.substr(begin, end - begin);
        if (line.find("PLEASE submit") != std::string::npos || line.rfind("Stack dump", 0) == 0) {
            break;
        }
        text += (text.empty() ? "" : " ") + line;
        begin = end + 1;
    }
    return text;
}

tl::unexpected<Error> died(int status, const Heard& heard) {
    std::string how = heard.timed_out       ? "took too long"
                      : WIFSIGNALED(status) ? std::string("died of ") + strsignal(WTERMSIG(status))
                                            : "ended with status " + std::to_string(WEXITSTATUS(status));
    const std::string words = first_words(heard.errors);
    return fail("the code generator " + how + (words.empty() ? "" : ": " + words),
                "the policy may be too large for one program; please report it");
}

} // namespace

Result<std::vector<uint8_t>> generate_isolated(const CodegenInput& input, CodegenForm form) {
    Pipe result;
    Pipe errors;
    if (!result.valid() || !errors.valid()) {
        return fail(std::string("cannot make a pipe: ") + strerror(errno));
    }
    const pid_t child = fork();
    if (child < 0) {
        return fail(std::string("cannot fork: ") + strerror(errno));
    }
    if (child == 0) {
        run_child(input, form, result.write_end(), errors.write_end());
    }
    result.close_write();
    errors.close_write();
    Heard heard = listen(result.read_end(), errors.read_end());
    if (heard.timed_out) {
        kill(child, SIGKILL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    auto& bytes = heard.result;
    if (heard.timed_out || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || bytes.empty()) {
        return died(status, heard);
    }
    const auto kind = static_cast<Reply>(bytes.front());
    bytes.erase(bytes.begin());
    if (kind == Reply::Bytes) {
        return std::move(bytes);
    }
    const std::string text(bytes.begin(), bytes.end());
    const size_t cut = std::min(text.find('\0'), text.size());
    return fail(text.substr(0, cut), cut < text.size() ? text.substr(cut + 1) : "");
}

} // namespace xdpc
