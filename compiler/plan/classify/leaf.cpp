// The classes of one number: an array over all of them, or a trie of two or three levels. A walk always goes
// down to the last level, where numbers share a cell: a branch would be guessed wrongly, as addresses differ.
#include "compiler/plan/classify/leaf.h"

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <optional>
#include <unordered_map>

namespace xdpc::classify {

namespace {

/// The blocks of a level: as few cells each as tell its numbers apart, equal ones once.
class Level {
public:
    explicit Level(std::vector<uint32_t>& cells) : cells_(cells) {}
    /// Where they are: first cell and shift, as Rfc::Leaf says.
    uint32_t code_of(std::vector<uint32_t> numbers) {
        unsigned shift = 0;
        while (numbers.size() > 1 && in_pairs(numbers)) {
            for (size_t i = 0; i < numbers.size() / 2; ++i) {
                numbers[i] = numbers[2 * i];
            }
            numbers.resize(numbers.size() / 2);
            ++shift;
        }
        const auto known = known_.find(numbers);
        uint32_t first = 0;
        if (known != known_.end()) {
            first = known->second;
        } else {
            first = static_cast<uint32_t>(cells_.size());
            cells_.insert(cells_.end(), numbers.begin(), numbers.end());
            known_.emplace(std::move(numbers), first);
        }
        return first << 4 | shift;
    }

private:
    static bool in_pairs(const std::vector<uint32_t>& numbers) {
        for (size_t i = 0; i < numbers.size(); i += 2) {
            if (numbers[i] != numbers[i + 1]) {
                return false;
            }
        }
        return true;
    }

    std::vector<uint32_t>& cells_;
    std::unordered_map<std::vector<uint32_t>, uint32_t, WordsHash> known_;
};

/// From the steps of classes to the cells of a trie, in the order of numbers.
class TrieBuilder {
public:
    TrieBuilder(const Steps& classes, Rfc::Leaf& leaf) : steps_(classes.steps), leaf_(leaf) {
        leaf.upper.resize(leaf.bits.size() - 1);
        for (auto& cells : leaf.upper) {
            levels_.emplace_back(cells);
        }
        levels_.emplace_back(leaf.cells);
        uniform_.assign(levels_.size() + 1, std::vector<std::optional<uint32_t>>(classes.classes));
    }
    void run() { block(0, 0, leaf_.below + std::accumulate(leaf_.bits.begin(), leaf_.bits.end(), 0U)); }

private:
    /// The class that the numbers from there have in common; moves on to the last step that is not behind.
    uint32_t class_at(uint64_t number);
    [[nodiscard]] bool same_until(uint64_t end) const {
        return step_ + 1 == steps_.size() || steps_[step_ + 1].first >= end;
    }
    /// What the level above says of numbers from there, of `width` bits; below the last level, their class.
    uint32_t block(size_t level, uint64_t begin, unsigned width);
    /// The same where all are of that class.
    uint32_t uniform(size_t level, uint32_t id);

