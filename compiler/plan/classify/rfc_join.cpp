// Which results are joined first decides how many classes there are on the way, and no order is best for all.
#include "compiler/plan/classify/rfc_builder.h"

#include <algorithm>
#include <bit>
#include <deque>

namespace xdpc::classify {

namespace {

class Joiner {
public:
    Joiner(Rfc& rfc, const RuleSet& set, std::vector<Result> leaves, Cover& cover, JoinOrder order)
        : rfc_(rfc), set_(set), open_(std::move(leaves)), cover_(cover), order_(order),
          words_((set.size() + 63) / 64) {}
    bool run(size_t max_bytes, double& operations);

private:
    /// The next two, taken out of what is open.
    std::pair<Result, Result> next();
    Rfc::Join join(const Result& left, const Result& right, Classes& classes);
    Rfc::Join join_last(const Result& left, const Result& right) const;
    /// In which lot a result is joined: all of one before any of the next.
    [[nodiscard]] unsigned lot_of(const Result& result) const;
    Result take(size_t place);

    Rfc& rfc_;
    const RuleSet& set_;
    std::vector<Result> open_;
    Cover& cover_;
    JoinOrder order_;
    size_t words_;
    std::deque<Classes> own_;
};

unsigned Joiner::lot_of(const Result& result) const {
    if (order_ == JoinOrder::SmallestFirst) {
        return 0;
    }
    bool wide = false;
    for (size_t f = 0; f < set_.fields.size(); ++f) {
        wide = wide || ((result.looked_at >> f & 1) && set_.fields[f].width > 16);
    }
    return wide ? 1 : 0;
}

Result Joiner::take(size_t place) {
    const Result result = open_[place];
    open_.erase(open_.begin() + static_cast<ptrdiff_t>(place));
    return result;
}

std::pair<Result, Result> Joiner::next() {
    std::sort(open_.begin(), open_.end(), [&](const Result& a, const Result& b) {
        const auto key = [&](const Result& r) { return std::tuple(lot_of(r), r.classes->count(), r.index); };
        return key(a) < key(b);
    });
    size_t first = 0; // of the first lot that has two
    if (open_.size() > 2 && lot_of(open_[0]) != lot_of(open_[1])) {
        first = 1;
    }
    const Result right = take(first);
    return {take(first), right};
}

Rfc::Join Joiner::join(const Result& left, const Result& right, Classes& classes) {
    Rfc::Join join{left.index, right.index, right.classes->count(), {}, 0};
    join.cells.reserve(size_t{left.classes->count()} * right.classes->count());
    const uint32_t looked_at = left.looked_at | right.looked_at;
    Bits bits(words_);
    for (uint32_t i = 0; i < left.classes->count(); ++i) {
        const uint64_t* a = left.classes->bits(i);
        for (uint32_t j = 0; j < right.classes->count(); ++j) {
            const uint64_t* b = right.classes->bits(j);
            for (size_t w = 0; w < words_; ++w) {
                bits[w] = a[w] & b[w];
            }
            cover_.reduce(bits, looked_at);
            join.cells.push_back(classes.id_of(bits));
        }
    }
    join.classes = classes.count();
    return join;
}

/// What is left is the answer.
Rfc::Join Joiner::join_last(const Result& left, const Result& right) const {
    Rfc::Join join{left.index, right.index, right.classes->count(), {}, set_.rules.back() + 2};
    join.cells.reserve(size_t{left.classes->count()} * right.classes->count());
    for (uint32_t i = 0; i < left.classes->count(); ++i) {
        const uint64_t* a = left.classes->bits(i);
        for (uint32_t j = 0; j < right.classes->count(); ++j) {
            const uint64_t* b = right.classes->bits(j);
            uint32_t cell = 0;
            for (size_t w = 0; w < words_ && cell == 0; ++w) {
                if (const uint64_t both = a[w] & b[w]) {
                    cell = set_.rules[w * 64 + static_cast<size_t>(std::countr_zero(both))] + 1;
                }
            }
            join.cells.push_back(cell);
        }
    }
    return join;
}

bool Joiner::run(size_t max_bytes, double& operations) {
    size_t bytes = bytes_of(rfc_);
    while (open_.size() > 1) {
        const auto [left, right] = next();
        const size_t cells = size_t{left.classes->count()} * right.classes->count();
        const bool last = open_.empty();
        operations -= static_cast<double>(cells) * (last ? 2 : 20 + 2 * static_cast<double>(words_));
        if (bytes + 2 * cells > max_bytes || operations < 0) {
            return false;
        }
        if (last) {
            rfc_.joins.push_back(join_last(left, right));
        } else {
            own_.emplace_back(words_);
            rfc_.joins.push_back(join(left, right, own_.back()));
            open_.push_back(
                {rfc_.leaves.size() + rfc_.joins.size() - 1, left.looked_at | right.looked_at, &own_.back()});
        }
        bytes += (rfc_.joins.back().classes > 65536 ? 4 : 2) * cells;
        if (last) {
            break;
        }
    }
    return bytes <= max_bytes;
}

} // namespace

bool add_joins(Rfc& rfc, const RuleSet& set, std::vector<Result> leaves, Cover& cover, JoinOrder order,
               size_t max_bytes, double& operations) {
    return Joiner(rfc, set, std::move(leaves), cover, order).run(max_bytes, operations);
}

} // namespace xdpc::classify
