// The elements that a policy and its files give a live set, as few bytes each as can be: there may be
// millions. The checker makes them, the evaluator and the runtime read them.
#pragma once

#include "compiler/base/value.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xdpc {

struct SetElements {
    /// Key words of all elements (runtime/STATE.md), in their order: low ones, and in sets of intervals high
    /// ones behind them.
    std::vector<uint32_t> words;
    struct Extra { // of elements that have any of it
        uint32_t element = 0;
        uint64_t timeout_ns = 0; // 0: the set's
        std::string comment;
        bool operator==(const Extra&) const = default;
    };
    std::vector<Extra> extras;    // by element, ascending
    std::vector<uint32_t> values; // of a map
    size_t count = 0;
    bool operator==(const SetElements&) const = default;
};

/// Words of a part of a key that is `width` bits wide.
constexpr unsigned words_of_width(uint16_t width) {
    return (width + 31U) / 32U;
}
/// The most significant word first.
inline void append_words(std::vector<uint32_t>& to, u128 value, uint16_t width) {
    for (unsigned i = words_of_width(width); i-- > 0;) {
        to.push_back(static_cast<uint32_t>(value >> (32 * i)));
    }
}
inline u128 value_of_words(const uint32_t* words, uint16_t width) {
    u128 value = 0;
    for (unsigned i = 0; i < words_of_width(width); ++i) {
        value = value << 32U | words[i];
    }
    return value;
}

} // namespace xdpc
