// Numbers as policies mean them: unsigned, up to 128 bits, in the order a person writes them (a field of the
// packet is read as one big-endian number). Interval sets over them are what every match comes down to.
#pragma once

#include <cstdint>
#include <vector>

namespace xdpc {

__extension__ typedef unsigned __int128 u128;

/// The largest value of a field that is `width` bits wide (0..128).
constexpr u128 max_of_width(unsigned width) {
    return width >= 128 ? ~u128{0} : (u128{1} << width) - 1;
}

/// Closed interval [lo, hi]; lo <= hi.
struct Interval {
    u128 lo = 0;
    u128 hi = 0;
    bool operator==(const Interval&) const = default;
};

/// Sorted, disjoint, non-adjacent closed intervals.
class IntervalSet {
public:
    IntervalSet() = default;
    /// Sorts and merges; overlapping and adjacent intervals become one.
    static IntervalSet of(std::vector<Interval> intervals);
    static IntervalSet all(unsigned width) { return of({{0, max_of_width(width)}}); }

    [[nodiscard]] bool contains(u128 value) const;
    [[nodiscard]] bool empty() const { return intervals_.empty(); }
    [[nodiscard]] bool is_all(unsigned width) const;
    /// Within [0, max_of_width(width)].
    [[nodiscard]] IntervalSet complement(unsigned width) const;
    [[nodiscard]] IntervalSet intersect(const IntervalSet& other) const;
    [[nodiscard]] IntervalSet unite(const IntervalSet& other) const;
    [[nodiscard]] const std::vector<Interval>& intervals() const { return intervals_; }
    bool operator==(const IntervalSet&) const = default;

private:
    std::vector<Interval> intervals_;
};

} // namespace xdpc
