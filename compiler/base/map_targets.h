// What the elements of a map lead to, by the words that policies, artifacts and commands have for it: the one
// list.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace xdpc {

/// Objects with a name that maps may lead to.
inline constexpr std::array<std::string_view, 3> object_kinds{"limit", "quota", "counter"};
inline constexpr std::string_view to_verdict = "verdict", to_value = "value";

inline bool is_object_kind(std::string_view word) {
    return std::find(object_kinds.begin(), object_kinds.end(), word) != object_kinds.end();
}
inline bool is_map_target(std::string_view word) {
    return word == to_verdict || word == to_value || is_object_kind(word);
}
/// Of a map to values, to objects of a kind, or else to verdicts.
inline std::string map_target(bool has_values, const std::string& objects) {
    return std::string(has_values ? to_value : objects.empty() ? to_verdict : objects);
}

} // namespace xdpc
