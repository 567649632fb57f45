// What code costs, in BPF instructions: estimates, good to a factor of about one and a half, from which the
// plan chooses. The codegen may use them to split work by the same measure.
#pragma once

#include "compiler/plan/plan.h"

namespace xdpc::cost {

inline constexpr size_t call = 10;       // arguments, call, test of the result
inline constexpr size_t counter = 12;    // look-up in the per-CPU array, two additions
inline constexpr size_t decision = 4;    // slot and action; the counting itself stands once
inline constexpr size_t slice = 60;      // fields packed, the look-up called, what it found looked at
inline constexpr size_t state_call = 24; // key words, call of a function of state, test of the result
inline constexpr size_t event = 40;
inline constexpr size_t parsing = 150; // of all headers

/// Saturates instead of overflowing: inlining can make sizes grow exponentially.
size_t add(size_t a, size_t b);
size_t multiply(size_t a, size_t b);

/// Of a set or map of that strategy, asked once: `code` as it stands in the program, `processed` as the
/// verifier walks it (loops count each time round).
struct TableCost {
    size_t code = 0;
    size_t processed = 0;
};
TableCost of_table(const ir::Table& table, TableStrategy strategy);

/// Functions of state stand once in the program and are verified once, however often they are called
/// (measured: 200 to 500 instructions of a set's, of which the verifier walks up to 2,000; a bounded table's
/// loop over places takes it 7,000).
inline constexpr TableCost set_function{300, 2000};
inline constexpr TableCost keyed_function{200, 7000};
inline constexpr TableCost limit_function{100, 500};
TableCost of_state(const StateUse& state);

/// Of a step, without the chains its verdicts lead to.
TableCost of_step(const ir::Step& step, const ir::Program& program, const std::vector<TablePlan>& tables);

/// Of a classifier's function, which stands and is verified once.
TableCost of_classifier(const classify::Classifier& classifier);

} // namespace xdpc::cost
