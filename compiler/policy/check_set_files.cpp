// Elements of a set or map from its `file`: one a line, `#` begins a comment; in a map `KEY : VERDICT`.
#include "compiler/policy/check_context.h"

namespace xdpc::checking {

namespace {

std::string_view trim(std::string_view text) {
    const size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(" \t\r,") + 1 - begin);
}

Span span_of(const Source& source, std::string_view part) {
    const auto begin = static_cast<uint32_t>(part.data() - source.text.data());
    return {source.id, begin, begin + static_cast<uint32_t>(part.size())};
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

struct Reader {
    Context& context;
    SetEntry& set;
    const Source& source;
    std::array<std::vector<Slot>, 2> slots;
    std::array<std::vector<Span>, 2> spans;
    std::vector<std::vector<Interval>> parts;

    bool read_part(std::string_view text, const Slot& slot, std::vector<Interval>& out) {
        out.clear();
        return read_word(context, text, span_of(source, text), slot, out);
    }

    bool read_key(std::string_view text, size_t family) {
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
            if (!read_part(trim(rest.substr(0, dot)), wanted[i], parts[i])) {
                return false;
            }
            rest.remove_prefix(std::min(dot + 3, rest.size()));
        }
        if (wanted.size() > 1) {
            return multiply(context, parts, span_of(source, text), set.entries[family].boxes);
        }
        for (const Interval& interval : parts[0]) {
            set.entries[family].boxes.push_back({interval});
        }
        return true;
    }

    bool read_line(std::string_view line) {
        std::string_view key = line;
        std::optional<Verdict> verdict;
        if (set.item->is_map) {
            const size_t colon = line.rfind(" :");
            const std::string_view word = trim(colon == line.npos ? line : line.substr(colon + 2));
            const auto node = read_verdict(context, word, span_of(source, word));
            verdict = node ? resolve_verdict(context, *node) : std::nullopt;
            if (!verdict || colon == line.npos) {
                return false;
            }
            key = trim(line.substr(0, colon));
        }
        bool fine = true;
        for (size_t family = 0; fine && family < (set.inet_part >= 0 ? 2U : 1U); ++family) {
            SetEntries& entries = set.entries[family];
            fine = read_key(key, family);
            if (verdict) {
                entries.verdicts.resize(entries.boxes.size(), *verdict);
                spans[family].resize(entries.boxes.size(), span_of(source, key));
            }
        }
        return fine;
    }
};

} // namespace

bool read_set_file(Context& context, SetEntry& set) {
    if (!set.item->file) {
        return true;
    }
    const ast::Name& name = *set.item->file;
    const auto file = context.sources.load(beside(context, name.span, name.text));
    if (!file) {
        context.report(Diag::UnreadableFile, name.span, file.error().message);
        return false;
    }
    const Source& source = context.sources.get(*file);
    Reader reader{context, set, source, {}, {}, {}};
    for (size_t family = 0; family < 2; ++family) {
        reader.slots[family] = set.slots;
        if (set.inet_part >= 0) {
            Slot& slot = reader.slots[family][static_cast<size_t>(set.inet_part)];
            slot = {family == 0 ? TypeId::Ipv4Addr : TypeId::Ipv6Addr,
                    static_cast<uint16_t>(family == 0 ? 32 : 128), slot.name, true};
        }
        // Elements written in the policy come first and have their own conflicts found already.
        reader.spans[family].resize(set.entries[family].boxes.size(), name.span);
    }
    constexpr unsigned enough_errors = 20;
    unsigned errors = 0;
    const std::string_view text = source.text;
    for (size_t begin = 0; begin < text.size() && errors < enough_errors;) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        std::string_view line = text.substr(begin, end - begin);
        line = trim(line.substr(0, line.find('#')));
        errors += line.empty() || reader.read_line(line) ? 0 : 1;
        begin = end + 1;
    }
    if (errors != 0 || !set.item->is_map) {
        return errors == 0;
    }
    for (size_t family = 0; family < 2; ++family) {
        std::vector<std::pair<Box, Verdict>> entries;
        for (size_t i = 0; i < set.entries[family].boxes.size(); ++i) {
            entries.emplace_back(set.entries[family].boxes[i], set.entries[family].verdicts[i]);
        }
        if (!find_conflicts(context, entries, reader.spans[family])) {
            return false;
        }
    }
    return true;
}

} // namespace xdpc::checking
