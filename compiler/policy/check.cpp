#include "compiler/policy/check.h"

#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc {

namespace checking {

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.size() > 64) {
        return {};
    }
    const std::string near = nearest(word, candidates);
    return near.empty() ? "" : "did you mean `" + near + "`?";
}

std::string did_you_mean_define(Context& context, const std::string& word) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : context.defines) {
        names.push_back(name);
    }
    const std::string near = word.size() > 64 ? "" : nearest(word, names);
    if (near.empty()) {
        return {};
    }
    context.defines.find(near)->second.used = true;
    return "did you mean `$" + near + "`?";
}

std::string did_you_mean_set(Context& context, const std::string& word) {
    std::vector<std::string> names;
    for (const auto& [name, entry] : context.sets) {
        names.push_back(name);
    }
    const std::string near = word.size() > 64 ? "" : nearest(word, names);
    if (near.empty()) {
        return {};
    }
    context.sets.find(near)->second.used = true;
    return "did you mean `@" + near + "`?";
}

std::string largest_of(uint16_t width) {
    return fmt::format("{} bits hold at most {}", width, format_value(TypeId::Integer, max_of_width(width)));
}

std::string names_of(std::span<const Slot> slots) {
    std::string names;
    const bool of_set = slots.size() > 1 && slots[0].name == slots[1].name; // all are called after the set
    for (const Slot& slot : slots) {
        names += names.empty() ? "" : " . ";
        names += of_set ? std::string(name_of(slot.type)) : slot.name;
    }
    return names;
}

std::string shown(const Context& context, Span span, size_t most) {
    std::string text;
    for (const char c : context.sources.text(span).substr(0, 4 * most)) {
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\\';
        if (!blank) {
            text += c;
        } else if (!text.empty() && text.back() != ' ') {
            text += ' ';
        }
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == ';')) {
        text.pop_back();
    }
    if (text.size() > most) {
        size_t end = most;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
            --end;
        }
        text = text.substr(0, end) + "…";
    }
    return text;
}

std::string beside(const Context& context, Span span, const std::string& path) {
    if (path.starts_with("/")) {
        return path;
    }
    const std::string& from = context.sources.get(span.file).path;
    const size_t slash = from.rfind('/');
    return slash == std::string::npos ? path : from.substr(0, slash + 1) + path;
}

} // namespace checking

std::optional<Policy> check(const ast::File& file, Sources& sources, Diagnostics& diagnostics) {
    checking::Context context(sources, diagnostics, file.id);
    context.policy.path = sources.get(file.id).path;
    checking::collect(context, file);
    checking::check_objects(context); // first: maps may lead to them
    checking::check_sets(context);
    checking::check_chains(context);
    checking::check_tests(context);
    checking::report_unused(context);
    diagnostics.sort();
    return diagnostics.has_errors() ? std::nullopt : std::optional(std::move(context.policy));
}

std::optional<packet::Source> check_layers(const ast::SendStep& step, Sources& sources,
                                           Diagnostics& diagnostics) {
    const FileId file = step.layers.empty() ? FileId{} : step.layers[0].span.file;
    checking::Context context(sources, diagnostics, file);
    const Span span =
        step.layers.empty() ? Span{file, 0, 0} : join(step.layers.front().span, step.layers.back().span);
    auto source = checking::read_layers(context, step, span);
    return diagnostics.has_errors() ? std::nullopt : std::move(source);
}

} // namespace xdpc
