// Many rules answered by one look-up in tables: the rules as boxes over numbers of 32 bits, and the tables
// that give the first box which holds a packet. Plain data and pure functions; codegen lays the tables out
// and emits the look-up.
#pragma once

#include "compiler/ir/ir.h"

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
        std::vector<uint32_t> cells;  // by number; a trie's top: by the upper 16 bits of 32
        std::vector<uint32_t> blocks; // of a trie: 256 cells each
        bool trie = false;            // a cell with the highest bit set is the index of a block
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

struct Budget {
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
size_t bytes_of(const Rfc& rfc);
size_t bytes_of(const Forest& forest, const RuleSet& set);
/// Estimated, of a look-up.
double ns_of(const Rfc& rfc);
double ns_of(const Forest& forest, const RuleSet& set);
/// Bytes of a forest's row: a range for each field, what must be present, the rule.
size_t row_bytes(const RuleSet& set);

/// A set of rules with its tables.
struct Classifier {
    RuleSet set;
    std::variant<Rfc, Forest> tables;
    size_t bytes = 0;
    double ns = 0;                    // estimated, of a look-up
    std::vector<std::string> refused; // the other candidates, and why not
};
std::optional<Classifier> build(RuleSet set, const Budget& budget);
const char* name_of(const Classifier& classifier);

} // namespace xdpc::classify
