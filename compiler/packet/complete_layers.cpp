#include "compiler/packet/assemble.h"

namespace xdpc::packet {

namespace {

const HeaderLayer* header_of(const std::vector<LayerSpec>& layers, size_t index) {
    return index < layers.size() ? std::get_if<HeaderLayer>(&layers[index]) : nullptr;
}

/// Whether what follows, up to the next network header, stands only behind IPv6.
bool wants_ip6(const std::vector<LayerSpec>& layers, size_t index) {
    for (; const HeaderLayer* layer = header_of(layers, index); ++index) {
        const Layer kind = info(layer->header).layer;
        if (kind == Layer::Extension || kind == Layer::Transport6) {
            return true;
        }
        if (kind == Layer::Ip || kind == Layer::Ip6 || kind == Layer::Link) {
            return false;
        }
    }
    return false;
}

/// The header that must stand right before layer `index`, seen from a frame's start or from the link layer;
/// nothing if it may stand there itself.
std::optional<HeaderId> missing_before(const std::vector<LayerSpec>& layers, size_t index) {
    const HeaderLayer* previous = index == 0 ? nullptr : header_of(layers, index - 1);
    const HeaderLayer* layer = header_of(layers, index);
    const bool at_start = index == 0;
    const bool on_link = previous != nullptr && (info(previous->header).layer == Layer::Link ||
                                                 info(previous->header).layer == Layer::Tag);
    if (!at_start && !on_link) {
        return {};
    }
    if (layer == nullptr) {
        return at_start ? std::optional(HeaderId::Ether) : std::nullopt;
    }
    switch (info(layer->header).layer) {
    case Layer::Link:
        return {};
    case Layer::Tag:
        if (layer->header == HeaderId::VlanInner && (at_start || previous->header == HeaderId::Ether)) {
            return HeaderId::Vlan;
        }
        return at_start ? std::optional(HeaderId::Ether) : std::nullopt;
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return at_start ? std::optional(HeaderId::Ether) : std::nullopt;
    case Layer::Extension:
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        return wants_ip6(layers, index) ? HeaderId::Ip6 : HeaderId::Ip;
    case Layer::Option: // never a layer of its own
        return {};
    }
    return {};
}

/// `th` is written as TCP.
void settle_any_transport(HeaderLayer& layer) {
    if (layer.header != HeaderId::Th) {
        return;
    }
    layer.header = HeaderId::Tcp;
    for (FieldValue& given : layer.fields) {
        if (given.field == FieldId::ThSport) {
            given.field = FieldId::TcpSport;
        } else if (given.field == FieldId::ThDport) {
            given.field = FieldId::TcpDport;
        }
    }
}

} // namespace

std::vector<LayerSpec> complete_layers(const Recipe& recipe) {
    std::vector<LayerSpec> layers = recipe.layers;
    for (LayerSpec& layer : layers) {
        if (auto* header = std::get_if<HeaderLayer>(&layer)) {
            settle_any_transport(*header);
        }
    }
    if (layers.empty() && !recipe.raw) {
        layers.emplace_back(HeaderLayer{HeaderId::Ether, {}, {}});
    }
    for (size_t i = recipe.raw ? 1 : 0; i < layers.size();) {
        if (const auto missing = missing_before(layers, i)) {
            layers.insert(layers.begin() + static_cast<ptrdiff_t>(i), HeaderLayer{*missing, {}, {}});
        } else {
            ++i;
        }
    }
    return layers;
}

} // namespace xdpc::packet
