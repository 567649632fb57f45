#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>
#include <bit>

// Costs a packet pays, in ns (measured; the ratios are what counts): a comparison 0.4 while the code fits the
// cache and 1.5 beyond, a bit or byte in .rodata 0.3 when it is cached, a step of a binary search about 2, a
// row of a scan 1 to 2. So a few comparisons beat everything, a bitmap beats a search wherever it can be had,
// and a scan is what is left for tuples.

namespace xdpc::plan {

namespace {

constexpr size_t max_compared = 16;
/// Up to here comparisons are as quick as a bitmap and touch no memory.
constexpr size_t max_compared_narrow = 6;
/// A map over 16-bit keys takes 64 KiB as bytes: worth it from here on.
constexpr size_t min_mapped_wide = 64;

size_t bytes_of_key(uint16_t width) {
    return width <= 32 ? 4 : width <= 64 ? 8 : 16;
}

/// Which tables are asked for a value, and not only whether they hold a tuple.
std::vector<bool> find_maps(const ir::Program& program) {
    std::vector<bool> maps(program.tables.size(), false);
    for (const ir::Chain& chain : program.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                if (const auto* dispatch = std::get_if<ir::Dispatch>(&step.node)) {
                    maps[dispatch->table.value] = true;
                }
                const auto* pick = std::get_if<ir::Pick>(&step.node);
                if (pick != nullptr && pick->table) {
                    maps[pick->table->value] = true;
                }
                const auto* rewrite = std::get_if<ir::RewriteStep>(&step.node);
                if (rewrite != nullptr && rewrite->table) {
                    maps[rewrite->table->value] = true;
                }
            }
        }
    }
    return maps;
}

bool values_fit_a_byte(const ir::Table& table) { // 255 stands for no entry
    return std::all_of(table.entries.begin(), table.entries.end(),
                       [](const ir::Table::Entry& entry) { return entry.value < 255; });
}

TableStrategy choose(const ir::Table& table, bool map) {
    const size_t entries = table.entries.size();
    if (table.widths.size() != 1) {
        return entries <= max_compared ? TableStrategy::Compare : TableStrategy::Scan;
    }
    const uint16_t width = table.widths.front();
    const bool narrow = width <= 16 && (!map || values_fit_a_byte(table));
    if (narrow && entries > max_compared_narrow && (!map || width <= 8 || entries >= min_mapped_wide)) {
        return TableStrategy::Bitmap;
    }
    return entries <= max_compared ? TableStrategy::Compare : TableStrategy::Search;
}

size_t bytes_of(const ir::Table& table, TableStrategy strategy, bool map) {
    size_t row = 4; // the value
    for (const uint16_t width : table.widths) {
        row += 2 * bytes_of_key(width);
    }
    const size_t entries = table.entries.size();
    switch (strategy) {
    case TableStrategy::Compare:
        return 0;
    case TableStrategy::Bitmap: {
        const size_t values = size_t{1} << table.widths.front();
        return map ? values : std::max<size_t>(values / 8, 1);
    }
    case TableStrategy::Search: // steps of a power of two
        return cost::multiply(std::bit_ceil(entries), row);
    case TableStrategy::Scan:
        return cost::multiply(entries, row);
    }
    return 0;
}

} // namespace

std::vector<TablePlan> choose_tables(const ir::Program& program) {
    const std::vector<bool> maps = find_maps(program);
    std::vector<TablePlan> plans;
    for (size_t i = 0; i < program.tables.size(); ++i) {
        const TableStrategy strategy = choose(program.tables[i], maps[i]);
        plans.push_back({strategy, bytes_of(program.tables[i], strategy, maps[i]), maps[i]});
    }
    return plans;
}

} // namespace xdpc::plan
