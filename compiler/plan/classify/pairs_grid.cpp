// A grid of rectangles. Rows mostly differ in few pages: a page is built once for the rectangles that lie in
// it, so the work follows what is different, not rows times columns.
#include "compiler/plan/classify/pairs_builder.h"

#include <algorithm>
#include <bit>
#include <map>
#include <unordered_map>

namespace xdpc::classify {

namespace {

constexpr uint64_t many_cells = uint64_t{1} << 20; // of the first level: beyond, another level makes it small

using Ids = std::vector<uint32_t>; // rectangles, ascending
using Known = std::unordered_map<std::vector<uint32_t>, uint32_t, WordsHash>;

class GridBuilder {
public:
    GridBuilder(const GridInput& input, double& operations) : input_(input), operations_(operations) {}
    std::optional<Grid> run();

private:
    void choose_levels();
    /// The page of a level that begins at a column: what holds all of it, and what holds some of it.
    uint32_t page(size_t level, uint32_t begin, const Ids& full, const Ids& partial);
    std::vector<uint32_t> cells(size_t level, uint32_t begin, const Ids& full, const Ids& partial);
    uint32_t number(const Ids& full);

    const GridInput& input_;
    double& operations_;
    Grid grid_;
    std::vector<Known> pages_;   // by level: number by cells
    std::vector<Known> visited_; // by level: number by begin, full and partial
};

void GridBuilder::choose_levels() {
    const uint64_t columns = input_.columns;
    if (columns <= 64) {
        grid_.shifts = {0};
    } else if (input_.rows * (columns >> 6) <= many_cells) {
        grid_.shifts = {6, 0};
    } else if (input_.rows * (columns >> 8) <= many_cells) {
        grid_.shifts = {8, 4, 0};
    } else {
        grid_.shifts = {12, 8, 4, 0};
    }
    for (size_t level = 0; level < grid_.shifts.size(); ++level) {
        const auto first = static_cast<uint32_t>((columns - 1) >> grid_.shifts[0]) + 1;
        grid_.widths.push_back(level == 0 ? first : 1U << (grid_.shifts[level - 1] - grid_.shifts[level]));
        // A page of nothing is page 0 of each level but the first, whose pages are the rows.
        grid_.levels.emplace_back(level == 0 ? 0 : grid_.widths.back(), 0);
        pages_.emplace_back();
        visited_.emplace_back();
        if (level > 0) {
            pages_.back()[grid_.levels.back()] = 0;
        }
    }
}

uint32_t GridBuilder::number(const Ids& full) {
    const uint32_t number = full.empty() ? 0 : input_.number_of(full);
    grid_.most = std::max(grid_.most, number);
    return number;
}

std::vector<uint32_t> GridBuilder::cells(size_t level, uint32_t begin, const Ids& full, const Ids& partial) {
    const unsigned shift = grid_.shifts[level];
    const uint32_t width = grid_.widths[level];
    const bool last = level + 1 == grid_.shifts.size();
    operations_ -= static_cast<double>(width + full.size());
    const auto next = [&](uint32_t cell, const Ids& all, const Ids& some) {
        return last ? number(all) : page(level + 1, begin + (cell << shift), all, some);
    };
    std::vector<uint32_t> result(width);
    if (partial.empty()) {
        if (last) {
            std::fill(result.begin(), result.end(), number(full));
            return result;
        }
        for (uint32_t cell = 0; cell < width; ++cell) {
            result[cell] = next(cell, full, {});
        }
        return result;
    }
    std::vector<Ids> all(width), some(width);
    for (const uint32_t id : partial) {
        const Range columns = input_.rectangles[id].columns;
        const uint32_t lo = std::max(columns.lo, begin) - begin;
        const uint32_t hi = std::min(columns.hi - begin, (width << shift) - 1);
        operations_ -= static_cast<double>((hi >> shift) - (lo >> shift) + 1);
        for (uint32_t cell = lo >> shift; cell <= hi >> shift; ++cell) {
            const uint32_t from = begin + (cell << shift);
            const uint32_t to = std::min(from + (1U << shift), input_.columns) - 1;
            (columns.lo <= from && to <= columns.hi ? all : some)[cell].push_back(id);
        }
    }
    Ids merged;
    for (uint32_t cell = 0; cell < width; ++cell) {
        merged.clear();
        std::merge(full.begin(), full.end(), all[cell].begin(), all[cell].end(), std::back_inserter(merged));
        if (!all[cell].empty()) {
            operations_ -= static_cast<double>(merged.size());
            input_.reduce(merged);
        }
        result[cell] = next(cell, merged, some[cell]);
    }
    return result;
}

uint32_t GridBuilder::page(size_t level, uint32_t begin, const Ids& full, const Ids& partial) {
    if (full.empty() && partial.empty()) {
        return 0;
    }
    std::vector<uint32_t> key{partial.empty() ? 0 : begin, static_cast<uint32_t>(full.size())};
    key.insert(key.end(), full.begin(), full.end());
    key.insert(key.end(), partial.begin(), partial.end());
    const auto visited = visited_[level].find(key);
    if (visited != visited_[level].end()) {
        return visited->second;
    }
    std::vector<uint32_t> own =
        operations_ > 0 ? cells(level, begin, full, partial) : std::vector<uint32_t>(grid_.widths[level]);
    auto& level_cells = grid_.levels[level];
    const auto index = static_cast<uint32_t>(level_cells.size() / grid_.widths[level]);
    const auto [place, added] = pages_[level].try_emplace(own, index);
    if (added) {
        level_cells.insert(level_cells.end(), own.begin(), own.end());
    }
    visited_[level].emplace(std::move(key), place->second);
    return place->second;
}

std::optional<Grid> GridBuilder::run() {
    choose_levels();
    std::map<uint32_t, Ids> begin, end; // by row
    for (uint32_t i = 0; i < input_.rectangles.size(); ++i) {
        begin[input_.rectangles[i].rows.lo].push_back(i);
        end[input_.rectangles[i].rows.hi + 1].push_back(i);
    }
    Ids active;
    for (uint32_t row = 0; row < input_.rows && operations_ > 0; ++row) {
        if (const auto ended = end.find(row); ended != end.end()) {
            Ids left;
            std::set_difference(active.begin(), active.end(), ended->second.begin(), ended->second.end(),
                                std::back_inserter(left));
            active = std::move(left);
        }
        if (const auto begun = begin.find(row); begun != begin.end()) {
            Ids more;
            std::merge(active.begin(), active.end(), begun->second.begin(), begun->second.end(),
                       std::back_inserter(more));
            active = std::move(more);
        }
        Ids full, partial;
        for (const uint32_t id : active) {
            const Range columns = input_.rectangles[id].columns;
            (columns.lo == 0 && columns.hi + 1 == input_.columns ? full : partial).push_back(id);
        }
        operations_ -= static_cast<double>(2 * active.size());
        input_.reduce(full);
        const std::vector<uint32_t> own = cells(0, 0, full, partial);
        grid_.levels[0].insert(grid_.levels[0].end(), own.begin(), own.end());
    }
    return operations_ > 0 ? std::optional(std::move(grid_)) : std::nullopt;
}

} // namespace

std::optional<Grid> build_grid(const GridInput& input, double& operations) {
    return GridBuilder(input, operations).run();
}

uint32_t look_up(const Grid& grid, uint32_t row, uint32_t column) {
    uint32_t page = row;
    for (size_t level = 0; level < grid.levels.size(); ++level) {
        const uint32_t within = column >> grid.shifts[level];
        const uint32_t cell = level == 0 ? within : within & (grid.widths[level] - 1);
        page = grid.levels[level][size_t{page} * grid.widths[level] + cell];
    }
    return page;
}

unsigned cell_bytes_of(const Grid& grid, size_t level) {
    const size_t numbers = level + 1 < grid.levels.size()
                               ? grid.levels[level + 1].size() / grid.widths[level + 1]
                               : size_t{grid.most} + 1;
    return numbers <= 65536 ? 2 : 4;
}

size_t bytes_of(const Grid& grid) {
    size_t bytes = 0;
    for (size_t level = 0; level < grid.levels.size(); ++level) {
        bytes += grid.levels[level].size() * cell_bytes_of(grid, level);
    }
    return bytes;
}

} // namespace xdpc::classify
