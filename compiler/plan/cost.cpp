#include "compiler/plan/cost.h"

#include "compiler/base/overloaded.h"

#include <bit>

namespace xdpc::cost {

namespace {

TableCost sum(TableCost a, TableCost b) {
    return {add(a.code, b.code), add(a.processed, b.processed)};
}
TableCost both(size_t instructions) {
    return {instructions, instructions};
}

/// A comparison with one interval: two 64-bit halves with a carry each way beyond 64 bits.
size_t comparison(uint16_t width) {
    return width > 64 ? 8 : 3;
}

TableCost of_cond(const ir::Cond& cond, const ir::Program& program, const std::vector<TablePlan>& tables) {
    const auto of_parts = [&](const std::vector<ir::Cond>& parts) {
        TableCost total;
        for (const ir::Cond& part : parts) {
            total = sum(total, of_cond(part, program, tables));
        }
        return total;
    };
    return std::visit(Overloaded{
                          [&](const ir::Atom& atom) {
                              const uint16_t width = width_of(program.keys[atom.key.value]);
                              return both(
                                  add(2, multiply(atom.values.intervals().size(), comparison(width))));
                          },
                          [&](const ir::Lookup& lookup) {
                              const size_t id = lookup.table.value;
                              return of_table(program.tables[id], tables[id].strategy);
                          },
                          [&](const ir::SetLookup&) { return both(state_call); },
                          [&](const ir::And& all) { return of_parts(all.parts); },
                          [&](const ir::Or& any) { return of_parts(any.parts); },
                          [&](const ir::Not& negation) { return of_parts(negation.part); },
                      },
                      cond.node);
}

} // namespace

size_t add(size_t a, size_t b) {
    size_t result = 0;
    return __builtin_add_overflow(a, b, &result) ? SIZE_MAX : result;
}

size_t multiply(size_t a, size_t b) {
    size_t result = 0;
    return __builtin_mul_overflow(a, b, &result) ? SIZE_MAX : result;
}

TableCost of_table(const ir::Table& table, TableStrategy strategy) {
    size_t row = 0;
    for (const uint16_t width : table.widths) {
        row += comparison(width);
    }
    const size_t entries = table.entries.size();
    switch (strategy) {
    case TableStrategy::Compare:
        return both(add(4, multiply(entries, row + 1)));
    case TableStrategy::Bitmap:
        return both(14);
    case TableStrategy::Search:
        return both(multiply(std::bit_width(entries) + 2, 8 + row));
    case TableStrategy::Scan: // the loop's body stands once, the verifier goes round
        return {30 + 4 * row, multiply(entries + 1, 12 + 4 * row)};
    }
    return {};
}

TableCost of_step(const ir::Step& step, const ir::Program& program, const std::vector<TablePlan>& tables) {
    return std::visit(Overloaded{
                          [&](const ir::Guard& guard) { return of_cond(guard.cond, program, tables); },
                          [&](const ir::Count&) { return both(counter); },
                          [&](const ir::Decide&) { return both(decision); },
                          [&](const ir::Dispatch& dispatch) {
                              const size_t id = dispatch.table.value;
                              const size_t verdicts = multiply(dispatch.verdicts.size() + 1, decision);
                              return sum(of_table(program.tables[id], tables[id].strategy), both(verdicts));
                          },
                          [&](const ir::LiveDispatch& dispatch) {
                              return both(state_call + multiply(dispatch.verdicts.size() + 1, decision));
                          },
                          [&](const ir::LimitStep&) { return both(state_call); },
                          [&](const ir::QuotaStep&) { return both(state_call); },
                          [&](const ir::UpdateSet&) { return both(state_call); },
                          [&](const ir::Log&) { return both(event); },
                          [&](const ir::Sample&) { return both(event); },
                          [&](const ir::RewriteStep& rewrite) {
                              if (!rewrite.table) {
                                  return both(2 * call + (rewrite.live ? state_call : 0));
                              }
                              const size_t id = rewrite.table->value;
                              const size_t values = multiply(rewrite.values.size() + 1, decision);
                              return sum(of_table(program.tables[id], tables[id].strategy),
                                         both(2 * call + values));
                          },
                          [&](const ir::Route&) { return both(2 * call + 3 * decision); },
                          [&](const ir::Pick& pick) {
                              const size_t choices = multiply(pick.count, decision);
                              if (pick.live) {
                                  return both(state_call + choices);
                              }
                              const size_t id = pick.table->value;
                              return sum(of_table(program.tables[id], tables[id].strategy), both(choices));
                          },
                      },
                      step.node);
}

namespace {

TableCost of_pairs(const classify::Pairs& pairs, const classify::RuleSet& set, size_t fields, size_t wide) {
    size_t straight = 60 + 8 * fields + wide;
    for (const classify::Pairs::Axis& axis : pairs.axes) {
        straight += 45 * axis.pieces.size() + 14 * axis.joins.size();
    }
    const size_t line = 10 + 8 * classify::lane_words(pairs, set);
    size_t code = straight, verified = straight;
    for (const classify::Pairs::Part& part : pairs.parts) {
        const size_t levels = 20 + 10 * part.lists.levels.size();
        code += levels + line * (part.blind + 1);
        verified += levels + line * (part.blind + part.longest) * 2;
    }
    return {code, verified};
}

} // namespace

TableCost of_classifier(const classify::Classifier& classifier) {
    const size_t fields = classifier.set.fields.size();
    const auto of_rfc = [](const classify::Rfc& rfc) {
        return 16 * rfc.leaves.size() + 14 * rfc.joins.size();
    };
    return std::visit(
        Overloaded{
            [&](const classify::Pairs& pairs) {
                return of_pairs(pairs, classifier.set, fields, pairs.wide ? of_rfc(*pairs.wide) : 0);
            },
            [&](const classify::Rfc& rfc) { return both(40 + 10 * fields + of_rfc(rfc)); },
            [&](const classify::Forest& forest) {
                const size_t row = 14 + 6 * fields;
                const size_t walk = 18 * (forest.depth + 1) * forest.roots.size();
                const size_t wide = forest.wide ? of_rfc(*forest.wide) : 0;
                return TableCost{60 + 4 * fields + walk + wide + row * forest.roots.size(),
                                 60 + walk * 2 + wide + row * (forest.leaf + 1) * 2 * forest.roots.size()};
            },
        },
        classifier.tables);
}

} // namespace xdpc::cost
