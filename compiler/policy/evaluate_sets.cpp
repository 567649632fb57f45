#include "compiler/policy/evaluate_sets.h"

#include <algorithm>
#include <numeric>

namespace xdpc {

namespace {

bool alive(uint64_t expires_ns, uint64_t now_ns) {
    return expires_ns == 0 || now_ns < expires_ns;
}

size_t stride_of(const LiveSet& set) {
    return size_t{set.key_words()} * (set.has_intervals() ? 2 : 1);
}

/// One part of an element.
Interval part_of(const LiveSet& set, uint32_t element, size_t part) {
    const uint32_t* low = set.elements.words.data() + element * stride_of(set);
    for (size_t i = 0; i < part; ++i) {
        low += words_of_width(set.parts[i].width);
    }
    const uint16_t width = set.parts[part].width;
    return {value_of_words(low, width),
            value_of_words(low + (set.has_intervals() ? set.key_words() : 0), width)};
}

bool holds(const LiveSet& set, uint32_t element, const Tuple& tuple) {
    for (size_t part = 0; part < tuple.size(); ++part) {
        const Interval interval = part_of(set, element, part);
        if (tuple[part] < interval.lo || interval.hi < tuple[part]) {
            return false;
        }
    }
    return true;
}

/// The part by which sorting tells most elements apart.
size_t best_part(const LiveSet& set) {
    size_t best = 0;
    size_t most = 0;
    for (size_t part = 0; set.parts.size() > 1 && part < set.parts.size(); ++part) {
        std::vector<u128> lows;
        for (uint32_t i = 0; i < set.elements.count; ++i) {
            lows.push_back(part_of(set, i, part).lo);
        }
        std::sort(lows.begin(), lows.end());
        const auto different = static_cast<size_t>(std::unique(lows.begin(), lows.end()) - lows.begin());
        if (different > most) {
            most = different;
            best = part;
        }
    }
    return best;
}

/// How much an element holds: one of intervals its values, one of several parts the powers of two of each
/// that it takes, multiplied.
u128 size_of(const LiveSet& set, uint32_t element) {
    if (set.kind == LiveSet::Kind::Interval) {
        const Interval interval = part_of(set, element, 0);
        return interval.hi - interval.lo;
    }
    u128 bits = 0;
    for (size_t part = 0; part < set.parts.size(); ++part) {
        const Interval interval = part_of(set, element, part);
        for (u128 rest = interval.hi - interval.lo; rest != 0; rest >>= 1U) {
            ++bits;
        }
    }
    return bits;
}

uint64_t expiry(const LiveSet& set, const std::optional<uint64_t>& timeout_ns, uint64_t now_ns) {
    const uint64_t timeout = timeout_ns ? *timeout_ns : set.timeout_ns.value_or(0);
    return timeout == 0 ? 0 : now_ns + timeout;
}

} // namespace

SetIndex::SetIndex(const LiveSet& set)
    : part_(best_part(set)), order_(set.elements.count), reach_(set.elements.count) {
    std::vector<std::pair<u128, uint32_t>> keyed(order_.size());
    for (uint32_t i = 0; i < keyed.size(); ++i) {
        keyed[i] = {part_of(set, i, part_).lo, i};
    }
    std::sort(keyed.begin(), keyed.end());
    std::transform(keyed.begin(), keyed.end(), order_.begin(), [](const auto& each) { return each.second; });
    if (!order_.empty()) {
        fill(set, 0, order_.size());
    }
}

uint32_t SetIndex::fill(const LiveSet& set, size_t begin, size_t end) {
    const size_t middle = begin + (end - begin) / 2;
    uint32_t highest = order_[middle];
    const auto consider = [&](size_t from, size_t to) {
        if (from < to) {
            const uint32_t other = fill(set, from, to);
            highest = part_of(set, highest, part_).hi < part_of(set, other, part_).hi ? other : highest;
        }
    };
    consider(begin, middle);
    consider(middle + 1, end);
    return reach_[middle] = highest;
}

void SetIndex::visit(const LiveSet& set, const Tuple& tuple, size_t begin, size_t end,
                     std::vector<uint32_t>& found) const {
    if (begin >= end) {
        return;
    }
    const size_t middle = begin + (end - begin) / 2;
    if (part_of(set, reach_[middle], part_).hi < tuple[part_]) {
        return;
    }
    visit(set, tuple, begin, middle, found);
    if (holds(set, order_[middle], tuple)) {
        found.push_back(order_[middle]);
    }
    if (part_of(set, order_[middle], part_).lo <= tuple[part_]) {
        visit(set, tuple, middle + 1, end, found);
    }
}

std::vector<uint32_t> SetIndex::holding(const LiveSet& set, const Tuple& tuple) const {
    std::vector<uint32_t> found;
    visit(set, tuple, 0, order_.size(), found);
    return found;
}

template<class Lives>
std::optional<uint32_t> SetIndex::find(const LiveSet& set, const Tuple& tuple, Lives lives) const {
    std::optional<uint32_t> best;
    for (const uint32_t each : holding(set, tuple)) {
        if (!lives(each)) {
            continue;
        }
        // The narrowest answers, a later one of equals.
        const bool better = !best || size_of(set, each) < size_of(set, *best) ||
                            (size_of(set, each) == size_of(set, *best) && each > *best);
        best = better ? each : *best;
    }
    return best;
}

SetState::SetState(const LiveSet& set, uint64_t now_ns) {
    const SetElements& elements = set.elements;
    std::vector<uint64_t> expires;
    if (set.has_timeout) {
        expires.assign(elements.count, expiry(set, {}, now_ns));
        for (const SetElements::Extra& extra : elements.extras) {
            if (extra.timeout_ns != 0) {
                expires[extra.element] = now_ns + extra.timeout_ns;
            }
        }
    }
    if (set.kind != LiveSet::Kind::Dynamic) {
        index_ = std::make_shared<const SetIndex>(set);
        expires_ = std::move(expires);
        counts_.resize(set.has_counter ? elements.count : 0);
        return;
    }
    table_.emplace(set.size);
    for (size_t i = 0; i < elements.count; ++i) {
        Tuple tuple;
        for (const Interval& part : set.box(i)) {
            tuple.push_back(part.lo);
        }
        if (Dynamic* entry = put(tuple, now_ns, expires.empty() ? 0 : expires[i])) {
            entry->value = elements.values.empty() ? 0 : elements.values[i];
        }
    }
}

/// The entry of this key, begun anew where it had expired or was not there; null where the set is full. One
/// that lives is left as it is.
SetState::Dynamic* SetState::put(const Tuple& tuple, uint64_t now_ns, uint64_t expires_ns) {
    const Dynamic* known = table_->find(tuple);
    const bool lives = known != nullptr && alive(known->expires_ns, now_ns);
    Dynamic* entry = table_->put(tuple, [&](const Dynamic& each) { return !alive(each.expires_ns, now_ns); });
    if (entry != nullptr && !lives) {
        *entry = Dynamic{expires_ns, 0, {}};
    }
    return entry;
}

std::optional<uint32_t> SetState::number(const LiveSet& set, const Tuple& tuple, uint64_t now_ns) const {
    return index_->find(set, tuple,
                        [&](uint32_t each) { return expires_.empty() || alive(expires_[each], now_ns); });
}

FoundElement SetState::shown(const LiveSet& set, uint32_t number) const {
    return {expires_.empty() ? 0 : expires_[number],
            set.elements.values.empty() ? 0 : set.elements.values[number],
            counts_.empty() ? Count{} : counts_[number]};
}

std::optional<FoundElement> SetState::find(const LiveSet& set, const Tuple& tuple, uint64_t now_ns) const {
    if (!table_) {
        const auto found = number(set, tuple, now_ns);
        return found ? std::optional(shown(set, *found)) : std::nullopt;
    }
    const Dynamic* entry = table_->find(tuple);
    const bool lives = entry != nullptr && alive(entry->expires_ns, now_ns);
    return lives ? std::optional(FoundElement{entry->expires_ns, entry->value, entry->count}) : std::nullopt;
}

void SetState::count(const LiveSet& set, const Tuple& tuple, uint64_t now_ns, uint64_t bytes) {
    if (!set.has_counter) {
        return;
    }
    Count* to = nullptr;
    if (!table_) {
        const auto found = number(set, tuple, now_ns);
        to = found ? &counts_[*found] : nullptr;
    } else if (Dynamic* entry = table_->find(tuple); entry != nullptr && alive(entry->expires_ns, now_ns)) {
        to = &entry->count;
    }
    if (to != nullptr) {
        ++to->packets;
        to->bytes += bytes;
    }
}

std::optional<FoundElement> SetState::element(const LiveSet& set, const Box& box, uint64_t now_ns) const {
    Tuple tuple;
    for (const Interval& part : box) {
        tuple.push_back(part.lo);
    }
    if (table_) {
        return find(set, tuple, now_ns);
    }
    const auto found = index_->find(set, tuple, [&](uint32_t each) {
        return (expires_.empty() || alive(expires_[each], now_ns)) && set.box(each) == box;
    });
    return found ? std::optional(shown(set, *found)) : std::nullopt;
}

std::vector<std::pair<Box, FoundElement>> SetState::elements(const LiveSet& set, uint64_t now_ns) const {
    std::vector<std::pair<Box, FoundElement>> all;
    for (uint32_t i = 0; !table_ && i < set.elements.count; ++i) {
        if (expires_.empty() || alive(expires_[i], now_ns)) {
            all.emplace_back(set.box(i), shown(set, i));
        }
    }
    if (table_) {
        table_->each([&](const Tuple& tuple, const Dynamic& entry) {
            Box box;
            for (const u128 part : tuple) {
                box.push_back({part, part});
            }
            if (alive(entry.expires_ns, now_ns)) {
                all.emplace_back(std::move(box), FoundElement{entry.expires_ns, entry.value, entry.count});
            }
        });
    }
    return all;
}

void SetState::replace(const LiveSet& set, uint64_t now_ns) {
    SetState wanted(set, now_ns);
    if (!table_) {
        *this = std::move(wanted);
        return;
    }
    std::vector<Tuple> leaving;
    table_->each([&](const Tuple& tuple, const Dynamic& entry) {
        if (alive(entry.expires_ns, now_ns) && wanted.table_->find(tuple) == nullptr) {
            leaving.push_back(tuple);
        }
    });
    // What is new comes while what leaves is there.
    for (size_t i = 0; i < set.elements.count; ++i) {
        Tuple tuple;
        for (const Interval& part : set.box(i)) {
            tuple.push_back(part.lo);
        }
        const Dynamic* next = wanted.table_->find(tuple);
        const Dynamic* known = table_->find(tuple);
        if (known == nullptr || !alive(known->expires_ns, now_ns)) {
            table_->erase(tuple);
        }
        Dynamic* entry = next != nullptr ? put(tuple, now_ns, next->expires_ns) : nullptr;
        if (entry != nullptr) {
            entry->expires_ns = next->expires_ns;
            entry->value = next->value;
        }
    }
    for (const Tuple& tuple : leaving) {
        table_->erase(tuple);
    }
}

bool SetState::update(const LiveSet& set, UpdateSetStatement::Op op, const Tuple& tuple,
                      const std::optional<uint64_t>& timeout_ns, uint64_t now_ns) {
    if (op == UpdateSetStatement::Op::Delete) {
        table_->erase(tuple);
        return true;
    }
    const uint64_t expires_ns = set.has_timeout ? expiry(set, timeout_ns, now_ns) : 0;
    Dynamic* entry = put(tuple, now_ns, expires_ns);
    if (entry != nullptr && op == UpdateSetStatement::Op::Update) {
        entry->expires_ns = expires_ns;
    }
    return entry != nullptr;
}

} // namespace xdpc
