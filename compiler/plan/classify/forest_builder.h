// One tree of a forest. Private to compiler/plan/classify.
#pragma once

#include "compiler/plan/classify/classify.h"

namespace xdpc::classify {

struct Tree {
    std::vector<uint64_t> nodes;
    std::vector<uint32_t> rows;
    uint64_t root = leaf_bit;
    unsigned depth = 0;
    unsigned leaf = 0;
};
/// Over those boxes (ascending). Nothing if it outgrows the budget, or a leaf the rows that one look-up may
/// compare.
std::optional<Tree> build_tree(const RuleSet& set, const std::vector<uint32_t>& boxes, const Budget& budget);

} // namespace xdpc::classify
