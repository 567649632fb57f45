#include "compiler/passes/pass.h"

#include <array>
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

/// Also tells whether the table is asked for a value: sets and maps are laid out differently, so they never
/// share one.
template<class F> void each_use(ir::Program& program, F use) {
    each_cond_of(program, [&](ir::Cond& cond) {
        if (auto* lookup = std::get_if<ir::Lookup>(&cond.node)) {
            use(lookup->table, false);
        }
    });
    each_step(program, [&](ir::Step& step) {
        if (auto* dispatch = std::get_if<ir::Dispatch>(&step.node)) {
            use(dispatch->table, true);
        }
        auto* pick = std::get_if<ir::Pick>(&step.node);
        if (pick != nullptr && pick->table) {
            use(*pick->table, true);
        }
        auto* rewrite = std::get_if<ir::RewriteStep>(&step.node);
        if (rewrite != nullptr && rewrite->table) {
            use(*rewrite->table, true);
        }
    });
}

/// The tables that are kept, each once.
class Pool {
public:
    uint32_t intern(const ir::Table& table, bool map) {
        const uint64_t hash = hash_of(table) ^ (map ? 1 : 0);
        const auto [begin, end] = by_hash_.equal_range(hash);
        for (auto it = begin; it != end; ++it) {
            if (maps_[it->second] == map && tables[it->second] == table) {
                return it->second;
            }
        }
        const auto id = static_cast<uint32_t>(tables.size());
        tables.push_back(table);
        maps_.push_back(map);
        by_hash_.emplace(hash, id);
        return id;
    }
    std::vector<ir::Table> tables;

private:
    std::vector<bool> maps_;
    std::unordered_multimap<uint64_t, uint32_t> by_hash_;
};

} // namespace

bool share_tables(ir::Program& program) {
    std::vector<std::array<uint32_t, 2>> new_ids(program.tables.size(), {unused, unused});
    Pool pool;
    each_use(program, [&](ir::TableId& table, bool map) {
        uint32_t& id = new_ids[table.value][map ? 1 : 0];
        if (id == unused) {
            id = pool.intern(program.tables[table.value], map);
        }
        table.value = id;
    });
    const bool changed = pool.tables.size() != program.tables.size();
    program.tables = std::move(pool.tables);
    return changed;
}

} // namespace xdpc::passes
