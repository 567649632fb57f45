#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>

// What is too large for one program becomes several, one going on to the next by a tail call. Tail calls do
// not come back, so a chain that is cut has to be led to from programs, not from functions: whatever leads to
// one is cut as well, behind each rule that does, up to the entry.

namespace xdpc::plan {

namespace {

/// What a program may hold.
struct Room {
    size_t processed = 0; // by the verifier, of one copy of the rules
    size_t code = 0;
    size_t units = 0;
};

class Cutter {
public:
    Cutter(const ir::Program& program, const Layout& whole, const Room& room)
        : program_(program), whole_(whole), room_(room), cut_(program.chains.size()) {}
    /// The chains that must be cut.
    std::vector<bool> choose();

private:
    template<class F> void each_target(const Unit& unit, uint32_t chain, F use) const;
    bool must_be_cut(uint32_t chain) const;
    size_t processed_with(const Unit& unit, uint32_t chain) const;

    const ir::Program& program_;
    const Layout& whole_;
    const Room& room_;
    std::vector<bool> cut_;
};

template<class F> void Cutter::each_target(const Unit& unit, uint32_t chain, F use) const {
    for (size_t i = unit.begin; i < unit.end; ++i) {
        for (const ir::Step& step : program_.chains[chain].rules[i].steps) {
            ir::each_verdict(step, [&](const Verdict& verdict) {
                if (const auto target = ir::target_of(verdict)) {
                    use(target->value);
                }
            });
        }
    }
}

/// What a unit comes to, chains that are cut being elsewhere.
size_t Cutter::processed_with(const Unit& unit, uint32_t chain) const {
    size_t processed = unit.processed;
    each_target(unit, chain, [&](uint32_t target) {
        processed -= cut_[target] ? std::min(processed, whole_.processed_of[target]) : 0;
    });
    return processed;
}

bool Cutter::must_be_cut(uint32_t chain) const {
    const std::vector<Unit>& units = whole_.units[chain];
    const auto leaves = [&](const Unit& unit) {
        bool found = false;
        each_target(unit, chain, [&](uint32_t target) { found = found || cut_[target]; });
        return found;
    };
    return units.size() > room_.units || whole_.processed_of[chain] > room_.processed / 2 ||
           std::any_of(units.begin(), units.end(), leaves);
}

std::vector<bool> Cutter::choose() {
    cut_[program_.entry.value] = true;
    for (bool changed = true; changed;) {
        changed = false;
        const auto cut = [&](uint32_t chain) {
            changed = changed || !cut_[chain];
            cut_[chain] = true;
        };
        for (uint32_t i = 0; i < program_.chains.size(); ++i) {
            if (!cut_[i] && must_be_cut(i)) {
                cut(i);
            }
            for (const Unit& unit : whole_.units[i]) { // one rule may lead to many chains, each small
                if (cut_[i] && processed_with(unit, i) > room_.processed) {
                    each_target(unit, i, cut);
                }
            }
        }
    }
    return cut_;
}

/// Adds the programs of one chain.
void add_programs(Layout& layout, uint32_t chain, size_t rules, bool entry, const Room& room) {
    bool full = true;
    bool any_leaves = false;
    size_t units = 0;
    for (const Unit& unit : layout.units[chain]) {
        ProgramPlan* last = full ? nullptr : &layout.programs.back();
        if (!last || units >= room.units || cost::add(last->processed, unit.processed) > room.processed ||
            cost::add(last->instructions, unit.code) > room.code) {
            layout.programs.push_back({chain, unit.begin, unit.end, {}, {}, 0, 0});
            last = &layout.programs.back();
            units = 0;
        }
        last->end = unit.end;
        last->instructions = cost::add(last->instructions, unit.code);
        last->processed = cost::add(last->processed, unit.processed);
        ++units;
        full = unit.leaves; // it is come back to behind the rule
        if (unit.leaves) {
            last->leaves = unit.begin;
            any_leaves = true;
        }
    }
    // What a goto in the entry comes back to is the entry's end.
    if (full || (entry && any_leaves)) {
        layout.programs.push_back({chain, rules, rules, {}, {}, 0, 0});
    }
}

/// Functions for the rules that would be too many for one.
void add_segments(Layout& layout, const PlanOptions& options) {
    for (ProgramPlan& program : layout.programs) {
        if (program.instructions <= options.max_function_instructions) {
            continue;
        }
        size_t filled = 0;
        for (const Unit& unit : layout.units[program.chain]) {
            if (unit.begin < program.begin || unit.begin >= program.leaves.value_or(program.end)) {
                continue;
            }
            if (unit.begin == program.begin ||
                cost::add(filled, unit.code) > options.max_function_instructions) {
                program.segments.push_back(unit.begin);
                filled = 0;
            }
            filled = cost::add(filled, unit.code);
        }
    }
}

/// How many a packet meets at most on its way through a chain: behind each rule that leads away one there,
/// and one back.
size_t tail_calls_of(const ir::Program& program, const Layout& layout, uint32_t chain,
                     std::vector<std::optional<size_t>>& known) {
    if (known[chain]) {
        return *known[chain];
    }
    size_t calls = 0;
    for (const ProgramPlan& part : layout.programs) {
        if (part.chain != chain) {
            continue;
        }
        calls = cost::add(calls, part.begin > 0 ? 1 : 0);
        size_t away = 0;
        for (size_t i = part.leaves.value_or(part.end); i < part.end; ++i) {
            for (const ir::Step& step : program.chains[chain].rules[i].steps) {
                ir::each_verdict(step, [&](const Verdict& verdict) {
                    const auto target = ir::target_of(verdict);
                    if (target && layout.chains[target->value].programs) {
                        const size_t there = tail_calls_of(program, layout, target->value, known);
                        away = std::max(away, cost::add(there, 1));
                    }
                });
            }
        }
        calls = cost::add(calls, away);
    }
    known[chain] = calls;
    return calls;
}

Layout cut(const ir::Program& program, const std::vector<TablePlan>& tables,
           std::vector<std::vector<Slice>> slices, const Layout& whole, const Room& room,
           const PlanOptions& options) {
    const std::vector<bool> chosen = Cutter(program, whole, room).choose();
    Layout layout = choose_chains(program, tables, std::move(slices), chosen, options);
    const uint32_t entry = program.entry.value;
    add_programs(layout, entry, program.chains[entry].rules.size(), true, room);
    for (uint32_t i = 0; i < program.chains.size(); ++i) {
        if (i != entry && layout.chains[i].programs && layout.chains[i].instructions > 0) {
            add_programs(layout, i, program.chains[i].rules.size(), false, room);
        }
    }
    add_segments(layout, options);
    std::vector<std::optional<size_t>> known(program.chains.size());
    layout.tail_calls = tail_calls_of(program, layout, entry, known);
    layout.processed = whole.processed;
    return layout;
}

std::vector<std::vector<Slice>> slices_of(const Layout& layout) {
    std::vector<std::vector<Slice>> slices;
    for (const ChainPlan& chain : layout.chains) {
        slices.push_back(chain.slices);
    }
    return slices;
}

} // namespace

Layout choose_programs(const ir::Program& program, const std::vector<TablePlan>& tables,
                       std::vector<std::vector<Slice>> slices, size_t once, const PlanOptions& options) {
    Layout whole = choose_chains(program, tables, std::move(slices), {}, options);
    const size_t processed = cost::add(cost::multiply(whole.processed, options.copies), once);
    const bool fits = processed <= options.max_instructions && whole.instructions <= options.max_instructions;
    if (!options.functions || whole.too_large || (fits && options.rules_in_program == 0)) {
        return whole;
    }
    const size_t besides = once + options.copies * cost::parsing;
    Room room{options.max_instructions, options.max_instructions / 2, SIZE_MAX};
    room.processed = (room.processed - std::min(besides, room.processed)) / options.copies;
    if (fits) {
        room.units = options.rules_in_program;
    }
    Layout layout = cut(program, tables, slices_of(whole), whole, room, options);
    while (fits && layout.tail_calls > options.max_tail_calls) {
        room.units *= 2;
        layout = cut(program, tables, slices_of(whole), whole, room, options);
    }
    return layout.programs.size() > 1 ? std::move(layout) : std::move(whole);
}

} // namespace xdpc::plan
