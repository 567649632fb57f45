#include "compiler/driver/set_text.h"

#include "compiler/base/set_elements.h"

namespace xdpc::driver {

std::vector<SetPart> parts_of(const ArtifactSet& set) {
    std::vector<SetPart> parts;
    for (const auto& [name, bits] : set.parts) {
        parts.push_back({find_type(name).value_or(TypeId::Integer), bits});
    }
    return parts;
}

std::string element_text(const ArtifactSet& set, std::span<const uint32_t> low,
                         std::span<const uint32_t> high) {
    std::string text;
    size_t at = 0;
    for (const SetPart& part : parts_of(set)) {
        const Interval interval{value_of_words(low.data() + at, part.width),
                                value_of_words(high.data() + at, part.width)};
        text += (at == 0 ? "" : " . ") + format_interval(part.type, interval, part.width);
        at += words_of_width(part.width);
    }
    return text;
}

} // namespace xdpc::driver
