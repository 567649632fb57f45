// What a look-up by pairs reads, and how it is laid out.
#include "compiler/plan/classify/pairs_builder.h"

#include <algorithm>
#include <bit>

namespace xdpc::classify {

namespace {

uint32_t kind_of(const Pairs& pairs, const RuleSet& set, const Header& header) {
    uint32_t cell = 0;
    for (const Rfc::Leaf& leaf : pairs.kinds.leaves) {
        const bool presence = leaf.field == set.fields.size();
        cell = cell * leaf.classes + class_of(leaf, presence ? header.present : header.values[leaf.field]);
    }
    return pairs.kinds.cells[cell];
}

} // namespace

unsigned bits_of(const Pairs& pairs, size_t axis) {
    unsigned bits = 0;
    for (const unsigned width : place_widths(pairs, axis)) {
        bits += width;
    }
    return bits;
}

unsigned place_bytes(const Pairs& pairs, size_t axis) {
    const unsigned bits = bits_of(pairs, axis);
    return bits == 0 ? 0 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8;
}

std::vector<unsigned> place_widths(const Pairs& pairs, size_t axis) {
    std::vector<unsigned> widths;
    for (const Pairs::Part& part : pairs.parts) {
        const uint64_t most =
            axis == 0 ? uint64_t{part.row_count - 1} * part.lists.widths[0] : uint64_t{part.column_count} - 1;
        widths.push_back(static_cast<unsigned>(std::bit_width(most)));
    }
    return widths;
}

bool places_in_cells(const Pairs& pairs, size_t axis) {
    constexpr size_t many = size_t{1} << 19; // cells: beyond, memory is worth more than a load
    const Pairs::Axis& own = pairs.axes[axis];
    return own.pieces.size() == 1 && own.pieces[0].cells.size() <= many;
}

std::vector<uint64_t> places_of(const Pairs& pairs, size_t axis) {
    std::vector<uint64_t> places(pairs.axes[axis].classes);
    const std::vector<unsigned> widths = place_widths(pairs, axis);
    unsigned filled = 0;
    for (size_t p = 0; p < pairs.parts.size(); ++p) {
        const Pairs::Part& part = pairs.parts[p];
        const uint64_t scale = axis == 0 ? part.lists.widths[0] : 1;
        for (size_t i = 0; i < places.size() && widths[p] > 0; ++i) {
            places[i] |= (axis == 0 ? part.rows : part.columns)[i] * scale << filled;
        }
        filled += widths[p];
    }
    return places;
}

uint32_t look_up(const Pairs& pairs, const RuleSet& set, const Header& header) {
    uint32_t best = no_rule;
    if (pairs.wide) {
        best = look_up(*pairs.wide, header);
    }
    const uint32_t kind = kind_of(pairs, set, header);
    const uint32_t first = class_of(pairs.axes[0], pairs.keys[0], header);
    const uint32_t second = class_of(pairs.axes[1], pairs.keys[1], header);
    for (const Pairs::Part& part : pairs.parts) {
        uint32_t line = look_up(part.lists, part.rows[first], part.columns[second]);
        for (bool more = true; more; ++line) {
            const Pairs::Line& own = pairs.lines[line];
            more = !own.last;
            if (own.box != no_rule && Lines::holds(set, pairs, own, header, kind)) {
                best = std::min(best, set.rules[own.box]);
                break;
            }
        }
    }
    return best;
}

size_t line_bytes(const Pairs& pairs, const RuleSet& set) {
    return 16 + 16 * lane_words(pairs, set);
}

size_t bytes_of(const Pairs& pairs, const RuleSet& set) {
    size_t bytes = line_bytes(pairs, set) * pairs.lines.size() + 8 * pairs.kinds.cells.size();
    for (size_t i = 0; i < 2; ++i) {
        const Pairs::Axis& axis = pairs.axes[i];
        for (const Rfc::Leaf& leaf : axis.pieces) {
            bytes += bytes_of(leaf);
        }
        for (const Grid& grid : axis.joins) {
            bytes += bytes_of(grid);
        }
        const bool in_cells = places_in_cells(pairs, i);
        bytes += place_bytes(pairs, i) * (in_cells ? axis.pieces[0].cells.size() : axis.classes);
        bytes -= in_cells ? cell_bytes_of(axis.pieces[0]) * axis.pieces[0].cells.size() : 0;
    }
    for (const Rfc::Leaf& leaf : pairs.kinds.leaves) {
        bytes += bytes_of(leaf);
    }
    for (const Pairs::Part& part : pairs.parts) {
        bytes += bytes_of(part.lists);
    }
    return bytes + (pairs.wide ? bytes_of(*pairs.wide) + 8 * (set.rules.back() + size_t{2}) : 0);
}

} // namespace xdpc::classify
