#include "compiler/plan/classify/classify.h"

#include <random>

namespace xdpc::classify {

bool holds(const RuleSet& set, size_t box, const Header& header) {
    bool inside = (set.needs[box] & ~header.present) == 0;
    const Range* ranges = set.box(box);
    for (size_t f = 0; f < set.fields.size() && inside; ++f) {
        inside = ranges[f].lo <= header.values[f] && header.values[f] <= ranges[f].hi;
    }
    return inside;
}

uint32_t first_match(const RuleSet& set, const Header& header) {
    for (size_t box = 0; box < set.size(); ++box) {
        if (holds(set, box, header)) {
            return set.rules[box];
        }
    }
    return no_rule;
}

std::vector<Header> sample_headers(const RuleSet& set, size_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    const auto within = [&](const Range& range) -> uint32_t {
        switch (random() % 4) {
        case 0:
            return range.lo;
        case 1:
            return range.hi;
        default:
            return range.lo + static_cast<uint32_t>(random() % (uint64_t{range.hi} - range.lo + 1));
        }
    };
    std::vector<Header> headers(count);
    for (Header& header : headers) {
        const size_t aimed = set.size() ? random() % set.size() : 0;
        header.present = set.size() ? closed(set, set.needs[aimed]) : 0;
        for (size_t f = 0; f < set.fields.size(); ++f) {
            const bool miss = set.size() == 0 || random() % 16 == 0;
            header.values.push_back(within(miss ? whole(set.fields[f]) : set.box(aimed)[f]));
        }
        if (random() % 8 == 0) { // another kind of packet
            header.present = set.size() ? closed(set, set.needs[random() % set.size()]) : 0;
        } else if (random() % 8 == 0) {
            const auto present = static_cast<uint32_t>(random() & max_of_width(set.presence.size()));
            header.present = can_be(set, present) ? present : header.present;
        }
    }
    return headers;
}

} // namespace xdpc::classify
