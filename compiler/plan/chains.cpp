#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>

// A chain reached from one place is inlined there; one reached from several becomes a function unless it is
// tiny or the calls would nest too deep. What outgrows a function is cut into segments. Callees are laid out
// before their callers. Chains that are cut into programs (programs.cpp) are not cut into segments here, and
// what leads to them costs a tail call.

namespace xdpc::plan {

namespace {

constexpr size_t tiny = 24;

class Layouter {
public:
    Layouter(const ir::Program& program, const std::vector<TablePlan>& tables,
             std::vector<std::vector<Slice>> slices, const std::vector<bool>& programs,
             const PlanOptions& options)
        : program_(program), tables_(tables), options_(options), states_(program.chains.size()) {
        layout_.chains.resize(program.chains.size());
        layout_.units.resize(program.chains.size());
        layout_.processed_of.resize(program.chains.size());
        layout_.functions.resize(program.chains.size());
        for (size_t i = 0; i < programs.size(); ++i) {
            layout_.chains[i].programs = programs[i];
        }
        for (size_t i = 0; i < slices.size(); ++i) {
            layout_.chains[i].slices = std::move(slices[i]);
        }
    }
    Layout run();

private:
    struct State {
        enum class Visit : uint8_t { New, Open, Done } visit = Visit::New;
        size_t depth = 0; // of functions called below it
        size_t processed = 0;
    };
    struct Size {
        size_t code = 0;
        size_t processed = 0;
        size_t depth = 0;
        bool leaves = false;
        void add(const Size& other) {
            code = cost::add(code, other.code);
            processed = cost::add(processed, other.processed);
            depth = std::max(depth, other.depth);
            leaves = leaves || other.leaves;
        }
    };

    void count_call_sites();
    Size size_of(const ir::Rule& rule);
    Size size_of_jump(ChainId target, size_t before);
    Unit unit_at(uint32_t chain, size_t begin, const Slice* slice);
    void find_units(uint32_t chain);
    void check_size(const Unit& unit);
    void find_functions(uint32_t chain);
    void place(uint32_t chain);
    /// Unless it is one, would nest too deep or is not worth it.
    void make_function(uint32_t chain);
    /// Cuts into segments, gives what stays in the chain's own function.
    size_t cut(ChainPlan& plan, const std::vector<Unit>& units);

