// Many rules answered by one look-up in tables: the rules as boxes over numbers of 32 bits, and the tables
// that give the first box which holds a packet. Plain data and pure functions; codegen lays the tables out
// and emits the look-up.
#pragma once

#include "compiler/ir/ir.h"

#include <array>

namespace xdpc::classify {

/// A number that rules ask for: a piece of a key. Several keys may stand for one field (`tcp dport`,
/// `udp dport`) if those present in a packet always have the same value.
struct Field {
    std::vector<ir::KeyId> keys;
    u128 mask = 0;
    unsigned shift = 0; // the number is (key & mask) >> shift, of which `width` bits
    unsigned width = 0; // at most 32
    unsigned group = 0; // pieces of one key share it
};
struct Range {
    uint32_t lo = 0;
    uint32_t hi = 0;
    bool operator==(const Range&) const = default;
};

/// All numbers of a field.
inline Range whole(const Field& field) {
    return {0, static_cast<uint32_t>(max_of_width(field.width))};
}

/// Boxes in the order of their rules. A packet is a number for each field (any number where it is absent) and
/// a word that says which keys are present.
struct RuleSet {
    std::vector<Field> fields;
    std::vector<ir::KeyId> presence; // of bit i of the presence word
    /// By bit: those that are set, or not set, wherever it is. Empty if nothing is known.
    std::vector<uint32_t> with, without;
    std::vector<Range> ranges;   // fields.size() for each box
    std::vector<uint32_t> needs; // presence bits, by box
    std::vector<uint32_t> rules; // by box, ascending

