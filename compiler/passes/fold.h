// Conditions folded: what `simplify` does to each of them.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::passes {

/// Constants are the empty And (true) and the empty Or (false).
bool is_true(const ir::Cond& cond);
bool is_false(const ir::Cond& cond);

/// The same condition in its simplest form: no And in an And, no Or in an Or, one atom for a key and mask, no
/// constants inside.
ir::Cond fold(ir::Cond cond, const ir::Program& program);

/// Whether asking changes anything: a live set that counts is asked. Such a condition stays as it is and
/// where it is.
bool counts(const ir::Cond& cond);

} // namespace xdpc::passes
