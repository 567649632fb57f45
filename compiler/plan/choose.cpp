#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>

namespace xdpc {

namespace {

/// The chain with the most instructions of its own, wherever they stand.
size_t largest_chain(const ir::Program& program, const std::vector<TablePlan>& tables, size_t& instructions) {
    size_t largest = program.entry.value;
    instructions = 0;
    for (size_t i = 0; i < program.chains.size(); ++i) {
        size_t own = 0;
        for (const ir::Rule& rule : program.chains[i].rules) {
            for (const ir::Step& step : rule.steps) {
                own = cost::add(own, cost::of_step(step, program, tables).processed);
            }
        }
        if (own > instructions) {
            largest = i;
            instructions = own;
        }
    }
    return largest;
}

/// About `count` in words that a person reads: rounded, since estimates are not exact.
std::string about(size_t count) {
    if (count >= 1'000'000'000) {
        return "a billion";
    }
    size_t unit = 1;
    while (count / unit >= 1000) {
        unit *= 10;
    }
    return fmt::format("{}", count / unit * unit);
}

bool check_sizes(const ir::Program& program, const plan::Layout& layout, const std::vector<TablePlan>& tables,
                 const PlanOptions& options, Diagnostics& diagnostics) {
    if (layout.too_large) {
        diagnostics
            .add(Diag::RuleTooLarge, layout.too_large->span, about(layout.too_large_instructions),
                 2 * options.max_function_instructions)
            .with_hint("split the rule, or put its alternatives into one set");
        return false;
    }
    const size_t limit = options.functions ? options.max_instructions : options.max_single_function;
    const bool too_many = layout.instructions > limit || layout.processed > options.max_instructions;
    if (too_many) {
        const bool by_size = layout.instructions > limit;
        const size_t needed = by_size ? layout.instructions : layout.processed;
        size_t instructions = 0;
        const ir::Chain& chain = program.chains[largest_chain(program, tables, instructions)];
        // What the verifier walks counts for each copy, as in `needed`.
        instructions = by_size ? instructions : cost::multiply(instructions, options.copies);
        const size_t rules = chain.rules.size();
        const Span where = chain.rules.empty() ? chain.end.span : chain.rules.front().span;
        diagnostics
            .add(Diag::PolicyTooLarge, where, about(needed), by_size ? limit : options.max_instructions,
                 chain.name, about(instructions), rules == 1 ? "1 rule" : fmt::format("{} rules", rules))
            .with_hint("put rules that differ in one value only into a set or a verdict map");
        return false;
    }
    return true;
}

bool check_tables(const ir::Program& program, const std::vector<TablePlan>& tables,
                  const PlanOptions& options, Diagnostics& diagnostics) {
    size_t bytes = 0;
    size_t largest = 0;
    for (size_t i = 0; i < tables.size(); ++i) {
        bytes = cost::add(bytes, tables[i].bytes);
        largest = tables[i].bytes > tables[largest].bytes ? i : largest;
    }
    if (bytes <= options.max_table_bytes) {
        return true;
    }
    const ir::Table& table = program.tables[largest];
    diagnostics.add(Diag::TablesTooLarge, program.chains[program.entry.value].end.span, bytes,
                    options.max_table_bytes, table.entries.size());
    return false;
}

} // namespace

std::optional<Plan> choose(const ir::Program& program, const PlanOptions& options, Diagnostics& diagnostics) {
    Plan plan;
    plan.needs = plan::needs_of(program);
    plan.headers = plan::headers_of(program);
    plan.tables = plan::choose_tables(program);
    plan::Slices slices = plan::choose_slices(program, plan.tables, options);
    plan.classifiers = std::move(slices.classifiers);
    plan.notes = std::move(slices.notes);
    plan::Layout layout = plan::choose_chains(program, plan.tables, std::move(slices.chains), options);
    layout.processed = cost::multiply(layout.processed, options.copies);
    plan.state = state_of(program);
    layout.processed = cost::add(layout.processed, cost::of_state(plan.state).processed);
    for (const classify::Classifier& classifier : plan.classifiers) {
        layout.processed = cost::add(layout.processed, cost::of_classifier(classifier).processed);
    }
    if (!check_sizes(program, layout, plan.tables, options, diagnostics) ||
        !check_tables(program, plan.tables, options, diagnostics)) {
        return {};
    }
    plan.chains = std::move(layout.chains);
    plan.estimated_instructions = cost::add(layout.instructions, cost::of_state(plan.state).code);
    plan.specialise.enabled = layout.instructions <= options.max_specialised;
    if (!plan.specialise.enabled) {
        plan.notes.push_back(fmt::format("not specialised for kinds of packet: {} instructions, over {}",
                                         layout.instructions, options.max_specialised));
    }
    for (size_t i = 0; i < plan.chains.size(); ++i) {
        if (!plan.chains[i].segments.empty()) {
            plan.notes.push_back(fmt::format(
                "chain {} is cut into {} functions of at most about {} instructions", program.chains[i].name,
                plan.chains[i].segments.size(), options.max_function_instructions));
        }
    }
    return plan;
}

} // namespace xdpc
