// ELF objects as bytes: hostile until every offset has been checked.
#pragma once

#include "compiler/artifact.h"

#include <cstring>
#include <elf.h>
#include <optional>
#include <span>
#include <string_view>

namespace xdpc {

inline constexpr std::string_view metadata_section = ".xdpc";
inline constexpr std::string_view elements_section = ".xdpc.elements";
/// Fills Artifact::elements from an object's section; what it says is held against Artifact::sets.
Result<void> read_elements(std::span<const uint8_t> object, Artifact& artifact);

namespace elf {

/// A copy of the T at `offset`, or nothing if it does not lie within `bytes`.
template<class T> std::optional<T> read_at(std::span<const uint8_t> bytes, uint64_t offset) {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) {
        return {};
    }
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof(T));
    return value;
}

std::optional<std::span<const uint8_t>> contents(std::span<const uint8_t> bytes, const Elf64_Shdr& section);
/// What stands at an offset of a section of strings; nothing where that is beyond its end.
std::string_view string_at(std::span<const uint8_t> strings, uint32_t offset);
/// Its number in the section table, of which all was looked at.
Result<uint64_t> section_index(std::span<const uint8_t> bytes, std::string_view wanted);
Result<std::span<const uint8_t>> find_section(std::span<const uint8_t> bytes, std::string_view wanted);

} // namespace elf
} // namespace xdpc
