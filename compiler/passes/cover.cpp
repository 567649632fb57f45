#include "compiler/passes/cover.h"

#include "compiler/fields/key_facts.h"

#include <algorithm>
#include <numeric>

namespace xdpc::passes {

using ir::Asked;
using ir::Conjunction;

namespace {

size_t hash_of(const IntervalSet& values) {
    uint64_t hash = 0;
    const auto mix = [&](u128 number) {
        hash = (hash ^ static_cast<uint64_t>(number) ^
                static_cast<uint64_t>(number >> 64) * 0x9E3779B97F4A7C15ULL) *
               0xD6E8FEB86659FD93ULL;
        hash ^= hash >> 32;
    };
    for (const Interval& interval : values.intervals()) {
        mix(interval.lo);
        mix(interval.hi);
    }
    return hash;
}

bool holds_all(const IntervalSet& larger, const IntervalSet& smaller) {
    return larger.intersect(smaller) == smaller;
}

/// The values a small set can have under a mask.
std::optional<IntervalSet> masked(const IntervalSet& values, u128 mask) {
    constexpr u128 most = 64;
    std::vector<Interval> result;
    for (const Interval& interval : values.intervals()) {
        if (interval.hi - interval.lo >= most - result.size()) {
            return {};
        }
        for (u128 value = interval.lo;; ++value) {
            result.push_back({value & mask, value & mask});
            if (value == interval.hi) {
                break;
            }
        }
    }
    return IntervalSet::of(std::move(result));
}

} // namespace

uint32_t CoverIndex::column_of(const Asked& asked) {
    const std::pair id(asked.key.value, asked.mask);
    const auto [found, is_new] = column_ids_.try_emplace(id, static_cast<uint32_t>(columns_.size()));
    if (is_new) {
        columns_.emplace_back();
        columns_.back().key = asked.key;
        columns_.back().mask = asked.mask;
    }
    return found->second;
}

uint32_t CoverIndex::value_of(Column& column, const IntervalSet& values) {
    const size_t hash = hash_of(values);
    const auto [begin, end] = column.by_hash.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (column.values[it->second] == values) {
            return it->second;
        }
    }
    const auto id = static_cast<uint32_t>(column.values.size());
    column.values.push_back(values);
    column.by_hash.emplace(hash, id);
    return id;
}

void CoverIndex::add(uint32_t rule, const Conjunction& all) {
    Added added{rule, {}};
    for (const Asked& asked : all) {
        const std::pair id(asked.key.value, asked.mask);
        const bool full = columns_.size() == max_columns && !column_ids_.contains(id);
        if (full || asked.values.empty()) {
            return;
        }
        const uint32_t column = column_of(asked);
        added.facts.emplace_back(column, value_of(columns_[column], asked.values));
    }
    added_.push_back(std::move(added));
}

void CoverIndex::sort_values(Column& column) {
    column.sorted.resize(column.values.size());
    std::iota(column.sorted.begin(), column.sorted.end(), 0U);
    std::ranges::sort(column.sorted, {},
                      [&](uint32_t id) { return column.values[id].intervals().front().lo; });
    column.leaves = 1;
    while (column.leaves < column.sorted.size()) {
        column.leaves *= 2;
    }
    column.greatest.assign(2 * column.leaves, 0);
    for (size_t i = 0; i < column.sorted.size(); ++i) {
        column.greatest[column.leaves + i] = column.values[column.sorted[i]].intervals().back().hi;
    }
    for (size_t i = column.leaves; i-- > 1;) {
        column.greatest[i] = std::max(column.greatest[2 * i], column.greatest[2 * i + 1]);
    }
}

void CoverIndex::insert(const Added& added) {
    uint32_t node = 0;
    nodes_[0].first = std::min(nodes_[0].first, added.rule);
    for (const auto& [column, value] : added.facts) {
        const uint64_t edge = uint64_t{node} << 32 | (first_edge_[column] + value);
        nodes_[node].columns |= uint64_t{1} << column;
        const auto [found, is_new] = edges_.try_emplace(edge, static_cast<uint32_t>(nodes_.size()));
        if (is_new) {
            nodes_.emplace_back();
        }
        node = found->second;
        nodes_[node].first = std::min(nodes_[node].first, added.rule);
    }
    nodes_[node].own = std::min(nodes_[node].own, added.rule);
}

