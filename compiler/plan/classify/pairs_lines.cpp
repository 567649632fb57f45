// What a line of a list is compared by: one bit for the kind of packet, ranges for what is neither an axis
// nor part of the kind.
#include "compiler/plan/classify/pairs_builder.h"

#include <algorithm>
#include <map>

namespace xdpc::classify {

namespace {

constexpr unsigned small_width = 8;    // a field of more bits is not part of the kind
constexpr size_t most_classes = 16;    // nor one of more classes
constexpr size_t most_products = 4096; // of all classes

bool is_axis(const Pairs& pairs, size_t field) {
    return std::any_of(pairs.keys.begin(), pairs.keys.end(), [&](const std::vector<size_t>& key) {
        return std::find(key.begin(), key.end(), field) != key.end();
    });
}

/// Numbers sets of boxes' bits.
class Numbered {
public:
    uint32_t id_of(const std::vector<bool>& boxes) {
        return known_.try_emplace(boxes, static_cast<uint32_t>(known_.size())).first->second;
    }
    [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(known_.size()); }
    [[nodiscard]] std::vector<std::vector<bool>> all() const {
        std::vector<std::vector<bool>> sets(known_.size());
        for (const auto& [boxes, id] : known_) {
            sets[id] = boxes;
        }
        return sets;
    }

private:
    std::map<std::vector<bool>, uint32_t> known_;
};

/// What boxes ask of the kind: few different things, so each once.
struct Asks {
    std::vector<uint32_t> needs;
    std::vector<std::vector<Range>> ranges; // of each field of the kind
    std::vector<size_t> of;                 // by box
};

Asks asks_of(const RuleSet& set, const std::vector<size_t>& fields) {
    Asks asks;
    std::map<std::vector<uint32_t>, size_t> known;
    for (size_t box = 0; box < set.size(); ++box) {
        std::vector<uint32_t> key{set.needs[box]};
        std::vector<Range> ranges;
        for (const size_t field : fields) {
            ranges.push_back(set.box(box)[field]);
            key.insert(key.end(), {ranges.back().lo, ranges.back().hi});
        }
        const auto [place, added] = known.try_emplace(key, known.size());
        if (added) {
            asks.needs.push_back(set.needs[box]);
            asks.ranges.push_back(std::move(ranges));
        }
        asks.of.push_back(place->second);
    }
    return asks;
}

Rfc::Leaf presence_leaf(const RuleSet& set, const Asks& asks, Numbered& numbered) {
    Rfc::Leaf leaf;
    leaf.field = set.fields.size();
    for (uint32_t word = 0; word < 1U << set.presence.size(); ++word) {
        std::vector<bool> there(asks.needs.size());
        for (size_t i = 0; i < there.size(); ++i) {
            there[i] = can_be(set, word) && !(asks.needs[i] & ~word);
        }
        leaf.cells.push_back(numbered.id_of(there));
    }
    leaf.classes = numbered.count();
    return leaf;
}

Rfc::Leaf field_leaf(const RuleSet& set, const Asks& asks, size_t field, size_t place, Numbered& numbered) {
    Rfc::Leaf leaf;
    leaf.field = field;
    for (uint32_t number = 0; number <= max_of_width(set.fields[field].width); ++number) {
        std::vector<bool> there(asks.needs.size());
        for (size_t i = 0; i < there.size(); ++i) {
            there[i] = asks.ranges[i][place].lo <= number && number <= asks.ranges[i][place].hi;
        }
        leaf.cells.push_back(numbered.id_of(there));
    }
    leaf.classes = numbered.count();
    return leaf;
}

} // namespace

bool Lines::choose_kinds() {
    std::vector<size_t> small;
    for (size_t field = 0; field < set_.fields.size(); ++field) {
        if (is_axis(pairs_, field)) {
            continue;
        }
        (set_.fields[field].width <= small_width ? small : pairs_.compared).push_back(field);
    }
    // Fields are taken out until the kinds are few enough.
    for (;; small.pop_back()) {
        if (try_kinds(small)) {
            return true;
        }
        if (small.empty()) {
            return false;
        }
        pairs_.compared.push_back(small.back());
    }
}

bool Lines::try_kinds(const std::vector<size_t>& small) {
    const Asks asks = asks_of(set_, small);
    Pairs::Kinds kinds;
    std::vector<std::vector<std::vector<bool>>> sets; // by leaf and class
    size_t products = 1;
    const auto add = [&](Rfc::Leaf leaf, const Numbered& numbered) {
        products *= leaf.classes;
        sets.push_back(numbered.all());
        kinds.leaves.push_back(std::move(leaf));
    };
    Numbered present;
    add(presence_leaf(set_, asks, present), present);
    for (size_t i = 0; i < small.size(); ++i) {
        Numbered own;
        Rfc::Leaf leaf = field_leaf(set_, asks, small[i], i, own);
        if (leaf.classes > most_classes || products * leaf.classes > most_products) {
            return false;
        }
        add(std::move(leaf), own);
    }
    Numbered together;
    for (size_t cell = 0; cell < products; ++cell) {
        std::vector<bool> there(asks.needs.size(), true);
        size_t rest = cell;
        for (size_t leaf = kinds.leaves.size(); leaf-- > 0; rest /= kinds.leaves[leaf].classes) {
            const auto& own = sets[leaf][rest % kinds.leaves[leaf].classes];
            for (size_t i = 0; i < there.size(); ++i) {
                there[i] = there[i] && own[i];
            }
        }
        kinds.cells.push_back(together.id_of(there));
    }
    if (together.count() > most_kinds) {
        return false;
    }
    std::vector<uint64_t> masks(asks.needs.size());
    const auto all = together.all();
    for (size_t kind = 0; kind < all.size(); ++kind) {
        for (size_t i = 0; i < masks.size(); ++i) {
            masks[i] |= uint64_t{all[kind][i]} << kind;
        }
    }
    for (const size_t ask : asks.of) {
        masks_.push_back(masks[ask]);
    }
    pairs_.kinds = std::move(kinds);
    return true;
}

bool Lines::covers(uint32_t earlier, uint32_t later) const {
    if (masks_[later] & ~masks_[earlier]) {
        return false;
    }
    const Range* a = set_.box(earlier);
    const Range* b = set_.box(later);
    return std::all_of(pairs_.compared.begin(), pairs_.compared.end(), [&](size_t field) {
        return a[field].lo <= b[field].lo && b[field].hi <= a[field].hi;
    });
}

void Lines::reduce(std::vector<uint32_t>& boxes) const {
    size_t kept = 0;
    for (const uint32_t box : boxes) {
        const auto end = boxes.begin() + static_cast<ptrdiff_t>(kept);
        if (std::none_of(boxes.begin(), end, [&](uint32_t earlier) { return covers(earlier, box); })) {
            boxes[kept++] = box;
        }
    }
    boxes.resize(kept);
}

std::vector<Lane> lanes_of(const Pairs& pairs, const RuleSet& set) {
    std::vector<Lane> lanes;
    Lane next;
    for (const size_t field : pairs.compared) {
        const unsigned bits = set.fields[field].width + 1;
        if (next.shift + bits > 64) {
            next = {next.word + 1, 0};
        }
        lanes.push_back(next);
        next.shift += bits;
    }
    return lanes;
}

size_t lane_words(const Pairs& pairs, const RuleSet& set) {
    return pairs.compared.empty() ? 0 : lanes_of(pairs, set).back().word + 1;
}

bool Lines::holds(const RuleSet& set, const Pairs& pairs, const Pairs::Line& line, const Header& header,
                  uint32_t kind) {
    return (line.kinds >> kind & 1) &&
           std::all_of(pairs.compared.begin(), pairs.compared.end(), [&](size_t field) {
               const Range range = set.box(line.box)[field];
               return range.lo <= header.values[field] && header.values[field] <= range.hi;
           });
}

} // namespace xdpc::classify
