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
        // Of a leaf's cells, packets touch about a quarter of the bytes.
        const double load = load_ns(leaf.cells.size() + leaf.blocks.size());
        ns += leaf.classes == 1 ? 0 : load * (leaf.trie ? 2 : 1);
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

std::optional<Classifier> build(RuleSet set, const Budget& budget) {
    std::vector<std::string> refused;
    std::optional<Rfc> rfc = build_rfc(set, budget);
    const double rfc_ns = rfc ? ns_of(*rfc) : 0;
    if (!rfc) {
        refused.push_back(fmt::format("rfc: over {} KiB or too many classes", budget.rfc_bytes >> 10));
    }
    // A forest is only worth building where it could win.
    constexpr double quick = 12;
    const bool tried = !rfc || rfc_ns > quick;
    std::optional<Forest> forest = tried ? build_forest(set, budget) : std::nullopt;
    const double forest_ns = forest ? ns_of(*forest, set) : 0;
    if (tried && !forest) {
        refused.push_back(fmt::format("forest: over {} KiB or leaves too large", budget.bytes >> 10));
    }
    const auto lost = [&](const char* name, double ns, size_t bytes) {
        refused.push_back(fmt::format("{}: about {:.0f} ns, {} KiB", name, ns, bytes >> 10));
    };
    if (forest && (!rfc || forest_ns < rfc_ns)) {
        if (rfc) {
            lost("rfc", rfc_ns, bytes_of(*rfc));
        }
        const size_t bytes = bytes_of(*forest, set);
        return Classifier{std::move(set), std::move(*forest), bytes, forest_ns, std::move(refused)};
    }
    if (!rfc) {
        return {};
    }
    if (forest) {
        lost("forest", forest_ns, bytes_of(*forest, set));
    }
    const size_t bytes = bytes_of(*rfc);
    return Classifier{std::move(set), std::move(*rfc), bytes, rfc_ns, std::move(refused)};
}

const char* name_of(const Classifier& classifier) {
    return std::visit(Overloaded{
                          [](const Rfc&) { return "rfc"; },
                          [](const Forest&) { return "forest"; },
                      },
                      classifier.tables);
}

} // namespace xdpc::classify
