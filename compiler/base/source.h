// Source texts and the places in them. A Span names bytes of one file; Sources turns it into line and column.
#pragma once

#include "compiler/base/result.h"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc {

struct FileId {
    uint32_t value = 0;
    bool operator==(const FileId&) const = default;
};

/// Bytes [begin, end) of one file.
struct Span {
    FileId file;
    uint32_t begin = 0;
    uint32_t end = 0;
    bool operator==(const Span&) const = default;
};

/// From `first`'s begin to `last`'s end; both in one file.
inline Span join(Span first, Span last) {
    return {first.file, first.begin, last.end};
}

/// 1-based line, and 1-based column in bytes.
struct Position {
    uint32_t line = 1;
    uint32_t column = 1;
};

struct Source {
    FileId id;
    std::string path; // as the user wrote it, or "<stdin>", "<text>"
    std::string text;
    std::vector<uint32_t> line_starts;
};

/// Owns every text of a run. References stay valid: sources are only added.
class Sources {
public:
    FileId add(std::string path, std::string text);
    /// Reads a file ("-" is standard input). Directories and files over 64 MiB are refused.
    Result<FileId> load(const std::string& path);
    [[nodiscard]] const Source& get(FileId id) const { return sources_[id.value]; }
    [[nodiscard]] size_t size() const { return sources_.size(); }
    [[nodiscard]] Position position(Span span) const;
    [[nodiscard]] std::string_view text(Span span) const;
    /// The text of a 1-based line, without its newline.
    [[nodiscard]] std::string_view line(FileId file, uint32_t line) const;
    /// "FILE:LINE"
    [[nodiscard]] std::string where(Span span) const;

private:
    std::deque<Source> sources_;
};

} // namespace xdpc
