#include "compiler/driver/set_text.h"

#include "compiler/base/map_targets.h"
#include "compiler/base/set_elements.h"
#include "compiler/policy/live_element.h"

#include <algorithm>
#include <fmt/ranges.h>

namespace xdpc::driver {

using Parts = std::vector<std::pair<std::string, uint16_t>>;

std::vector<SetPart> parts_of(const Parts& parts) {
    std::vector<SetPart> found;
    for (const auto& [name, bits] : parts) {
        found.push_back({find_type(name).value_or(TypeId::Integer), bits});
    }
    return found;
}

std::string type_text(const ArtifactSet& set) {
    std::string text;
    for (const auto& part : set.parts) {
        text += (text.empty() ? "" : " . ") + part.first;
    }
    return text;
}

std::string key_text(const Parts& parts, std::span<const uint32_t> low, std::span<const uint32_t> high) {
    std::string text;
    size_t at = 0;
    for (const SetPart& part : parts_of(parts)) {
        const Interval interval{value_of_words(low.data() + at, part.width),
                                value_of_words(high.data() + at, part.width)};
        text += (at == 0 ? "" : " . ") + format_interval(part.type, interval, part.width);
        at += words_of_width(part.width);
    }
    return text;
}

std::string element_text(const ArtifactSet& set, std::span<const uint32_t> low,
                         std::span<const uint32_t> high) {
    return key_text(set.parts, low, high);
}

std::string mapped_text(const ArtifactSet& set, uint32_t number) {
    if (set.value) {
        return format_value(parts_of({*set.value})[0].type, number);
    }
    return number < set.names.size() ? set.names[number] : "";
}

Result<uint32_t> read_mapped(const ArtifactSet& set, std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
        text = text.substr(1, text.size() - 2);
    }
    if (set.value) {
        const auto value = read_live_element(text, parts_of({*set.value}));
        if (!value) {
            return tl::unexpected(value.error());
        }
        const bool single = *value && (*value)->front().lo == (*value)->front().hi;
        return single ? Result<uint32_t>(static_cast<uint32_t>((*value)->front().lo))
                      : fail(fmt::format("`{}` is no single value", text));
    }
    const auto found = std::find(set.names.begin(), set.names.end(), text);
    if (found == set.names.end()) {
        return fail(fmt::format("map `{}` leads to no {} `{}`", set.name, set.maps_to, text),
                    set.maps_to == to_verdict
                        ? "KEY : VERDICT, with a verdict that the policy gives an element of "
                          "the map"
                        : fmt::format("one of: {}", fmt::join(set.names, ", ")));
    }
    return static_cast<uint32_t>(found - set.names.begin());
}

} // namespace xdpc::driver
