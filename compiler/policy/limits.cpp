#include "compiler/policy/limits.h"

#include "codegen-templates/abi.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace xdpc {

namespace {

constexpr auto units = std::to_array<std::pair<std::string_view, uint64_t>>({
    {"second", 1'000'000'000ULL},
    {"minute", 60'000'000'000ULL},
    {"hour", 3'600'000'000'000ULL},
    {"day", 86'400'000'000'000ULL},
    {"week", 604'800'000'000'000ULL},
});

/// The largest scale: a frame of 64 KiB times it is below 2^63.
constexpr uint64_t max_byte_cost = (uint64_t{1} << 63U) / 65536;

std::string text_of(const Key& key) {
    const u128 full = max_of_width(width_of(key.source));
    const u128 mask = key.mask & full;
    return mask == full ? name_of(key.source)
                        : name_of(key.source) + " & " + format_value(type_of(key.source), mask);
}

} // namespace

std::optional<uint64_t> time_unit_ns(std::string_view word) {
    for (const auto& [name, ns] : units) {
        if (name == word) {
            return ns;
        }
    }
    return {};
}

uint64_t limit_cost(const Limit& limit) {
    if (!limit.bytes) {
        return limit.unit_ns / limit.amount;
    }
    const u128 scale = (u128{limit.unit_ns} << limit_cost_shift(limit)) / limit.amount;
    return static_cast<uint64_t>(std::min(scale, u128{max_byte_cost}));
}

uint64_t limit_cost_of(const Limit& limit, uint64_t frame_bytes) {
    const uint64_t cost = limit_cost(limit);
    return limit.bytes ? (frame_bytes * cost) >> limit_cost_shift(limit) : cost;
}

unsigned limit_cost_shift(const Limit& limit) {
    const u128 scale = (u128{limit.unit_ns} << XDPC_BYTE_COST_SHIFT) / limit.amount;
    return limit.bytes && scale <= max_byte_cost ? XDPC_BYTE_COST_SHIFT : 0;
}

uint64_t least_bytes(uint64_t unit_ns) {
    return (unit_ns + max_byte_cost - 1) / max_byte_cost;
}

std::optional<uint64_t> limit_capacity(const Limit& limit) {
    const u128 capacity = limit.bytes
                              ? u128{limit.unit_ns} * (u128{limit.amount} + limit.burst) / limit.amount
                              : u128{limit_cost(limit)} * limit.burst;
    return capacity > max_capacity_ns ? std::nullopt : std::optional(static_cast<uint64_t>(capacity));
}

std::string text_of(const std::vector<Key>& keys) {
    std::string text;
    for (const Key& key : keys) {
        text += (text.empty() ? "" : " . ") + text_of(key);
    }
    return text;
}

std::string bytes_text(uint64_t bytes) {
    if (bytes > 0 && bytes % (1U << 20U) == 0) {
        return fmt::format("{} mbytes", bytes >> 20U);
    }
    return bytes > 0 && bytes % 1024 == 0 ? fmt::format("{} kbytes", bytes >> 10U)
                                          : fmt::format("{} bytes", bytes);
}

std::string rate_text(const Limit& limit) {
    std::string_view unit = "?";
    for (const auto& [name, ns] : units) {
        unit = ns == limit.unit_ns ? name : unit;
    }
    return fmt::format("{}/{}", limit.bytes ? bytes_text(limit.amount) : fmt::format("{}", limit.amount),
                       unit);
}

std::string text_of(const Limit& limit) {
    std::string text = fmt::format("rate {}{}", limit.over ? "over " : "", rate_text(limit));
    if (limit.bytes ? limit.burst != 0 : limit.burst != 5) {
        text += " burst " + (limit.bytes ? bytes_text(limit.burst) : fmt::format("{} packets", limit.burst));
    }
    if (limit.keys.empty()) {
        return text;
    }
    static constexpr std::array<const char*, 3> on_full = {"", " on full pass", " on full continue"};
    return fmt::format("{} per {} size {}{}", text, text_of(limit.keys), limit.size,
                       on_full[static_cast<size_t>(limit.on_full)]);
}

} // namespace xdpc
