// Arithmetic of token buckets (runtime/STATE.md, "Limits"), and limits and quotas as text.
#pragma once

#include "compiler/policy/policy.h"

#include <string_view>

namespace xdpc {

/// No capacity and no single wait is longer, so that sums of clock, bucket and cost stay within 64 bits.
inline constexpr uint64_t max_capacity_ns = uint64_t{1} << 62U;
/// Buckets of one limit at most.
inline constexpr uint64_t max_limit_size = uint64_t{1} << 24U;

/// Nanoseconds of `second` … `week`; nothing for another word.
std::optional<uint64_t> time_unit_ns(std::string_view word);

/// What a packet costs, in ns; of a limit of bytes what a byte costs, in ns << limit_cost_shift().
uint64_t limit_cost(const Limit& limit);
/// XDPC_BYTE_COST_SHIFT; 0 where a byte costs so much that it would not fit.
unsigned limit_cost_shift(const Limit& limit);
/// Of that unit of time, the fewest bytes that a rate may have.
uint64_t least_bytes(uint64_t unit_ns);
/// What a frame of so many bytes costs, in ns.
uint64_t limit_cost_of(const Limit& limit, uint64_t frame_bytes);
/// How much a full bucket holds, in ns; nothing if that is more than max_capacity_ns. Reads amount, unit_ns,
/// bytes and burst.
std::optional<uint64_t> limit_capacity(const Limit& limit);

/// "ip saddr . tcp dport", with masks.
std::string text_of(const std::vector<Key>& keys);
/// "200/second", "10 kbytes/hour"
std::string rate_text(const Limit& limit);
/// "rate over 200/second burst 400 packets per ip saddr size 65536 on full pass"
std::string text_of(const Limit& limit);
/// "500 mbytes"
std::string bytes_text(uint64_t bytes);

} // namespace xdpc
