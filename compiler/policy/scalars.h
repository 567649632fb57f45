// Single words as values of a type: numbers, addresses, names, times. Pure; messages are made by the caller.
#pragma once

#include "compiler/fields/fields.h"

namespace xdpc {

enum class ScalarStatus : uint8_t { Ok, OtherFamily, TooLarge, Wrong };
struct Scalar {
    ScalarStatus status = ScalarStatus::Wrong;
    Interval value;     // more than one number for `"eth*"` and `any`
    bool octal = false; // written with a leading zero
};

/// `width` bounds numbers. Times and hours are in the units of TypeId.
Scalar read_scalar(TypeId type, uint16_t width, std::string_view text);
/// Decimal, 0x hexadecimal, 0 octal; nothing if it is none of these or needs more than 128 bits.
std::optional<u128> read_number(std::string_view text);
/// "10s", "1h30m", "250ms", "5" (seconds), in nanoseconds.
std::optional<uint64_t> read_duration(std::string_view text);
/// What values of a type look like, for messages: "an IPv4 address".
std::string describe_type(TypeId type);
/// The symbols of a type, for "did you mean".
std::vector<std::string> symbols_of(TypeId type);

} // namespace xdpc
