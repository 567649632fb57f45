#include "compiler/plan/classify/rfc_builder.h"

#include <algorithm>
#include <bit>

namespace xdpc::classify {

namespace {

uint64_t hash_of(const Bits& bits) {
    uint64_t hash = 0x9e3779b97f4a7c15;
    for (const uint64_t word : bits) {
        hash = (hash ^ word) * 0xff51afd7ed558ccd;
        hash ^= hash >> 32;
    }
    return hash;
}

} // namespace

uint32_t Classes::id_of(const Bits& bits) {
    const uint64_t hash = hash_of(bits);
    size_t place = hash & (places_.size() - 1);
    for (; places_[place]; place = (place + 1) & (places_.size() - 1)) {
        const uint32_t id = places_[place] - 1;
        if (hashes_[id] == hash && std::equal(bits.begin(), bits.end(), this->bits(id))) {
            return id;
        }
    }
    places_[place] = ++count_;
    hashes_.push_back(hash);
    all_.insert(all_.end(), bits.begin(), bits.end());
    if (2 * size_t{count_} > places_.size()) {
        grow();
    }
    return count_ - 1;
}

void Classes::grow() {
    places_.assign(4 * places_.size(), 0);
    for (uint32_t id = 0; id < count_; ++id) {
        size_t place = hashes_[id] & (places_.size() - 1);
        while (places_[place]) {
            place = (place + 1) & (places_.size() - 1);
        }
        places_[place] = id + 1;
    }
}

Cover::Cover(const RuleSet& set) : boxes_(set.size()), words_((set.size() + 63) / 64) {
    wider_.assign(set.fields.size() + 1, std::vector<uint64_t>(boxes_ * words_));
    for (size_t field = 0; field <= set.fields.size(); ++field) {
        for (size_t earlier = 0; earlier < boxes_; ++earlier) {
            uint64_t* row = wider_[field].data() + earlier * words_;
            for (size_t later = earlier + 1; later < boxes_; ++later) {
                bool within = false;
                if (field < set.fields.size()) {
                    const Range& a = set.box(earlier)[field];
                    const Range& b = set.box(later)[field];
                    within = a.lo <= b.lo && b.hi <= a.hi;
                } else {
                    within = (set.needs[earlier] & ~closed(set, set.needs[later])) == 0;
                }
                row[later / 64] |= uint64_t{within} << later % 64;
            }
        }
    }
}

const std::vector<uint64_t>& Cover::hidden_by(uint32_t looked_at) {
    const auto [place, added] = hidden_.try_emplace(looked_at);
    if (added) {
        std::vector<uint64_t>& rows = place->second;
        rows.assign(boxes_ * words_, ~uint64_t{0});
        for (size_t field = 0; field < wider_.size(); ++field) {
            for (size_t i = 0; i < rows.size() && !(looked_at >> field & 1); ++i) {
                rows[i] &= wider_[field][i];
            }
        }
    }
    return place->second;
}

void Cover::reduce(Bits& bits, uint32_t looked_at) {
    const std::vector<uint64_t>& hidden = hidden_by(looked_at);
    for (size_t w = 0; w < words_; ++w) {
        for (uint64_t left = bits[w]; left;) {
            const auto bit = static_cast<unsigned>(std::countr_zero(left));
            const uint64_t* row = hidden.data() + (w * 64 + bit) * words_;
            for (size_t i = w; i < words_; ++i) {
                bits[i] &= ~row[i];
            }
            left = bit == 63 ? 0 : bits[w] & ~uint64_t{0} << (bit + 1);
        }
    }
}

} // namespace xdpc::classify
