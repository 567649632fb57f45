// Elements of a set or map from its `file`, one a line:
//     KEY [timeout 10m] [comment "as reported"] [: VERDICT, VALUE or NAME]   # comment
#include "compiler/policy/check_context.h"

#include <cstring>

namespace xdpc::checking {

namespace {

constexpr std::string_view blanks = " \t\r";

std::string_view trim(std::string_view text) {
    const size_t begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t\r,") + 1 - begin);
}

Span span_of(const Source& source, std::string_view part) {
    const auto begin = static_cast<uint32_t>(part.data() - source.text.data());
    return {source.id, begin, begin + static_cast<uint32_t>(part.size())};
}

/// Without its comment; a `#` between quotes is none.
std::string_view without_comment(std::string_view line) {
    bool quoted = false;
    for (size_t i = 0; i < line.size(); ++i) {
        quoted = quoted != (line[i] == '"');
        if (line[i] == '#' && !quoted) {
            return line.substr(0, i);
        }
    }
    return line;
}

/// Takes the next word, or quoted text with its quotes, off the front.
std::string_view next_word(std::string_view& rest) {
    const size_t begin = std::min(rest.find_first_not_of(blanks), rest.size());
    rest.remove_prefix(begin);
    size_t end = 0;
    if (rest.starts_with('"')) {
        const size_t close = rest.find('"', 1);
        end = close == std::string_view::npos ? rest.size() : close + 1;
    } else {
        end = std::min(rest.find_first_of(blanks), rest.size());
    }
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(end);
    return word;
}

std::string_view unquoted(std::string_view word) {
    const bool quoted = word.size() >= 2 && word.front() == '"' && word.back() == '"';
    return quoted ? word.substr(1, word.size() - 2) : word;
}

bool is_attribute(std::string_view word) {
    return word == "timeout" || word == "expires" || word == "comment" || word == "counter";
}

bool is_number(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<ast::VerdictNode> read_verdict(Context& context, std::string_view text, Span span) {
    static const std::vector<std::pair<std::string_view, ast::VerdictKind>> words = {
        {"pass", ast::VerdictKind::Pass},
        {"accept", ast::VerdictKind::Pass},
        {"drop", ast::VerdictKind::Drop},
        {"abort", ast::VerdictKind::Abort},
        {"tx", ast::VerdictKind::Tx},
        {"jump", ast::VerdictKind::Jump},
        {"goto", ast::VerdictKind::Goto},
        {"return", ast::VerdictKind::Return},
        {"continue", ast::VerdictKind::Continue},
    };
    const size_t blank = std::min(text.find_first_of(" \t"), text.size());
    const std::string_view target = trim(text.substr(blank));
    constexpr std::string_view redirects = "redirect to ";
    if (text.starts_with(redirects)) {
        const std::string_view iface = trim(text.substr(redirects.size()));
        return ast::VerdictNode{span, ast::VerdictKind::Redirect, false, {std::string(iface), span}};
    }
    for (const auto& [word, kind] : words) {
        const bool leads = kind == ast::VerdictKind::Jump || kind == ast::VerdictKind::Goto;
        if (text.substr(0, blank) == word && leads != target.empty()) {
            return ast::VerdictNode{span, kind, false, {std::string(target), span}};
        }
    }
    context.report(Diag::MisplacedValue, span, "`" + std::string(text.substr(0, 80)) + "`")
        .with_hint("a line of a map's file is `KEY : VERDICT`");
    return {};
}

/// A line in its pieces.
struct Line {
    std::string_view key, mapped;
    std::vector<FileAttribute> attributes;
    bool has_colon = false;
};

struct Reader {
    Context& context;
    SetEntry& set;
    const Source& source;
    const SetFileTaker& taker;
    std::array<std::vector<Slot>, 2> slots;
    std::vector<std::vector<Interval>> parts;

    Line split(std::string_view text) const {
        Line line;
        std::string_view rest = text;
        while (true) {
            std::string_view word = next_word(rest);
            if (word.empty()) {
                return line;
            }
            if (set.item->is_map && !line.has_colon && !line.key.empty() && word.starts_with(':')) {
                line.has_colon = true;
                word.remove_prefix(1);
                if (word.empty()) {
                    continue;
                }
            }
            if (is_attribute(word) && !line.key.empty()) {
                line.attributes.push_back(attribute(word, rest));
            } else {
                std::string_view& to = line.has_colon ? line.mapped : line.key;
                const char* begin = to.empty() ? word.data() : to.data();
                to = {begin, static_cast<size_t>(word.data() + word.size() - begin)};
            }
        }
    }

    FileAttribute attribute(std::string_view name, std::string_view& rest) const {
        if (name != "counter") {
            const std::string_view value = next_word(rest);
            return {name, unquoted(value), span_of(source, value.empty() ? name : value)};
        }
        for (std::string_view ahead = rest;;) { // nft prints `counter packets 0 bytes 0`
            const std::string_view word = next_word(ahead);
            if ((word != "packets" && word != "bytes") || !is_number(next_word(ahead))) {
                return {name, {}, span_of(source, name)};
            }
            rest = ahead;
        }
    }

    bool read_key(std::string_view text, size_t family, std::vector<Box>& boxes) {
        const auto& wanted = slots[family];
        parts.resize(wanted.size());
        std::string_view rest = text;
        for (size_t i = 0; i < wanted.size(); ++i) {
            const size_t dot = i + 1 < wanted.size() ? rest.find(" . ") : rest.size();
            if (dot == std::string_view::npos || (i + 1 == wanted.size() && rest.find(" . ") != rest.npos)) {
                context.report(Diag::ConcatParts, span_of(source, text),
                               "`" + std::string(text.substr(0, 80)) + "`",
                               fmt::format("{} parts", wanted.size()));
                return false;
            }
            const std::string_view part = unquoted(trim(rest.substr(0, dot)));
            parts[i].clear();
            if (!read_word(context, part, span_of(source, part), wanted[i], parts[i])) {
                return false;
            }
            rest.remove_prefix(std::min(dot + 3, rest.size()));
        }
        if (wanted.size() > 1) {
            return multiply(context, parts, span_of(source, text), boxes);
        }
        for (const Interval& interval : parts[0]) {
            boxes.push_back({interval});
        }
        return true;
    }

    std::optional<Mapped> read_mapped(std::string_view text, bool has_colon) {
        const Span span = span_of(source, text);
        if (set.to_verdicts()) {
            const auto node = read_verdict(context, text, span);
            return node && has_colon ? resolve_verdict(context, *node) : std::nullopt;
        }
        if (!has_colon) {
            context.report(Diag::MisplacedValue, span, "`" + std::string(text.substr(0, 80)) + "`")
                .with_hint("a line of a map's file is `KEY : VALUE`");
            return {};
        }
        if (!set.mapped) {
            const ast::Name name{std::string(unquoted(text)), span};
            const ObjectEntry* found = use_object(context, set.objects, name);
            return found != nullptr ? std::optional<Mapped>(u128{found->id}) : std::nullopt;
        }
        std::vector<Interval> values;
        if (!read_word(context, unquoted(text), span, *set.mapped, values)) {
            return {};
        }
        if (values.size() != 1 || values[0].lo != values[0].hi) {
            context.report(Diag::MisplacedValue, span, "`" + std::string(text.substr(0, 80)) + "`")
                .with_hint("an element has one value");
            return {};
        }
        return values[0].lo;
    }

    bool read_line(std::string_view text) {
        Line line = split(text);
        FileElement element;
        element.span = span_of(source, line.key);
        element.attributes = std::move(line.attributes);
        if (set.item->is_map) {
            element.mapped = read_mapped(line.has_colon ? trim(line.mapped) : text, line.has_colon);
            if (!element.mapped) {
                return false;
            }
        }
        for (size_t family = 0; family < set.families(); ++family) {
            if (!read_key(line.key, family, element.boxes[family])) {
                return false;
            }
        }
        const size_t found = element.boxes[0].size() + element.boxes[1].size();
        return is_of_one_family(context, set, found, element.span) && taker.element(element);
    }
};

} // namespace

bool read_set_file(Context& context, SetEntry& set, const SetFileTaker& taker) {
    if (!set.item->file) {
        return true;
    }
    const ast::Name& name = *set.item->file;
    const auto file = context.sources.load(beside(context, name.span, name.text));
    if (!file) {
        context.report(Diag::UnreadableFile, name.span, file.error().message);
        return false;
    }
    return read_set_lines(context, set, context.sources.get(*file), taker);
}

bool read_set_lines(Context& context, SetEntry& set, const Source& source, const SetFileTaker& taker) {
    Reader reader{context, set, source, taker, {}, {}};
    for (size_t family = 0; family < set.families(); ++family) {
        reader.slots[family] = slots_of_family(set, family);
    }
    constexpr unsigned enough_errors = 20;
    unsigned errors = 0;
    const std::string_view text = source.text;
    for (size_t begin = 0; begin < text.size() && errors < enough_errors;) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = trim(without_comment(text.substr(begin, end - begin)));
        begin = end + 1;
        if (!line.empty() && !(taker.plain && taker.plain(line, span_of(source, line)))) {
            errors += reader.read_line(line) ? 0 : 1;
        }
    }
    return errors == 0;
}

} // namespace xdpc::checking
