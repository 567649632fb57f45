#include "compiler/parse/reader.h"

#include "compiler/parse/text.h"

#include <algorithm>
#include <cstring>

namespace xdpc::parsing {
namespace {

constexpr size_t max_reports = 100;

bool same_line(const char* begin, const char* end) {
    return std::find(begin, end, '\n') == end;
}
/// Whether a word can begin at `at`, that is, the one before it has ended.
bool at_word_start(const char* begin, const char* at) {
    if (at == begin) {
        return true;
    }
    const char before = at[-1];
    return text::word_length(std::string_view(&before, 1)) == 0 && (before < '0' || before > '9') &&
           before != '-' && before != '.' && before != '$' && before != '@';
}

/// The token at `place`, for "found …".
std::string_view token_at(std::string_view rest) {
    size_t length = text::value_word_length(rest);
    if (length == 0) {
        length = text::word_length(rest);
    }
    if (length == 0 && (rest[0] == '$' || rest[0] == '@')) {
        length = 1 + text::word_length(rest.substr(1));
    }
    if (length == 0 && rest[0] == '"') {
        length = std::min(rest.find_first_of("\"\n", 1), rest.size() - 1) + 1;
        length -= rest[length - 1] == '\n' ? 1 : 0;
    }
    for (const std::string_view pair : {"==", "!=", "<=", ">=", "&&", "||", "<<", ">>"}) {
        length = length == 0 && rest.starts_with(pair) ? 2 : length;
    }
    return rest.substr(0, std::min<size_t>(std::max<size_t>(length, 1), 60));
}

std::string hint_for(const grammar::Expected& wanted, std::string_view found) {
    const std::string_view what = wanted.what;
    if (what == "a verdict") {
        const std::string guess = nearest(found, {"pass", "accept", "drop", "abort", "tx"});
        return guess.empty() || guess == found ? "" : fmt::format("did you mean `{}`?", guess);
    }
    if (what == "`,` or `}`") {
        return "`}` ends the list, and all that is between `{` and it belongs to it";
    }
    const bool statement = wanted.unknown_kind && std::string_view(wanted.unknown_kind) == "statement";
    if (statement && found == ")") {
        return "no `(` is open here";
    }
    if (found == "=") {
        return "`==` compares; it may be left out";
    }
    if (statement && (found == "or" || found == "||")) {
        return "alternatives stand in parentheses: `( … or … )`";
    }
    if (found == "and" || found == "&&") {
        return "matches side by side must all hold: leave it out";
    }
    if (statement && (found[0] == ',' || (found[0] >= '0' && found[0] <= '9'))) {
        return "several values stand in braces: `{ 22, 80 }`";
    }
    if (statement && found == "!") {
        return "`!=` or `not ( … )` negates";
    }
    return {};
}

} // namespace

void Reader::error_node(NodeKind kind, const char* begin, const char* end) {
    close(open(kind, begin), end);
}

const char* Reader::without_comment(const char* start, const char* resume) const {
    const auto before = [](const ast::Comment& comment, uint32_t at) { return comment.span.begin < at; };
    const auto& comments = scan_.comments;
    const auto behind = std::lower_bound(comments.begin(), comments.end(), offset(resume), before);
    const char* end = resume;
    if (behind != comments.begin() && std::prev(behind)->span.end == offset(resume)) {
        end = source_.text.data() + std::prev(behind)->span.begin;
    }
    while (end > start && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) {
        --end;
    }
    return end > start ? end : resume;
}

const char* Reader::step(const char* at) const {
    const size_t left = static_cast<size_t>(end() - at);
    if (*at == '"') {
        const char* p = at + 1;
        while (p < end() && *p != '"' && *p != '\n') {
            ++p;
        }
        return p < end() && *p == '"' ? p + 1 : p;
    }
    if (*at == '#' || *at == '\\') {
        return at + std::max<size_t>(1, text::skip_gap({at, left}, false));
    }
    if (*at == '(' || *at == '{') {
        const auto closing = scan_.closing(offset(at));
        return closing ? source_.text.data() + *closing + 1 : at + 1;
    }
    return at + 1;
}

const char* Reader::resume_line(const char* start, const grammar::SyntaxFailure& failure) const {
    const char* place = failure.place;
    const char* p = start;
    while (p < end()) {
        if (p >= place && (*p == ';' || *p == '\n' || *p == '}')) {
            return p > start ? without_comment(start, p) : p + 1;
        }
        const char* next = step(p);
        // A `{` with a mistake on its own line that is closed on another: rather not closed at all.
        const bool inside = p < place && place < next;
        if (*p == '{' && inside && same_line(p, place) && !same_line(place, next - 1)) {
            next = p + 1;
        }
        p = next;
    }
    return end();
}

const char* Reader::resume_element(const char* start, const grammar::SyntaxFailure& failure) const {
    const char* p = std::max(start, failure.place);
    if (p < end() && text::is_reserved(text::word_at({p, static_cast<size_t>(end() - p)}))) {
        return nullptr;
    }
    while (p < end() && *p != '\n' && *p != ';') {
        if (*p == ',' || *p == '}') {
            return p;
        }
        p = step(p);
    }
    return nullptr;
}

void Reader::too_deep(const char* at) const {
    throw grammar::SyntaxFailure{at, nullptr, {}};
}

std::optional<size_t> Reader::kept_length(std::string_view rest) const {
    const char* start = rest.data();
    const char* p = start;
    const char* last = start; // behind the last thing that is no blank
    std::string_view word_before;
    while (p < end()) {
        const std::string_view here(p, static_cast<size_t>(end() - p));
        if (const size_t length = text::skip_gap(here, free > 0)) {
            p += length;
            continue;
        }
        if (*p == ';' || *p == '\n' || *p == '}' || *p == ')') {
            break;
        }
        const std::string_view word = at_word_start(start, p) ? text::word_at(here) : std::string_view();
        const bool ends = text::ends_other_statement(word) || (free > 0 && word == "or");
        if (p != start && ends && word_before != "full") {
            break;
        }
        if (!word.empty()) {
            word_before = word;
            p += word.size();
        } else {
            p = step(p);
        }
        last = p;
    }
    return last > start ? std::optional(static_cast<size_t>(last - start)) : std::nullopt;
}

std::optional<size_t> Reader::line_length(std::string_view rest) const {
    const char* p = rest.data();
    const char* last = p;
    while (p < end() && *p != ';' && *p != '\n' && *p != '}') {
        const size_t gap = text::skip_gap({p, static_cast<size_t>(end() - p)}, false);
        p = gap > 0 ? p + gap : step(p);
        last = gap > 0 ? last : p;
    }
    return static_cast<size_t>(last - rest.data());
}

std::string_view Reader::word_before(const char* at) const {
    const char* begin = source_.text.data();
    while (at > begin && (at[-1] == ' ' || at[-1] == '\t')) {
        --at;
    }
    const char* stop = at;
    while (at > begin && std::strchr(" \t\n\r;{}()\",", at[-1]) == nullptr) {
        --at;
    }
    if (at == stop && at > begin && std::strchr("{(,", at[-1]) != nullptr) {
        --at;
    }
    const auto length = static_cast<size_t>(stop - at);
    return length > 40 ? std::string_view() : std::string_view(at, length);
}

Diagnostic& Reader::add_expected(const grammar::Expected& wanted, const char* place, std::string_view found,
                                 Span span) {
    const std::string_view before = word_before(place);
    std::string what = wanted.what;
    if (!before.empty()) {
        what += fmt::format(" after `{}`", before);
    }
    return diagnostics_.add(Diag::SyntaxError, span, what, found);
}

void Reader::report(const grammar::SyntaxFailure& failure) {
    if (failure.place == last_place_ || reports_ > max_reports) {
        return;
    }
    last_place_ = failure.place;
    const uint32_t at = offset(failure.place);
    if (++reports_ > max_reports) {
        diagnostics_.add(Diag::TooManyErrors, Span{source_.id, at, at});
        return;
    }
    const std::string_view rest(failure.place, static_cast<size_t>(end() - failure.place));
    if (!failure.wanted) {
        diagnostics_.add(Diag::NestedTooDeep, Span{source_.id, at, at + 1}, grammar::max_nesting);
        return;
    }
    const grammar::Expected& wanted = *failure.wanted;
    if (rest.empty()) {
        Diagnostic& added = add_expected(wanted, failure.place, "end of file", {source_.id, at, at});
        if (std::string_view(wanted.what) == "`}`" && !unclosed_.empty()) {
            added.with_note({source_.id, unclosed_.back(), unclosed_.back() + 1},
                            "the `{` that is not closed");
            unclosed_.pop_back();
        }
        return;
    }
    if (rest[0] == '\n' || rest[0] == '\r' || rest[0] == '#') {
        add_expected(wanted, failure.place, "end of line", {source_.id, at, at});
        return;
    }
    const auto first = static_cast<unsigned char>(rest[0]);
    if (first < 0x20 || first >= 0x7F) {
        return; // scan has said so
    }
    const std::string_view found = token_at(rest);
    const Span span{source_.id, at, at + static_cast<uint32_t>(found.size())};
    const std::string_view word = text::word_at(rest);
    std::string hint = hint_for(wanted, found);
    if (wanted.unknown_kind && !word.empty() && hint.empty()) {
        const std::string guess = nearest(word, text::candidates(wanted.unknown_kind));
        hint = guess.empty() || guess == word ? "" : fmt::format("did you mean `{}`?", guess);
        diagnostics_
            .add(Diag::UnknownWord, {source_.id, at, at + static_cast<uint32_t>(word.size())},
                 wanted.unknown_kind, word)
            .with_hint(hint);
        return;
    }
    add_expected(wanted, failure.place, fmt::format("`{}`", found), span).with_hint(hint);
}

} // namespace xdpc::parsing
