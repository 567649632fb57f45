// Which tables answer a set: candidates are built, and the cheapest by estimate is taken.
#include "compiler/plan/classify/classify.h"

#include "compiler/base/overloaded.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::classify {

namespace {

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
        ns += leaf.classes == 1
                  ? 0
                  : load_ns(4 * (leaf.cells.size() + leaf.blocks.size()) / 4) * (leaf.trie ? 2 : 1);
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
           5 * static_cast<double>(forest.parts.size());
}

std::optional<Classifier> build(RuleSet set, const Budget& budget) {
    Classifier result;
    std::optional<Rfc> rfc = build_rfc(set, budget);
    if (rfc) {
        result.ns = ns_of(*rfc);
        result.bytes = bytes_of(*rfc);
    } else {
        result.refused.push_back(fmt::format("rfc: over {} KiB or too many classes", budget.rfc_bytes >> 10));
    }
    // A forest is only worth building where it could win.
    constexpr double quick = 12;
    if (!rfc || result.ns > quick) {
        std::optional<Forest> forest = build_forest(set, budget);
        if (!forest) {
            result.refused.push_back(
                fmt::format("forest: over {} KiB or leaves too large", budget.bytes >> 10));
        }
        const double ns = forest ? ns_of(*forest, set) : 0;
        if (forest && (!rfc || ns < result.ns)) {
            if (rfc) {
                result.refused.push_back(
                    fmt::format("rfc: about {:.0f} ns, {} KiB", result.ns, result.bytes >> 10));
            }
            result.ns = ns;
            result.bytes = bytes_of(*forest, set);
            result.tables = std::move(*forest);
            result.set = std::move(set);
            return result;
        }
        if (forest) {
            result.refused.push_back(
                fmt::format("forest: about {:.0f} ns, {} KiB", ns, bytes_of(*forest, set) >> 10));
        }
    }
    if (!rfc) {
        return {};
    }
    result.tables = std::move(*rfc);
    result.set = std::move(set);
    return result;
}

const char* name_of(const Classifier& classifier) {
    return std::visit(Overloaded{
                          [](const Rfc&) { return "rfc"; },
                          [](const Forest&) { return "forest"; },
                      },
                      classifier.tables);
}

} // namespace xdpc::classify
