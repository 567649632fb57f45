#include "tests/harness/random_sets.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace xdpc::test {

namespace {

/// The highest number that an element may have.
uint64_t map_to(Rng& rng, LiveSet& set) {
    if (chance(rng, 50)) {
        set.verdicts = {xdpc::Pass{}, Drop{}, Abort{}, Tx{}, Return{}, Continue{}};
        return set.verdicts.size() - 1;
    }
    if (chance(rng, 40)) {
        set.objects = "counter";
        set.object_ids = {0, 1, 2}; // never asked: a pick's statements follow it
        return set.object_ids.size() - 1;
    }
    set.mapped = {TypeId::Integer, static_cast<uint16_t>(chance(rng, 50) ? 6 : 16)};
    return max_of_width(set.mapped->width);
}

} // namespace

LiveSet random_live_set(Rng& rng, SetId id, const std::vector<Key>& keys,
                        const std::function<Interval(const Key&)>& interval) {
    LiveSet set;
    set.id = id;
    set.name = fmt::format("s{}", set.id.value);
    for (const Key& key : keys) {
        set.parts.push_back({type_of(key.source), width_of(key.source)});
    }
    const bool intervals = chance(rng, 35);
    set.kind = !intervals         ? chance(rng, 65) ? LiveSet::Kind::Dynamic : LiveSet::Kind::Hash
               : keys.size() == 1 ? LiveSet::Kind::Interval
                                  : LiveSet::Kind::Tuples;
    set.is_map = chance(rng, 30);
    set.size = 1 + static_cast<uint32_t>(below(rng, chance(rng, 60) ? 4 : 100));
    set.has_timeout = chance(rng, 60);
    if (set.has_timeout && chance(rng, 70)) {
        set.timeout_ns = (1 + below(rng, 8)) * 500'000'000;
    }
    set.has_counter = chance(rng, 50);
    set.auto_merge = intervals;
    const uint64_t most = set.is_map ? map_to(rng, set) : 0;
    std::set<std::vector<uint32_t>> known;
    const bool begins_empty = set.kind == LiveSet::Kind::Dynamic && chance(rng, 60);
    for (uint64_t i = begins_empty ? 0 : below(rng, std::min<uint64_t>(set.size, 20) + 1); i-- > 0;) {
        std::vector<uint32_t> low, high;
        for (const Key& key : keys) {
            const Interval range = interval(key);
            append_words(low, range.lo, width_of(key.source));
            append_words(high, intervals ? range.hi : range.lo, width_of(key.source));
        }
        if (intervals) {
            low.insert(low.end(), high.begin(), high.end());
        }
        if (!known.insert(low).second) {
            continue;
        }
        SetElements& elements = set.elements;
        elements.words.insert(elements.words.end(), low.begin(), low.end());
        if (set.has_timeout && chance(rng, 30)) {
            elements.extras.push_back(
                {static_cast<uint32_t>(elements.count), (1 + below(rng, 9)) * 700'000'000, ""});
        }
        if (set.is_map) {
            elements.values.push_back(static_cast<uint32_t>(below(rng, most + 1)));
        }
        ++elements.count;
    }
    return set;
}

PickStatement random_pick(Rng& rng, const std::vector<Key>& keys, uint32_t count,
                          const std::function<Box()>& box) {
    PickStatement result;
    result.keys = keys;
    result.count = count;
    result.may_lack = chance(rng, 25);
    for (uint64_t i = below(rng, chance(rng, 70) ? 5 : 40); i-- > 0;) {
        result.entries.emplace_back(box(), static_cast<uint32_t>(below(rng, count)));
    }
    if (chance(rng, 85)) { // boxes seldom hold what a packet has
        result.otherwise = static_cast<uint32_t>(below(rng, count));
    }
    return result;
}

} // namespace xdpc::test
