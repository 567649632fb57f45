#include "compiler/plan/classify/forest_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>

namespace xdpc::classify {

namespace {

constexpr size_t max_rows = 8;      // of a leaf, where a window still helps
constexpr size_t most_rows = 64;    // of any leaf
constexpr unsigned max_depth = 20;  // a step of the look-up is code
constexpr double max_copies = 4;    // of a box among the children of one node, on average
constexpr double few = 64;          // boxes that may be repeated freely
constexpr size_t sampled = 3000;    // boxes by which windows are judged
constexpr size_t compared = 96;     // boxes among which covered ones are looked for
constexpr double least_gain = 0.02; // in halvings of what is left

using Boxes = std::vector<uint32_t>;

/// What the way to a node tells of a field.
struct Known {
    uint32_t bits = 0;   // bits that are fixed
    Range range{0, ~0U}; // where it lies, as far as windows from the top say so
    unsigned open = 32;  // low bits that those windows leave
};
struct Window {
    size_t field = 0;
    unsigned shift = 0;
    unsigned width = 0;
    double score = 1e300;
};

class Builder {
public:
    Builder(const RuleSet& set, const Budget& budget);
    std::optional<Tree> run(const Boxes& boxes, const Budget& budget);

private:
    using Region = std::vector<Known>; // by field, the presence word last

    uint64_t build(Boxes boxes, const Region& region, unsigned depth);
    uint64_t split(const Boxes& boxes, const Region& region, const Window& window, unsigned depth);
    uint64_t leaf(const Boxes& boxes);
    void prune(Boxes& boxes, const Region& region) const;
    [[nodiscard]] bool covers(uint32_t earlier, uint32_t later, const Region& region) const;
    [[nodiscard]] bool covers_all(uint32_t box, const Region& region) const;
    [[nodiscard]] uint32_t telling(const Boxes& boxes, size_t field) const;
    [[nodiscard]] Window best_window(const Boxes& boxes, const Region& region);
    [[nodiscard]] double judge(const Boxes& boxes, const Region& region, const Window& window, double scale,
                               double limit);
    template<class F> void each_child(uint32_t box, const Region& region, const Window& window, F use) const;
    [[nodiscard]] bool is_presence(size_t field) const { return field == set_.fields.size(); }
    [[nodiscard]] unsigned width_of(size_t field) const {
        return is_presence(field) ? static_cast<unsigned>(set_.presence.size()) : set_.fields[field].width;
    }
    /// Bits that all numbers of the box share; exact where its range is a prefix, else 0.
    [[nodiscard]] uint32_t mask(uint32_t box, size_t field) const {
        return masks_[box * set_.fields.size() + field];
    }

