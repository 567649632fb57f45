#include "tests/cli/command.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <grp.h>
#include <iterator>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xdpc::cli {

namespace {

namespace fs = std::filesystem;

struct Pipe {
    int read_end = -1;
    int write_end = -1;
    Pipe() {
        std::array<int, 2> ends{};
        if (pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe");
        }
        read_end = ends[0];
        write_end = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_read();
        close_write();
    }
    void close_read() { shut(read_end); }
    void close_write() { shut(write_end); }

private:
    static void shut(int& fd) {
        if (fd >= 0) {
            close(fd);
            fd = -1;
        }
    }
};

void become_nobody() {
    constexpr unsigned nobody = 65534;
    if (setgroups(0, nullptr) != 0 || setgid(nobody) != 0 || setuid(nobody) != 0) {
        _exit(126);
    }
}

[[noreturn]] void become(const Command& command, const Pipe& in, const Pipe& out, const Pipe& err) {
    dup2(in.read_end, 0);
    dup2(out.write_end, 1);
    dup2(err.write_end, 2);
    std::signal(SIGPIPE, SIG_DFL);
    if (!command.netns.empty()) {
        const int fd = open(("/run/netns/" + command.netns).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || setns(fd, CLONE_NEWNET) != 0) {
            _exit(125);
        }
    }
    for (const std::string& variable : command.environment) {
        putenv(const_cast<char*>(variable.c_str()));
    }
    if (command.as_nobody) {
        become_nobody();
    }
    const std::string program = command.program.empty() ? XDPC_BINARY_DIR "/xdpc" : command.program;
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& word : command.words) {
        words.push_back(const_cast<char*>(word.c_str()));
    }
    words.push_back(nullptr);
    execvp(program.c_str(), words.data());
    _exit(127);
}

/// Feeds the input and collects both outputs until all are closed; false when the time is over.
bool exchange(const Command& command, Pipe& in, Pipe& out, Pipe& err, Ran& ran) {
    size_t written = 0;
    std::array<char, 65536> buffer{};
    if (command.input.empty()) {
        in.close_write();
    }
    fcntl(in.write_end, F_SETFL, O_NONBLOCK);
    while (in.write_end >= 0 || out.read_end >= 0 || err.read_end >= 0) {
        std::array<pollfd, 3> wait = {
            {{in.write_end, POLLOUT, 0}, {out.read_end, POLLIN, 0}, {err.read_end, POLLIN, 0}}};
        if (poll(wait.data(), wait.size(), static_cast<int>(command.timeout_seconds) * 1000) <= 0) {
            return false;
        }
        if (wait[0].revents != 0) {
            const ssize_t n =
                write(in.write_end, command.input.data() + written, command.input.size() - written);
            written += n > 0 ? static_cast<size_t>(n) : 0;
            if (n < 0 || written == command.input.size()) {
                in.close_write();
            }
        }
        for (auto [index, pipe, text] : {std::tuple(1, &out, &ran.out), std::tuple(2, &err, &ran.err)}) {
            if (wait[static_cast<size_t>(index)].revents == 0) {
                continue;
            }
            const ssize_t n = ::read(pipe->read_end, buffer.data(), buffer.size());
            if (n <= 0) {
                pipe->close_read();
            } else {
                text->append(buffer.data(), static_cast<size_t>(n));
            }
        }
    }
    return true;
}

} // namespace

Ran run(const Command& command) {
    Pipe in;
    Pipe out;
    Pipe err;
    std::signal(SIGPIPE, SIG_IGN);
    const pid_t child = fork();
    if (child < 0) {
        throw std::runtime_error("fork");
    }
    if (child == 0) {
        become(command, in, out, err);
    }
    in.close_read();
    out.close_write();
    err.close_write();
    if (command.close_output) {
        out.close_read();
    }
    Ran ran;
    if (!exchange(command, in, out, err, ran)) {
        kill(child, SIGKILL);
        ran.err += "\n(killed: no output for too long)";
    }
    int status = 0;
    waitpid(child, &status, 0);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return ran;
}

Ran xdpc(std::vector<std::string> words) {
    Command command;
    command.words = std::move(words);
    return run(command);
}

Folder::Folder() {
    std::string name = (fs::temp_directory_path() / "xdpc-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
        throw std::runtime_error("mkdtemp");
    }
    chmod(name.c_str(), 0755);
    path_ = name;
}

Folder::~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string Folder::path(const std::string& name) const {
    return name.empty() ? path_ : path_ + "/" + name;
}

std::string Folder::write(const std::string& name, const std::string& text) const {
    const std::string file = path(name);
    fs::create_directories(fs::path(file).parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file;
}

std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> examples() {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(XDPC_SOURCE_DIR "/examples/rules")) {
        if (entry.path().extension() == ".xdp") {
            out.push_back(entry.path().string());
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

bool is_root() {
    return geteuid() == 0;
}

} // namespace xdpc::cli
