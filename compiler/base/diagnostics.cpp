#include "compiler/base/diagnostics.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace xdpc {

const std::vector<DiagInfo>& all_diagnostics() {
    static const std::vector<DiagInfo> rows = {
#define XDPC_DIAG(id, code, severity, format) {#id, code, Severity::severity, format},
#include "compiler/base/diagnostics.def"
#undef XDPC_DIAG
    };
    return rows;
}

const DiagInfo& info(Diag diag) {
    return all_diagnostics()[static_cast<size_t>(diag)];
}

Diagnostic& Diagnostics::push(Diagnostic diagnostic) {
    errors_ += info(diagnostic.kind).severity == Severity::Error ? 1 : 0;
    all_.push_back(std::move(diagnostic));
    return all_.back();
}

void Diagnostics::sort() {
    auto key = [](const Diagnostic& d) {
        return std::tuple(d.span.file.value, d.span.begin, static_cast<int>(d.kind),
                          std::string_view(d.message));
    };
    std::stable_sort(all_.begin(), all_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    all_.erase(
        std::unique(all_.begin(), all_.end(), [&](const auto& a, const auto& b) { return key(a) == key(b); }),
        all_.end());
    errors_ = static_cast<size_t>(std::count_if(all_.begin(), all_.end(), [](const Diagnostic& d) {
        return info(d.kind).severity == Severity::Error;
    }));
}

const char* name_of(Severity severity) {
    switch (severity) {
    case Severity::Note:
        return "note";
    case Severity::Warning:
        return "warning";
    case Severity::Error:
        return "error";
    }
    return "";
}

namespace {

struct Paint {
    bool on;
    [[nodiscard]] std::string operator()(const char* code, std::string_view text) const {
        return on ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
    }
};

const char* color_of(Severity severity) {
    return severity == Severity::Error ? "1;31" : severity == Severity::Warning ? "1;35" : "1;36";
}

/// What is shown of a line: of a list of thousands on one line, what stands around the mistake.
struct Window {
    std::string_view line;
    size_t from = 0;   // of the mistake, in bytes
    size_t length = 1; // of the mistake, at least 1
    bool cut = false;  // there is more before
};

Window window(std::string_view line, size_t from, size_t length) {
    constexpr size_t widest = 400;
    constexpr size_t around = 100;
    Window out{line, from, length, false};
    if (line.size() > widest) {
        const auto begin_of_character = [line](size_t i) {
            while (i > 0 && i < line.size() && (static_cast<unsigned char>(line[i]) & 0xc0U) == 0x80U) {
                --i;
            }
            return i;
        };
        const size_t first = begin_of_character(std::min(from - std::min(from, around), line.size()));
        const size_t last =
            begin_of_character(std::min(line.size(), from + std::min(length, around) + around));
        out = {line.substr(first, std::max(first, last) - first), from - first, length, first > 0};
    }
    const size_t rest = out.line.size() - std::min(out.from, out.line.size());
    out.length = std::max<size_t>(1, std::min(length, rest));
    return out;
}

/// The line of the span and a caret line under it; a span over many lines is marked to its first line's end.
std::string excerpt(Span span, const Sources& sources, const Paint& paint) {
    const Position at = sources.position(span);
    const auto [line, from, length, cut] =
        window(sources.line(span.file, at.line), at.column - 1, span.end - span.begin);
    std::string shown(cut ? "… " : "");
    std::string marks(cut ? 2U : 0U, ' ');
    for (size_t i = 0; i < std::max(line.size(), from + length); ++i) {
        const auto c = static_cast<unsigned char>(i < line.size() ? line[i] : ' ');
        const bool continuation = (c & 0xc0U) == 0x80U; // one mark for each UTF-8 character
        if (i < line.size()) {
            shown += c == '\t' ? ' ' : (c < 0x20 || c == 0x7f) ? '?' : line[i];
        }
        if (!continuation && i < from + length) {
            marks += i < from ? ' ' : i == from ? '^' : '~';
        }
    }
    const std::string number = fmt::format("{:>5}", at.line);
    return fmt::format("{} | {}\n{} | {}\n", number, shown, std::string(number.size(), ' '),
                       paint("1;32", marks));
}

} // namespace

std::string render(const Diagnostic& diagnostic, const Sources& sources, RenderOptions options) {
    const Paint paint{options.color};
    const DiagInfo& row = info(diagnostic.kind);
    const Position at = sources.position(diagnostic.span);
    const std::string& path = sources.get(diagnostic.span.file).path;
    std::string out = fmt::format(
        "{}:{}:{}: {} {}\n", path, at.line, at.column,
        paint(color_of(row.severity), fmt::format("{}[XDPC{:04}]:", name_of(row.severity), row.code)),
        diagnostic.message);
    out += excerpt(diagnostic.span, sources, paint);
    for (const DiagNote& note : diagnostic.notes) {
        const Position there = sources.position(note.span);
        out += fmt::format("{}:{}:{}: {} {}\n", sources.get(note.span.file).path, there.line, there.column,
                           paint("1;36", "note:"), note.message);
        out += excerpt(note.span, sources, paint);
    }
    if (!diagnostic.hint.empty()) {
        out += fmt::format("      = {} {}\n", paint("1;36", "hint:"), diagnostic.hint);
    }
    return out;
}

std::string render(const Diagnostics& diagnostics, const Sources& sources, RenderOptions options) {
    constexpr size_t most = 10; // warnings of a kind; a list of thousands is not read
    std::string out;
    std::map<Diag, size_t> warnings;
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        const bool warning = info(diagnostic.kind).severity == Severity::Warning;
        if (!warning || ++warnings[diagnostic.kind] <= most) {
            out += render(diagnostic, sources, options);
        }
    }
    for (const auto& [kind, count] : warnings) {
        if (count > most) {
            out += fmt::format("and {} more warning{} XDPC{:04}; `--json` lists all of them\n", count - most,
                               count - most == 1 ? "" : "s", info(kind).code);
        }
    }
    return out;
}

namespace {
/// Edits from one word to the other; two swapped letters are one, for they are the commonest typo.
size_t edit_distance(std::string_view from, std::string_view to) {
    std::vector<size_t> before_last(to.size() + 1);
    std::vector<size_t> last(to.size() + 1);
    std::vector<size_t> row(to.size() + 1);
    for (size_t j = 0; j < row.size(); ++j) {
        row[j] = j;
    }
    for (size_t i = 1; i <= from.size(); ++i) {
        std::swap(before_last, last);
        std::swap(last, row);
        row[0] = i;
        for (size_t j = 1; j <= to.size(); ++j) {
            const size_t same = last[j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
            row[j] = std::min({last[j] + 1, row[j - 1] + 1, same});
            if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
    }
    return row.back();
}
} // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
    constexpr size_t longest = 64; // no name is longer; a longer word is no typo of one
    if (word.size() > longest) {
        return {};
    }
    std::string best;
    // At least one letter is right: nothing is near `x`.
    size_t best_distance = std::min(std::max<size_t>(1, word.size() / 3) + 1, word.size());
    for (const std::string& candidate : candidates) {
        const size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

} // namespace xdpc
