#include "compiler/packet/assemble.h"

#include <algorithm>
#include <cctype>

namespace xdpc::packet {

namespace {

constexpr u128 wide(uint64_t high, uint64_t low) {
    return u128{high} << 64 | low;
}

struct DefaultRow {
    FieldId field;
    u128 value;
};
const DefaultRow defaults[] = {
    {FieldId::EtherDaddr, 0x020000000002},
    {FieldId::EtherSaddr, 0x020000000001},
    {FieldId::VlanId, 1},
    {FieldId::VlanInnerId, 1},
    {FieldId::ArpHtype, 1},
    {FieldId::ArpPtype, 0x0800},
    {FieldId::ArpHlen, 6},
    {FieldId::ArpPlen, 4},
    {FieldId::ArpOperation, 1},
    {FieldId::ArpSaddrEther, 0x020000000001},
    {FieldId::ArpSaddrIp, 0xc0000201},
    {FieldId::ArpDaddrIp, 0xc0000202},
    {FieldId::IpVersion, 4},
    {FieldId::IpTtl, 64},
    {FieldId::IpSaddr, 0xc0000201},
    {FieldId::IpDaddr, 0xc0000202},
    {FieldId::IpOptRrPtr, 4},
    {FieldId::IpOptLsrrPtr, 4},
    {FieldId::IpOptSsrrPtr, 4},
    {FieldId::Ip6Version, 6},
    {FieldId::Ip6Hoplimit, 64},
    {FieldId::Ip6Saddr, wide(0x20010db800000000, 1)},
    {FieldId::Ip6Daddr, wide(0x20010db800000000, 2)},
    {FieldId::AhSpi, 1},
    {FieldId::AhSequence, 1},
    {FieldId::IcmpType, 8},
    {FieldId::Icmpv6Type, 128},
    {FieldId::IgmpType, 0x16},
    {FieldId::TcpSport, 40000},
    {FieldId::TcpDport, 80},
    {FieldId::TcpFlags, 0x02},
    {FieldId::TcpWindow, 64240},
    {FieldId::TcpOptMaxsegSize, 1460},
    {FieldId::TcpOptWindowCount, 7},
    {FieldId::UdpSport, 40000},
    {FieldId::UdpDport, 80},
    {FieldId::UdpliteSport, 40000},
    {FieldId::UdpliteDport, 80},
    {FieldId::SctpSport, 40000},
    {FieldId::SctpDport, 80},
    {FieldId::DccpSport, 40000},
    {FieldId::DccpDport, 80},
    {FieldId::EspSpi, 1},
    {FieldId::EspSequence, 1},
};

size_t end_byte(const FieldInfo& field) {
    return (field.bit_offset + field.bit_width + 7U) / 8;
}

const FieldValue* given_value(const HeaderLayer& layer, FieldId id) {
    const auto found = std::find_if(layer.fields.rbegin(), layer.fields.rend(),
                                    [&](const FieldValue& given) { return given.field == id; });
    return found == layer.fields.rend() ? nullptr : &*found;
}

/// Bytes of the fixed part: what the table says, more where a message of that type has more or a given field
/// needs it.
size_t fixed_size(const HeaderLayer& layer) {
    size_t size = info(layer.header).min_bytes;
    if (layer.header == HeaderId::Icmpv6) {
        const FieldValue* type = given_value(layer, FieldId::Icmpv6Type);
        const auto number = type == nullptr ? 128 : static_cast<unsigned>(type->value);
        if (number == 134) { // router advertisement
            size = 16;
        } else if (number == 135 || number == 136) { // neighbour solicitation, advertisement
            size = 24;
        } else if (number == 137) { // redirect
            size = 40;
        }
    }
    for (const FieldValue& given : layer.fields) {
        const FieldInfo& field = info(given.field);
        if (field.header == layer.header && info(layer.header).layer != Layer::Tag) {
            size = std::max(size, end_byte(field));
        }
    }
    return size;
}

/// Writes the fields of `header` (the layer's own, or one of its options) that have a default or are given.
void write_fields(const HeaderLayer& layer, HeaderId header, std::span<uint8_t> bytes) {
    const auto& fields = all_fields();
    for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].header == header && end_byte(fields[i]) <= bytes.size()) {
            if (const u128 value = default_value(static_cast<FieldId>(i))) {
                write_bits(bytes, fields[i].bit_offset, fields[i].bit_width, value);
            }
        }
    }
    for (const FieldValue& given : layer.fields) { // a field that only some types have decides the type
        const auto needs = needs_of(given.field);
        if (!needs.empty() && info(given.field).header == header) {
            const FieldInfo& by = info(needs[0].by);
            write_bits(bytes, by.bit_offset, by.bit_width, needs[0].value);
        }
    }
    for (const FieldValue& given : layer.fields) { // last, since fields may overlap (icmp id and mtu)
        const FieldInfo& field = info(given.field);
        if (field.header == header && end_byte(field) <= bytes.size()) {
            write_bits(bytes, field.bit_offset, field.bit_width, given.value);
        }
    }
}

