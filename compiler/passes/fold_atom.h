// One atom in its simplest form.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::passes {

/// Whether the key has a value in every packet, even the shortest (compiler/fields/README.md).
bool always_present(const KeySource& source);

/// Rewrites a mask that keeps the upper bits as intervals of the whole value; clears values that the mask
/// cannot leave; makes the set all or nothing where it is so for every value the mask can leave.
void normalize(ir::Atom& atom, uint16_t width);

} // namespace xdpc::passes
