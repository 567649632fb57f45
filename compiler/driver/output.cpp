#include "compiler/driver/output.h"

#include "compiler/driver/command.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <unistd.h>

namespace xdpc::driver {

void put(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void put_error(std::string_view text) {
    std::fflush(stdout); // so that both appear in the order they were said
    std::fwrite(text.data(), 1, text.size(), stderr);
}

bool use_color(int fd) {
    const char* no_color = std::getenv("NO_COLOR");
    return (no_color == nullptr || *no_color == '\0') && isatty(fd) == 1;
}

bool report(Diagnostics& diagnostics, const Sources& sources) {
    diagnostics.sort();
    put_error(render(diagnostics, sources, {use_color(STDERR_FILENO)}));
    return diagnostics.has_errors();
}

int report(const Error& error) {
    std::string text = fmt::format("xdpc: error: {}\n", error.message);
    if (!error.hint.empty()) {
        text += fmt::format("      = hint: {}\n", error.hint);
    }
    put_error(text);
    return ExitSystem;
}

namespace {

/// The source whose path the verifier's log names.
const Source* find_source(const std::string& path, const Sources& sources) {
    for (uint32_t i = 0; i < sources.size(); ++i) {
        const Source& source = sources.get({i});
        const std::string_view own = source.path;
        const bool ends_so = path.size() > own.size() && std::string_view(path).ends_with(own) &&
                             path[path.size() - own.size() - 1] == '/';
        if (own == path || ends_so) {
            return &source;
        }
    }
    return nullptr;
}

} // namespace

std::string render(const rt::Refusal& refusal, const Sources& sources) {
    std::string out;
    const Source* source = find_source(refusal.file, sources);
    if (source != nullptr && refusal.line > 0 && refusal.line <= source->line_starts.size()) {
        const std::string_view line = sources.line(source->id, refusal.line);
        const size_t indent = std::min(line.find_first_not_of(" \t"), line.size());
        std::string shown(line);
        std::replace(shown.begin(), shown.end(), '\t', ' ');
        out += fmt::format("{}:{}:{}: error: the kernel's verifier refuses this rule: {}\n", source->path,
                           refusal.line, indent + 1, refusal.reason);
        out += fmt::format("{:>5} | {}\n      | {}^{}\n", refusal.line, shown, std::string(indent, ' '),
                           std::string(line.size() - indent > 1 ? line.size() - indent - 1 : 0, '~'));
    } else {
        out += fmt::format("xdpc: error: the kernel's verifier refuses the program: {}\n", refusal.reason);
    }
    if (!refusal.log_tail.empty()) {
        out += "      = the end of the verifier's log:\n";
        for (const std::string& line : refusal.log_tail) {
            out += fmt::format("        {}\n", line);
        }
    }
    return out;
}

int report(const rt::LoadError& error, const Sources& sources) {
    if (!error.refusal) {
        return report(error.error);
    }
    put_error(render(*error.refusal, sources));
    return ExitPolicy;
}

std::string bytes_text(uint64_t bytes) {
    static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(units)) {
        value /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

namespace {

/// Characters, not bytes.
size_t width_of(std::string_view text) {
    return static_cast<size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

} // namespace

std::string table(const std::vector<Column>& columns, const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    for (size_t i = 0; i < columns.size(); ++i) {
        size_t width = width_of(columns[i].title);
        for (const auto& row : rows) {
            width = std::max(width, width_of(row[i]));
        }
        widths.push_back(width);
    }
    std::string out;
    auto add_row = [&](auto cell) {
        std::string line;
        for (size_t i = 0; i < columns.size(); ++i) {
            const std::string& text = cell(i);
            const std::string pad(widths[i] - width_of(text), ' ');
            line += (i == 0 ? "" : "  ") + (columns[i].right ? pad + text : text + pad);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + "\n";
    };
    add_row([&](size_t i) -> const std::string& { return columns[i].title; });
    for (const auto& row : rows) {
        add_row([&](size_t i) -> const std::string& { return row[i]; });
    }
    return out;
}

Progress::Progress(std::string what, bool quiet) : what_("xdpc: " + std::move(what) + " …\n") {
    if (quiet) {
        return;
    }
    // write(2), not stdio: the code generator forks meanwhile, and a lock held here would stay held there.
    const auto say_once = [this] {
        std::unique_lock lock(mutex_);
        if (!wake_.wait_for(lock, std::chrono::seconds(1), [this] { return done_; })) {
            [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, what_.data(), what_.size());
        }
    };
    try {
        thread_ = std::thread(say_once);
    } catch (const std::system_error&) { // no memory for it: the command goes on without a word
    }
}

Progress::~Progress() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            done_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
}

} // namespace xdpc::driver
