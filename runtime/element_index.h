// Elements of a file by their ends, beside those of a set.
#pragma once

#include "runtime/sets/table.h"

#include <algorithm>

namespace xdpc::rt {

inline uint64_t hash_of(std::span<const uint32_t> words, uint64_t hash = 0) {
    for (uint32_t word : words) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;
        hash ^= hash >> 32;
    }
    return hash;
}

/// Finds elements of a file by their ends, of which each stands there once; refers to them.
class ElementIndex {
public:
    explicit ElementIndex(const std::vector<sets::NewElement>& elements) : elements_(elements) {
        size_t size = 16;
        while (size < elements.size() * 2)
            size *= 2;
        places_.resize(size);
        for (uint32_t i = 0; i < elements.size(); i++)
            *place(elements[i].low, elements[i].high) = i + 1;
    }
    [[nodiscard]] std::optional<uint32_t> find(std::span<const uint32_t> low,
                                               std::span<const uint32_t> high) {
        uint32_t found = *place(low, high);
        return found == 0 ? std::nullopt : std::optional(found - 1);
    }

private:
    uint32_t* place(std::span<const uint32_t> low, std::span<const uint32_t> high) {
        size_t mask = places_.size() - 1;
        for (size_t at = hash_of(high, hash_of(low)) & mask;; at = (at + 1) & mask) {
            uint32_t there = places_[at];
            if (there == 0 || (std::ranges::equal(elements_[there - 1].low, low) &&
                               std::ranges::equal(elements_[there - 1].high, high)))
                return &places_[at];
        }
    }
    const std::vector<sets::NewElement>& elements_;
    std::vector<uint32_t> places_; // index + 1; 0: free
};

} // namespace xdpc::rt
