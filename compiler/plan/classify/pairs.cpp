// Cross-producting (Srinivasan et al., 1998) of two keys only, with lists for the rest. The table of pairs is
// a grid that has equal pages once; rules that leave a key open would be in the lists of all its classes, so
// they are parted from the others.
#include "compiler/plan/classify/boxes.h"
#include "compiler/plan/classify/pairs_builder.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace xdpc::classify {

namespace {

constexpr unsigned longest_list = 48; // the program's lines are compared in a loop, which must end
constexpr unsigned most_blind = 3;
constexpr double most_operations = 4e8;
constexpr double most_undivided = 2e6; // where rules that leave a key open are in too many lists

class PairsBuilder {
public:
    PairsBuilder(const RuleSet& set, const Budget& budget, unsigned threshold)
        : set_(set), budget_(budget), threshold_(threshold), lines_(set, pairs_),
          operations_(threshold == 0 ? most_undivided : most_operations) {}
    std::optional<Pairs> run();

private:
    void choose_keys();
    [[nodiscard]] bool open(uint32_t box, size_t axis) const;
    [[nodiscard]] bool asks_for_key(uint32_t box) const;
    void divide();
    bool add_part(const std::vector<uint32_t>& boxes);
    bool add_wide();
    uint32_t list_of(std::vector<uint32_t> boxes);
    void choose_blind();
    [[nodiscard]] bool straddles(const Pairs::Part& part) const;
    void lay_out();

