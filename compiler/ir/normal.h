// Rules as alternatives of what they ask of keys: what passes and the plan compare them by.
#pragma once

#include "compiler/ir/ir.h"

namespace xdpc::ir {

/// (key & mask) lies in `values`.
struct Asked {
    KeyId key;
    u128 mask = 0;
    IntervalSet values;
};
using Conjunction = std::vector<Asked>;

struct NormalRule {
    /// The rule can only match where one of these holds.
    std::vector<Conjunction> any;
    bool exact = true; // … and does, else its conditions have to be looked at again
    bool falls = true; // may lead on to the next rule though it matched
    bool data = false; // does nothing but decide
};
NormalRule normalize(const Rule& rule, const Program& program);
/// Whether a packet could be in both; true if in doubt.
bool may_meet(const NormalRule& a, const NormalRule& b);

} // namespace xdpc::ir
