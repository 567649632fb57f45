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
    /// Where the class changes along the numbers of a field: first number and class, ascending.
    using Steps = std::vector<std::pair<uint32_t, uint32_t>>;
    Steps steps_of(size_t field, Classes& classes);
    bool add_field(size_t field);
    void add_presence();
    bool fill_trie(Rfc::Leaf& leaf, const Steps& steps);
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

Builder::Steps Builder::steps_of(size_t field, Classes& classes) {
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
            steps.emplace_back(static_cast<uint32_t>(number), classes.id_of(rest));
        }
    }
    return steps;
}

/// Upper 16 bits, then 8 and 8 where a class changes within.
bool Builder::fill_trie(Rfc::Leaf& leaf, const Steps& steps) {
    const auto new_block = [&](uint32_t cell) {
        const auto index = static_cast<uint32_t>(leaf.blocks.size() / 256);
        leaf.blocks.insert(leaf.blocks.end(), 256, cell);
        return index;
    };
    leaf.cells.assign(65536, 0);
    for (size_t i = 0; i < steps.size(); ++i) {
        // From here on to the end: what follows overwrites.
        const auto [number, id] = steps[i];
        const uint64_t end = i + 1 < steps.size() ? steps[i + 1].first : uint64_t{1} << 32;
        for (uint64_t at = number; at < end;) {
            uint32_t& top = leaf.cells[at >> 16];
            if ((at & 0xffff) == 0 && at + 0x10000 <= end) {
                top = id;
                at += 0x10000;
                continue;
            }
            if (!(top & block_bit)) {
                top = block_bit | new_block(top);
            }
            const size_t middle = size_t{top & ~block_bit} * 256 + (at >> 8 & 255);
            if ((at & 0xff) == 0 && at + 0x100 <= end) {
                leaf.blocks[middle] = id;
                at += 0x100;
                continue;
            }
            if (!(leaf.blocks[middle] & block_bit)) {
                const uint32_t block = new_block(leaf.blocks[middle]);
                leaf.blocks[middle] = block_bit | block;
            }
            const size_t low = size_t{leaf.blocks[middle] & ~block_bit} * 256;
            for (; at < end; ++at) {
                leaf.blocks[low + (at & 255)] = id;
                if ((at & 255) == 255) {
                    ++at;
                    break;
                }
            }
        }
        if (bytes_ + 4 * (leaf.cells.size() + leaf.blocks.size()) > budget_.rfc_bytes) {
            return false;
        }
    }
    return true;
}

bool Builder::add_field(size_t field) {
    Classes& classes = classes_.emplace_back(words_);
    const Steps steps = steps_of(field, classes);
    Rfc::Leaf leaf;
    leaf.field = field;
    leaf.trie = set_.fields[field].width > 16;
    leaf.classes = classes.count();
    if (leaf.trie) {
        if (!fill_trie(leaf, steps)) {
            return false;
        }
        bytes_ += 4 * (leaf.cells.size() + leaf.blocks.size());
    } else {
        leaf.cells.resize(size_t{1} << set_.fields[field].width);
        for (size_t i = 0; i < steps.size(); ++i) {
            const size_t end = i + 1 < steps.size() ? steps[i + 1].first : leaf.cells.size();
            std::fill(leaf.cells.begin() + steps[i].first, leaf.cells.begin() + static_cast<ptrdiff_t>(end),
                      steps[i].second);
        }
        bytes_ += (leaf.classes <= 65536 ? 2 : 4) * leaf.cells.size();
    }
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

uint32_t class_of(const Rfc::Leaf& leaf, const Header& header) {
    const uint32_t number = leaf.field < header.values.size() ? header.values[leaf.field] : header.present;
    if (!leaf.trie) {
        return leaf.cells[number];
    }
    uint32_t cell = leaf.cells[number >> 16];
    if (cell & block_bit) {
        cell = leaf.blocks[size_t{cell & ~block_bit} * 256 + (number >> 8 & 255)];
    }
    if (cell & block_bit) {
        cell = leaf.blocks[size_t{cell & ~block_bit} * 256 + (number & 255)];
    }
    return cell;
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
        results.push_back(class_of(leaf, header));
    }
    for (const Rfc::Join& join : rfc.joins) {
        results.push_back(join.cells[size_t{results[join.left]} * join.columns + results[join.right]]);
    }
    return results.back() - 1; // 0 becomes no_rule
}

size_t bytes_of(const Rfc& rfc) {
    size_t bytes = 0;
    for (const Rfc::Leaf& leaf : rfc.leaves) {
        const size_t cell = leaf.trie || leaf.classes > 65536 ? 4 : 2;
        bytes += cell * leaf.cells.size() + 4 * leaf.blocks.size();
    }
    for (const Rfc::Join& join : rfc.joins) {
        bytes += (join.classes > 65536 ? 4 : 2) * join.cells.size();
    }
    return bytes;
}

} // namespace xdpc::classify
