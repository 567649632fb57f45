#include "compiler/packet/assemble.h"

namespace xdpc::packet {

namespace {

constexpr uint16_t experimental_ethertype = 0x88b5;
constexpr uint8_t experimental_protocol = 253;
constexpr uint8_t no_next_header = 59;

void compute(const Placed& placed, FieldId id, size_t value, Frame& frame) {
    if (!placed.gives(id)) {
        const FieldInfo& field = info(id);
        write_bits(std::span(frame).subspan(placed.base), field.bit_offset, field.bit_width, value);
    }
}

uint16_t ethertype_for(const Placed* next) {
    if (next == nullptr || next->layer == nullptr) {
        return experimental_ethertype;
    }
    const HeaderInfo& header = info(next->layer->header);
    switch (header.layer) {
    case Layer::Tag:
        return 0x8100;
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return header.guard;
    default:
        return experimental_ethertype;
    }
}

uint8_t protocol_for(const Placed* next) {
    if (next == nullptr) {
        return no_next_header;
    }
    if (next->layer == nullptr) {
        return experimental_protocol;
    }
    const HeaderInfo& header = info(next->layer->header);
    switch (header.layer) {
    case Layer::Ip:
        return 4;
    case Layer::Ip6:
        return 41;
    case Layer::Extension:
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
        return static_cast<uint8_t>(header.guard);
    default:
        return experimental_protocol;
    }
}

/// The field of a header that names what follows it.
std::optional<FieldId> next_field(HeaderId id) {
    switch (id) {
    case HeaderId::Ether:
        return FieldId::EtherType;
    case HeaderId::Vlan:
        return FieldId::VlanType;
    case HeaderId::VlanInner:
        return FieldId::VlanInnerType;
    case HeaderId::Ip:
        return FieldId::IpProtocol;
    case HeaderId::Ip6:
        return FieldId::Ip6Nexthdr;
    case HeaderId::Hbh:
        return FieldId::HbhNexthdr;
    case HeaderId::Rt:
        return FieldId::RtNexthdr;
    case HeaderId::Frag:
        return FieldId::FragNexthdr;
    case HeaderId::Dst:
        return FieldId::DstNexthdr;
    case HeaderId::Mh:
        return FieldId::MhNexthdr;
    case HeaderId::Ah:
        return FieldId::AhNexthdr;
    case HeaderId::Comp:
        return FieldId::CompNexthdr;
    default:
        return {};
    }
}

void compute_next(const Placed& placed, const Placed* next, Frame& frame) {
    const HeaderId id = placed.layer->header;
    const auto field = next_field(id);
    if (!field) {
        return;
    }
    const Layer layer = info(id).layer;
    if (layer == Layer::Link || layer == Layer::Tag) {
        compute(placed, *field, ethertype_for(next), frame);
    } else if (id == HeaderId::Ip && next == nullptr) { // 59 means nothing to IPv4
        compute(placed, *field, experimental_protocol, frame);
    } else {
        compute(placed, *field, protocol_for(next), frame);
    }
}

void compute_lengths(const Placed& placed, Frame& frame) {
    const size_t header = placed.header_end - placed.begin;
    const size_t all = frame.size() - placed.begin;
    switch (placed.layer->header) {
    case HeaderId::Ip:
        compute(placed, FieldId::IpHdrlength, header / 4, frame);
        compute(placed, FieldId::IpLength, all, frame);
        break;
    case HeaderId::Ip6:
        compute(placed, FieldId::Ip6Length, all - header, frame);
        break;
    case HeaderId::Ah:
        compute(placed, FieldId::AhHdrlength, header / 4 - 2, frame);
        break;
    case HeaderId::Tcp:
        compute(placed, FieldId::TcpDoff, header / 4, frame);
        break;
    case HeaderId::Udp:
        compute(placed, FieldId::UdpLength, all, frame);
        break;
    case HeaderId::Dccp: // its data offset, in words, is no field of the table
        frame[placed.begin + 4] = static_cast<uint8_t>(header / 4);
        break;
    default:
        break;
    }
}

} // namespace

void compute_fields(const std::vector<Placed>& layers, Frame& frame) {
    for (size_t i = 0; i < layers.size(); ++i) {
        if (layers[i].layer != nullptr) {
            compute_next(layers[i], i + 1 < layers.size() ? &layers[i + 1] : nullptr, frame);
            compute_lengths(layers[i], frame);
        }
    }
}

} // namespace xdpc::packet
