#include "compiler/ast/layout.h"

#include <algorithm>

namespace xdpc::ast {
namespace {

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
        text.pop_back();
    }
    return text;
}

} // namespace

Layout::Layout(const File& file, const Sources& sources)
    : file_(file), text_(sources.get(file.id).text), printed_(file.comments.size()) {}

void Layout::write(const std::string& text) {
    out_ += std::string(indent_, ' ') + text;
    block_begins_ = false;
}

void Layout::end_line(uint32_t end) {
    out_ += trailing_comment(end, ";") + "\n";
}

void Layout::open(uint32_t name_end) {
    out_ += trailing_comment(name_end, "{") + "\n";
    indent_ += 4;
    block_begins_ = true;
}

void Layout::close() {
    indent_ -= 4;
    block_begins_ = false;
}

void Layout::empty_line_before(uint32_t begin) {
    int newlines = 0;
    for (uint32_t i = begin; i > 0; --i) {
        const char c = text_[i - 1];
        if (c == '\n') {
            ++newlines;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            break;
        }
    }
    if (newlines > 1 && !block_begins_) {
        out_ += "\n";
    }
}

size_t Layout::first_from(uint32_t place) const {
    const auto& comments = file_.comments;
    const auto behind = [](const Comment& comment, uint32_t at) { return comment.span.begin < at; };
    return static_cast<size_t>(std::lower_bound(comments.begin(), comments.end(), place, behind) -
                               comments.begin());
}

void Layout::comment_line(size_t index) {
    empty_line_before(file_.comments[index].span.begin);
    write(trimmed(file_.comments[index].text));
    out_ += "\n";
    printed_[index] = true;
}

void Layout::comments_before(uint32_t place) {
    for (; next_ < printed_.size() && file_.comments[next_].span.begin < place; ++next_) {
        if (!printed_[next_]) {
            comment_line(next_);
        }
    }
}

void Layout::comments_outside(Span all, const std::vector<Span>& lists) {
    for (size_t i = first_from(all.begin); i < printed_.size(); ++i) {
        const Span span = file_.comments[i].span;
        if (span.begin >= all.end) {
            return;
        }
        const bool in_list = std::any_of(lists.begin(), lists.end(), [span](Span list) {
            return list.begin <= span.begin && span.begin < list.end;
        });
        if (!in_list && !printed_[i]) {
            comment_line(i);
        }
    }
}

void Layout::drop_comments(Span span) {
    for (size_t i = first_from(span.begin); i < printed_.size(); ++i) {
        if (file_.comments[i].span.begin >= span.end) {
            return;
        }
        printed_[i] = true;
    }
}

bool Layout::has_comments(Span span) const {
    const size_t first = first_from(span.begin);
    return first < printed_.size() && file_.comments[first].span.begin < span.end;
}

std::string Layout::comment_lines(uint32_t begin, uint32_t end, const std::string& indent) {
    std::string out;
    for (size_t i = first_from(begin); i < printed_.size(); ++i) {
        if (file_.comments[i].span.begin >= end) {
            break;
        }
        if (!printed_[i]) {
            out += "\n" + indent + trimmed(file_.comments[i].text);
            printed_[i] = true;
        }
    }
    return out;
}

std::string Layout::trailing_comment(uint32_t end, std::string_view between) {
    const size_t i = first_from(end);
    if (i >= printed_.size() || printed_[i]) {
        return {};
    }
    const std::string_view gap = std::string_view(text_).substr(end, file_.comments[i].span.begin - end);
    const auto allowed = [between](char c) {
        return c == ' ' || c == '\t' || between.find(c) != std::string_view::npos;
    };
    if (!std::all_of(gap.begin(), gap.end(), allowed)) {
        return {};
    }
    printed_[i] = true;
    return "  " + trimmed(file_.comments[i].text);
}

} // namespace xdpc::ast
