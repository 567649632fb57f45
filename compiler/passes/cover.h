// Which earlier rule of a chain decides all that a later one matches, found in less than the square of the
// number of rules. Private to compiler/passes.
#pragma once

#include "compiler/ir/normal.h"

#include <map>
#include <unordered_map>

namespace xdpc::passes {

/// Rules that decide, by what they ask; each has a number, its place in the chain. What several of them cover
/// only together is not found, nor what takes more steps than are allowed.
class CoverIndex {
public:
    explicit CoverIndex(const ir::Program& program) : program_(program) {}
    void add(uint32_t rule, const ir::Conjunction& all);
    /// Behind the last `add`.
    void finish();
    /// The first rule before `rule` that holds wherever the conjunction does.
    std::optional<uint32_t> find(uint32_t rule, const ir::Conjunction& all);

private:
    static constexpr size_t max_columns = 64;
    static constexpr size_t max_steps = 2'000'000; // each may miss all caches
    static constexpr uint32_t none = ~uint32_t{0};

    struct Added {
        uint32_t rule = 0;
        std::vector<std::pair<uint32_t, uint32_t>> facts; // column, value in it
    };
    /// A key with a mask, and the sets of values that rules ask of it.
    struct Column {
        ir::KeyId key;
        u128 mask = 0;
        std::vector<IntervalSet> values;
        std::unordered_multimap<size_t, uint32_t> by_hash;
        // Those that hold an interval: by their least value, with a tree of the greatest ones.
        std::vector<uint32_t> sorted;
        std::vector<u128> greatest;
        size_t leaves = 0;
        std::unordered_multimap<size_t, std::pair<IntervalSet, std::vector<uint32_t>>> known;
    };
    /// Of a trie: its edges are columns with values, in the order of columns.
    struct Node {
        uint32_t first = none; // of the rules at it and below
        uint32_t own = none;
        uint64_t columns = 0; // of its edges
    };
    enum class Relation : uint8_t { Same, SameValue, Protocol, Present, Masked };
    struct Implied {
        uint32_t column = 0;
        Relation relation = Relation::Same;
    };

    uint32_t column_of(const ir::Asked& asked);
    static uint32_t value_of(Column& column, const IntervalSet& values);
    static void sort_values(Column& column);
    void collect(const Column& column, size_t node, size_t bound, u128 hi, std::vector<uint32_t>& to);
    const std::vector<uint32_t>& holders(uint32_t column, const IntervalSet& values);
    void insert(const Added& added);
    /// What follows from a fact for each column.
    const std::vector<Implied>& implied_by(const ir::Asked& asked);
    [[nodiscard]] std::optional<IntervalSet> values_of(const ir::Asked& asked, const Implied& implied) const;
    void search(uint32_t node, size_t from, uint64_t asked, uint32_t& best);

    const ir::Program& program_;
    std::vector<Added> added_;
    std::vector<Column> columns_; // in the order of the trie, once finished
    std::map<std::pair<uint32_t, u128>, uint32_t> column_ids_;
    std::map<std::pair<uint32_t, u128>, std::vector<Implied>> implied_;
    std::vector<Node> nodes_{1};
    std::unordered_map<uint64_t, uint32_t> edges_;
    std::vector<uint64_t> first_edge_;         // of a column: its values have the numbers from there
    std::vector<std::vector<uint32_t>> asked_; // of the search, by column
    size_t steps_ = 0;
};

} // namespace xdpc::passes
