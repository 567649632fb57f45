// What a user did wrong, as data: a stable code, a place, a message from the one table, notes and a hint.
#pragma once

#include "compiler/base/source.h"

#include <fmt/format.h>
#include <string>
#include <vector>

namespace xdpc {

enum class Severity { Note, Warning, Error };
/// "note", "warning", "error"
const char* name_of(Severity severity);

/// One enumerator for each row of diagnostics.def.
enum class Diag : uint16_t {
#define XDPC_DIAG(id, code, severity, format) id,
#include "compiler/base/diagnostics.def"
#undef XDPC_DIAG
};

struct DiagInfo {
    const char* id;
    unsigned code; // printed as XDPC%04u
    Severity severity;
    const char* format;
};
const DiagInfo& info(Diag diag);
/// Every row, in table order.
const std::vector<DiagInfo>& all_diagnostics();

struct DiagNote {
    Span span;
    std::string message;
};

struct Diagnostic {
    Diag kind;
    Span span;
    std::string message;
    std::string hint; // "" when there is none
    std::vector<DiagNote> notes;

    Diagnostic& with_hint(std::string text) {
        hint = std::move(text);
        return *this;
    }
    Diagnostic& with_note(Span where, std::string text) {
        notes.push_back({where, std::move(text)});
        return *this;
    }
};

class Diagnostics {
public:
    /// Formats the row's message with `args`. The reference is good until the next add.
    template<class... Args> Diagnostic& add(Diag kind, Span span, const Args&... args) {
        return push({kind, span, fmt::format(fmt::runtime(info(kind).format), args...), {}, {}});
    }
    [[nodiscard]] bool has_errors() const { return errors_ != 0; }
    [[nodiscard]] size_t errors() const { return errors_; }
    [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
    /// Orders by file and place, and drops exact repeats (a file included twice).
    void sort();

private:
    Diagnostic& push(Diagnostic diagnostic);
    std::vector<Diagnostic> all_;
    size_t errors_ = 0;
};

struct RenderOptions {
    bool color = false;
};
/// `FILE:LINE:COL: error[XDPC0104]: …`, the source line, a caret line, notes, `hint: …`.
std::string render(const Diagnostic& diagnostic, const Sources& sources, RenderOptions options = {});
std::string render(const Diagnostics& diagnostics, const Sources& sources, RenderOptions options = {});

/// The candidate nearest to `word` by edit distance if near enough to be a likely typo, else "".
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

} // namespace xdpc
