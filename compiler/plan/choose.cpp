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

/// Of what is too much for one program, or for as many as a packet may go through: what is needed, what there
/// may be. Nothing where all fits.
struct Excess {
    size_t needed = 0;
    size_t limit = 0;
    size_t copies = 1; // in which a chain's own instructions count
};
std::optional<Excess> excess_of(const plan::Layout& layout, size_t once, const PlanOptions& options) {
    if (!options.functions && layout.instructions > options.max_single_function) {
        return Excess{layout.instructions, options.max_single_function, 1};
    }
    const size_t processed = cost::add(cost::multiply(layout.processed, options.copies), once);
    const size_t most = options.max_instructions;
    if (layout.programs.empty()) {
        return processed > most ? std::optional(Excess{processed, most, options.copies}) : std::nullopt;
    }
    for (const ProgramPlan& program : layout.programs) {
        const size_t rules = cost::multiply(cost::add(program.processed, cost::parsing), options.copies);
        if (cost::add(rules, once) > most) {
            return Excess{cost::add(rules, once), most, options.copies};
        }
    }
    if (layout.tail_calls > options.max_tail_calls) {
        return Excess{processed, cost::multiply(most, options.max_tail_calls + 1), options.copies};
    }
    return {};
}

bool check_sizes(const ir::Program& program, const plan::Layout& layout, size_t once,
                 const std::vector<TablePlan>& tables, const PlanOptions& options, Diagnostics& diagnostics) {
    if (layout.too_large) {
        diagnostics
            .add(Diag::RuleTooLarge, layout.too_large->span, about(layout.too_large_instructions),
                 2 * options.max_function_instructions)
            .with_hint("split the rule, or put its alternatives into one set");
        return false;
    }
    const std::optional<Excess> excess = excess_of(layout, once, options);
    if (!excess) {
        return true;
    }
    size_t instructions = 0;
    const ir::Chain& chain = program.chains[largest_chain(program, tables, instructions)];
    // What the verifier walks counts for each copy, as in `needed`.
    instructions = cost::multiply(instructions, excess->copies);
    const size_t rules = chain.rules.size();
    const Span where = chain.rules.empty() ? chain.end.span : chain.rules.front().span;
    diagnostics
        .add(Diag::PolicyTooLarge, where, about(excess->needed), excess->limit, chain.name,
             about(instructions), rules == 1 ? "1 rule" : fmt::format("{} rules", rules))
        .with_hint("put rules that differ in one value only into a set or a verdict map");
    return false;
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

plan::Besides besides_rules(const Plan& plan) {
    const StateUse& state = plan.state;
    plan::Besides besides;
    besides.processed = cost::of_state(state).processed;
    besides.functions = state.asked.size() + state.changed.size() + state.limits.size() +
                        state.keyed_limits.size() + plan.classifiers.size();
    for (const classify::Classifier& classifier : plan.classifiers) {
        besides.processed = cost::add(besides.processed, cost::of_classifier(classifier).processed);
    }
    for (const TablePlan& table : plan.tables) {
        besides.functions +=
            table.strategy == TableStrategy::Search || table.strategy == TableStrategy::Scan ? 1 : 0;
    }
    return besides;
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
    plan.state = state_of(program);
    const plan::Besides besides = besides_rules(plan);
    plan::Layout layout =
        plan::choose_programs(program, plan.tables, std::move(slices.chains), besides, options);
    if (!check_sizes(program, layout, besides.processed, plan.tables, options, diagnostics) ||
        !check_tables(program, plan.tables, options, diagnostics)) {
        return {};
    }
    plan.chains = std::move(layout.chains);
    plan.programs = std::move(layout.programs);
    plan.tail_calls = layout.tail_calls;
    plan.estimated_instructions = cost::add(layout.instructions, cost::of_state(plan.state).code);
    const bool reads_anew = ir::goes_on_rewritten(program);
    plan.specialise.enabled =
        plan.programs.empty() && layout.instructions <= options.max_specialised && !reads_anew;
    if (!plan.programs.empty()) {
        plan.notes.push_back(
            fmt::format("cut into {} programs of at most {} instructions for the verifier: about {} in all",
                        plan.programs.size(), options.max_instructions,
                        about(cost::multiply(layout.processed, options.copies))));
    } else if (reads_anew) {
        plan.notes.emplace_back("not specialised for kinds of packet: rules go on with packets they changed");
    } else if (!plan.specialise.enabled) {
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
