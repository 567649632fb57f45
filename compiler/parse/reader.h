// The state of one run of the grammar over one source: the tree so far, brackets, and what was reported.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/parse/scan.h"
#include "compiler/parse/tree.h"
#include "grammar/context.h"

namespace xdpc::parsing {

class Reader : public grammar::Context {
public:
    Reader(const Source& source, const Scan& scan, Diagnostics& diagnostics)
        : source_(source), scan_(scan), diagnostics_(diagnostics), unclosed_(scan.unclosed) {}

    // ---- the tree
    [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
    uint32_t open(NodeKind kind, const char* at) {
        nodes_.push_back({kind, offset(at), 0, 0});
        return size() - 1;
    }
    void close(uint32_t index, const char* at) {
        nodes_[index].end = offset(at);
        nodes_[index].next = size();
    }
    void drop_from(uint32_t index) { nodes_.erase(nodes_.begin() + index, nodes_.end()); }
    void error_node(NodeKind kind, const char* begin, const char* end);
    [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }

    // ---- recovery (grammar/text.h)
    [[nodiscard]] uint32_t mark() const { return size(); }
    void back_to(uint32_t mark) { drop_from(mark); }
    /// Where the next rule begins after a mistake in the one at `start`.
    [[nodiscard]] const char* resume_line(const char* start, const grammar::SyntaxFailure& failure) const;
    /// Where the next element begins, or null if this list seems not to be closed.
    [[nodiscard]] const char* resume_element(const char* start, const grammar::SyntaxFailure& failure) const;
    [[noreturn]] void too_deep(const char* at) const;
    void report(const grammar::SyntaxFailure& failure);

    // ---- statements that are kept as text
    [[nodiscard]] std::optional<size_t> kept_length(std::string_view rest) const;
    [[nodiscard]] std::optional<size_t> line_length(std::string_view rest) const;

private:
    [[nodiscard]] uint32_t offset(const char* at) const {
        return static_cast<uint32_t>(at - source_.text.data());
    }
    [[nodiscard]] const char* end() const { return source_.text.data() + source_.text.size(); }
    /// Behind the bracket, text, comment or character at `at`.
    [[nodiscard]] const char* step(const char* at) const;
    /// `resume`, or before the comment and blanks that end there: they are no part of the mistake at `start`.
    [[nodiscard]] const char* without_comment(const char* start, const char* resume) const;
    [[nodiscard]] std::string_view word_before(const char* at) const;
    Diagnostic& add_expected(const grammar::Expected& wanted, const char* place, std::string_view found,
                             Span span);

    const Source& source_;
    const Scan& scan_;
    Diagnostics& diagnostics_;
    std::vector<Node> nodes_;
    std::vector<uint32_t> unclosed_; // `{` to name in notes, innermost last
    const char* last_place_ = nullptr;
    size_t reports_ = 0;
};

/// Runs the grammar of a whole file, or of a send's layers.
void read_policy(const Source& source, Reader& reader);
void read_layers(const Source& source, Reader& reader);

} // namespace xdpc::parsing