    const ir::Program& program_;
    const std::vector<TablePlan>& tables_;
    const PlanOptions& options_;
    std::vector<State> states_;
    Layout layout_;
};

void Layouter::count_call_sites() {
    for (const ir::Chain& chain : program_.chains) {
        for (const ir::Rule& rule : chain.rules) {
            ir::each_target(rule, [&](ChainId target) { ++layout_.chains[target.value].call_sites; });
        }
    }
}

/// Of what a verdict leads to, from a rule that has `before` instructions besides.
Layouter::Size Layouter::size_of_jump(ChainId target, size_t before) {
    place(target.value);
    const ChainPlan& callee = layout_.chains[target.value];
    if (callee.programs) {
        return {cost::call, cost::call, 0, true};
    }
    if (cost::add(before, callee.instructions) > options_.max_function_instructions / 2) {
        make_function(target.value);
    }
    const State& state = states_[target.value];
    return {callee.function ? cost::call : callee.instructions, state.processed,
            state.depth + (callee.function ? 1 : 0), false};
}

/// How much deeper than two calls a step's own go: what changes the packet walks the headers, and keys are
/// read anew behind it.
size_t depth_of(const ir::Step& step) {
    const bool walks =
        std::holds_alternative<ir::RewriteStep>(step.node) || std::holds_alternative<ir::Route>(step.node);
    return walks ? 3 : 0;
}

Layouter::Size Layouter::size_of(const ir::Rule& rule) {
    Size size;
    for (const ir::Step& step : rule.steps) {
        const cost::TableCost own = cost::of_step(step, program_, tables_);
        size.add({own.code, own.processed, depth_of(step), false});
        ir::each_verdict(step, [&](const Verdict& verdict) {
            if (const auto target = ir::target_of(verdict)) {
                size.add(size_of_jump(*target, size.code));
            }
        });
    }
    return size;
}

Unit Layouter::unit_at(uint32_t chain, size_t begin, const Slice* slice) {
    const std::vector<ir::Rule>& rules = program_.chains[chain].rules;
    const ir::Rule* largest = &rules[begin];
    Size size;
    if (!slice) {
        size = size_of(rules[begin]);
    } else {
        const size_t own = slice->inlined ? slice->inlined : cost::slice;
        size = {own, own, 0, false};
        size_t most = 0;
        for (const uint32_t coded : slice->coded) {
            const Size own = size_of(rules[begin + coded]);
            size.add(own);
            if (own.code > most) {
                largest = &rules[begin + coded];
                most = own.code;
            }
        }
    }
    states_[chain].depth = std::max(states_[chain].depth, size.depth);
    return {begin, slice ? slice->end : begin + 1, size.code, size.processed, size.leaves, largest};
}

void Layouter::find_units(uint32_t chain) {
    const std::vector<Slice>& slices = layout_.chains[chain].slices; // chains are not added to any more
    std::vector<Unit> units;
    auto slice = slices.begin();
    for (size_t i = 0; i < program_.chains[chain].rules.size(); i = units.back().end) {
        const bool sliced = slice != slices.end() && slice->begin == i;
        units.push_back(unit_at(chain, i, sliced ? &*slice++ : nullptr));
    }
    layout_.units[chain] = std::move(units);
}

void Layouter::check_size(const Unit& unit) {
    if (unit.code > 2 * options_.max_function_instructions && unit.code > layout_.too_large_instructions) {
        layout_.too_large = unit.largest;
        layout_.too_large_instructions = unit.code;
    }
}

size_t Layouter::cut(ChainPlan& plan, const std::vector<Unit>& units) {
    plan.segments = segments_of(units, options_.max_function_instructions);
    for (const Unit& unit : units) {
        layout_.instructions = cost::add(layout_.instructions, unit.code);
    }
    return cost::multiply(plan.segments.size(), cost::call);
}

void Layouter::make_function(uint32_t chain) {
    ChainPlan& plan = layout_.chains[chain];
    const bool fits = options_.functions && states_[chain].depth + 1 <= options_.max_depth;
    if (plan.function || chain == program_.entry.value || plan.instructions <= tiny || !fits) {
        return;
    }
    plan.function = true;
    layout_.instructions = cost::add(layout_.instructions, plan.instructions);
}

void Layouter::find_functions(uint32_t chain) {
    std::set<uint32_t> seen;
    for (const Unit& unit : layout_.units[chain]) {
        add_functions(program_, layout_, unit, chain, seen, layout_.functions[chain]);
    }
}

void Layouter::place(uint32_t chain) {
    State& state = states_[chain];
    if (state.visit != State::Visit::New) { // an open one would be a loop, which the checker refuses
        return;
    }
    state.visit = State::Visit::Open;
    find_units(chain);
    find_functions(chain);
    ChainPlan& plan = layout_.chains[chain];
    const std::vector<Unit>& units = layout_.units[chain];
    size_t code = cost::counter;
    for (const Unit& unit : units) {
        code = cost::add(code, unit.code);
        state.processed = cost::add(state.processed, unit.processed);
        check_size(unit);
    }
    layout_.processed_of[chain] = state.processed;
    if (!plan.programs && options_.functions && code > options_.max_function_instructions &&
        units.size() > 1) {
        code = cut(plan, units);
        ++state.depth;
    }
    plan.instructions = code;
    if (chain == program_.entry.value || plan.programs) {
        layout_.instructions = cost::add(layout_.instructions, code);
    } else if (plan.call_sites > 1) {
        make_function(chain);
    }
    state.visit = State::Visit::Done;
}

Layout Layouter::run() {
    count_call_sites();
    place(program_.entry.value);
    layout_.instructions = cost::add(layout_.instructions, cost::parsing);
    layout_.processed = cost::add(states_[program_.entry.value].processed, cost::parsing);
    return std::move(layout_);
}

} // namespace

void add_functions(const ir::Program& program, const Layout& layout, const Unit& unit, uint32_t chain,
                   std::set<uint32_t>& seen, std::set<uint32_t>& functions) {
    for (size_t i = unit.begin; i < unit.end; ++i) {
        ir::each_target(program.chains[chain].rules[i], [&](ChainId target) {
            if (layout.chains[target.value].programs || !seen.insert(target.value).second) {
                return;
            }
            const std::set<uint32_t>& below = layout.functions[target.value];
            functions.insert(below.begin(), below.end());
            functions.insert(target.value);
        });
    }
}

std::vector<size_t> segments_of(std::span<const Unit> units, size_t most) {
    std::vector<size_t> segments;
    size_t filled = 0;
    for (const Unit& unit : units) {
        if (segments.empty() || cost::add(filled, unit.code) > most) {
            segments.push_back(unit.begin);
            filled = 0;
        }
        filled = cost::add(filled, unit.code);
    }
    return segments;
}

Layout choose_chains(const ir::Program& program, const std::vector<TablePlan>& tables,
                     std::vector<std::vector<Slice>> slices, const std::vector<bool>& programs,
                     const PlanOptions& options) {
    return Layouter(program, tables, std::move(slices), programs, options).run();
}

} // namespace xdpc::plan
