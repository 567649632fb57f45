#include "compiler/base/source.h"

#include "compiler/base/bytes.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc {

namespace {
constexpr size_t max_source_bytes = 64U << 20;
}

FileId Sources::add(std::string path, std::string text) {
    Source source;
    source.id = {static_cast<uint32_t>(sources_.size())};
    source.path = std::move(path);
    source.text = std::move(text);
    source.line_starts.push_back(0);
    for (size_t i = 0; i < source.text.size(); ++i) {
        if (source.text[i] == '\n') {
            source.line_starts.push_back(static_cast<uint32_t>(i + 1));
        }
    }
    sources_.push_back(std::move(source));
    return sources_.back().id;
}

Result<FileId> Sources::load(const std::string& path) {
    Result<std::string> text = read_bytes(path, max_source_bytes);
    if (!text) {
        return tl::unexpected(text.error());
    }
    return add(path == "-" ? "<stdin>" : path, std::move(*text));
}

Position Sources::position(Span span) const {
    const Source& source = get(span.file);
    auto after = std::upper_bound(source.line_starts.begin(), source.line_starts.end(), span.begin);
    const auto line = static_cast<uint32_t>(after - source.line_starts.begin());
    return {line, span.begin - source.line_starts[line - 1] + 1};
}

std::string_view Sources::text(Span span) const {
    const std::string& all = get(span.file).text;
    return std::string_view(all).substr(span.begin, span.end - span.begin);
}

std::string_view Sources::line(FileId file, uint32_t line) const {
    const Source& source = get(file);
    const uint32_t begin = source.line_starts[line - 1];
    const size_t end = line < source.line_starts.size() ? source.line_starts[line] - 1 : source.text.size();
    return std::string_view(source.text).substr(begin, end - begin);
}

std::string Sources::where(Span span) const {
    return fmt::format("{}:{}", get(span.file).path, position(span).line);
}

} // namespace xdpc
