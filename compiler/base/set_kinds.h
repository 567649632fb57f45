// How live sets are held in the kernel (runtime/STATE.md), and what each kind is called in artifacts, in
// pinned records and by commands: the one list. Policy and program agree by it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace xdpc {

enum class SetKind : uint8_t {
    Hash,     // single values, changed by user space
    Interval, // one part, intervals
    Tuples,   // several parts, intervals: a hash for each combination of prefix lengths
    Dynamic,  // single values, changed by rules as well
};

constexpr std::array<std::string_view, 4> set_kind_names{"hash", "interval", "tuples", "dynamic"};

constexpr std::string_view name_of(SetKind kind) {
    return set_kind_names.at(static_cast<size_t>(kind));
}
/// None where no kind is called so.
constexpr std::optional<SetKind> set_kind_of(std::string_view name) {
    for (size_t i = 0; i < set_kind_names.size(); ++i) {
        if (set_kind_names.at(i) == name) {
            return static_cast<SetKind>(i);
        }
    }
    return {};
}
/// Whether elements have two ends.
constexpr bool has_two_ends(std::optional<SetKind> kind) {
    return kind == SetKind::Interval || kind == SetKind::Tuples;
}

} // namespace xdpc
