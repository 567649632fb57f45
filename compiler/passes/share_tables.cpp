#include "compiler/passes/pass.h"

#include <unordered_map>

namespace xdpc::passes {

namespace {

constexpr uint32_t unused = ~uint32_t{0};

uint64_t mix(uint64_t hash, u128 value) {
    for (const uint64_t half : {static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64)}) {
        hash = (hash ^ half) * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 29;
    }
    return hash;
}

uint64_t hash_of(const ir::Table& table) {
    uint64_t hash = mix(table.entries.size(), table.widths.size());
    for (const ir::Table::Entry& entry : table.entries) {
        for (const Interval& side : entry.box) {
            hash = mix(mix(hash, side.lo), side.hi);
        }
        hash = mix(hash, entry.value);
    }
    return hash;
}

template<class F> void each_use(ir::Program& program, F use) {
    each_cond_of(program, [&](ir::Cond& cond) {
        if (auto* lookup = std::get_if<ir::Lookup>(&cond.node)) {
            use(lookup->table);
        }
    });
    each_step(program, [&](ir::Step& step) {
        if (auto* dispatch = std::get_if<ir::Dispatch>(&step.node)) {
            use(dispatch->table);
        }
    });
}

} // namespace

bool share_tables(ir::Program& program) {
    std::vector<uint32_t> new_id(program.tables.size(), unused);
    std::vector<ir::Table> kept;
    std::unordered_multimap<uint64_t, uint32_t> by_hash;
    const auto intern = [&](uint32_t old) {
        const uint64_t hash = hash_of(program.tables[old]);
        const auto [begin, end] = by_hash.equal_range(hash);
        for (auto it = begin; it != end; ++it) {
            if (kept[it->second] == program.tables[old]) {
                return it->second;
            }
        }
        const auto id = static_cast<uint32_t>(kept.size());
        kept.push_back(program.tables[old]);
        by_hash.emplace(hash, id);
        return id;
    };
    each_use(program, [&](ir::TableId& table) {
        uint32_t& id = new_id[table.value];
        if (id == unused) {
            id = intern(table.value);
        }
        table.value = id;
    });
    const bool changed = kept.size() != program.tables.size();
    program.tables = std::move(kept);
    return changed;
}

} // namespace xdpc::passes
