#include "compiler/parse/scan.h"

#include <algorithm>

namespace xdpc::parsing {
namespace {

constexpr size_t max_bad_bytes = 20; // then one message says there are more

/// Length of the well-formed UTF-8 sequence at `i`, 0 if it is none.
size_t utf8_length(std::string_view text, size_t i) {
    const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U; };
    const auto follows = [&](size_t at) { return (byte(at) & 0xC0U) == 0x80U; };
    const unsigned first = byte(i);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xC2 && first <= 0xDF) {
        return follows(i + 1) ? 2 : 0;
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const bool overlong = first == 0xE0 && byte(i + 1) < 0xA0;
        const bool surrogate = first == 0xED && byte(i + 1) > 0x9F;
        return follows(i + 1) && follows(i + 2) && !overlong && !surrogate ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const bool overlong = first == 0xF0 && byte(i + 1) < 0x90;
        const bool too_big = first == 0xF4 && byte(i + 1) > 0x8F;
        return follows(i + 1) && follows(i + 2) && follows(i + 3) && !overlong && !too_big ? 4 : 0;
    }
    return 0;
}

class Scanner {
public:
    Scanner(const Source& source, Diagnostics& diagnostics) : source_(source), diagnostics_(diagnostics) {}

    Scan run() {
        const std::string& text = source_.text;
        size_t i = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
        while (i < text.size()) {
            if (text[i] == '"') {
                i = skip_until(i + 1, "\"\n");
                i += i < text.size() && text[i] == '"' ? 1 : 0;
            } else if (text[i] == '#') {
                const size_t end = skip_until(i, "\n");
                out_.comments.push_back({span(i, end), text.substr(i, end - i)});
                i = end;
            } else {
                i += character(i);
            }
        }
        for (const Open& open : open_) {
            if (open.brace) {
                out_.unclosed.push_back(open.at);
            }
        }
        std::sort(out_.brackets.begin(), out_.brackets.end());
        return std::move(out_);
    }

private:
    struct Open {
        uint32_t at;
        bool brace;
    };

    [[nodiscard]] Span span(size_t begin, size_t end) const {
        return {source_.id, static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    }

    /// To the first of `stops`, or the end; looks at the bytes on the way.
    size_t skip_until(size_t i, std::string_view stops) {
        while (i < source_.text.size() && stops.find(source_.text[i]) == std::string_view::npos) {
            i += check_byte(i, true);
        }
        return i;
    }

    size_t character(size_t i) {
        const char c = source_.text[i];
        if (c == '{' || c == '(') {
            open_.push_back({static_cast<uint32_t>(i), c == '{'});
        } else if (c == '}') {
            while (!open_.empty() && !open_.back().brace) {
                open_.pop_back(); // a `(` that no `)` closed
            }
            close(i);
        } else if (c == ')' && !open_.empty() && !open_.back().brace) {
            close(i);
        }
        return check_byte(i, false);
    }
    void close(size_t i) {
        if (!open_.empty()) {
            out_.brackets.emplace_back(open_.back().at, static_cast<uint32_t>(i));
            open_.pop_back();
        }
    }

    /// Reports what is no text; the length of what stands at `i`.
    size_t check_byte(size_t i, bool quoted) {
        const auto c = static_cast<unsigned char>(source_.text[i]);
        if (c >= 0x20 && c < 0x7F) {
            return 1;
        }
        if (c == '\n' || c == '\t' || c == '\r') {
            return 1;
        }
        const size_t length = c < 0x80 ? 0 : utf8_length(source_.text, i);
        if (length > 0 && quoted) {
            return length;
        }
        if (i != next_bad_ && bad_++ < max_bad_bytes) {
            if (length > 0) {
                diagnostics_.add(Diag::StrayCharacter, span(i, i + length),
                                 "`" + source_.text.substr(i, length) + "`");
            } else {
                diagnostics_.add(Diag::BadByte, span(i, i + 1), fmt::format("0x{:02x}", c));
            }
        }
        next_bad_ = i + std::max<size_t>(length, 1);
        return std::max<size_t>(length, 1);
    }

    const Source& source_;
    Diagnostics& diagnostics_;
    Scan out_;
    std::vector<Open> open_;
    size_t bad_ = 0;
    size_t next_bad_ = std::string::npos; // a run of them is reported once
};

} // namespace

std::optional<uint32_t> Scan::closing(uint32_t opening) const {
    const auto found = std::lower_bound(brackets.begin(), brackets.end(), std::pair{opening, uint32_t{0}});
    if (found == brackets.end() || found->first != opening) {
        return {};
    }
    return found->second;
}

Scan scan(const Source& source, Diagnostics& diagnostics) {
    return Scanner(source, diagnostics).run();
}

} // namespace xdpc::parsing
