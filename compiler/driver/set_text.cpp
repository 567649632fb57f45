#include "compiler/driver/set_text.h"

#include "compiler/base/set_elements.h"

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

} // namespace xdpc::driver
