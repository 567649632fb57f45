// Decision trees over windows of bits. One tree over everything would repeat wide rules in many leaves, so
// rules are first parted by how much of the two widest keys they fix (as in CutSplit, Li et al., 2018).
#include "compiler/plan/classify/boxes.h"
#include "compiler/plan/classify/forest_builder.h"

#include <algorithm>
#include <future>
#include <numeric>

namespace xdpc::classify {

namespace {

std::vector<unsigned> widest_groups(const RuleSet& set) {
    std::vector<std::pair<unsigned, unsigned>> groups; // width, group
    for (const Field& field : set.fields) {
        const auto same = std::find_if(groups.begin(), groups.end(),
                                       [&](const auto& group) { return group.second == field.group; });
        if (same == groups.end()) {
            groups.emplace_back(field.width, field.group);
        } else {
            same->first += field.width;
        }
    }
    std::sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<unsigned> widest;
    for (size_t i = 0; i < std::min<size_t>(groups.size(), 2); ++i) {
        widest.push_back(groups[i].second);
    }
    return widest;
}

/// Boxes parted by whether they fix at least `threshold` of 32 bits of either key: those that fix both first,
/// those that fix neither last.
std::vector<std::vector<uint32_t>> partition(const RuleSet& set, unsigned threshold) {
    const auto groups = widest_groups(set);
    std::vector<std::vector<uint32_t>> parts(4);
    for (uint32_t box = 0; box < set.size(); ++box) {
        unsigned part = 0;
        for (size_t g = 0; g < groups.size(); ++g) {
            part |= leaves_open(set, box, groups[g], threshold) ? 1U << g : 0;
        }
        parts[part].push_back(box);
    }
    if (parts[1].size() < parts[2].size()) {
        std::swap(parts[1], parts[2]);
    }
    std::erase_if(parts, [](const auto& part) { return part.empty(); });
    return parts;
}

/// Puts a tree behind what is there.
void append(Forest& forest, const Tree& tree) {
    const uint64_t node_base = forest.nodes.size();
    const uint64_t row_base = forest.rows.size();
    const auto moved = [&](uint64_t node) { // indices stand in the low bits and stay below 2^32
        return node + (node & leaf_bit ? row_base : node_base);
    };
    for (const uint64_t node : tree.nodes) {
        forest.nodes.push_back(moved(node));
    }
    forest.rows.insert(forest.rows.end(), tree.rows.begin(), tree.rows.end());
    forest.roots.push_back(moved(tree.root));
    forest.depth = std::max(forest.depth, tree.depth);
    forest.leaf = std::max(forest.leaf, tree.leaf);
}

using Parts = std::vector<std::vector<uint32_t>>;

std::vector<std::optional<Tree>> build_trees(const RuleSet& set, const Parts& parts, const Budget& budget) {
    std::vector<std::future<std::optional<Tree>>> building;
    for (const auto& part : parts) {
        const auto build = [&set, &part, &budget] { return build_tree(set, part, budget); };
        // A thread for what takes long, this one for the rest.
        building.push_back(
            std::async(part.size() > 2000 ? std::launch::async : std::launch::deferred, build));
    }
    std::vector<std::optional<Tree>> trees;
    for (auto& tree : building) {
        trees.push_back(tree.get());
    }
    return trees;
}

/// The first parts as trees, `wide` for all others.
std::optional<Forest> plant(const RuleSet& set, const Parts& parts,
                            const std::vector<std::optional<Tree>>& trees, size_t count,
                            std::optional<Rfc> wide, const Budget& budget) {
    Forest forest;
    forest.wide = std::move(wide);
    forest.nodes.push_back(leaf_bit); // what a finished walk reads
    forest.rows.push_back(0);         // never reached: that leaf has no rows
    std::vector<size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return parts[a].front() < parts[b].front(); });
    for (const size_t i : order) {
        if (!trees[i]) {
            return {};
        }
        append(forest, *trees[i]);
    }
    return bytes_of(forest, set) <= budget.bytes ? std::optional(std::move(forest)) : std::nullopt;
}

struct Walk {
    unsigned nodes = 0, rows = 0;
    uint32_t rule = no_rule;
};

Walk walk(const Forest& forest, const RuleSet& set, const Header& header) {
    Walk result;
    result.rule = forest.wide ? look_up(*forest.wide, header) : no_rule;
    for (uint64_t node : forest.roots) {
        for (; !(node & leaf_bit); ++result.nodes) {
            const size_t field = node >> 48 & 15;
            uint32_t bits = field < header.values.size() ? header.values[field] : header.present;
            bits = bits << (node >> 32 & 31) >> (node >> 40 & 31);
            node = forest.nodes[static_cast<uint32_t>(node) + bits];
        }
        for (unsigned i = 0; i < (node >> 32 & 255); ++i) {
            const uint32_t box = forest.rows[static_cast<uint32_t>(node) + i];
            ++result.rows;
            if (set.rules[box] >= result.rule) {
                break;
            }
            if (holds(set, box, header)) {
                result.rule = set.rules[box];
                break;
            }
        }
    }
    return result;
}

void measure(Forest& forest, const RuleSet& set, const std::vector<Header>& headers) {
    for (const Header& header : headers) {
        const Walk result = walk(forest, set, header);
        forest.mean_depth += result.nodes / static_cast<double>(headers.size());
        forest.mean_rows += result.rows / static_cast<double>(headers.size());
    }
}

} // namespace

std::optional<Forest> build_forest(const RuleSet& set, const Budget& budget) {
    constexpr size_t many = 15'000; // boxes: beyond, building is too long to try again
    std::optional<Forest> best;
    const std::vector<Header> headers = sample_headers(set, 1000, 1);
    const auto consider = [&](std::optional<Forest> forest) {
        if (forest) {
            measure(*forest, set, headers);
            if (!best || ns_of(*forest, set) < ns_of(*best, set)) {
                best = std::move(forest);
            }
        }
    };
    Budget wide_budget = budget;
    wide_budget.rfc_bytes = std::min(budget.rfc_bytes, budget.wide_bytes);
    for (const unsigned threshold : {16U, 12U, 20U, 8U, 0U}) {
        if (best && set.size() > many) {
            break;
        }
        const Parts parts = partition(set, threshold);
        const std::vector<std::optional<Tree>> trees = build_trees(set, parts, budget);
        consider(plant(set, parts, trees, parts.size(), {}, budget));
        std::vector<uint32_t> boxes;
        for (size_t count = parts.size() - 1; count > 0; --count) { // more and more of the parts as classes
            boxes.insert(boxes.end(), parts[count].begin(), parts[count].end());
            std::sort(boxes.begin(), boxes.end());
            std::optional<Rfc> wide = build_rfc(subset(set, boxes), wide_budget);
            if (!wide) {
                break;
            }
            consider(plant(set, parts, trees, count, std::move(wide), budget));
        }
    }
    return best;
}

uint32_t look_up(const Forest& forest, const RuleSet& set, const Header& header) {
    return walk(forest, set, header).rule;
}

size_t row_bytes(const RuleSet& set) {
    size_t bytes = 8; // what must be present, and the rule
    for (const Field& field : set.fields) {
        bytes += field.width > 16 ? 8 : 4;
    }
    return (bytes + 7) / 8 * 8;
}

size_t bytes_of(const Forest& forest, const RuleSet& set) {
    return 8 * forest.nodes.size() + row_bytes(set) * forest.rows.size() +
           (forest.wide ? bytes_of(*forest.wide) : 0);
}

} // namespace xdpc::classify
