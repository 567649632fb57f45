#include "compiler/plan/classify/boxes.h"

#include <algorithm>
#include <bit>

namespace xdpc::classify {

RuleSet subset(const RuleSet& set, const std::vector<uint32_t>& boxes) {
    RuleSet result{set.fields, set.presence, set.with, set.without, {}, {}, {}};
    for (const uint32_t box : boxes) {
        result.ranges.insert(result.ranges.end(), set.box(box), set.box(box) + set.fields.size());
        result.needs.push_back(set.needs[box]);
        result.rules.push_back(set.rules[box]);
    }
    return result;
}

bool leaves_open(const RuleSet& set, uint32_t box, unsigned group, unsigned threshold) {
    unsigned fixed = 0;
    unsigned width = 0;
    for (size_t f = 0; f < set.fields.size(); ++f) {
        if (set.fields[f].group == group) {
            const Range range = set.box(box)[f];
            const auto open = static_cast<unsigned>(std::bit_width(range.hi - range.lo));
            fixed += set.fields[f].width - std::min(open, set.fields[f].width);
            width += set.fields[f].width;
        }
    }
    return fixed < (threshold <= 1 ? threshold : std::min(threshold * width / 32, 2 * threshold));
}

} // namespace xdpc::classify