    [[nodiscard]] size_t size() const { return rules.size(); }
    [[nodiscard]] const Range* box(size_t index) const { return ranges.data() + index * fields.size(); }
};
struct Header {
    std::vector<uint32_t> values; // by field
    uint32_t present = 0;
};
/// Whether a packet can have that presence word.
bool can_be(const RuleSet& set, uint32_t present);
/// With what comes with those bits.
uint32_t closed(const RuleSet& set, uint32_t present);
/// Without those that come with others.
uint32_t needed(const RuleSet& set, uint32_t present);
inline constexpr uint32_t no_rule = ~uint32_t{0};
/// Whether the packet is in the box of that index.
bool holds(const RuleSet& set, size_t box, const Header& header);
/// What all tables have to agree with: the first rule with a box that holds the packet.
uint32_t first_match(const RuleSet& set, const Header& header);
/// Packets in and around the boxes, and random ones.
std::vector<Header> sample_headers(const RuleSet& set, size_t count, uint64_t seed);

/// Recursive flow classification: each field's number becomes a class, pairs of classes become a class by a
/// table, until one is left, which is the rule.
struct Rfc {
    /// Classes of a field; of the presence word if `field` is fields.size().
    struct Leaf {
        size_t field = 0;
        std::vector<uint32_t> cells; // classes by number; of a trie, those of its last level
        /// A trie: how many bits of the number each level takes, from the highest; `below` are left that tell
        /// nothing. Without one, and where the field is small, there is one level and may be nothing here.
        std::vector<unsigned> bits;
        unsigned below = 0;
        /// What levels but the last say: where it goes on in the level below, at (it >> 4) + (the bits that
        /// this one takes >> (it & 15)).
        std::vector<std::vector<uint32_t>> upper;
        uint32_t classes = 0;
    };
    struct Join {
        size_t left = 0, right = 0; // leaves first, then joins
        uint32_t columns = 0;       // classes of `right`; the cell is left * columns + right
        std::vector<uint32_t> cells;
        uint32_t classes = 0; // the last one: rules + 1, 0 being none
    };
    std::vector<Leaf> leaves;
    std::vector<Join> joins; // at least one
};
uint32_t look_up(const Rfc& rfc, const Header& header);
/// How wide a leaf's cells are laid out.
unsigned cell_bytes_of(const Rfc::Leaf& leaf);

/// Trees whose nodes choose a child by some adjacent bits of one field, in partitions of the rules; leaves
/// are rows of boxes that are compared one by one.
struct Forest {
    /// A node: index of its first child (bits 0-31), shift to the left (32-36) and to the right (40-44) of
    /// the field (48-51). A leaf has bit 63, its first row (0-31) and the number of rows (32-39).
    std::vector<uint64_t> nodes;
    std::vector<uint32_t> rows;           // boxes
    std::vector<uint64_t> roots;          // of the parts, by their first rules
    std::optional<Rfc> wide;              // what rules say that fix few bits, none of which are in the parts
    unsigned depth = 0;                   // nodes on the longest way to a leaf
    unsigned leaf = 0;                    // rows of the largest
    double mean_depth = 0, mean_rows = 0; // of sampled packets, over all parts
};
inline constexpr uint64_t leaf_bit = uint64_t{1} << 63;
uint32_t look_up(const Forest& forest, const RuleSet& set, const Header& header);

/// A number for each pair of a row and a column: pages of pages of columns, equal pages only once.
struct Grid {
    std::vector<unsigned> shifts; // of the column's number, by level; the last is 0
    /// By level: pages of cells; a cell is a page of the next level, the last one's what was asked for. A
    /// row's page of the first level is the row's number.
    std::vector<std::vector<uint32_t>> levels;
    std::vector<uint32_t> widths; // cells of a page, by level
    uint32_t most = 0;            // the largest number of the last level
};
/// How wide a level's cells are laid out.
unsigned cell_bytes_of(const Grid& grid, size_t level);
uint32_t look_up(const Grid& grid, uint32_t row, uint32_t column);

/// Cross-producting: the two keys that tell rules apart best become classes; a pair of classes leads to a
/// short list of boxes that are compared by the rest. Rules that leave one of the keys open would be in very
/// many lists: they have lists of their own, by the other key.
struct Pairs {
    /// The classes of a key, from its highest piece of 32 bits to its lowest.
    struct Axis {
        std::vector<Rfc::Leaf> pieces; // none: all is one class
        std::vector<Grid> joins;       // class so far, class of the next piece
        uint32_t classes = 1;
    };
    /// Presence and small fields together: one number from several classes.
    struct Kinds {
        std::vector<Rfc::Leaf> leaves;
        std::vector<uint32_t> cells; // by the classes, the last leaf's changing quickest
    };
    struct Part {
        std::vector<uint32_t> rows, columns; // by class of the axes
        uint32_t row_count = 0, column_count = 0;
        Grid lists;         // index of a list's first line
        unsigned blind = 1; // lines every list has at least, which are compared without asking
        unsigned longest = 1;
        double more = 0,
               mean_more = 0; // of sampled packets: how many have a longer list, lines beyond `blind`
    };
    struct Line {
        uint32_t box = no_rule; // no_rule: holds nothing
        bool last = false;
        uint64_t kinds = 0; // by bit
    };
    std::array<std::vector<size_t>, 2> keys; // fields of the axes, from the highest piece
    std::vector<size_t> compared;            // fields that lines compare
    std::array<Axis, 2> axes;
    Kinds kinds;
    std::vector<Part> parts;
    std::vector<Line> lines;
    std::optional<Rfc> wide; // rules that leave both open, none of which are in the parts
};
inline constexpr size_t most_kinds = 63;
/// What the classes of an axis lead to: for each part, the first cell of its row, or its column; bits of
/// each.
std::vector<unsigned> place_widths(const Pairs& pairs, size_t axis);
inline constexpr unsigned most_place_bits = 64; // of all parts
/// How wide they are laid out together; 0 where there is only one place.
unsigned place_bytes(const Pairs& pairs, size_t axis);
/// Whether they stand in the cells of the axis' only piece, in place of classes.
bool places_in_cells(const Pairs& pairs, size_t axis);
/// By class, those of the parts one above the other.
std::vector<uint64_t> places_of(const Pairs& pairs, size_t axis);
/// Where in words of 64 bits compared fields lie, each with a bit above it that stays clear; how many words.
struct Lane {
    unsigned word = 0;
    unsigned shift = 0;
};
std::vector<Lane> lanes_of(const Pairs& pairs, const RuleSet& set); // by Pairs::compared
size_t lane_words(const Pairs& pairs, const RuleSet& set);
/// Of a line as it is laid out: a range of each word of lanes, kinds, the entry.
size_t line_bytes(const Pairs& pairs, const RuleSet& set);
uint32_t look_up(const Pairs& pairs, const RuleSet& set, const Header& header);

struct Budget {
    Optimize aim = Optimize::Build;
    size_t bytes = size_t{64} << 20;     // of tables
    size_t rfc_bytes = size_t{16} << 20; // beyond, cache misses cost more than a tree's steps
    size_t rfc_boxes = 6000;             // more than that have too many classes
    size_t wide_bytes = size_t{6} << 20; // of classes beside trees
    double rfc_operations = 4e8;         // on words of 64 bits, about what the building takes
    double tree_operations = 1e5;        // for each box: windows tried and boxes placed
    double most_tree_operations = 4e9;
};
/// Nothing if it would exceed the budget.
std::optional<Rfc> build_rfc(const RuleSet& set, const Budget& budget);
std::optional<Forest> build_forest(const RuleSet& set, const Budget& budget);
std::optional<Pairs> build_pairs(const RuleSet& set, const Budget& budget);
size_t bytes_of(const Rfc& rfc);
size_t bytes_of(const Pairs& pairs, const RuleSet& set);
size_t bytes_of(const Forest& forest, const RuleSet& set);
/// Estimated, of a look-up.
double ns_of(const Rfc& rfc);
double ns_of(const Forest& forest, const RuleSet& set);
double ns_of(const Pairs& pairs, const RuleSet& set);
/// Bytes of a forest's row: a range for each field, what must be present, the rule.
size_t row_bytes(const RuleSet& set);

using Tables = std::variant<Pairs, Rfc, Forest>;
/// A set of rules with its tables.
struct Classifier {
    RuleSet set;
    Tables tables;
    size_t bytes = 0;
    double ns = 0;                    // estimated, of a look-up
    std::vector<std::string> refused; // the other candidates, and why not
};
std::optional<Classifier> build(RuleSet set, const Budget& budget);
const char* name_of(const Tables& tables);

} // namespace xdpc::classify
