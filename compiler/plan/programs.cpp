#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>

// What is too large for one program becomes several, one going on to the next by a tail call. Tail calls do
// not come back, so a chain that is cut has to be led to from programs, not from functions: whatever leads to
// one is cut as well, behind each rule that does, up to the entry.

namespace xdpc::plan {

namespace {

/// The kernel's limit is 256, the program itself with them; what parses and tells takes some.
constexpr size_t max_functions = 240;

/// What a program may hold.
struct Room {
    size_t functions = 0; // of chains
    size_t processed = 0; // by the verifier, of one copy of the rules
    size_t code = 0;
    size_t units = 0;
};

/// How many functions these chains make.
size_t count_functions(const Layout& layout, const std::set<uint32_t>& chains) {
    size_t count = 0;
    for (const uint32_t chain : chains) {
        count += layout.chains[chain].segments.size() + (layout.chains[chain].function ? 1 : 0);
    }
    return count;
}

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
        ir::each_target(program_.chains[chain].rules[i], [&](ChainId target) { use(target.value); });
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
           count_functions(whole_, whole_.functions[chain]) > room_.functions / 2 ||
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
                std::set<uint32_t> seen;
                std::set<uint32_t> functions;
                if (cut_[i]) {
                    add_functions(program_, whole_, unit, i, seen, functions);
                }
                if (cut_[i] && (processed_with(unit, i) > room_.processed ||
                                count_functions(whole_, functions) > room_.functions)) {
                    each_target(unit, i, cut);
                }
            }
        }
    }
    return cut_;
}

/// Adds the programs of one chain.
void add_programs(const ir::Program& program, Layout& layout, uint32_t chain, const Room& room) {
    const size_t rules = program.chains[chain].rules.size();
    bool full = true;
    bool any_leaves = false;
    size_t units = 0;
    std::set<uint32_t> seen;
    std::set<uint32_t> functions;
    for (const Unit& unit : layout.units[chain]) {
        ProgramPlan* last = full ? nullptr : &layout.programs.back();
        add_functions(program, layout, unit, chain, seen, functions);
        if (!last || count_functions(layout, functions) > room.functions || units >= room.units ||
            cost::add(last->processed, unit.processed) > room.processed ||
            cost::add(last->instructions, unit.code) > room.code) {
            layout.programs.push_back({chain, unit.begin, unit.end, {}, {}, 0, 0});
            last = &layout.programs.back();
            units = 0;
            seen.clear();
            functions.clear();
            add_functions(program, layout, unit, chain, seen, functions);
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
    if (full || (chain == program.entry.value && any_leaves)) {
        layout.programs.push_back({chain, rules, rules, {}, {}, 0, 0});
    }
}

/// Functions for the rules that would be too many for one.
void add_segments(Layout& layout, const PlanOptions& options) {
    for (ProgramPlan& program : layout.programs) {
        if (program.instructions <= options.max_function_instructions) {
            continue;
        }
        std::vector<Unit> units;
        for (const Unit& unit : layout.units[program.chain]) {
            if (program.begin <= unit.begin && unit.begin < program.leaves.value_or(program.end)) {
                units.push_back(unit);
            }
        }
        program.segments = segments_of(units, options.max_function_instructions);
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
            ir::each_target(program.chains[chain].rules[i], [&](ChainId target) {
                if (layout.chains[target.value].programs) {
                    const size_t there = tail_calls_of(program, layout, target.value, known);
                    away = std::max(away, cost::add(there, 1));
                }
            });
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
    add_programs(program, layout, entry, room);
    for (uint32_t i = 0; i < program.chains.size(); ++i) {
        if (i != entry && layout.chains[i].programs && layout.chains[i].instructions > 0) {
            add_programs(program, layout, i, room);
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
                       std::vector<std::vector<Slice>> slices, const Besides& besides,
                       const PlanOptions& options) {
    Layout whole = choose_chains(program, tables, std::move(slices), {}, options);
    const uint32_t entry = program.entry.value;
    const size_t most = options.max_instructions;
    const size_t processed = cost::add(cost::multiply(whole.processed, options.copies), besides.processed);
    const size_t functions =
        count_functions(whole, whole.functions[entry]) + whole.chains[entry].segments.size();
    const bool fits = processed <= most && whole.instructions <= most &&
                      (besides.functions + functions <= max_functions || functions == 0);
    if (!options.functions || whole.too_large || (fits && options.rules_in_program == 0)) {
        return whole;
    }
    // Segments take their share of the functions.
    Room room;
    room.code = std::min(most, 50 * options.max_function_instructions);
    room.functions = max_functions - 60 - std::min<size_t>(besides.functions, 140);
    const size_t once = cost::add(besides.processed, options.copies * cost::parsing);
    room.processed = (most - std::min(once, most)) / options.copies;
    room.units = fits ? options.rules_in_program : SIZE_MAX;
    Layout layout = cut(program, tables, slices_of(whole), whole, room, options);
    while (fits && layout.tail_calls > options.max_tail_calls) {
        room.units *= 2;
        layout = cut(program, tables, slices_of(whole), whole, room, options);
    }
    return layout.programs.size() > 1 ? std::move(layout) : std::move(whole);
}

} // namespace xdpc::plan
