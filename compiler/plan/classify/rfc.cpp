// Recursive flow classification (Gupta and McKeown, 1999). A class stands for all numbers that lie in the
// same boxes, so a set of boxes, kept as bits. Quick while classes stay few.
#include "compiler/plan/classify/rfc_builder.h"

#include <algorithm>
#include <deque>
#include <map>

namespace xdpc::classify {

namespace {

class Builder {
public:
    Builder(const RuleSet& set, const Budget& budget)
        : set_(set), budget_(budget), words_((set.size() + 63) / 64), cover_(set) {}
    std::optional<Rfc> run();

private:
    /// Of the sets of boxes along the numbers of a field.
    Steps steps_of(size_t field, Classes& classes);
    bool add_field(size_t field);
    void add_presence();
    void add_leaf(Rfc::Leaf leaf, const Classes& classes);
    /// As few bytes as one of the orders comes to.
    std::optional<Rfc> join();

    const RuleSet& set_;
    const Budget& budget_;
    const size_t words_;
    Cover cover_;
    size_t bytes_ = 0;
    Rfc rfc_;
    std::deque<Classes> classes_; // by leaf
    std::vector<Result> results_;
};

Steps Builder::steps_of(size_t field, Classes& classes) {
    std::map<uint64_t, std::vector<uint32_t>> changes; // boxes that begin or end there
    changes[0];
    for (uint32_t i = 0; i < set_.size(); ++i) {
        const Range range = set_.box(i)[field];
        changes[range.lo].push_back(i);
        changes[uint64_t{range.hi} + 1].push_back(i);
    }
    Steps steps;
    Bits bits(words_);
    for (const auto& [number, boxes] : changes) {
        for (const uint32_t box : boxes) {
            bits[box / 64] ^= uint64_t{1} << box % 64;
        }
        if (number <= max_of_width(set_.fields[field].width)) {
            Bits rest = bits;
            cover_.reduce(rest, 1U << field);
            steps.steps.emplace_back(static_cast<uint32_t>(number), classes.id_of(rest));
        }
    }
    steps.classes = classes.count();
    return steps;
}

bool Builder::add_field(size_t field) {
    Classes& classes = classes_.emplace_back(words_);
    Rfc::Leaf leaf = leaf_of(steps_of(field, classes), field, set_.fields[field].width);
    bytes_ += bytes_of(leaf);
    add_leaf(std::move(leaf), classes);
    return bytes_ <= budget_.rfc_bytes;
}

void Builder::add_leaf(Rfc::Leaf leaf, const Classes& classes) {
    results_.push_back({rfc_.leaves.size(), 1U << leaf.field, &classes});
    rfc_.leaves.push_back(std::move(leaf));
}

void Builder::add_presence() {
    std::map<uint32_t, Bits> by_need;
    for (uint32_t i = 0; i < set_.size(); ++i) {
        Bits& bits = by_need.try_emplace(set_.needs[i], Bits(words_)).first->second;
        bits[i / 64] |= uint64_t{1} << i % 64;
    }
    if (by_need.size() == 1 && by_need.begin()->first == 0) {
        return;
    }
    Classes& classes = classes_.emplace_back(words_);
    Rfc::Leaf leaf;
    leaf.field = set_.fields.size();
    for (uint32_t word = 0; word < 1U << set_.presence.size(); ++word) {
        Bits bits(words_);
        for (const auto& [need, boxes] : by_need) {
            const bool there = can_be(set_, word) && !(need & ~word);
            for (size_t i = 0; i < words_ && there; ++i) {
                bits[i] |= boxes[i];
            }
        }
        cover_.reduce(bits, 1U << leaf.field);
        leaf.cells.push_back(classes.id_of(bits));
    }
    leaf.classes = classes.count();
    bytes_ += 2 * leaf.cells.size();
    add_leaf(std::move(leaf), classes);
}

std::optional<Rfc> Builder::join() {
    std::optional<Rfc> best;
    double operations = budget_.rfc_operations;
    for (const JoinOrder order : {JoinOrder::AddressesApart, JoinOrder::SmallestFirst}) {
        Rfc rfc = rfc_;
        const size_t most = best ? bytes_of(*best) : budget_.rfc_bytes;
        if (add_joins(rfc, set_, results_, cover_, order, most, operations)) {
            best = std::move(rfc);
        }
    }
    return best;
}

std::optional<Rfc> Builder::run() {
    add_presence();
    for (size_t field = 0; field < set_.fields.size(); ++field) {
        if (!add_field(field)) {
            return {};
        }
    }
    if (results_.size() == 1) { // a second result of one class, so that the last join is always there
        Classes& all = classes_.emplace_back(words_);
        all.id_of(Bits(words_, ~uint64_t{0}));
        Rfc::Leaf leaf;
        leaf.field = set_.fields.size();
        leaf.cells.assign(size_t{1} << set_.presence.size(), 0);
        leaf.classes = 1;
        add_leaf(std::move(leaf), all);
    }
    return join();
}

} // namespace

std::optional<Rfc> build_rfc(const RuleSet& set, const Budget& budget) {
    if (set.size() == 0 || set.size() > budget.rfc_boxes || set.presence.size() > 16) {
        return {};
    }
    Budget own = budget;
    own.rfc_bytes = std::min(budget.rfc_bytes, budget.bytes);
    return Builder(set, own).run();
}

uint32_t look_up(const Rfc& rfc, const Header& header) {
    std::vector<uint32_t> results;
    for (const Rfc::Leaf& leaf : rfc.leaves) {
        const bool presence = leaf.field >= header.values.size();
        results.push_back(class_of(leaf, presence ? header.present : header.values[leaf.field]));
    }
    for (const Rfc::Join& join : rfc.joins) {
        results.push_back(join.cells[size_t{results[join.left]} * join.columns + results[join.right]]);
    }
    return results.back() - 1; // 0 becomes no_rule
}

size_t bytes_of(const Rfc& rfc) {
    size_t bytes = 0;
    for (const Rfc::Leaf& leaf : rfc.leaves) {
        bytes += bytes_of(leaf);
    }
    for (const Rfc::Join& join : rfc.joins) {
        bytes += (join.classes > 65536 ? 4 : 2) * join.cells.size();
    }
    return bytes;
}

} // namespace xdpc::classify
