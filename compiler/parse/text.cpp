#include "compiler/parse/text.h"

#include <cstring>

namespace xdpc::text {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_alnum(char c) {
    return is_alpha(c) || is_digit(c);
}
bool is_hex(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

size_t comment_length(std::string_view rest) {
    const void* newline = std::memchr(rest.data(), '\n', rest.size());
    return newline ? static_cast<size_t>(static_cast<const char*>(newline) - rest.data()) : rest.size();
}

/// Length of a backslash, blanks and the newline it hides; 0 if it hides none.
size_t continuation_length(std::string_view rest) {
    size_t i = 1;
    while (i < rest.size() && is_blank(rest[i])) {
        ++i;
    }
    return i < rest.size() && rest[i] == '\n' ? i + 1 : 0;
}

/// Addresses and times: hex digits and dots with colons. A colon that ends the word belongs to a map.
size_t colon_word_length(std::string_view rest) {
    size_t length = 0;
    while (length < rest.size() && (is_hex(rest[length]) || rest[length] == ':' || rest[length] == '.')) {
        ++length;
    }
    if (rest.empty() || (rest[0] == ':' && (length < 2 || rest[1] != ':')) || rest[0] == '.') {
        return 0;
    }
    if (length < rest.size() && is_alnum(rest[length])) { // `80:drop`, `fe80::1:drop`: the key alone
        const size_t colon = rest.substr(0, length).rfind(':');
        if (colon == std::string_view::npos) {
            return 0;
        }
        length = colon;
        if (length > 0 && rest[length - 1] == ':' && length + 1 < rest.size() && rest[length] == ':') {
            ++length;
        }
    }
    while (length > 0 && rest[length - 1] == '.') {
        --length;
    }
    if (length > 0 && rest[length - 1] == ':' && (length < 2 || rest[length - 2] != ':')) {
        --length;
    } else {
        while (length > 2 && rest.substr(length - 3, 3) == ":::") {
            --length;
        }
    }
    return rest.substr(0, length).find(':') == std::string_view::npos ? 0 : length;
}

size_t number_length(std::string_view rest) {
    if (rest.empty() || !is_digit(rest[0])) {
        return 0;
    }
    size_t i = 1;
    while (i < rest.size() &&
           (is_alnum(rest[i]) || (rest[i] == '.' && i + 1 < rest.size() && is_alnum(rest[i + 1])))) {
        ++i;
    }
    return i < rest.size() && rest[i] == '%' ? i + 1 : i;
}

} // namespace

size_t skip_gap(std::string_view rest, bool free) {
    size_t i = 0;
    while (i < rest.size()) {
        const char c = rest[i];
        if (is_blank(c) || (c == '\n' && free)) {
            ++i;
        } else if (c == '#') {
            i += comment_length(rest.substr(i));
        } else if (c == '\\') {
            const size_t length = continuation_length(rest.substr(i));
            if (length == 0) {
                return i;
            }
            i += length;
        } else {
            return i;
        }
    }
    return i;
}

size_t skip_separators(std::string_view rest) {
    size_t i = 0;
    for (;;) {
        i += skip_gap(rest.substr(i), true);
        if (i >= rest.size() || rest[i] != ';') {
            return i;
        }
        ++i;
    }
}

size_t word_length(std::string_view rest) {
    if (rest.empty() || !is_alpha(rest[0])) {
        return 0;
    }
    size_t i = 1;
    while (i < rest.size()) {
        const bool joins = (rest[i] == '-' || rest[i] == '.') && i + 1 < rest.size() && is_alnum(rest[i + 1]);
        if (!is_alnum(rest[i]) && !joins) {
            break;
        }
        ++i;
    }
    return i;
}

size_t value_word_length(std::string_view rest) {
    if (const size_t length = colon_word_length(rest)) {
        return length;
    }
    if (const size_t length = number_length(rest)) {
        return length;
    }
    const size_t length = word_length(rest);
    if (length == 0 || is_reserved(rest.substr(0, length))) {
        return 0;
    }
    return length < rest.size() && rest[length] == '*' ? length + 1 : length;
}

size_t prefix_length_length(std::string_view rest) {
    if (const size_t length = colon_word_length(rest)) {
        return length;
    }
    return number_length(rest);
}

std::string normalized(std::string_view text) {
    std::string out;
    size_t i = 0;
    while (i < text.size()) {
        const size_t gap = skip_gap(text.substr(i), true);
        if (gap > 0) {
            i += gap;
            if (!out.empty() && i < text.size()) {
                out += ' ';
            }
        } else if (text[i] == '"') {
            size_t end = i + 1;
            while (end < text.size() && text[end] != '"' && text[end] != '\n') {
                ++end;
            }
            end = end < text.size() && text[end] == '"' ? end + 1 : end;
            out += text.substr(i, end - i);
            i = end;
        } else {
            out += text[i++];
        }
    }
    return out;
}

} // namespace xdpc::text
