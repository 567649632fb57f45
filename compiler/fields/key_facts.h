// What keys tell of each other, by compiler/fields/README.md.
#pragma once

#include "compiler/fields/fields.h"

#include <array>
#include <optional>

namespace xdpc {

/// TCP, UDP and their like: at most one of them is in a packet, and its ports are those of `th`.
inline constexpr std::array headers_with_ports = {HeaderId::Tcp, HeaderId::Udp, HeaderId::Udplite,
                                                  HeaderId::Sctp, HeaderId::Dccp};
/// One of them, or `th`.
bool has_ports(HeaderId header);
/// Their numbers as IP has them, in that order.
std::array<uint16_t, headers_with_ports.size()> protocols_with_ports();

bool is_l4proto(const KeySource& key);
/// What is true of `meta l4proto` where the key is present, if it is one number.
std::optional<uint32_t> protocol_of(const KeySource& key);
/// Whether the two have one value where both are present: ports of different protocols.
bool is_same_number(const KeySource& a, const KeySource& b);
/// Whether `other` is present wherever `key` is; whether it never is.
bool brings(const KeySource& key, const KeySource& other);
bool excludes(const KeySource& key, const KeySource& other);

} // namespace xdpc
