#include "compiler/base/overloaded.h"
#include "compiler/passes/fold.h"
#include "compiler/passes/pass.h"

#include <algorithm>
#include <cmath>

// Pure conditions commute, so between two side effects the order is free. With costs c and probabilities p of
// holding, a conjunction is cheapest by rising c / (1 - p). Both are rough guesses: what matters is that a
// wide exact value goes before a range, a comparison before a table, a table before a call to a helper.

namespace xdpc::passes {

namespace {

struct Estimate {
    double cost = 0;  // in comparisons
    double holds = 0; // probability
};

double cost_of_reading(const KeySource& source) {
    const auto* meta = std::get_if<MetaKey>(&source);
    if (!meta) {
        return 0; // fields are loaded once for all rules
    }
    const bool calls = meta->meta == MetaId::Random || meta->meta == MetaId::Time ||
                       meta->meta == MetaId::Day || meta->meta == MetaId::Hour || meta->meta == MetaId::Cpu;
    return calls ? 20 : 0;
}

Estimate estimate_atom(const ir::Atom& atom, const ir::Program& program) {
    const KeySource& source = program.keys[atom.key.value];
    const uint16_t width = width_of(source);
    double share = 0;
    for (const Interval& interval : atom.values.intervals()) {
        share += static_cast<double>(interval.hi - interval.lo) + 1;
    }
    share /= std::pow(2.0, width);
    // Traffic crowds on few values of narrow fields.
    const double least = width >= 16 ? 0.05 : 0.3;
    const double comparisons = static_cast<double>(atom.values.intervals().size()) * (width > 64 ? 3 : 1);
    return {comparisons + cost_of_reading(source), std::clamp(share, least, 0.95)};
}

Estimate estimate_lookup(const ir::Lookup& lookup, const ir::Program& program) {
    const auto entries = static_cast<double>(program.tables[lookup.table.value].entries.size());
    double cost = lookup.keys.size() == 1 ? 4 + 3 * std::log2(entries + 1) : 4 + 3 * entries;
    for (const ir::KeyId key : lookup.keys) {
        cost += cost_of_reading(program.keys[key.value]);
    }
    return {cost, lookup.negated ? 0.9 : 0.1};
}

Estimate estimate(const ir::Cond& cond, const ir::Program& program);

Estimate estimate_group(const std::vector<ir::Cond>& parts, bool all, const ir::Program& program) {
    double cost = 0;
    double reached = 1; // probability that the next part is looked at
    for (const ir::Cond& part : parts) {
        const Estimate each = estimate(part, program);
        cost += reached * each.cost;
        reached *= all ? each.holds : 1 - each.holds;
    }
    return {cost, all ? reached : 1 - reached};
}

Estimate estimate(const ir::Cond& cond, const ir::Program& program) {
    return std::visit(Overloaded{
                          [&](const ir::Atom& atom) { return estimate_atom(atom, program); },
                          [&](const ir::Lookup& lookup) { return estimate_lookup(lookup, program); },
                          [&](const ir::SetLookup&) { return Estimate{40.0, 0.5}; },
                          [&](const ir::And& all) { return estimate_group(all.parts, true, program); },
                          [&](const ir::Or& any) { return estimate_group(any.parts, false, program); },
                          [&](const ir::Not& negation) {
                              const Estimate part = estimate(negation.part.front(), program);
                              return Estimate{part.cost, 1 - part.holds};
                          },
                      },
                      cond.node);
}

double rank(const Estimate& e) {
    return e.cost / std::max(1 - e.holds, 0.01);
}

} // namespace

bool order(ir::Program& program) {
    bool changed = false;
    const auto sort_run = [&](std::vector<ir::Step>& steps, size_t begin, size_t end) {
        std::vector<std::pair<double, size_t>> ranks;
        for (size_t i = begin; i < end; ++i) {
            ranks.emplace_back(rank(estimate(std::get<ir::Guard>(steps[i].node).cond, program)), i);
        }
        if (std::is_sorted(ranks.begin(), ranks.end())) {
            return;
        }
        std::sort(ranks.begin(), ranks.end()); // by index where ranks are equal, so stable
        std::vector<ir::Step> sorted;
        for (const auto& [unused, index] : ranks) {
            sorted.push_back(std::move(steps[index]));
        }
        std::move(sorted.begin(), sorted.end(), steps.begin() + static_cast<ptrdiff_t>(begin));
        changed = true;
    };
    for (ir::Chain& chain : program.chains) {
        for (ir::Rule& rule : chain.rules) {
            size_t begin = 0;
            for (size_t i = 0; i <= rule.steps.size(); ++i) {
                const auto* guard =
                    i < rule.steps.size() ? std::get_if<ir::Guard>(&rule.steps[i].node) : nullptr;
                if (guard == nullptr || counts(guard->cond)) {
                    sort_run(rule.steps, begin, i);
                    begin = i + 1;
                }
            }
        }
    }
    return changed;
}

} // namespace xdpc::passes
