// What the presence of one key tells of others (compiler/fields/README.md). Without it, tables would be made
// for packets that do not exist: TCP ports in a packet of UDP.
#include "compiler/plan/classify/normal.h"

namespace xdpc::classify {

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

bool is_l4proto(const KeySource& key) {
    const auto* meta = std::get_if<MetaKey>(&key);
    return meta && meta->meta == MetaId::L4proto;
}

} // namespace

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
    switch (header) {
    case HeaderId::Tcp:
    case HeaderId::Udp:
    case HeaderId::Udplite:
    case HeaderId::Sctp:
    case HeaderId::Dccp:
    case HeaderId::Th:
        return true;
    default:
        return false;
    }
}

bool can_be(const RuleSet& set, uint32_t present) {
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        if ((present >> bit & 1) && ((set.with[bit] & ~present) || (set.without[bit] & present))) {
            return false;
        }
    }
    return true;
}

uint32_t closed(const RuleSet& set, uint32_t present) {
    uint32_t all = present;
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        all |= present >> bit & 1 ? set.with[bit] : 0;
    }
    return all;
}

uint32_t needed(const RuleSet& set, uint32_t present) {
    uint32_t left = present;
    for (size_t bit = 0; bit < set.presence.size() && bit < set.with.size(); ++bit) {
        left &= left >> bit & 1 ? ~set.with[bit] : ~0U;
    }
    return left;
}

void relate(RuleSet& set, const ir::Program& program) {
    const auto source = [&](size_t bit) -> const KeySource& { return program.keys[set.presence[bit].value]; };
    set.with.assign(set.presence.size(), 0);
    set.without.assign(set.presence.size(), 0);
    for (size_t bit = 0; bit < set.presence.size(); ++bit) {
        for (size_t other = 0; other < set.presence.size(); ++other) {
            if (bit != other && brings(source(bit), source(other))) {
                set.with[bit] |= 1U << other;
            }
            if (bit != other && excludes(source(bit), source(other))) {
                set.without[bit] |= 1U << other;
            }
        }
    }
}

} // namespace xdpc::classify
