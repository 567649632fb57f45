// Classes of a key. One of more than 32 bits has classes of its highest piece, and a grid of these and the
// classes of the next.
#include "compiler/plan/classify/pairs_builder.h"

#include <algorithm>
#include <map>

namespace xdpc::classify {

namespace {

std::vector<Range> ranges_of(const RuleSet& set, const std::vector<uint32_t>& boxes, size_t field) {
    std::vector<Range> ranges;
    ranges.reserve(boxes.size());
    for (const uint32_t box : boxes) {
        ranges.push_back(set.box(box)[field]);
    }
    return ranges;
}

/// What becomes of the classes of two pieces: boxes of the same rectangle are one.
class PieceJoiner {
public:
    PieceJoiner(const Steps& high, const Steps& low) : high_(high), low_(low) {}
    std::optional<Grid> run(double& operations);
    /// The classes of each box; nothing if those of some box are not adjacent.
    std::optional<std::vector<Range>> classes() const;
    [[nodiscard]] uint32_t count() const { return static_cast<uint32_t>(numbers_.size()); }

private:
    struct Span {
        uint32_t first = no_rule, last = 0, count = 0;
    };
    uint32_t number_of(const std::vector<uint32_t>& rectangles);

    const Steps& high_;
    const Steps& low_;
    std::vector<uint32_t> rectangle_of_; // by box; no_rule for one that holds all
    std::map<std::vector<uint32_t>, uint32_t> numbers_;
    std::vector<Span> spans_; // by rectangle
};

uint32_t PieceJoiner::number_of(const std::vector<uint32_t>& rectangles) {
    const auto [place, added] = numbers_.try_emplace(rectangles, static_cast<uint32_t>(numbers_.size()));
    if (added) {
        for (const uint32_t rectangle : rectangles) {
            Span& span = spans_[rectangle];
            span.first = std::min(span.first, place->second);
            span.last = std::max(span.last, place->second);
            ++span.count;
        }
    }
    return place->second;
}

std::optional<Grid> PieceJoiner::run(double& operations) {
    GridInput input{high_.classes, low_.classes, {}, [](std::vector<uint32_t>&) {}, {}};
    std::map<std::array<uint32_t, 4>, uint32_t> known;
    for (size_t box = 0; box < high_.of.size(); ++box) {
        const Range rows = high_.of[box];
        const Range columns = low_.of[box];
        if (rows == Range{0, high_.classes - 1} && columns == Range{0, low_.classes - 1}) {
            rectangle_of_.push_back(no_rule);
            continue;
        }
        const auto [place, added] = known.try_emplace({rows.lo, rows.hi, columns.lo, columns.hi},
                                                      static_cast<uint32_t>(known.size()));
        if (added) {
            input.rectangles.push_back({rows, columns});
        }
        rectangle_of_.push_back(place->second);
    }
    spans_.resize(known.size());
    numbers_[{}] = 0;
    input.number_of = [this](const std::vector<uint32_t>& rectangles) { return number_of(rectangles); };
    return build_grid(input, operations);
}

std::optional<std::vector<Range>> PieceJoiner::classes() const {
    std::vector<Range> result;
    for (const uint32_t rectangle : rectangle_of_) {
        if (rectangle == no_rule) {
            result.push_back({0, count() - 1});
            continue;
        }
        const Span& span = spans_[rectangle];
        if (span.count == 0 || span.last - span.first + 1 != span.count) {
            return {};
        }
        result.push_back({span.first, span.last});
    }
    return result;
}

} // namespace

std::optional<AxisClasses> build_axis(const RuleSet& set, const std::vector<uint32_t>& boxes,
                                      const std::vector<size_t>& pieces, double& operations) {
    AxisClasses result;
    result.of.assign(boxes.size(), {0, 0});
    for (const size_t field : pieces) {
        const unsigned width = set.fields[field].width;
        const Steps own = steps_of(ranges_of(set, boxes, field), static_cast<uint32_t>(max_of_width(width)));
        operations -= static_cast<double>(boxes.size()) * 8;
        result.axis.pieces.push_back(leaf_of(own, field, width));
        if (result.axis.pieces.size() == 1) {
            result.axis.classes = own.classes;
            result.of = own.of;
            continue;
        }
        const Steps before{{}, result.axis.classes, result.of};
        PieceJoiner joiner(before, own);
        std::optional<Grid> grid = joiner.run(operations);
        auto classes = grid ? joiner.classes() : std::nullopt;
        if (!classes) {
            return {};
        }
        result.axis.joins.push_back(std::move(*grid));
        result.axis.classes = joiner.count();
        result.of = std::move(*classes);
    }
    return result;
}

uint32_t class_of(const Pairs::Axis& axis, const std::vector<size_t>& pieces, const Header& header) {
    uint32_t known = 0;
    for (size_t i = 0; i < axis.pieces.size(); ++i) {
        const uint32_t own = class_of(axis.pieces[i], header.values[pieces[i]]);
        known = i == 0 ? own : look_up(axis.joins[i - 1], known, own);
    }
    return known;
}

} // namespace xdpc::classify
