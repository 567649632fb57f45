// The classes of one number: an array over all of them, or a trie of 16, 8 and 8 bits. A walk always goes
// down to the last level, where numbers share a cell: a branch would be guessed wrongly, as addresses differ.
#include "compiler/plan/classify/leaf.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

namespace xdpc::classify {

namespace {

/// The blocks of a level: as few cells each as tell its 256 numbers apart, equal ones once.
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
    TrieBuilder(const Steps& classes, Rfc::Leaf& leaf)
        : steps_(classes.steps), leaf_(leaf), middle_(leaf.middle), last_(leaf.cells) {
        for (const auto& [number, id] : steps_) {
            deep_ = deep_ || (number & 0xff);
        }
        low_.resize(classes.classes);
        all_.resize(classes.classes);
    }
    void run();

private:
    /// The class that the numbers from there have in common; moves on to the last step that is not behind.
    uint32_t class_at(uint64_t number);
    [[nodiscard]] bool same_until(uint64_t end) const {
        return step_ + 1 == steps_.size() || steps_[step_ + 1].first >= end;
    }
    uint32_t third(uint64_t begin);
    uint32_t second(uint64_t begin);
    uint32_t low(uint32_t id);
    uint32_t all(uint32_t id);

    const std::vector<std::pair<uint32_t, uint32_t>>& steps_;
    Rfc::Leaf& leaf_;
    Level middle_, last_;
    bool deep_ = false; // classes change within 8 bits
    size_t step_ = 0;
    /// By class: what a level says where all of the bits below are of it.
    std::vector<std::optional<uint32_t>> low_, all_;
};

uint32_t TrieBuilder::class_at(uint64_t number) {
    while (step_ + 1 < steps_.size() && steps_[step_ + 1].first <= number) {
        ++step_;
    }
    return steps_[step_].second;
}

uint32_t TrieBuilder::third(uint64_t begin) {
    const uint32_t id = class_at(begin);
    if (same_until(begin + 256)) {
        return low(id);
    }
    std::vector<uint32_t> numbers(256);
    for (uint64_t i = 0; i < 256; ++i) {
        numbers[i] = class_at(begin + i);
    }
    return last_.code_of(std::move(numbers));
}

uint32_t TrieBuilder::second(uint64_t begin) {
    std::vector<uint32_t> numbers(256);
    for (uint64_t i = 0; i < 256; ++i) {
        numbers[i] = deep_ ? third(begin + 256 * i) : class_at(begin + 256 * i);
    }
    return (deep_ ? middle_ : last_).code_of(std::move(numbers));
}

uint32_t TrieBuilder::low(uint32_t id) {
    if (!low_[id]) {
        low_[id] = last_.code_of({id});
        *low_[id] |= 8; // its shift: of all 8 bits
    }
    return *low_[id];
}

uint32_t TrieBuilder::all(uint32_t id) {
    if (!all_[id]) {
        all_[id] = deep_ ? middle_.code_of({low(id)}) | 8 : low(id);
    }
    return *all_[id];
}

void TrieBuilder::run() {
    leaf_.top.reserve(65536);
    for (uint64_t begin = 0; begin < uint64_t{1} << 32; begin += 65536) {
        const uint32_t id = class_at(begin);
        leaf_.top.push_back(same_until(begin + 65536) ? all(id) : second(begin));
    }
}

} // namespace

Rfc::Leaf leaf_of(const Steps& classes, size_t field, unsigned width) {
    Rfc::Leaf leaf;
    leaf.field = field;
    leaf.classes = classes.classes;
    if (width > 16) {
        TrieBuilder(classes, leaf).run();
    } else {
        leaf.cells = by_number(classes, static_cast<uint32_t>(max_of_width(width)));
    }
    return leaf;
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
    if (leaf.top.empty()) {
        return leaf.cells[number];
    }
    const auto next = [](uint32_t code, uint32_t bits) { return (code >> 4) + (bits >> (code & 15)); };
    const uint32_t code = leaf.top[number >> 16];
    const uint32_t cell = next(code, number >> 8 & 255);
    return leaf.cells[leaf.middle.empty() ? cell : next(leaf.middle[cell], number & 255)];
}

size_t bytes_of(const Rfc::Leaf& leaf) {
    return cell_bytes_of(leaf) * leaf.cells.size() + 4 * (leaf.top.size() + leaf.middle.size());
}

unsigned cell_bytes_of(const Rfc::Leaf& leaf) {
    return leaf.classes <= 65536 ? 2 : 4;
}

} // namespace xdpc::classify
