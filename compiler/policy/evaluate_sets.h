// Live sets as the reference evaluator has them: the elements of the policy's files, and what rules add and
// remove (runtime/STATE.md). It shares nothing with what programs search.
#pragma once

#include "compiler/policy/bounded_table.h"
#include "compiler/policy/policy.h"

#include <memory>

namespace xdpc {

struct Count {
    uint64_t packets = 0;
    uint64_t bytes = 0;
    bool operator==(const Count&) const = default;
};

/// Finds the elements of a set that hold a tuple; of a set without rules that change it. Refers to nothing.
class SetIndex {
public:
    explicit SetIndex(const LiveSet& set);
    /// The element that answers for the tuple, of those that `lives` says are there.
    template<class Lives>
    std::optional<uint32_t> find(const LiveSet& set, const Tuple& tuple, Lives lives) const;

private:
    void visit(const LiveSet& set, const Tuple& tuple, size_t begin, size_t end,
               std::vector<uint32_t>& found) const;
    uint32_t fill(const LiveSet& set, size_t begin, size_t end);
    [[nodiscard]] std::vector<uint32_t> holding(const LiveSet& set, const Tuple& tuple) const;

    size_t part_ = 0;             // the one by which they are sorted
    std::vector<uint32_t> order_; // by the low end of that part: a balanced tree, the middle its root
    std::vector<uint32_t> reach_; // of each tree, by its root's place: the element whose high end is highest
};

/// An element that was found.
struct FoundElement {
    uint64_t expires_ns = 0; // on the test's clock, 0: never
    uint32_t value = 0;      // of a map
    Count count;
    bool operator==(const FoundElement&) const = default;
};

/// One live set as it changes. Times are of the clock that `now_ns` is.
class SetState {
public:
    SetState(const LiveSet& set, uint64_t now_ns);
    /// The unexpired element that answers for the tuple; `count` adds a packet of so many bytes to it.
    std::optional<FoundElement> find(const LiveSet& set, const Tuple& tuple, uint64_t now_ns) const;
    void count(const LiveSet& set, const Tuple& tuple, uint64_t now_ns, uint64_t bytes);
    /// The unexpired element that has exactly this box.
    [[nodiscard]] std::optional<FoundElement> element(const LiveSet& set, const Box& box,
                                                      uint64_t now_ns) const;
    /// All that have not expired, in an order of its own.
    [[nodiscard]] std::vector<std::pair<Box, FoundElement>> elements(const LiveSet& set,
                                                                     uint64_t now_ns) const;
    /// `xdpc set replace`: the set is what its file has by now. Elements that stay keep their counters where
    /// rules write the set; their times begin anew.
    void replace(const LiveSet& set, uint64_t now_ns);
    /// False where the set is full; always true for `delete`.
    bool update(const LiveSet& set, UpdateSetStatement::Op op, const Tuple& tuple,
                const std::optional<uint64_t>& timeout_ns, uint64_t now_ns);

private:
    struct Dynamic {
        uint64_t expires_ns = 0;
        uint32_t value = 0;
        Count count;
    };
    [[nodiscard]] std::optional<uint32_t> number(const LiveSet& set, const Tuple& tuple,
                                                 uint64_t now_ns) const;
    [[nodiscard]] FoundElement shown(const LiveSet& set, uint32_t number) const;
    Dynamic* put(const Tuple& tuple, uint64_t now_ns, uint64_t expires_ns);

    std::shared_ptr<const SetIndex> index_; // of a set that rules do not change
    std::vector<uint64_t> expires_;         // of its elements, where they may expire
    std::vector<Count> counts_;             // where they count
    std::optional<BoundedTable<Dynamic>> table_;
};

} // namespace xdpc