    const RuleSet& set_;
    const size_t max_bytes_;
    double left_ = 0; // operations
    std::vector<uint32_t> masks_;
    std::vector<double> counts_;
    std::map<Boxes, uint32_t> leaves_;
    Tree tree_;
    bool failed_ = false;
};

Builder::Builder(const RuleSet& set, const Budget& budget) : set_(set), max_bytes_(budget.bytes) {
    masks_.reserve(set.ranges.size());
    for (size_t box = 0; box < set.size(); ++box) {
        for (size_t f = 0; f < set.fields.size(); ++f) {
            const auto [lo, hi] = set.box(box)[f];
            const uint32_t differ = lo ^ hi;
            const bool prefix = (differ & (differ + 1)) == 0 && (lo & differ) == 0;
            const auto all = static_cast<uint32_t>(max_of_width(set.fields[f].width));
            masks_.push_back(prefix ? all & ~differ : 0);
        }
    }
}

/// Whether within the region no packet of `later` is outside `earlier`.
bool Builder::covers(uint32_t earlier, uint32_t later, const Region& region) const {
    if (set_.needs[earlier] & ~(set_.needs[later] | region.back().bits)) {
        return false;
    }
    const Range* a = set_.box(earlier);
    const Range* b = set_.box(later);
    for (size_t f = 0; f < set_.fields.size(); ++f) {
        const Known& known = region[f];
        const uint32_t lo = std::max(b[f].lo, known.range.lo);
        const uint32_t hi = std::min(b[f].hi, known.range.hi);
        if (a[f].lo <= lo && hi <= a[f].hi) {
            continue;
        }
        // Else by bits: what the earlier one fixes is fixed on the way here, or by the later one and equal.
        const uint32_t own = mask(earlier, f);
        const uint32_t other = mask(later, f);
        if (own == 0 || (own & ~(other | known.bits)) || ((a[f].lo ^ b[f].lo) & own & other)) {
            return false;
        }
    }
    return true;
}

bool Builder::covers_all(uint32_t box, const Region& region) const {
    if (set_.needs[box] & ~region.back().bits) {
        return false;
    }
    for (size_t f = 0; f < set_.fields.size(); ++f) {
        const Range range = set_.box(box)[f];
        const Known& known = region[f];
        const auto most = static_cast<uint32_t>(max_of_width(set_.fields[f].width));
        const bool by_range = range.lo <= known.range.lo && std::min(known.range.hi, most) <= range.hi;
        const bool by_bits = mask(box, f) != 0 && (mask(box, f) & ~known.bits) == 0;
        if (!by_range && !by_bits) {
            return false;
        }
    }
    return true;
}

/// Drops what an earlier box covers there.
void Builder::prune(Boxes& boxes, const Region& region) const {
    for (size_t i = 0; i < boxes.size(); ++i) {
        if (covers_all(boxes[i], region)) {
            boxes.resize(i + 1);
            break;
        }
    }
    if (boxes.size() > compared) {
        return;
    }
    size_t kept = 0;
    for (const uint32_t box : boxes) {
        const bool covered = std::any_of(boxes.begin(), boxes.begin() + static_cast<ptrdiff_t>(kept),
                                         [&](uint32_t earlier) { return covers(earlier, box, region); });
        if (!covered) {
            boxes[kept++] = box;
        }
    }
    boxes.resize(kept);
}

uint64_t Builder::leaf(const Boxes& boxes) {
    const auto [place, added] = leaves_.try_emplace(boxes, static_cast<uint32_t>(tree_.rows.size()));
    if (added) {
        tree_.rows.insert(tree_.rows.end(), boxes.begin(), boxes.end());
    }
    tree_.leaf = std::max(tree_.leaf, static_cast<unsigned>(boxes.size()));
    failed_ = failed_ || boxes.size() > most_rows;
    return leaf_bit | uint64_t{boxes.size() & 255} << 32 | place->second;
}

/// Calls `use` with each child in which the box has packets.
template<class F>
void Builder::each_child(uint32_t box, const Region& region, const Window& window, F use) const {
    const uint32_t mask = (1U << window.width) - 1;
    if (is_presence(window.field)) {
        const uint32_t needed = set_.needs[box] >> window.shift & mask;
        const uint32_t open = mask & ~needed;
        uint32_t subset = 0;
        do {
            use(needed | subset);
            subset = (subset - open) & open;
        } while (subset);
        return;
    }
    const Range own = set_.box(box)[window.field];
    const Range there = region[window.field].range;
    const uint32_t lo = std::max(own.lo, there.lo) >> window.shift;
    const uint32_t hi = std::min(own.hi, there.hi) >> window.shift;
    if (std::max(own.lo, there.lo) > std::min(own.hi, there.hi)) {
        return;
    }
    if (hi - lo >= mask) {
        for (uint32_t child = 0; child <= mask; ++child) {
            use(child);
        }
        return;
    }
    for (uint32_t child = lo;; ++child) {
        use(child & mask);
        if (child == hi) {
            return;
        }
    }
}

/// Expected halvings still to do in a child, weighed by boxes. Very large if the window repeats too much or
/// tells nothing.
double Builder::judge(const Boxes& boxes, const Region& region, const Window& window, double scale,
                      double limit) {
    constexpr double bad = 1e300;
    const size_t children = size_t{1} << window.width;
    counts_.resize(std::max(counts_.size(), children));
    std::fill_n(counts_.begin(), children, 0);
    double total = 0;
    for (const uint32_t box : boxes) {
        each_child(box, region, window, [&](uint32_t child) {
            ++counts_[child];
            ++total;
        });
        if (total > limit) {
            left_ -= total;
            return bad;
        }
    }
    left_ -= total + static_cast<double>(boxes.size() + children);
    double left = 0;
    double most = 0;
    for (size_t child = 0; child < children; ++child) {
        if (counts_[child] > 0) {
            left += counts_[child] * std::log2(1 + counts_[child] * scale);
            most = std::max(most, counts_[child]);
        }
    }
    if (total == 0) {
        return bad;
    }
    left /= total;
    const auto all = static_cast<double>(boxes.size());
    return most >= all && left >= std::log2(1 + all * scale) - 1e-9 ? bad : left;
}

/// Bits of a field by which its boxes can be told apart: not all fix them to one value, or not at all.
uint32_t Builder::telling(const Boxes& boxes, size_t field) const {
    uint32_t ones = 0;
    uint32_t zeros = 0;
    uint32_t open = 0;
    for (const uint32_t box : boxes) {
        if (is_presence(field)) {
            ones |= set_.needs[box];
            open |= ~set_.needs[box];
            continue;
        }
        const auto [lo, hi] = set_.box(box)[field];
        const uint32_t below = lo == hi ? 0 : ~0U >> __builtin_clz(lo ^ hi); // bits that are not all the same
        const bool prefix = (lo & below) == 0 && (hi & below) == below;
        ones |= (lo & ~below) | (prefix ? 0 : below);
        zeros |= (~lo & ~below) | (prefix ? 0 : below);
        open |= prefix ? below : 0;
    }
    return (ones & zeros) | ((ones | zeros) & open);
}

Window Builder::best_window(const Boxes& boxes, const Region& region) {
    const auto count = static_cast<double>(boxes.size());
    Boxes some;
    const size_t stride = boxes.size() / sampled + 1;
    for (size_t i = 0; i < boxes.size(); i += stride) {
        some.push_back(boxes[i]);
    }
    const double scale = count / static_cast<double>(some.size());
    const double limit = max_copies * count + few;
    Window best;
    for (size_t field = 0; field <= set_.fields.size(); ++field) {
        const uint32_t telling = this->telling(some, field) & ~region[field].bits;
        for (const unsigned width : {1U, 2U, 3U, 4U, 6U, 8U, 10U, 12U, 14U, 16U}) {
            if (width > width_of(field) || (width > 3 && std::exp2(width) > limit)) {
                break;
            }
            for (unsigned shift = 0; shift + width <= width_of(field); ++shift) {
                const uint32_t bits = ((1U << width) - 1) << shift;
                const uint32_t ends = 1U << shift | 1U << (shift + width - 1);
                if ((region[field].bits & bits) || (telling & ends) != ends) {
                    continue; // a narrower one does as well
                }
                Window window{field, shift, width, 0};
                window.score = judge(some, region, window, scale, limit / scale);
                if (window.score < best.score - 1e-9) {
                    best = window;
                }
            }
        }
    }
    return best;
}

uint64_t Builder::build(Boxes boxes, const Region& region, unsigned depth) {
    tree_.depth = std::max(tree_.depth, depth);
    prune(boxes, region);
    if (boxes.size() <= max_rows || depth >= max_depth || failed_) {
        return leaf(boxes);
    }
    if (8 * tree_.nodes.size() + row_bytes(set_) * tree_.rows.size() > max_bytes_ || left_ < 0) {
        failed_ = true;
        return leaf_bit;
    }
    const Window window = best_window(boxes, region);
    if (window.score >= std::log2(1.0 + static_cast<double>(boxes.size())) - least_gain) {
        return leaf(boxes);
    }
    return split(boxes, region, window, depth);
}

uint64_t Builder::split(const Boxes& boxes, const Region& region, const Window& window, unsigned depth) {
    const uint32_t children = 1U << window.width;
    std::vector<Boxes> lists(children);
    for (const uint32_t box : boxes) {
        each_child(box, region, window, [&](uint32_t child) { lists[child].push_back(box); });
    }
    const auto region_of = [&](uint32_t child) {
        Region result = region;
        Known& known = result[window.field];
        known.bits |= (children - 1) << window.shift;
        if (known.open == window.shift + window.width) { // from the top: the range narrows
            known.range.lo += child << window.shift;
            known.range.hi = known.range.lo + ((1U << window.shift) - 1);
            known.open = window.shift;
        }
        return result;
    };
    const auto base = static_cast<uint32_t>(tree_.nodes.size());
    tree_.nodes.resize(base + children);
    std::map<Boxes, std::vector<uint32_t>> same; // children with one list share a subtree
    for (uint32_t child = 0; child < children; ++child) {
        prune(lists[child], region_of(child));
        same[lists[child]].push_back(child);
    }
    for (const auto& [list, group] : same) {
        // What several share is known of none of them alone.
        const uint64_t node = build(list, group.size() == 1 ? region_of(group.front()) : region, depth + 1);
        for (const uint32_t child : group) {
            tree_.nodes[base + child] = node;
        }
    }
    const uint64_t left = 32 - window.shift - window.width;
    const uint64_t right = 32 - window.width;
    return base | left << 32 | right << 40 | uint64_t{window.field} << 48;
}

std::optional<Tree> Builder::run(const Boxes& boxes, const Budget& budget) {
    left_ = std::min(1e8 + budget.tree_operations * static_cast<double>(boxes.size()),
                     budget.most_tree_operations);
    Region region(set_.fields.size() + 1);
    for (size_t f = 0; f < region.size(); ++f) {
        region[f].open = width_of(f);
        region[f].range.hi = static_cast<uint32_t>(max_of_width(width_of(f)));
    }
    tree_.root = build(boxes, region, 0);
    if (failed_) {
        return {};
    }
    return std::move(tree_);
}

} // namespace

std::optional<Tree> build_tree(const RuleSet& set, const std::vector<uint32_t>& boxes, const Budget& budget) {
    return Builder(set, budget).run(boxes, budget);
}

} // namespace xdpc::classify
