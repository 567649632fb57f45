// What commands print: text that survives a closed pipe, diagnostics, errors, and a word about what takes
// long.
#pragma once

#include "compiler/base/diagnostics.h"
#include "runtime/load.h"

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

namespace xdpc::driver {

/// To standard output. fmt::print would throw when the reader of a pipe is gone.
void put(std::string_view text);
template<class... Args> void say(fmt::format_string<Args...> format, Args&&... args) {
    put(fmt::format(format, std::forward<Args>(args)...));
}
/// To standard error.
void put_error(std::string_view text);

/// Colour only on a terminal, and not if NO_COLOR is set.
bool use_color(int fd);
/// Sorts and prints the diagnostics to standard error; true if there were errors.
bool report(Diagnostics& diagnostics, const Sources& sources);
/// "xdpc: error: …" and the hint, to standard error. The exit code for it.
int report(const Error& error);
/// The verifier's refusal, shown like a diagnostic on the policy's own line.
std::string render(const rt::Refusal& refusal, const Sources& sources);
int report(const rt::LoadError& error, const Sources& sources);

/// "12.5 KiB"
std::string bytes_text(uint64_t bytes);

/// A table with columns as wide as their widest cell. Numbers to the right.
struct Column {
    std::string title;
    bool right = false;
};
std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows);

/// Says `what` on standard error once it has taken a second.
class Progress {
public:
    explicit Progress(std::string what, bool quiet = false);
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

private:
    std::string what_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool done_ = false;
    std::thread thread_;
};

} // namespace xdpc::driver
