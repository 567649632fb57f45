// From what rules ask of keys to ranges of fields of 32 bits.
#include "compiler/plan/classify/layout.h"

#include "compiler/fields/key_facts.h"

#include <algorithm>
#include <numeric>

namespace xdpc::classify {

namespace {

constexpr size_t max_fields = 15;   // a node has four bits for it, the presence word being one more
constexpr size_t max_presence = 12; // a table over all combinations stays small
constexpr size_t max_boxes = 256;   // of a rule
constexpr unsigned words = 5;       // arguments of a function

/// One range for each piece of 32 bits, lowest first.
using Pieces = std::vector<Range>;

/// [lo, hi] of `width` bits as boxes over its pieces; `found` gets them without what `above` says of the
/// pieces above.
void split(u128 lo, u128 hi, unsigned width, const Pieces& above, std::vector<Pieces>& found) {
    const auto piece = [](u128 number) { return static_cast<uint32_t>(number); };
    if (width <= 32) {
        found.push_back(above);
        found.back().insert(found.back().begin(), {piece(lo), piece(hi)});
        return;
    }
    const unsigned shift = (width - 1) / 32 * 32;
    const u128 rest = max_of_width(shift);
    const auto below = [&](u128 from, u128 to, Range top) {
        Pieces pieces = above;
        pieces.insert(pieces.begin(), top);
        split(from, to, shift, pieces, found);
    };
    uint32_t top_lo = piece(lo >> shift);
    uint32_t top_hi = piece(hi >> shift);
    if (top_lo == top_hi) {
        below(lo & rest, hi & rest, {top_lo, top_hi});
        return;
    }
    if ((lo & rest) != 0) {
        below(lo & rest, rest, {top_lo, top_lo});
        ++top_lo;
    }
    const bool cut = (hi & rest) != rest;
    if (cut ? top_lo < top_hi : top_lo <= top_hi) {
        below(0, rest, {top_lo, cut ? top_hi - 1 : top_hi});
    }
    if (cut) {
        below(0, hi & rest, {top_hi, top_hi});
    }
}

} // namespace

bool is_ip6(const KeySource& key) {
    const auto* field = std::get_if<FieldKey>(&key);
    if (!field) {
        return false;
    }
    const Layer layer = info(info(field->field).header).layer;
    return layer == Layer::Ip6 || layer == Layer::Extension || layer == Layer::Transport6;
}

std::optional<Family> family_of(const Conjunction& all, const ir::Program& program) {
    std::optional<Family> family;
    for (const Asked& asked : all) {
        const KeySource& source = program.keys[asked.key.value];
        const auto* field = std::get_if<FieldKey>(&source);
        if (is_ip6(source)) {
            return Family::Ip6; // with anything of IPv4 it never holds
        }
        const Layer layer = field ? info(info(field->field).header).layer : Layer::Link;
        if (layer == Layer::Ip || layer == Layer::Arp || layer == Layer::Transport4) {
            family = Family::Not6;
        }
    }
    return family;
}

Layout::Layout(const std::vector<NormalRule>& rules, Family family, const ir::Program& program)
    : family_(family) {
    std::map<std::pair<uint32_t, u128>, size_t> uses;
    for (const NormalRule& rule : rules) {
        for (const Conjunction& all : rule.any) {
            const std::optional<Family> own = family_of(all, program);
            for (const Asked& asked : own.value_or(family) == family ? all : Conjunction{}) {
                ++uses[{asked.key.value, asked.mask}];
            }
        }
    }
    std::vector<std::pair<size_t, std::pair<uint32_t, u128>>> by_use;
    for (const auto& [key, count] : uses) {
        by_use.emplace_back(count, key);
    }
    std::sort(by_use.rbegin(), by_use.rend());
    for (const auto& [count, key] : by_use) {
        place({key.first}, key.second, program);
    }
    relate(empty_, program);
    for (const auto& [key, place] : places_) {
        if (is_l4proto(program.keys[key.first]) && key.second == max_of_width(8)) {
            protocol_ = ir::KeyId{key.first};
        }
    }
}

/// False, and nothing is changed, if there is no room.
bool Layout::place(ir::KeyId key, u128 mask, const ir::Program& program) {
    RuleSet set = empty_;
    Place place;
    const KeySource& source = program.keys[key.value];
    const auto known = std::find(set.presence.begin(), set.presence.end(), key);
    place.presence_bit = static_cast<uint32_t>(known - set.presence.begin());
    if (known == set.presence.end()) {
        set.presence.push_back(key);
    }
    const auto same = std::find_if(set.fields.begin(), set.fields.end(), [&](const Field& field) {
        return field.mask == mask && is_same_number(program.keys[field.keys.front().value], source);
    });
    place.first_field = static_cast<size_t>(same - set.fields.begin());
    if (same != set.fields.end()) {
        same->keys.push_back(key);
    } else {
        const auto group = static_cast<unsigned>(set.fields.size());
        const unsigned width = width_of(source);
        for (unsigned shift = 0; shift < width; shift += 32) {
            set.fields.push_back({{key}, mask, shift, std::min(32U, width - shift), group});
        }
    }
    if (set.fields.size() > max_fields || set.presence.size() > max_presence || !pack(set)) {
        return false;
    }
    empty_ = std::move(set);
    places_[{key.value, mask}] = place;
    return true;
}

bool Layout::has(const Asked& asked) const {
    return places_.find({asked.key.value, asked.mask}) != places_.end();
}

RuleSet Layout::empty_set() const {
    return empty_;
}

/// With the protocol that ports and the like stand behind, if it is a field; nothing if it is another.
std::optional<Conjunction> Layout::with_protocol(const Conjunction& all, const ir::Program& program) const {
    Conjunction result = all;
    for (const Asked& asked : all) {
        const std::optional<uint32_t> protocol = protocol_of(program.keys[asked.key.value]);
        if (!protocol || !protocol_) {
            continue;
        }
        Asked own{*protocol_, max_of_width(8), IntervalSet::of({{*protocol, *protocol}})};
        const auto known = std::find_if(result.begin(), result.end(), [&](const Asked& other) {
            return other.key == own.key && other.mask == own.mask;
        });
        if (known == result.end()) {
            result.push_back(std::move(own));
            continue;
        }
        known->values = known->values.intersect(own.values);
        if (known->values.empty()) {
            return {};
        }
    }
    return result;
}

bool Layout::add_conjunction(RuleSet& set, const Conjunction& all, uint32_t index) const {
    std::vector<Range> any;
    for (const Field& field : set.fields) {
        any.push_back(whole(field));
    }
    std::vector<std::vector<Range>> boxes{any};
    uint32_t need = 0;
    for (const Asked& asked : all) {
        const auto found = places_.find({asked.key.value, asked.mask});
        if (found == places_.end()) {
            continue; // the rule is not exact
        }
        const Place& place = found->second;
        need |= 1U << place.presence_bit;
        const Field& first = set.fields[place.first_field];
        unsigned width = 0;
        for (size_t f = place.first_field; f < set.fields.size() && set.fields[f].group == first.group; ++f) {
            width += set.fields[f].width;
        }
        std::vector<Pieces> pieces;
        for (const Interval& interval : asked.values.intervals()) {
            const u128 most = max_of_width(width);
            if (interval.lo <= most) {
                split(interval.lo, std::min(interval.hi, most), width, {}, pieces);
            }
        }
        if (boxes.size() * pieces.size() > max_boxes) {
            return false;
        }
        std::vector<std::vector<Range>> product;
        for (const auto& box : boxes) {
            for (const Pieces& each : pieces) {
                auto narrowed = box;
                bool possible = true;
                for (size_t i = 0; i < each.size(); ++i) {
                    Range& range = narrowed[place.first_field + i];
                    range = {std::max(range.lo, each[i].lo), std::min(range.hi, each[i].hi)};
                    possible = possible && range.lo <= range.hi;
                }
                if (possible) {
                    product.push_back(std::move(narrowed));
                }
            }
        }
        boxes = std::move(product);
    }
    if (!can_be(set, closed(set, need))) {
        return true;
    }
    need = needed(set, need);
    for (const auto& box : boxes) {
        set.ranges.insert(set.ranges.end(), box.begin(), box.end());
        set.needs.push_back(need);
        set.rules.push_back(index);
    }
    return true;
}

bool Layout::add(RuleSet& set, const NormalRule& rule, uint32_t index, const ir::Program& program) const {
    for (const Conjunction& all : rule.any) {
        const std::optional<Family> own = family_of(all, program);
        const std::optional<Conjunction> whole =
            own.value_or(family_) == family_ ? with_protocol(all, program) : std::nullopt;
        if (whole && !add_conjunction(set, *whole, index)) {
            return false;
        }
    }
    return true;
}

void drop_unused(RuleSet& set) {
    uint32_t needed = 0;
    for (const uint32_t need : set.needs) {
        needed |= need;
    }
    std::vector<uint32_t> new_bit(set.presence.size());
    std::vector<ir::KeyId> presence;
    for (size_t bit = 0; bit < set.presence.size(); ++bit) {
        new_bit[bit] = static_cast<uint32_t>(presence.size());
        if (needed >> bit & 1) {
            presence.push_back(set.presence[bit]);
        }
    }
    for (uint32_t& need : set.needs) {
        uint32_t moved = 0;
        for (size_t bit = 0; bit < set.presence.size(); ++bit) {
            moved |= (need >> bit & 1) << new_bit[bit];
        }
        need = moved;
    }
    set.presence = std::move(presence);
    std::vector<size_t> kept;
    for (size_t f = 0; f < set.fields.size(); ++f) {
        const Range all = whole(set.fields[f]);
        for (size_t box = 0; box < set.size(); ++box) {
            if (set.box(box)[f] != all) {
                kept.push_back(f);
                break;
            }
        }
    }
    std::vector<Range> ranges;
    std::vector<Field> fields;
    ranges.reserve(set.size() * kept.size());
    for (size_t box = 0; box < set.size(); ++box) {
        for (const size_t f : kept) {
            ranges.push_back(set.box(box)[f]);
        }
    }
    for (const size_t f : kept) {
        fields.push_back(std::move(set.fields[f]));
    }
    set.fields = std::move(fields);
    set.ranges = std::move(ranges);
}

std::optional<std::vector<Packed>> pack(const RuleSet& set) {
    std::vector<unsigned> widths;
    for (const Field& field : set.fields) {
        widths.push_back(field.width);
    }
    widths.push_back(static_cast<unsigned>(set.presence.size()));
    std::vector<size_t> order(widths.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return widths[a] > widths[b]; });
    std::vector<unsigned> filled(words);
    std::vector<Packed> places(widths.size());
    for (const size_t i : order) {
        unsigned word = 0;
        while (word < words && filled[word] + widths[i] > 64) {
            ++word;
        }
        if (word == words) {
            return {};
        }
        places[i] = {word, filled[word]};
        filled[word] += widths[i];
    }
    return places;
}

} // namespace xdpc::classify
