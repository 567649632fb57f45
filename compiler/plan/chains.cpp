#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>

// A chain reached from one place is inlined there; one reached from several becomes a function unless it is
// tiny or the calls would nest too deep. What outgrows a function is cut into segments. Callees are laid out
// before their callers.

namespace xdpc::plan {

namespace {

constexpr size_t tiny = 24;

class Layouter {
public:
    Layouter(const ir::Program& program, const std::vector<TablePlan>& tables, const PlanOptions& options)
        : program_(program), tables_(tables), options_(options), states_(program.chains.size()) {
        layout_.chains.resize(program.chains.size());
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
    };

    void count_call_sites();
    Size size_of(const ir::Rule& rule);
    void place(uint32_t chain);
    /// Unless it is one, would nest too deep or is not worth it.
    void make_function(uint32_t chain);
    /// Cuts into segments, gives what stays in the chain's own function.
    size_t cut(ChainPlan& plan, const std::vector<size_t>& rules);

    const ir::Program& program_;
    const std::vector<TablePlan>& tables_;
    const PlanOptions& options_;
    std::vector<State> states_;
    Layout layout_;
};

void Layouter::count_call_sites() {
    for (const ir::Chain& chain : program_.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                ir::each_verdict(step, [&](const Verdict& verdict) {
                    if (const auto target = ir::target_of(verdict)) {
                        ++layout_.chains[target->value].call_sites;
                    }
                });
            }
        }
    }
}

Layouter::Size Layouter::size_of(const ir::Rule& rule) {
    Size size;
    for (const ir::Step& step : rule.steps) {
        const cost::TableCost own = cost::of_step(step, program_, tables_);
        size.code = cost::add(size.code, own.code);
        size.processed = cost::add(size.processed, own.processed);
        ir::each_verdict(step, [&](const Verdict& verdict) {
            const auto target = ir::target_of(verdict);
            if (!target) {
                return;
            }
            place(target->value);
            const ChainPlan& callee = layout_.chains[target->value];
            const State& state = states_[target->value];
            if (cost::add(size.code, callee.instructions) > options_.max_function_instructions / 2) {
                make_function(target->value);
            }
            size.code = cost::add(size.code, callee.function ? cost::call : callee.instructions);
            size.processed = cost::add(size.processed, state.processed);
            size.depth = std::max(size.depth, state.depth + (callee.function ? 1 : 0));
        });
    }
    return size;
}

size_t Layouter::cut(ChainPlan& plan, const std::vector<size_t>& rules) {
    size_t filled = 0;
    for (size_t i = 0; i < rules.size(); ++i) {
        if (i == 0 || cost::add(filled, rules[i]) > options_.max_function_instructions) {
            plan.segments.push_back(i);
            filled = 0;
        }
        filled = cost::add(filled, rules[i]);
        layout_.instructions = cost::add(layout_.instructions, rules[i]);
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

void Layouter::place(uint32_t chain) {
    State& state = states_[chain];
    if (state.visit != State::Visit::New) { // an open one would be a loop, which the checker refuses
        return;
    }
    state.visit = State::Visit::Open;
    ChainPlan& plan = layout_.chains[chain];
    std::vector<size_t> rules;
    size_t code = cost::counter;
    for (const ir::Rule& rule : program_.chains[chain].rules) {
        const Size size = size_of(rule);
        rules.push_back(size.code);
        code = cost::add(code, size.code);
        state.processed = cost::add(state.processed, size.processed);
        state.depth = std::max(state.depth, size.depth);
        if (size.code > 2 * options_.max_function_instructions &&
            size.code > layout_.too_large_instructions) {
            layout_.too_large = &rule;
            layout_.too_large_instructions = size.code;
        }
    }
    if (options_.functions && code > options_.max_function_instructions && rules.size() > 1) {
        code = cut(plan, rules);
        ++state.depth;
    }
    plan.instructions = code;
    if (chain == program_.entry.value) {
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

Layout choose_chains(const ir::Program& program, const std::vector<TablePlan>& tables,
                     const PlanOptions& options) {
    return Layouter(program, tables, options).run();
}

} // namespace xdpc::plan
