// Between the parts of build_pairs. Private to compiler/plan/classify.
#pragma once

#include "compiler/plan/classify/leaf.h"

#include <functional>

namespace xdpc::classify {

/// Of the places of all parts together.
unsigned bits_of(const Pairs& pairs, size_t axis);

struct Rectangle {
    Range rows, columns;
};
struct GridInput {
    uint32_t rows = 1, columns = 1;
    std::vector<Rectangle> rectangles;
    /// Drops from rectangles (ascending indices) what does not matter where all of them are.
    std::function<void(std::vector<uint32_t>&)> reduce;
    /// The number for the rectangles that hold a cell; 0 for none.
    std::function<uint32_t(const std::vector<uint32_t>&)> number_of;
};
/// Nothing if it would take more operations than there are, of which what is used is taken.
std::optional<Grid> build_grid(const GridInput& input, double& operations);
/// Of its tables as they are laid out.
size_t bytes_of(const Grid& grid);

/// The classes of a key whose pieces are those fields, highest first, and the classes that each of the boxes
/// lies in. Nothing if it takes too many operations.
struct AxisClasses {
    Pairs::Axis axis;
    std::vector<Range> of;
};
std::optional<AxisClasses> build_axis(const RuleSet& set, const std::vector<uint32_t>& boxes,
                                      const std::vector<size_t>& pieces, double& operations);
uint32_t class_of(const Pairs::Axis& axis, const std::vector<size_t>& pieces, const Header& header);

/// What lines are compared by.
class Lines {
public:
    Lines(const RuleSet& set, Pairs& pairs) : set_(set), pairs_(pairs) {}
    /// Fills in `kinds` and `compared`, whose axes are known. False if there are too many kinds.
    bool choose_kinds();
    [[nodiscard]] uint64_t kinds_of(uint32_t box) const { return masks_[box]; }
    /// Drops boxes (ascending) that an earlier one hides where the axes are in all of them.
    void reduce(std::vector<uint32_t>& boxes) const;
    /// Whether the line's box holds the packet, whose axes do.
    static bool holds(const RuleSet& set, const Pairs& pairs, const Pairs::Line& line, const Header& header,
                      uint32_t kind);

private:
    bool try_kinds(const std::vector<size_t>& small);
    [[nodiscard]] bool covers(uint32_t earlier, uint32_t later) const;

    const RuleSet& set_;
    Pairs& pairs_;
    std::vector<uint64_t> masks_; // by box
};

} // namespace xdpc::classify