/// Bytes of an option: all its fields, but further blocks (`left1`) only as far as they are given.
size_t option_size(const HeaderLayer& layer, HeaderId option) {
    size_t size = 1;
    const auto& fields = all_fields();
    for (size_t i = 0; i < fields.size(); ++i) {
        if (fields[i].header != option) {
            continue;
        }
        const std::string_view name = fields[i].name;
        const bool further = std::isdigit(static_cast<unsigned char>(name.back())) != 0;
        if (!further || given_value(layer, static_cast<FieldId>(i)) != nullptr) {
            size = std::max(size, end_byte(fields[i]));
        }
    }
    const bool is_sack = option == HeaderId::TcpOptSack;
    return is_sack ? 2 + (size - 2 + 7) / 8 * 8 : size; // whole blocks
}

/// The options a layer names, each once, in the order of their first mention.
std::vector<HeaderId> options_of(const HeaderLayer& layer) {
    std::vector<HeaderId> options;
    const auto add = [&](HeaderId id) {
        const bool known = std::find(options.begin(), options.end(), id) != options.end();
        if (info(id).layer == Layer::Option && info(id).parent == layer.header && !known) {
            options.push_back(id);
        }
    };
    for (const FieldValue& given : layer.fields) {
        add(info(given.field).header);
    }
    for (const HeaderId id : layer.options) {
        add(id);
    }
    return options;
}

void append_option(const HeaderLayer& layer, HeaderId option, Frame& frame) {
    const size_t begin = frame.size();
    const size_t size = option_size(layer, option);
    frame.resize(begin + size);
    frame[begin] = static_cast<uint8_t>(info(option).guard);
    if (size >= 2) {
        frame[begin + 1] = static_cast<uint8_t>(size);
    }
    write_fields(layer, option, std::span(frame).subspan(begin));
}

Placed place_tag(const HeaderLayer& layer, Frame& frame) {
    if (frame.size() < 2) { // behind `raw`: there is no TPID to stand on
        frame.resize(2);
    }
    Placed placed{&layer, frame.size() - 2, frame.size(), frame.size() + 4};
    frame.resize(frame.size() + 4);
    write_fields(layer, layer.header, std::span(frame).subspan(placed.base));
    return placed;
}

} // namespace

u128 default_value(FieldId id) {
    for (const DefaultRow& row : defaults) {
        if (row.field == id) {
            return row.value;
        }
    }
    return 0;
}

bool Placed::gives(FieldId id) const {
    return layer != nullptr && given_value(*layer, id) != nullptr;
}

Placed place_layer(const LayerSpec& spec, Frame& frame) {
    const size_t begin = frame.size();
    if (const auto* payload = std::get_if<PayloadLayer>(&spec)) {
        frame.insert(frame.end(), payload->bytes.begin(), payload->bytes.end());
        return {nullptr, begin, begin, frame.size()};
    }
    const auto& layer = std::get<HeaderLayer>(spec);
    if (info(layer.header).layer == Layer::Tag) {
        return place_tag(layer, frame);
    }
    frame.resize(begin + fixed_size(layer));
    if (layer.header == HeaderId::Hbh || layer.header == HeaderId::Dst) {
        frame[begin + 2] = 1; // PadN over the rest
        frame[begin + 3] = 4;
    }
    write_fields(layer, layer.header, std::span(frame).subspan(begin));
    for (const HeaderId option : options_of(layer)) {
        append_option(layer, option, frame);
    }
    while (!options_of(layer).empty() && (frame.size() - begin) % 4 != 0) {
        frame.push_back(0); // end of options
    }
    return {&layer, begin, begin, frame.size()};
}

} // namespace xdpc::packet
