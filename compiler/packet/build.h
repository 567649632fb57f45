// Recipe to frame, and frame to text. Byte order is the network's; defaults are LANGUAGE.md's ("Tests and
// assertions").
#pragma once

#include "compiler/base/result.h"
#include "compiler/packet/recipe.h"

#include <span>

namespace xdpc::packet {

using Frame = std::vector<uint8_t>;

/// Fills in missing lower layers (ether; ip under tcp; …), EtherTypes, next headers, lengths and checksums
/// that were not given, pads to 60 bytes, then truncates.
Frame build(const Recipe& recipe);

/// The frames a source stands for.
std::vector<Frame> frames(const Source& source);

/// Reads pcap and pcapng files of Ethernet frames.
Result<std::vector<Frame>> read_pcap(const std::string& path);

/// The packet, one line a layer, as `send` would write it, then the payload's length; odd ones say what is
/// odd.
std::vector<std::string> describe(std::span<const uint8_t> frame);
/// The same in one line, without Ethernet addresses where more can be said:
/// "ip saddr 192.0.2.1 daddr 192.0.2.2 / tcp sport 40000 dport ssh, 60 bytes". `bytes` are the first of a
/// frame of `length`.
std::string describe_line(std::span<const uint8_t> bytes, size_t length);

/// The Internet checksum (RFC 1071) of bytes, continued from `sum`.
uint16_t internet_checksum(std::span<const uint8_t> bytes, uint32_t sum = 0);

} // namespace xdpc::packet