    const std::vector<std::pair<uint32_t, uint32_t>>& steps_;
    Rfc::Leaf& leaf_;
    std::deque<Level> levels_;
    size_t step_ = 0;
    std::vector<std::vector<std::optional<uint32_t>>> uniform_; // by level and class
};

uint32_t TrieBuilder::class_at(uint64_t number) {
    while (step_ + 1 < steps_.size() && steps_[step_ + 1].first <= number) {
        ++step_;
    }
    return steps_[step_].second;
}

uint32_t TrieBuilder::uniform(size_t level, uint32_t id) {
    if (level == levels_.size()) {
        return id;
    }
    std::optional<uint32_t>& known = uniform_[level][id];
    if (!known) {
        known = levels_[level].code_of({uniform(level + 1, id)}) | leaf_.bits[level];
    }
    return *known;
}

uint32_t TrieBuilder::block(size_t level, uint64_t begin, unsigned width) {
    const uint32_t id = class_at(begin);
    if (level > 0 && (level == levels_.size() || same_until(begin + (uint64_t{1} << width)))) {
        return uniform(level, id);
    }
    const unsigned rest = width - leaf_.bits[level];
    std::vector<uint32_t> numbers(size_t{1} << leaf_.bits[level]);
    for (uint64_t i = 0; i < numbers.size(); ++i) {
        numbers[i] = block(level + 1, begin + (i << rest), rest);
    }
    if (level == 0) { // as it is: an index needs no shift
        (levels_.size() == 1 ? leaf_.cells : leaf_.upper[0]) = std::move(numbers);
        return 0;
    }
    return levels_[level].code_of(std::move(numbers));
}

/// Into which pieces a number may be cut. Few levels, since each waits for the one above, and a small first
/// one, of which packets touch as much as there is.
std::vector<std::vector<unsigned>> splits_of(unsigned width) {
    if (width <= 10) {
        return {{width}};
    }
    if (width <= 16) {
        return {{width - 8, 8}};
    }
    if (width <= 24) {
        return {{width - 12, 12}, {width - 8, 8}};
    }
    return {{width - 20, 10, 10}, {width - 16, 8, 8}};
}

/// Levels where classes do not change are left out.
void leave_out(const Steps& classes, Rfc::Leaf& leaf) {
    for (; leaf.bits.size() > 1; leaf.bits.pop_back()) {
        const uint64_t within = (uint64_t{1} << (leaf.below + leaf.bits.back())) - 1;
        if (std::any_of(classes.steps.begin(), classes.steps.end(),
                        [&](const auto& step) { return (step.first & within) != 0; })) {
            break;
        }
        leaf.below += leaf.bits.back();
    }
}

} // namespace

Rfc::Leaf leaf_of(const Steps& classes, size_t field, unsigned width) {
    std::optional<Rfc::Leaf> best;
    for (std::vector<unsigned>& split : splits_of(width)) {
        Rfc::Leaf leaf;
        leaf.field = field;
        leaf.classes = classes.classes;
        leaf.bits = std::move(split);
        leave_out(classes, leaf);
        TrieBuilder(classes, leaf).run();
        if (!best || bytes_of(leaf) < bytes_of(*best)) {
            best = std::move(leaf);
        }
    }
    return std::move(*best);
}

std::vector<uint32_t> by_number(const Steps& classes, uint32_t most) {
    std::vector<uint32_t> cells(size_t{most} + 1);
    for (size_t i = 0; i < classes.steps.size(); ++i) {
        const size_t end = i + 1 < classes.steps.size() ? classes.steps[i + 1].first : cells.size();
        std::fill(cells.begin() + classes.steps[i].first, cells.begin() + static_cast<ptrdiff_t>(end),
                  classes.steps[i].second);
    }
    return cells;
}

Steps steps_of(const std::vector<Range>& intervals, uint32_t most) {
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> distinct; // number by interval, in order
    for (const Range& interval : intervals) {
        if (interval.lo != 0 || interval.hi != most) {
            distinct.try_emplace({interval.lo, interval.hi}, static_cast<uint32_t>(distinct.size()));
        }
    }
    std::map<uint64_t, std::vector<uint32_t>> changes; // intervals that begin or end there
    changes[0];
    for (const auto& [interval, number] : distinct) {
        changes[interval.first].push_back(number);
        changes[uint64_t{interval.second} + 1].push_back(number);
    }
    Steps result;
    std::vector<Range> of(distinct.size(), {no_rule, 0});
    std::map<std::vector<uint32_t>, uint32_t> classes;
    std::vector<uint32_t> active;
    for (const auto& [at, changed] : changes) {
        for (const uint32_t number : changed) {
            const auto place = std::lower_bound(active.begin(), active.end(), number);
            if (place != active.end() && *place == number) {
                active.erase(place);
            } else {
                active.insert(place, number);
            }
        }
        if (at > most) {
            break;
        }
        const auto id = classes.try_emplace(active, static_cast<uint32_t>(classes.size())).first->second;
        result.steps.emplace_back(static_cast<uint32_t>(at), id);
        for (const uint32_t number : active) {
            of[number] = {std::min(of[number].lo, id), std::max(of[number].hi, id)};
        }
    }
    result.classes = static_cast<uint32_t>(classes.size());
    for (const Range& interval : intervals) {
        const auto known = distinct.find({interval.lo, interval.hi});
        result.of.push_back(known == distinct.end() ? Range{0, result.classes - 1} : of[known->second]);
    }
    return result;
}

uint32_t class_of(const Rfc::Leaf& leaf, uint32_t number) {
    if (leaf.upper.empty()) {
        return leaf.cells[number >> leaf.below];
    }
    unsigned low = leaf.below + std::accumulate(leaf.bits.begin() + 1, leaf.bits.end(), 0U);
    uint32_t cell = number >> low;
    for (size_t level = 0; level < leaf.upper.size(); ++level) {
        const uint32_t code = leaf.upper[level][cell];
        low -= leaf.bits[level + 1];
        const uint32_t own = number >> low & ((1U << leaf.bits[level + 1]) - 1);
        cell = (code >> 4) + (own >> (code & 15));
    }
    return leaf.cells[cell];
}

size_t bytes_of(const Rfc::Leaf& leaf) {
    size_t bytes = cell_bytes_of(leaf) * leaf.cells.size();
    for (const auto& level : leaf.upper) {
        bytes += 4 * level.size();
    }
    return bytes;
}

unsigned cell_bytes_of(const Rfc::Leaf& leaf) {
    return leaf.classes <= 65536 ? 2 : 4;
}

} // namespace xdpc::classify
