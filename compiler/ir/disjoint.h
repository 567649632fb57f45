// Entries over one key, of which the first that holds a value counts, as sorted disjoint ones, of which only
// one can.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

/// O(n log n). Neighbours with equal values become one.
std::vector<Table::Entry> disjoint(std::vector<Table::Entry> entries);

} // namespace xdpc::ir