    const RuleSet& set_;
    const Budget& budget_;
    const unsigned threshold_; // bits a box must fix of a key not to leave it open; 0: nothing is parted
    Pairs pairs_;
    Lines lines_;
    double operations_;
    std::array<AxisClasses, 2> axes_;
    std::vector<uint32_t> place_;                // of a box among those that the axes' classes are of
    std::vector<std::vector<uint32_t>> divided_; // boxes, by part
    std::vector<uint32_t> wide_;
    std::unordered_map<std::vector<uint32_t>, uint32_t, WordsHash> known_; // number of a part's list by boxes
    std::vector<std::vector<std::vector<uint32_t>>> lists_;                // boxes, by part and number
};

/// The two keys of which boxes ask for the most different ranges.
void PairsBuilder::choose_keys() {
    std::map<unsigned, std::vector<size_t>> groups; // fields, from the highest piece
    for (size_t field = set_.fields.size(); field-- > 0;) {
        groups[set_.fields[field].group].push_back(field);
    }
    std::vector<std::pair<size_t, std::vector<size_t>>> by_ranges;
    for (auto& [group, fields] : groups) {
        std::sort(fields.begin(), fields.end(),
                  [&](size_t a, size_t b) { return set_.fields[a].shift > set_.fields[b].shift; });
        std::set<std::vector<uint32_t>> ranges;
        for (size_t box = 0; box < set_.size(); ++box) {
            std::vector<uint32_t> own;
            for (const size_t field : fields) {
                own.insert(own.end(), {set_.box(box)[field].lo, set_.box(box)[field].hi});
            }
            ranges.insert(std::move(own));
        }
        by_ranges.emplace_back(ranges.size(), fields);
    }
    std::stable_sort(by_ranges.begin(), by_ranges.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    constexpr size_t few = 8; // ranges: lines compare them at less cost
    for (size_t axis = 0; axis < 2 && axis < by_ranges.size(); ++axis) {
        if (axis == 0 || by_ranges[axis].first > few) {
            pairs_.keys[axis] = by_ranges[axis].second;
        }
    }
}

/// A key that the set does not have is never left open.
bool PairsBuilder::open(uint32_t box, size_t axis) const {
    const std::vector<size_t>& key = pairs_.keys[axis];
    return !key.empty() && leaves_open(set_, box, set_.fields[key.front()].group, threshold_);
}

bool PairsBuilder::asks_for_key(uint32_t box) const {
    for (const auto& key : pairs_.keys) {
        for (const size_t field : key) {
            if (set_.box(box)[field] != whole(set_.fields[field])) {
                return true;
            }
        }
    }
    return false;
}

void PairsBuilder::divide() {
    divided_.assign(3, {});
    for (uint32_t box = 0; box < set_.size(); ++box) {
        const unsigned part = (open(box, 0) ? 1U : 0U) + (open(box, 1) ? 2U : 0U);
        (part == 3 ? wide_ : divided_[part]).push_back(box);
    }
    if (std::any_of(wide_.begin(), wide_.end(), [&](uint32_t box) { return asks_for_key(box); })) {
        return;
    }
    // A few are compared as quickly as they are looked up.
    constexpr size_t few = 3;
    std::vector<uint32_t> reduced = wide_;
    operations_ -= static_cast<double>(wide_.size()) * 50;
    lines_.reduce(reduced);
    if (reduced.size() <= few) {
        divided_.push_back(std::move(reduced));
        wide_.clear();
    }
}

uint32_t PairsBuilder::list_of(std::vector<uint32_t> boxes) {
    auto& lists = lists_.back();
    const auto [place, added] = known_.try_emplace(std::move(boxes), static_cast<uint32_t>(lists.size()));
    if (added) {
        lists.push_back(place->first);
        operations_ -= static_cast<double>(place->first.size()) * 4;
    }
    return place->second;
}

bool PairsBuilder::add_part(const std::vector<uint32_t>& boxes) {
    Pairs::Part part;
    GridInput input;
    std::array<Steps, 2> own; // classes of the part, over those of the axis
    for (size_t axis = 0; axis < 2; ++axis) {
        std::vector<Range> intervals;
        for (const uint32_t box : boxes) {
            intervals.push_back(axes_[axis].of[place_[box]]);
        }
        const uint32_t most = axes_[axis].axis.classes - 1;
        own[axis] = steps_of(intervals, most);
        (axis == 0 ? part.rows : part.columns) = by_number(own[axis], most);
    }
    input.rows = part.row_count = own[0].classes;
    input.columns = part.column_count = own[1].classes;
    for (size_t i = 0; i < boxes.size(); ++i) {
        input.rectangles.push_back({own[0].of[i], own[1].of[i]});
    }
    const auto boxes_of = [&](std::vector<uint32_t> indices) {
        for (uint32_t& index : indices) {
            index = boxes[index];
        }
        return indices;
    };
    input.reduce = [&](std::vector<uint32_t>& indices) {
        std::vector<uint32_t> own_boxes = boxes_of(indices);
        operations_ -= static_cast<double>(indices.size());
        lines_.reduce(own_boxes);
        size_t kept = 0;
        for (const uint32_t index : indices) {
            if (kept < own_boxes.size() && boxes[index] == own_boxes[kept]) {
                indices[kept++] = index;
            }
        }
        indices.resize(kept);
    };
    input.number_of = [&](const std::vector<uint32_t>& indices) { return list_of(boxes_of(indices)); };
    known_.clear();
    lists_.emplace_back(1); // list 0: none
    std::optional<Grid> grid = build_grid(input, operations_);
    if (!grid) {
        return false;
    }
    for (const auto& list : lists_.back()) {
        part.longest = std::max(part.longest, static_cast<unsigned>(list.size()));
    }
    part.lists = std::move(*grid);
    pairs_.parts.push_back(std::move(part));
    return pairs_.parts.back().longest <= longest_list;
}

bool PairsBuilder::add_wide() {
    if (wide_.empty()) {
        return true;
    }
    Budget own = budget_;
    own.rfc_bytes = std::min(budget_.rfc_bytes, budget_.wide_bytes);
    own.rfc_operations /= 4;
    pairs_.wide = build_rfc(subset(set_, wide_), own);
    return pairs_.wide.has_value();
}

/// How many lines are compared without asking whether there are more: as many as most lists have.
void PairsBuilder::choose_blind() {
    const std::vector<Header> headers = sample_headers(set_, 2000, 1);
    const auto count = static_cast<double>(headers.size());
    std::vector<std::vector<double>> lengths(pairs_.parts.size(), std::vector<double>(longest_list + 1));
    for (const Header& header : headers) {
        for (size_t p = 0; p < pairs_.parts.size(); ++p) {
            const Pairs::Part& part = pairs_.parts[p];
            const uint32_t row = part.rows[class_of(axes_[0].axis, pairs_.keys[0], header)];
            const uint32_t column = part.columns[class_of(axes_[1].axis, pairs_.keys[1], header)];
            lengths[p][lists_[p][look_up(part.lists, row, column)].size()] += 1 / count;
        }
    }
    for (size_t p = 0; p < pairs_.parts.size(); ++p) {
        Pairs::Part& part = pairs_.parts[p];
        const auto beyond = [&](unsigned blind) {
            part.more = part.mean_more = 0;
            for (unsigned length = blind + 1; length < lengths[p].size(); ++length) {
                part.more += lengths[p][length];
                part.mean_more += lengths[p][length] * (length - blind);
            }
        };
        constexpr double seldom = 0.06; // guessed wrongly at the cost of some lines
        for (part.blind = 1, beyond(1);
             part.more > seldom && part.blind < std::min(most_blind, part.longest);) {
            beyond(++part.blind);
        }
        if (part.more > 0.5) { // there always are more: then one that is asked for is as good
            part.blind = 1;
            beyond(1);
        }
    }
}

/// Whether lines that are compared without asking would lie in more cache lines than they need, if they began
/// here.
bool PairsBuilder::straddles(const Pairs::Part& part) const {
    constexpr size_t cache_line = 64;
    const size_t line = line_bytes(pairs_, set_);
    const size_t begin = pairs_.lines.size() * line % cache_line;
    const size_t blind = part.blind * line;
    return (begin + blind - 1) / cache_line > (blind - 1) / cache_line;
}

/// Lists become lines, and grids lead to them.
void PairsBuilder::lay_out() {
    for (size_t p = 0; p < pairs_.parts.size(); ++p) {
        Pairs::Part& part = pairs_.parts[p];
        std::vector<uint32_t> first;
        for (const std::vector<uint32_t>& list : lists_[p]) {
            while (straddles(part)) {
                pairs_.lines.push_back({});
            }
            first.push_back(static_cast<uint32_t>(pairs_.lines.size()));
            for (const uint32_t box : list) {
                pairs_.lines.push_back({box, false, lines_.kinds_of(box)});
            }
            while (pairs_.lines.size() - first.back() < part.blind) {
                pairs_.lines.push_back({});
            }
            pairs_.lines.back().last = true;
        }
        for (uint32_t& cell : part.lists.levels.back()) {
            cell = first[cell];
        }
        part.lists.most = static_cast<uint32_t>(pairs_.lines.size());
    }
}

std::optional<Pairs> PairsBuilder::run() {
    choose_keys();
    if (pairs_.keys[0].empty() || !lines_.choose_kinds()) {
        return {};
    }
    divide();
    std::vector<uint32_t> boxes;
    place_.assign(set_.size(), 0);
    for (const auto& part : divided_) {
        for (const uint32_t box : part) {
            place_[box] = static_cast<uint32_t>(boxes.size());
            boxes.push_back(box);
        }
    }
    for (size_t axis = 0; axis < 2; ++axis) {
        auto classes = build_axis(set_, boxes, pairs_.keys[axis], operations_);
        if (!classes) {
            return {};
        }
        axes_[axis] = std::move(*classes);
    }
    for (const auto& part : divided_) {
        if (!part.empty() && !add_part(part)) {
            return {};
        }
    }
    if (!add_wide()) {
        return {};
    }
    if (bits_of(pairs_, 0) > most_place_bits || bits_of(pairs_, 1) > most_place_bits) {
        return {};
    }
    choose_blind();
    lay_out();
    for (size_t axis = 0; axis < 2; ++axis) {
        pairs_.axes[axis] = std::move(axes_[axis].axis);
    }
    return bytes_of(pairs_, set_) <= budget_.bytes ? std::optional(std::move(pairs_)) : std::nullopt;
}

} // namespace

std::optional<Pairs> build_pairs(const RuleSet& set, const Budget& budget) {
    std::optional<Pairs> best;
    if (set.size() == 0 || set.presence.size() > 16) {
        return best;
    }
    constexpr size_t many = 20000; // boxes: beyond, building takes too long to be done twice
    for (const unsigned threshold : {1U, 16U, 0U}) {
        if (best && set.size() > many) {
            break;
        }
        std::optional<Pairs> pairs = PairsBuilder(set, budget, threshold).run();
        if (pairs && (!best || ns_of(*pairs, set) < ns_of(*best, set))) {
            best = std::move(pairs);
        }
    }
    return best;
}

} // namespace xdpc::classify
