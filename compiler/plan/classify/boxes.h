// What strategies that part the boxes of a set have in common. Private to compiler/plan/classify.
#pragma once

#include "compiler/plan/classify/classify.h"

namespace xdpc::classify {

/// The set with those boxes only (ascending), their rules numbered as before.
RuleSet subset(const RuleSet& set, const std::vector<uint32_t>& boxes);
/// Whether a box fixes less of a key than `threshold` of each 32 bits; of a long key, than of its first 64.
/// One bit, or none, is meant of the whole key.
bool leaves_open(const RuleSet& set, uint32_t box, unsigned group, unsigned threshold);

} // namespace xdpc::classify
