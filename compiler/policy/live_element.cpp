#include "compiler/policy/live_element.h"

#include "compiler/policy/check_context.h"

namespace xdpc {

namespace {

std::string_view trim(std::string_view text) {
    const size_t begin = text.find_first_not_of(" \t");
    return begin == std::string_view::npos ? std::string_view{}
                                           : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

} // namespace

Result<std::optional<Box>> read_live_element(std::string_view text, const std::vector<SetPart>& parts) {
    Sources sources;
    Diagnostics diagnostics;
    const FileId file = sources.add("element", std::string(text));
    checking::Context context(sources, diagnostics, file);
    const Span span{file, 0, static_cast<uint32_t>(text.size())};
    Box box;
    std::string_view rest = text;
    bool other_family = false;
    for (size_t i = 0; i < parts.size(); ++i) {
        const size_t dot = i + 1 < parts.size() ? rest.find(" . ") : rest.size();
        if (dot == std::string_view::npos || (i + 1 == parts.size() && rest.find(" . ") != rest.npos)) {
            return fail("`" + std::string(text) + "` has not the set's " + std::to_string(parts.size()) +
                            " parts",
                        "parts are written `a . b`");
        }
        const std::string_view word = trim(rest.substr(0, dot));
        rest.remove_prefix(std::min(dot + 3, rest.size()));
        std::vector<Interval> read;
        const checking::Slot slot{parts[i].type, parts[i].width, "the set's key", true};
        if (!checking::read_word(context, word, span, slot, read)) {
            const auto& said = diagnostics.all();
            return fail(said.empty() ? "`" + std::string(text) + "` is no element of the set"
                                     : said.front().message,
                        said.empty() ? "" : said.front().hint);
        }
        other_family = other_family || read.empty();
        if (read.size() == 1) {
            box.push_back(read.front());
        } else if (!read.empty()) {
            return fail("`" + std::string(word) + "` is more than one element");
        }
    }
    if (other_family) {
        return std::optional<Box>{};
    }
    return std::optional(std::move(box));
}

} // namespace xdpc