void CoverIndex::finish() {
    // Columns with many values come first: they leave few rules to look at.
    std::vector<uint32_t> order(columns_.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(order, std::greater(), [&](uint32_t c) { return columns_[c].values.size(); });
    std::vector<uint32_t> place(columns_.size());
    std::vector<Column> sorted;
    uint64_t edge = 0;
    for (uint32_t i = 0; i < order.size(); ++i) {
        place[order[i]] = i;
        sorted.push_back(std::move(columns_[order[i]]));
        sort_values(sorted.back());
        first_edge_.push_back(edge);
        edge += sorted.back().values.size();
    }
    columns_ = std::move(sorted);
    for (auto& [id, column] : column_ids_) {
        column = place[column];
    }
    for (Added& added : added_) {
        for (auto& [column, value] : added.facts) {
            column = place[column];
        }
        std::ranges::sort(added.facts);
        insert(added);
    }
    added_.clear();
    asked_.resize(columns_.size());
}

const std::vector<CoverIndex::Implied>& CoverIndex::implied_by(const Asked& asked) {
    const auto [found, is_new] = implied_.try_emplace(std::pair(asked.key.value, asked.mask));
    if (!is_new) {
        return found->second;
    }
    const KeySource& source = program_.keys[asked.key.value];
    for (uint32_t i = 0; i < columns_.size(); ++i) {
        const Column& column = columns_[i];
        const KeySource& other = program_.keys[column.key.value];
        const bool whole = column.mask == max_of_width(width_of(other));
        std::optional<Relation> relation;
        if (column.key == asked.key && column.mask == asked.mask) {
            relation = Relation::Same;
        } else if (column.key == asked.key) {
            relation = (column.mask & ~asked.mask) == 0 ? Relation::Masked : Relation::Present;
        } else if (is_l4proto(other) && protocol_of(source)) {
            relation = Relation::Protocol;
        } else if (brings(source, other)) {
            relation = is_same_number(source, other) && column.mask == asked.mask ? Relation::SameValue
                                                                                  : Relation::Present;
        }
        if (relation && (*relation != Relation::Present || whole)) {
            found->second.push_back({i, *relation});
        }
    }
    return found->second;
}

std::optional<IntervalSet> CoverIndex::values_of(const Asked& asked, const Implied& implied) const {
    const Column& column = columns_[implied.column];
    switch (implied.relation) {
    case Relation::Same:
    case Relation::SameValue:
        return asked.values;
    case Relation::Protocol: {
        const u128 protocol = *protocol_of(program_.keys[asked.key.value]) & column.mask;
        return IntervalSet::of({{protocol, protocol}});
    }
    case Relation::Present:
        return IntervalSet::all(width_of(program_.keys[column.key.value]));
    case Relation::Masked:
        return masked(asked.values, column.mask);
    }
    return {};
}

/// Those among the first `bound` of the sorted values whose greatest is at least `hi`.
void CoverIndex::collect(const Column& column, size_t node, size_t bound, u128 hi,
                         std::vector<uint32_t>& to) {
    std::vector<size_t> open{node};
    while (!open.empty()) {
        const size_t at = open.back();
        open.pop_back();
        ++steps_;
        size_t first = at;
        while (first < column.leaves) {
            first *= 2;
        }
        if (first - column.leaves >= bound || column.greatest[at] < hi) {
            continue;
        }
        if (at >= column.leaves) {
            to.push_back(column.sorted[at - column.leaves]);
        } else {
            open.push_back(2 * at);
            open.push_back(2 * at + 1);
        }
    }
}

const std::vector<uint32_t>& CoverIndex::holders(uint32_t number, const IntervalSet& values) {
    Column& column = columns_[number];
    const size_t hash = hash_of(values);
    const auto [begin, end] = column.known.equal_range(hash);
    for (auto it = begin; it != end; ++it) {
        if (it->second.first == values) {
            return it->second.second;
        }
    }
    const u128 lo = values.intervals().front().lo;
    const u128 hi = values.intervals().back().hi;
    const auto bound = std::ranges::upper_bound(
        column.sorted, lo, {}, [&](uint32_t id) { return column.values[id].intervals().front().lo; });
    std::vector<uint32_t> found;
    collect(column, 1, static_cast<size_t>(bound - column.sorted.begin()), hi, found);
    std::erase_if(found, [&](uint32_t id) { return !holds_all(column.values[id], values); });
    return column.known.emplace(hash, std::pair(values, std::move(found)))->second.second;
}

void CoverIndex::search(uint32_t node, size_t from, uint64_t asked, uint32_t& best) {
    best = std::min(best, nodes_[node].own);
    for (uint64_t left = nodes_[node].columns & asked & ~((uint64_t{1} << from) - 1); left;
         left &= left - 1) {
        const auto column = static_cast<size_t>(__builtin_ctzll(left));
        for (const uint32_t value : asked_[column]) {
            if (++steps_ > max_steps) {
                return;
            }
            const auto edge = edges_.find(uint64_t{node} << 32 | (first_edge_[column] + value));
            if (edge != edges_.end() && nodes_[edge->second].first < best && column + 1 < max_columns) {
                search(edge->second, column + 1, asked, best);
            } else if (edge != edges_.end()) {
                best = std::min(best, nodes_[edge->second].own);
            }
        }
    }
}

std::optional<uint32_t> CoverIndex::find(uint32_t rule, const Conjunction& all) {
    const bool never = std::ranges::any_of(all, [](const Asked& each) { return each.values.empty(); });
    if (nodes_[0].first >= rule || never || steps_ > max_steps) {
        return {};
    }
    uint64_t asked = 0;
    for (const Asked& each : all) {
        for (const Implied& implied : implied_by(each)) {
            const auto values = values_of(each, implied);
            if (!values || values->empty()) {
                continue;
            }
            const std::vector<uint32_t>& found = holders(implied.column, *values);
            const uint64_t bit = uint64_t{1} << implied.column;
            auto& known = asked_[implied.column];
            if (asked & bit) { // two facts of one column: what holds either will do
                known.insert(known.end(), found.begin(), found.end());
            } else if (!found.empty()) {
                known = found;
                asked |= bit;
            }
        }
    }
    uint32_t best = rule;
    search(0, 0, asked, best);
    return best < rule ? std::optional(best) : std::nullopt;
}

} // namespace xdpc::passes
