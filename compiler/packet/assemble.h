// The steps between a recipe and a frame: fill in missing layers, write each with defaults and given fields,
// then compute what depends on the whole (next protocols, lengths, checksums).
#pragma once

#include "compiler/packet/build.h"
#include "compiler/packet/parse_packet.h"

namespace xdpc::packet {

/// The layers with those put in that the given ones stand on: `tcp` alone becomes ether / ip / tcp.
std::vector<LayerSpec> complete_layers(const Recipe& recipe);

/// A layer that is written: where its bytes are in the frame.
struct Placed {
    const HeaderLayer* layer = nullptr; // null: payload
    size_t base = 0;                    // bit offsets of fields count from here; of a tag, from its TPID
    size_t begin = 0;                   // its own first byte
    size_t header_end = 0;              // behind its header and options

    [[nodiscard]] bool is(HeaderId id) const { return layer != nullptr && layer->header == id; }
    [[nodiscard]] bool gives(FieldId id) const;
};

/// Writes one layer at the end of the frame.
Placed place_layer(const LayerSpec& layer, Frame& frame);
/// Values of fields that are neither given nor computed.
u128 default_value(FieldId id);

/// EtherTypes, next headers, header lengths, lengths; then checksums, innermost first. Given fields stay.
void compute_fields(const std::vector<Placed>& layers, Frame& frame);
void compute_checksums(const std::vector<Placed>& layers, Frame& frame);

uint32_t crc32c(std::span<const uint8_t> bytes);

} // namespace xdpc::packet
