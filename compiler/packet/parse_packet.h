// Where everything is in a frame: a plain, complete parser that follows compiler/fields/README.md paragraph
// by paragraph. The reference evaluator and the packet printer read frames through it.
#pragma once

#include "compiler/fields/fields.h"

#include <array>
#include <optional>
#include <span>

namespace xdpc::packet {

/// Bytes [begin, end) of the frame; `end` may lie behind the frame's.
struct Extent {
    size_t begin = 0;
    size_t end = 0;
};

enum class FragmentKind : uint8_t { None = 0, First = 1, Later = 2 };

/// What became of the walk from the IP header to the transport header.
enum class Walk : uint8_t { None, Ended, Broken };

#define HEADER(id, keyword, layer, guard, min_bytes) +1
#define OPTION(id, keyword, parent, kind) +1
inline constexpr size_t header_count = 0
#include "compiler/fields/fields.def"
    ;

struct ParsedPacket {
    std::span<const uint8_t> frame;
    /// Where each header or option that is reached lies; options end with their own length, headers nowhere.
    std::array<std::optional<Extent>, header_count> reached;

    std::optional<uint16_t> outer_ethertype; // at offset 12
    std::optional<uint16_t> inner_ethertype; // behind up to two tags
    bool third_tag = false;
    bool tag_cut = false;
    std::optional<size_t> network; // offset of @nh

    bool sound = false; // the IPv4 or IPv6 header
    Walk walk = Walk::None;
    std::vector<HeaderId> walked;                   // extension headers and AH, in order of the walk
    std::vector<size_t> walked_at;                  // their offsets
    std::optional<FragmentKind> fragment;           // meta fragment
    std::optional<uint8_t> protocol;                // meta l4proto
    size_t ip_end = 0;                              // where the IP packet ends by its own lengths
    std::optional<size_t> transport;                // offset of @th
    std::optional<size_t> inner;                    // offset of @ih
    std::optional<std::vector<Extent>> ip_options;  // all that the walk met, if it could be walked
    std::optional<std::vector<Extent>> tcp_options; // the same
    bool malformed = false;

    [[nodiscard]] const std::optional<Extent>& at(HeaderId id) const {
        return reached[static_cast<size_t>(id)];
    }
    [[nodiscard]] bool has_bytes(size_t offset, size_t count) const {
        return offset <= frame.size() && count <= frame.size() - offset;
    }
};

ParsedPacket parse_packet(std::span<const uint8_t> frame);

bool is_tpid(uint16_t ethertype);

/// `width` bits (1..128) at bit `offset` of the bytes, big-endian; nothing if not all of them are there.
std::optional<u128> read_bits(std::span<const uint8_t> bytes, size_t offset, size_t width);
/// Writes them; they must be there.
void write_bits(std::span<uint8_t> bytes, size_t offset, size_t width, u128 value);

} // namespace xdpc::packet
