#include "compiler/passes/pass.h"

namespace xdpc::passes {

namespace {

ir::Lookup into_table(const ir::Atom& atom, ir::Program& program) {
    ir::Table table;
    table.widths.push_back(width_of(program.keys[atom.key.value]));
    for (const Interval& interval : atom.values.intervals()) {
        table.entries.push_back({{interval}, 0});
    }
    program.tables.push_back(std::move(table));
    const ir::TableId id{static_cast<uint32_t>(program.tables.size() - 1)};
    return {{atom.key}, {atom.mask}, id, false};
}

} // namespace

bool tabulate(ir::Program& program) {
    bool changed = false;
    each_cond_of(program, [&](ir::Cond& cond) {
        const auto* atom = std::get_if<ir::Atom>(&cond.node);
        if (atom && atom->values.intervals().size() > max_compared_intervals) {
            cond.node = into_table(*atom, program);
            changed = true;
        }
    });
    return changed;
}

} // namespace xdpc::passes
