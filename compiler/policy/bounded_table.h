// The bounded table of runtime/STATE.md as the reference evaluator has it: at most `size` entries, of which
// only those that are free to take make room for others. Held to the programs' step by step, so that both
// agree on which entry is given up and on when a table calls itself full.
#pragma once

#include "compiler/base/value.h"

#include <cassert>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace xdpc {

/// The masked values of a key's parts.
using Tuple = std::vector<u128>;

struct HashTuple {
    size_t operator()(const Tuple& tuple) const {
        uint64_t hash = 0;
        for (const u128 part : tuple) {
            for (const uint64_t half : {static_cast<uint64_t>(part), static_cast<uint64_t>(part >> 64U)}) {
                hash = (hash ^ half) * 0x9E3779B97F4A7C15U;
                hash ^= hash >> 32U;
            }
        }
        return hash;
    }
};

template<class Value> class BoundedTable {
public:
    static constexpr unsigned probes = 64; // XDPC_RING_PROBES

    explicit BoundedTable(uint32_t size) : size_(size) { assert(size > 0); }

    /// The entry of this key, free to take or not; null if there is none.
    [[nodiscard]] const Value* find(const Tuple& key) const {
        const auto found = place_of_.find(key);
        return found == place_of_.end() ? nullptr : &places_[found->second]->value;
    }
    Value* find(const Tuple& key) { return const_cast<Value*>(std::as_const(*this).find(key)); }

    /// The entry of this key, or a new one, `Value{}`; null where the table is full. `is_free(value)`:
    /// whether an entry may be given up. One that is there is given as it is: whether to begin it anew is the
    /// caller's.
    template<class IsFree> Value* put(const Tuple& key, IsFree is_free) {
        if (Value* there = find(key)) {
            return there;
        }
        const std::optional<uint32_t> place = take_place(is_free);
        if (!place) {
            return nullptr;
        }
        if (*place >= places_.size()) {
            places_.resize(size_t{*place} + 1);
        }
        places_[*place] = Entry{key, Value{}};
        place_of_.emplace(key, *place);
        return &places_[*place]->value;
    }

    bool erase(const Tuple& key) {
        const auto found = place_of_.find(key);
        if (found == place_of_.end()) {
            return false;
        }
        places_[found->second].reset();
        place_of_.erase(found);
        return true;
    }

    [[nodiscard]] size_t count() const { return place_of_.size(); }
    /// Calls `use(key, value)` for every entry, by place.
    template<class Use> void each(Use use) const {
        for (const std::optional<Entry>& entry : places_) {
            if (entry) {
                use(entry->key, entry->value);
            }
        }
    }

private:
    struct Entry {
        Tuple key;
        Value value;
    };

    // A place whose last key is in the table with this place is one that holds an entry here; all others are
    // had for the asking.
    template<class IsFree> std::optional<uint32_t> take_place(IsFree is_free) {
        for (unsigned tried = 0; tried < probes; ++tried) {
            const auto place = static_cast<uint32_t>(cursor_++ % size_);
            if (place >= places_.size() || !places_[place]) {
                return place;
            }
            if (is_free(std::as_const(places_[place]->value))) {
                place_of_.erase(places_[place]->key);
                places_[place].reset();
                return place;
            }
        }
        return {};
    }

    uint32_t size_;
    uint64_t cursor_ = 0;
    std::vector<std::optional<Entry>> places_; // as many as were ever taken
    std::unordered_map<Tuple, uint32_t, HashTuple> place_of_;
};

} // namespace xdpc
