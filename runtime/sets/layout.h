// How large a live set's array is and what stands where in it (runtime/STATE.md, codegen-templates/sets.h):
// one function of the set's type, flags and size, for the compiler, which declares the map, and the runtime,
// which fills it.
#pragma once

#include "codegen-templates/sets.h"

#include <cstdint>
#include <vector>

namespace xdpc::sets {

enum class Kind : uint32_t { Hash = XDPC_SET_HASH, Interval = XDPC_SET_INTERVAL, Tuples = XDPC_SET_TUPLES };

/// What a set is. Interval has one part of at most 128 bits, Tuples two or more.
struct Shape {
    Kind kind = Kind::Hash;
    std::vector<uint16_t> parts; // bits of each part of the key
    uint32_t size = 65536;       // elements at most
    bool has_timeout = false;
    bool has_counter = false;
    bool is_map = false;
    bool auto_merge = false; // elements may overlap
    bool operator==(const Shape&) const = default;
};

/// More elements than this no set has: numbers have 30 bits, in Tuples 24.
constexpr uint32_t max_size = 1U << 23;

/// Words of a key.
uint32_t words_of(const Shape& shape);
/// `lines` of it is the array's `max_entries`, its values have XDPC_SET_LINE bytes. `shape.size` is 1 to
/// max_size.
xdpc_set_layout layout_of(const Shape& shape);

} // namespace xdpc::sets
