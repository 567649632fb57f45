// A packet as a test writes it: layers with fields, before the builder fills in lengths, protocols and
// checksums.
#pragma once

#include "compiler/fields/fields.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace xdpc::packet {

struct FieldValue {
    FieldId field; // of the layer's header, or of one of its options
    u128 value = 0;
};
struct HeaderLayer {
    HeaderId header;
    std::vector<FieldValue> fields;
    std::vector<HeaderId> options; // those named without a field (`option sack-perm`)
};
struct PayloadLayer { // `payload …`, `raw 0x…`
    std::vector<uint8_t> bytes;
};
using LayerSpec = std::variant<HeaderLayer, PayloadLayer>;

struct Recipe {
    std::vector<LayerSpec> layers;
    std::optional<uint32_t> truncate; // the finished, padded frame is cut to that many bytes
    bool raw = false; // the first layer is `raw`: no Ethernet header is put before it, no padding
};

/// What a `send` sends: one frame made from a recipe, or the frames of a capture (read when the policy is
/// checked).
using Source = std::variant<Recipe, std::vector<std::vector<uint8_t>>>;

} // namespace xdpc::packet
