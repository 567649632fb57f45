#include "compiler/packet/build.h"

#include "compiler/base/overloaded.h"
#include "compiler/packet/assemble.h"

namespace xdpc::packet {

namespace {
constexpr size_t shortest_frame = 60; // without the frame check sequence
} // namespace

Frame build(const Recipe& recipe) {
    const std::vector<LayerSpec> layers = complete_layers(recipe);
    Frame frame;
    std::vector<Placed> placed;
    for (const LayerSpec& layer : layers) {
        placed.push_back(place_layer(layer, frame));
    }
    compute_fields(placed, frame);
    compute_checksums(placed, frame);
    if (!recipe.raw && frame.size() < shortest_frame) {
        frame.resize(shortest_frame);
    }
    if (recipe.truncate && *recipe.truncate < frame.size()) {
        frame.resize(*recipe.truncate);
    }
    return frame;
}

std::vector<Frame> frames(const Source& source) {
    return std::visit(Overloaded{
                          [](const Recipe& recipe) { return std::vector<Frame>{build(recipe)}; },
                          [](const std::vector<Frame>& captured) { return captured; },
                      },
                      source);
}

} // namespace xdpc::packet
