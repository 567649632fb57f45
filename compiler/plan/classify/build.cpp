// Which tables answer a set: candidates are built, and the cheapest by estimate is taken.
#include "compiler/plan/classify/leaf.h"

#include "compiler/base/overloaded.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::classify {

namespace {

/// Beyond so many boxes, classes of everything are tables too large to be quick.
constexpr size_t few_boxes = 300;
/// Beyond so many, tables of pairs are several times as large as trees: what they miss in the caches costs a
/// packet twice as much.
constexpr size_t many_boxes = 40'000;

/// A load from tables of that size, ns: where they lie in the caches decides. Loads of different fields
/// overlap, so this is less than a cache's latency.
double load_ns(size_t bytes) {
    return bytes <= size_t{32} << 10  ? 0.6
           : bytes <= size_t{1} << 20 ? 1.2
           : bytes <= size_t{8} << 20 ? 2.5
                                      : 5;
}

} // namespace

double ns_of(const Rfc& rfc) {
    double ns = 2;
    for (const Rfc::Leaf& leaf : rfc.leaves) {
        // Of a leaf's cells, packets touch about a quarter of the bytes.
        const double load = load_ns(classify::bytes_of(leaf) / 4);
        ns += leaf.classes == 1 ? 0 : load * static_cast<double>(leaf.upper.size() + 1);
    }
    for (const Rfc::Join& join : rfc.joins) {
        ns += 0.5 + load_ns(2 * join.cells.size());
    }
    return ns;
}

double ns_of(const Forest& forest, const RuleSet& set) {
    const double load = load_ns(bytes_of(forest, set));
    const double wide = forest.wide ? ns_of(*forest.wide) : 0;
    // Of each part, the end of its leaf is guessed wrongly.
    return 4 + wide + forest.mean_depth * (2 + load) + forest.mean_rows * (2.5 + load) +
           5 * static_cast<double>(forest.roots.size());
}

double ns_of(const Pairs& pairs, const RuleSet& set) {
    const double load = load_ns(bytes_of(pairs, set));
    double ns = 10;
    for (const Pairs::Axis& axis : pairs.axes) { // both at once
        const double pieces = static_cast<double>(axis.pieces.size());
        ns += pieces * (3 + load) + static_cast<double>(axis.joins.size()) * 2 * load;
    }
    for (const Pairs::Part& part : pairs.parts) {
        // Lists of all lengths: each time, where the list ends is guessed wrongly.
        ns += 2 + load + part.blind + 16 * std::min(part.more, 0.5) + 4 * part.mean_more;
    }
    // Classes of the rest do not wait for the axes, but take the caches from them.
    return ns +
           (pairs.wide ? 0.4 * ns_of(*pairs.wide) + load * static_cast<double>(pairs.wide->joins.size()) : 0);
}

namespace {

size_t bytes_of(const Tables& tables, const RuleSet& set) {
    return std::visit(Overloaded{
                          [&](const Pairs& pairs) { return classify::bytes_of(pairs, set); },
                          [&](const Rfc& rfc) { return classify::bytes_of(rfc); },
                          [&](const Forest& forest) { return classify::bytes_of(forest, set); },
                      },
                      tables);
}

double ns_of(const Tables& tables, const RuleSet& set) {
    return std::visit(Overloaded{
                          [&](const Pairs& pairs) { return classify::ns_of(pairs, set); },
                          [&](const Rfc& rfc) { return classify::ns_of(rfc); },
                          [&](const Forest& forest) { return classify::ns_of(forest, set); },
                      },
                      tables);
}

} // namespace

std::optional<Classifier> build(RuleSet set, const Budget& budget) {
    struct Candidate {
        Tables tables;
        size_t bytes;
        double ns;
    };
    std::vector<Candidate> built;
    std::vector<std::string> refused;
    const auto consider = [&](auto tables, const char* name, const std::string& why) {
        if (tables) {
            built.push_back(Candidate{std::move(*tables), 0, 0});
            built.back().bytes = bytes_of(built.back().tables, set);
            built.back().ns = ns_of(built.back().tables, set);
        } else {
            refused.push_back(fmt::format("{}: {}", name, why));
        }
    };
    const auto consider_pairs = [&] {
        consider(build_pairs(set, budget), "pairs",
                 fmt::format("over {} KiB or lists too long", budget.bytes >> 10));
    };
    const bool all = budget.aim != Optimize::Build;
    if (all || set.size() <= many_boxes) {
        consider_pairs();
    }
    // The others take long to build and are seldom better where pairs are at hand.
    if (!all && !built.empty() && set.size() > few_boxes) {
        refused.push_back("rfc, forest: not built but with `options optimize speed` or `size`");
    } else {
        consider(build_rfc(set, budget), "rfc",
                 fmt::format("over {} KiB or too many classes", budget.rfc_bytes >> 10));
    }
    if (all || built.empty()) {
        consider(build_forest(set, budget), "forest",
                 fmt::format("over {} KiB or leaves too large", budget.bytes >> 10));
    }
    if (!all && built.empty() && set.size() > many_boxes) {
        consider_pairs();
    }
    if (built.empty()) {
        return {};
    }
    const auto best =
        std::min_element(built.begin(), built.end(), [&](const Candidate& a, const Candidate& b) {
            return budget.aim == Optimize::Size ? a.bytes < b.bytes : a.ns < b.ns;
        });
    Classifier result{std::move(set), {}, best->bytes, best->ns, std::move(refused)};
    for (const Candidate& other : built) {
        if (&other != &*best) {
            result.refused.push_back(fmt::format("{}: about {:.0f} ns, {} KiB", name_of(other.tables),
                                                 other.ns, other.bytes >> 10));
        }
    }
    result.tables = std::move(best->tables);
    return result;
}

const char* name_of(const Tables& tables) {
    return std::visit(Overloaded{
                          [](const Pairs&) { return "pairs"; },
                          [](const Rfc&) { return "rfc"; },
                          [](const Forest&) { return "forest"; },
                      },
                      tables);
}

} // namespace xdpc::classify
