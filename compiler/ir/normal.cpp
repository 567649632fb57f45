#include "compiler/ir/normal.h"

#include "compiler/base/overloaded.h"

#include <algorithm>

namespace xdpc::ir {

namespace {

/// Alternatives that a rule may have: more are looked at one by one.
constexpr size_t max_alternatives = 64;
constexpr size_t max_intervals = 64;

/// Drawn or read anew for each packet at some cost: not before it is needed.
bool is_costly(const KeySource& source) {
    const auto* meta = std::get_if<MetaKey>(&source);
    return meta && (meta->meta == MetaId::Random || meta->meta == MetaId::Time || meta->meta == MetaId::Day ||
                    meta->meta == MetaId::Hour || meta->meta == MetaId::Cpu);
}

using Alternatives = std::vector<Conjunction>;

/// Nothing if the condition is not of that form.
std::optional<Alternatives> alternatives_of(const Cond& cond, const Program& program);

/// Adds what is asked to a conjunction; false if it can never hold then.
bool add(Conjunction& all, const Asked& asked) {
    for (Asked& known : all) {
        if (known.key == asked.key && known.mask == asked.mask) {
            known.values = known.values.intersect(asked.values);
            return !known.values.empty();
        }
    }
    all.push_back(asked);
    return true;
}

std::optional<Alternatives> product(const Alternatives& a, const Alternatives& b) {
    if (a.size() * b.size() > max_alternatives) {
        return {};
    }
    Alternatives result;
    for (const Conjunction& left : a) {
        for (const Conjunction& right : b) {
            Conjunction both = left;
            if (std::all_of(right.begin(), right.end(),
                            [&](const Asked& asked) { return add(both, asked); })) {
                result.push_back(std::move(both));
            }
        }
    }
    return result;
}

std::optional<Alternatives> of_atom(const Atom& atom, const Program& program) {
    const KeySource& source = program.keys[atom.key.value];
    if (is_costly(source) || atom.values.intervals().size() > max_intervals) {
        return {};
    }
    const u128 mask = atom.mask & max_of_width(width_of(source));
    return Alternatives{{Asked{atom.key, mask, atom.values}}};
}

std::optional<Alternatives> of_lookup(const Lookup& lookup, const Program& program) {
    const Table& table = program.tables[lookup.table.value];
    const bool costly = std::any_of(lookup.keys.begin(), lookup.keys.end(),
                                    [&](KeyId key) { return is_costly(program.keys[key.value]); });
    if (costly || table.entries.size() > max_intervals || (lookup.negated && lookup.keys.size() > 1)) {
        return {};
    }
    if (lookup.keys.size() == 1) {
        std::vector<Interval> intervals;
        for (const Table::Entry& entry : table.entries) {
            intervals.push_back(entry.box.front());
        }
        IntervalSet values = IntervalSet::of(std::move(intervals));
        values = lookup.negated ? values.complement(table.widths.front()) : values;
        return of_atom({lookup.keys.front(), lookup.masks.front(), std::move(values)}, program);
    }
    Alternatives result;
    for (const Table::Entry& entry : table.entries) {
        Conjunction all;
        bool possible = true;
        for (size_t i = 0; i < lookup.keys.size(); ++i) {
            const u128 mask = lookup.masks[i] & max_of_width(width_of(program.keys[lookup.keys[i].value]));
            possible = possible && add(all, {lookup.keys[i], mask, IntervalSet::of({entry.box[i]})});
        }
        if (possible) {
            result.push_back(std::move(all));
        }
    }
    return result;
}

std::optional<Alternatives> of_parts(const std::vector<Cond>& parts, bool all, const Program& program) {
    Alternatives result;
    if (all) {
        result.emplace_back();
    }
    for (const Cond& part : parts) {
        std::optional<Alternatives> each = alternatives_of(part, program);
        if (each && all) {
            each = product(result, *each);
        }
        if (!each || result.size() + each->size() > 2 * max_alternatives) {
            return {};
        }
        if (all) {
            result = std::move(*each);
        } else {
            std::move(each->begin(), each->end(), std::back_inserter(result));
        }
    }
    return result;
}

std::optional<Alternatives> alternatives_of(const Cond& cond, const Program& program) {
    using Result = std::optional<Alternatives>;
    return std::visit(Overloaded{
                          [&](const Atom& atom) { return of_atom(atom, program); },
                          [&](const Lookup& lookup) { return of_lookup(lookup, program); },
                          [&](const SetLookup&) { return Result(); },
                          [&](const And& all) { return of_parts(all.parts, true, program); },
                          [&](const Or& any) { return of_parts(any.parts, false, program); },
                          [&](const Not&) { return Result(); },
                      },
                      cond.node);
}

/// Whether behind its guards the rule always decides or leaves the chain.
bool always_ends(const Rule& rule, size_t begin) {
    for (size_t i = begin; i < rule.steps.size(); ++i) {
        const StepNode& node = rule.steps[i].node;
        if (const auto* decide = std::get_if<Decide>(&node)) {
            return !std::holds_alternative<Jump>(decide->verdict) &&
                   !std::holds_alternative<Continue>(decide->verdict);
        }
        const bool leads_on = std::holds_alternative<Count>(node) || std::holds_alternative<Log>(node) ||
                              std::holds_alternative<Sample>(node);
        if (!leads_on) {
            return false;
        }
    }
    return false;
}

bool may_meet(const Conjunction& a, const Conjunction& b) {
    for (const Asked& left : a) {
        for (const Asked& right : b) {
            if (left.key == right.key && left.mask == right.mask &&
                left.values.intersect(right.values).empty()) {
                return false;
            }
        }
    }
    return true;
}

} // namespace

NormalRule normalize(const Rule& rule, const Program& program) {
    NormalRule result;
    result.any.emplace_back();
    size_t step = 0;
    for (; step < rule.steps.size(); ++step) {
        const auto* guard = std::get_if<Guard>(&rule.steps[step].node);
        if (!guard) {
            break;
        }
        // What stands behind one that is not asked here is not either: asking a set that counts has an
        // effect.
        std::optional<Alternatives> each;
        if (result.exact) {
            each = alternatives_of(guard->cond, program);
        }
        each = each ? product(result.any, *each) : std::nullopt;
        if (each) {
            result.any = std::move(*each);
        } else {
            result.exact = false;
        }
    }
    result.falls = !result.exact || !always_ends(rule, step);
    const auto* decide =
        step + 1 == rule.steps.size() ? std::get_if<Decide>(&rule.steps[step].node) : nullptr;
    const std::optional<Action> action = decide ? action_of(decide->verdict) : std::nullopt;
    result.data = result.exact && action && *action != Action::Redirect; // which takes a helper's call
    return result;
}

bool may_meet(const NormalRule& a, const NormalRule& b) {
    return std::any_of(a.any.begin(), a.any.end(), [&](const Conjunction& left) {
        return std::any_of(b.any.begin(), b.any.end(),
                           [&](const Conjunction& right) { return may_meet(left, right); });
    });
}

} // namespace xdpc::ir
