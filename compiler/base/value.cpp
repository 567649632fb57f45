#include "compiler/base/value.h"

#include <algorithm>

namespace xdpc {

IntervalSet IntervalSet::of(std::vector<Interval> intervals) {
    std::sort(intervals.begin(), intervals.end(),
              [](const Interval& a, const Interval& b) { return a.lo < b.lo; });
    IntervalSet result;
    for (const Interval& next : intervals) {
        auto& done = result.intervals_;
        const bool touches = !done.empty() && (done.back().hi == ~u128{0} || next.lo <= done.back().hi + 1);
        if (touches) {
            done.back().hi = std::max(done.back().hi, next.hi);
        } else {
            done.push_back(next);
        }
    }
    return result;
}

bool IntervalSet::contains(u128 value) const {
    auto after = std::upper_bound(intervals_.begin(), intervals_.end(), value,
                                  [](u128 v, const Interval& i) { return v < i.lo; });
    return after != intervals_.begin() && value <= std::prev(after)->hi;
}

bool IntervalSet::is_all(unsigned width) const {
    return intervals_.size() == 1 && intervals_[0].lo == 0 && intervals_[0].hi >= max_of_width(width);
}

IntervalSet IntervalSet::complement(unsigned width) const {
    IntervalSet result;
    const u128 top = max_of_width(width);
    u128 next = 0;
    for (const Interval& i : intervals_) {
        if (i.lo > top) {
            break;
        }
        if (i.lo > next) {
            result.intervals_.push_back({next, i.lo - 1});
        }
        if (i.hi >= top) {
            return result;
        }
        next = i.hi + 1;
    }
    result.intervals_.push_back({next, top});
    return result;
}

IntervalSet IntervalSet::intersect(const IntervalSet& other) const {
    IntervalSet result;
    auto a = intervals_.begin();
    auto b = other.intervals_.begin();
    while (a != intervals_.end() && b != other.intervals_.end()) {
        const u128 lo = std::max(a->lo, b->lo);
        const u128 hi = std::min(a->hi, b->hi);
        if (lo <= hi) {
            result.intervals_.push_back({lo, hi});
        }
        if (a->hi < b->hi) {
            ++a;
        } else {
            ++b;
        }
    }
    return result;
}

IntervalSet IntervalSet::unite(const IntervalSet& other) const {
    std::vector<Interval> both = intervals_;
    both.insert(both.end(), other.intervals_.begin(), other.intervals_.end());
    return of(std::move(both));
}

} // namespace xdpc
