// Lines, indentation, and the comments and empty lines of the source that go with them; for print_file.cpp.
#pragma once

#include "compiler/ast/ast.h"

namespace xdpc::ast {

class Layout {
public:
    Layout(const File& file, const Sources& sources);
    std::string take() { return std::move(out_); }

    [[nodiscard]] size_t indent() const { return indent_; }
    /// Text at the indentation; may hold further lines, which are complete.
    void write(const std::string& text);
    /// Ends the line that was written, with the comment that follows `end` on its line.
    void end_line(uint32_t end);
    /// The brace that was written opens a block; `name_end` is the end of what stands before it in the
    /// source.
    void open(uint32_t name_end);
    void close();

    /// An empty line if the source has one before `begin` and this is not a block's first line.
    void empty_line_before(uint32_t begin);
    /// Comments that begin before `place` and are not printed yet, each on its line.
    void comments_before(uint32_t place);
    /// Comments inside `all` but not inside `lists`, each on its line.
    void comments_outside(Span all, const std::vector<Span>& lists);
    /// Forgets those in text that is printed as it stands.
    void drop_comments(Span span);

    [[nodiscard]] bool has_comments(Span span) const;
    /// For lists: the lines of the comments from `begin` to `end`, each after a newline.
    std::string comment_lines(uint32_t begin, uint32_t end, const std::string& indent);
    /// "  # …" if a comment follows `end` on its line with nothing but blanks and `between` before it.
    std::string trailing_comment(uint32_t end, std::string_view between);

private:
    /// Index of the first comment at or behind `place`.
    [[nodiscard]] size_t first_from(uint32_t place) const;
    void comment_line(size_t index);

    const File& file_;
    const std::string& text_;
    std::vector<bool> printed_;
    size_t next_ = 0; // all before are printed
    std::string out_;
    size_t indent_ = 0;
    bool block_begins_ = true;
};

} // namespace xdpc::ast
