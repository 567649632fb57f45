#include "compiler/codegen/codegen_client.h"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <future>
#include <poll.h>
#include <sys/mman.h>
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

class Fd {
public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { reset(); }
    [[nodiscard]] int get() const { return fd_; }
    void reset(int fd = -1) {
        if (fd_ >= 0) {
            close(fd_);
        }
        fd_ = fd;
    }

private:
    int fd_;
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
    std::string errors;
    bool timed_out = false;
};

/// Reads what the child says until it ends, or until time is up.
Heard listen(int errors) {
    using Clock = std::chrono::steady_clock;
    const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
    Heard heard;
    std::vector<char> buffer(4096);
    while (true) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd ready{errors, POLLIN, 0};
        const int count = left.count() <= 0 ? 0 : poll(&ready, 1, static_cast<int>(left.count()));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            heard.timed_out = true;
            return heard;
        }
        const ssize_t size = read(errors, buffer.data(), buffer.size());
        if (size == 0 || (size < 0 && errno != EINTR)) {
            return heard;
        }
        if (size > 0 && heard.errors.size() < 65536) {
            heard.errors.append(buffer.data(), static_cast<size_t>(size));
        }
    }
}

/// From `offset` of a file to its end.
std::vector<uint8_t> read_rest(int fd, off_t offset) {
    const off_t end = lseek(fd, 0, SEEK_END);
    std::vector<uint8_t> bytes(end > offset ? static_cast<size_t>(end - offset) : 0);
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t size =
            pread(fd, bytes.data() + done, bytes.size() - done, offset + static_cast<off_t>(done));
        if (size <= 0 && !(size < 0 && errno == EINTR)) {
            break;
        }
        done += size > 0 ? static_cast<size_t>(size) : 0;
    }
    bytes.resize(done);
    return bytes;
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

std::future<void>& preloading() {
    static std::future<void> thread;
    return thread;
}

} // namespace

struct Generating::Child {
    pid_t pid = -1;
    Fd result; // in memory: the child need not wait until somebody reads
    Fd errors;

    Child() = default;
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (pid > 0) {
            kill(pid, SIGKILL);
            wait();
        }
    }
    int wait() {
        int status = 0;
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
        pid = -1;
        return status;
    }
};

Generating::Generating(std::unique_ptr<Child> child) : child_(std::move(child)) {}
Generating::Generating(Generating&&) noexcept = default;
Generating& Generating::operator=(Generating&&) noexcept = default;
Generating::~Generating() = default;

Preloading::Preloading() {
    preloading() = std::async(std::launch::async, [] {
        std::string why; // the child says it
        void* library = open_library(why);
        if (auto* warm_up = library ? dlsym(library, "xdpc_codegen_warm_up") : nullptr) {
            reinterpret_cast<void (*)()>(warm_up)();
        }
    });
}

Preloading::~Preloading() {
    preloading() = {}; // waits
}

Result<Generating> start_generating(const CodegenInput& input, CodegenForm form) {
    if (preloading().valid()) {
        preloading().wait(); // a child would have only half of it
    }
    auto child = std::make_unique<Generating::Child>();
    int ends[2];
    child->result.reset(memfd_create("xdpc-object", MFD_CLOEXEC));
    if (child->result.get() < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        return fail(std::string("cannot reach the code generator: ") + strerror(errno));
    }
    child->errors.reset(ends[0]);
    const Fd write_end(ends[1]);
    child->pid = fork();
    if (child->pid < 0) {
        return fail(std::string("cannot fork: ") + strerror(errno));
    }
    if (child->pid == 0) {
        run_child(input, form, child->result.get(), write_end.get());
    }
    return Generating(std::move(child));
}

Result<std::vector<uint8_t>> Generating::finish() {
    const Heard heard = listen(child_->errors.get());
    if (heard.timed_out) {
        kill(child_->pid, SIGKILL);
    }
    const int status = child_->wait();
    Reply kind{};
    if (heard.timed_out || !WIFEXITED(status) || WEXITSTATUS(status) != 0 ||
        pread(child_->result.get(), &kind, 1, 0) != 1) {
        return died(status, heard);
    }
    std::vector<uint8_t> bytes = read_rest(child_->result.get(), 1);
    if (kind == Reply::Bytes) {
        return bytes;
    }
    const std::string text(bytes.begin(), bytes.end());
    const size_t cut = std::min(text.find('\0'), text.size());
    return fail(text.substr(0, cut), cut < text.size() ? text.substr(cut + 1) : "");
}

Result<std::vector<uint8_t>> generate_isolated(const CodegenInput& input, CodegenForm form) {
    auto generating = start_generating(input, form);
    return generating ? generating->finish() : tl::unexpected(generating.error());
}

} // namespace xdpc
