#include "compiler/fields/key_facts.h"

#include <algorithm>

namespace xdpc {

namespace {

const FieldInfo* field_of(const KeySource& key) {
    const auto* field = std::get_if<FieldKey>(&key);
    return field ? &info(field->field) : nullptr;
}

unsigned end_of(const FieldInfo& field) {
    return unsigned{field.bit_offset} + field.bit_width;
}

/// The network header that a field lies in or behind; nothing if that may be any.
std::optional<HeaderId> network_of(const FieldInfo& field) {
    switch (info(field.header).layer) {
    case Layer::Arp:
        return HeaderId::Arp;
    case Layer::Ip:
    case Layer::Transport4:
        return HeaderId::Ip;
    case Layer::Ip6:
    case Layer::Extension:
    case Layer::Transport6:
        return HeaderId::Ip6;
    case Layer::Link:
    case Layer::Tag:
    case Layer::Transport:
    case Layer::AnyTransport:
    case Layer::Option:
        return {};
    }
    return {};
}

} // namespace

bool is_l4proto(const KeySource& key) {
    const auto* meta = std::get_if<MetaKey>(&key);
    return meta && meta->meta == MetaId::L4proto;
}

std::optional<uint32_t> protocol_of(const KeySource& key) {
    const FieldInfo* field = field_of(key);
    if (!field || field->header == HeaderId::Ah) { // which is stepped over on the way to another
        return {};
    }
    const HeaderInfo& header = info(field->header);
    const bool transport = header.layer == Layer::Transport || header.layer == Layer::Transport4 ||
                           header.layer == Layer::Transport6;
    return transport ? std::optional<uint32_t>(header.guard) : std::nullopt;
}

bool is_same_number(const KeySource& a, const KeySource& b) {
    const FieldInfo* left = field_of(a);
    const FieldInfo* right = field_of(b);
    return left && right && has_ports(left->header) && has_ports(right->header) &&
           left->bit_offset == right->bit_offset && left->bit_width == right->bit_width;
}

bool brings(const KeySource& key, const KeySource& other) {
    const FieldInfo* a = field_of(key);
    const FieldInfo* b = field_of(other);
    if (is_l4proto(other)) {
        return protocol_of(key) || (a && a->header == HeaderId::Th);
    }
    if (!a || !b || end_of(*b) > end_of(*a)) {
        return false;
    }
    const Layer layer = info(a->header).layer;
    const bool in_place = layer != Layer::Option; // options end where they say
    return in_place && (a->header == b->header || (b->header == HeaderId::Th && has_ports(a->header)));
}

bool excludes(const KeySource& key, const KeySource& other) {
    const FieldInfo* a = field_of(key);
    const FieldInfo* b = field_of(other);
    if (!a || !b) {
        return false;
    }
    const auto networks = std::pair(network_of(*a), network_of(*b));
    const auto protocols = std::pair(protocol_of(key), protocol_of(other));
    return (networks.first && networks.second && networks.first != networks.second) ||
           (protocols.first && protocols.second && protocols.first != protocols.second);
}

bool has_ports(HeaderId header) {
    return header == HeaderId::Th || std::find(headers_with_ports.begin(), headers_with_ports.end(),
                                               header) != headers_with_ports.end();
}

std::array<uint16_t, headers_with_ports.size()> protocols_with_ports() {
    std::array<uint16_t, headers_with_ports.size()> protocols{};
    std::transform(headers_with_ports.begin(), headers_with_ports.end(), protocols.begin(),
                   [](HeaderId header) { return info(header).guard; });
    return protocols;
}

} // namespace xdpc
