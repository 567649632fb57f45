#include "compiler/packet/rewrite.h"

#include "compiler/base/overloaded.h"
#include "compiler/packet/parse_packet.h"
#include "compiler/packet/reject.h"
#include "compiler/packet/tunnel.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace xdpc::packet {

namespace {

using Frame = std::vector<uint8_t>;

constexpr std::array<std::string_view, 7> operation_names{"+", "-", "&", "|", "^", "<<", ">>"}; // by Op

/// A header whose checksum is a sum of 16-bit words.
struct Summed {
    HeaderId header;
    size_t at;      // of the checksum, in the header
    bool addresses; // covers those of IP too
    bool zero_is_none;
};
constexpr Summed transports[] = {
    {HeaderId::Tcp, 16, true, false},  {HeaderId::Udp, 6, true, true},     {HeaderId::Udplite, 6, true, true},
    {HeaderId::Dccp, 6, true, false},  {HeaderId::Icmpv6, 2, true, false}, {HeaderId::Icmp, 2, false, false},
    {HeaderId::Igmp, 2, false, false},
};
constexpr Summed ip_header{HeaderId::Ip, 10, false, false};

/// Where a header is reached with its fixed part in the frame.
std::optional<size_t> whole(const ParsedPacket& packet, HeaderId id) {
    const auto& extent = packet.at(id);
    return extent && packet.has_bytes(extent->begin, info(id).min_bytes) ? std::optional(extent->begin)
                                                                         : std::nullopt;
}

/// The sum of bytes as words that begin at an even place of `begin`.
uint64_t sum_of(const Frame& frame, size_t begin, size_t from, size_t to) {
    uint64_t sum = 0;
    for (size_t i = from; i < to; ++i) {
        sum += (i - begin) % 2 == 0 ? uint64_t{frame[i]} << 8 : frame[i];
    }
    return sum;
}

/// The checksum after what it covers went from one sum to another.
void keep(const Summed& row, size_t header, uint64_t before, uint64_t after, Frame& frame) {
    const size_t at = header + row.at;
    const uint64_t old = sum_of(frame, at, at, at + 2);
    if (row.zero_is_none && old == 0) {
        return;
    }
    constexpr uint64_t most = 0xffff;
    const uint64_t sum = (most - old + (most - before % most) + after) % most;
    uint64_t result = sum == 0 ? 0 : most - sum; // of the two forms of zero, that whose complement is not 0
    result = row.zero_is_none && result == 0 ? most : result;
    write_bits(frame, at * 8, 16, result);
}

const Summed* transport_of(const ParsedPacket& packet) {
    const auto found = std::find_if(std::begin(transports), std::end(transports),
                                    [&](const Summed& row) { return whole(packet, row.header).has_value(); });
    return found == std::end(transports) ? nullptr : found;
}

/// Writes bits at a bit offset into the frame, and keeps the checksum of the header they belong to.
void write_summed(const Summed* row, size_t header, size_t bit, size_t width, u128 value, Frame& frame) {
    const size_t from = bit / 8, to = (bit + width + 7) / 8;
    const uint64_t before = sum_of(frame, header, from, to);
    write_bits(frame, bit, width, value);
    if (row != nullptr) {
        keep(*row, header, before, sum_of(frame, header, from, to), frame);
    }
}

bool is_address(FieldId field) {
    return field == FieldId::IpSaddr || field == FieldId::IpDaddr || field == FieldId::Ip6Saddr ||
           field == FieldId::Ip6Daddr;
}

Rewritten write_ip(const FieldInfo& field, bool address, const ParsedPacket& packet, u128 value,
                   Frame& frame) {
    const auto begin = whole(packet, field.header);
    if (!begin) {
        return Rewritten::Absent;
    }
    const size_t bit = *begin * 8 + field.bit_offset;
    const Summed* transport = address ? transport_of(packet) : nullptr;
    const uint64_t before = sum_of(frame, 0, bit / 8, bit / 8 + field.bit_width / 8);
    write_summed(field.header == HeaderId::Ip ? &ip_header : nullptr, *begin, bit, field.bit_width, value,
                 frame);
    if (transport != nullptr && transport->addresses) {
        keep(*transport, packet.at(transport->header)->begin, before,
             sum_of(frame, 0, bit / 8, bit / 8 + field.bit_width / 8), frame);
    }
    return Rewritten::Done;
}

/// `tcp option maxseg size`: lowered only.
Rewritten clamp(const FieldInfo& field, const ParsedPacket& packet, u128 value, Frame& frame) {
    const auto& option = packet.at(field.header);
    const size_t end = option ? option->begin + (field.bit_offset + field.bit_width) / 8 : 0;
    if (!option || end > option->end) {
        return Rewritten::Absent;
    }
    const size_t bit = option->begin * 8 + field.bit_offset;
    if (value < *read_bits(frame, bit, field.bit_width)) {
        write_summed(transport_of(packet), *packet.transport, bit, field.bit_width, value, frame);
    }
    return Rewritten::Done;
}

Rewritten set(FieldId id, u128 value, Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const FieldInfo& field = info(id);
    if (id == FieldId::EtherType) {
        if (!packet.network) {
            return Rewritten::Absent;
        }
        write_bits(frame, (*packet.network - 2) * 8, 16, value);
        return Rewritten::Done;
    }
    if (info(field.header).layer == Layer::Option) {
        return clamp(field, packet, value, frame);
    }
    if (field.header == HeaderId::Ip || field.header == HeaderId::Ip6) {
        return write_ip(field, is_address(id), packet, value, frame);
    }
    const auto begin = whole(packet, field.header);
    const size_t bit = begin.value_or(0) * 8 + field.bit_offset;
    if (!begin || !packet.has_bytes(0, (bit + field.bit_width + 7) / 8)) {
        return Rewritten::Absent;
    }
    const Summed* row = packet.transport == begin ? transport_of(packet) : nullptr;
    if (field.header == HeaderId::Th && row == nullptr) {
        return Rewritten::Absent;
    }
    write_summed(row, *begin, bit, field.bit_width, value, frame);
    return Rewritten::Done;
}

void swap(Frame& frame, size_t a, size_t b, size_t bytes) {
    std::swap_ranges(frame.begin() + static_cast<ptrdiff_t>(a),
                     frame.begin() + static_cast<ptrdiff_t>(a + bytes),
                     frame.begin() + static_cast<ptrdiff_t>(b));
}

void swap_addresses(const ParsedPacket& packet, Frame& frame) {
    swap(frame, 0, 6, 6);
    if (const auto ip = whole(packet, HeaderId::Ip)) {
        swap(frame, *ip + 12, *ip + 16, 4);
    } else if (const auto ip6 = whole(packet, HeaderId::Ip6)) {
        swap(frame, *ip6 + 8, *ip6 + 24, 16);
    }
}

Rewritten reflect(Frame& frame) {
    if (frame.size() < 14) {
        return Rewritten::Absent;
    }
    const ParsedPacket packet = parse_packet(frame);
    swap_addresses(packet, frame);
    for (const HeaderId id : {HeaderId::Tcp, HeaderId::Udp, HeaderId::Udplite, HeaderId::Dccp}) {
        if (const auto begin = whole(packet, id)) {
            swap(frame, *begin, *begin + 2, 2);
        }
    }
    return Rewritten::Done;
}

Rewritten reply_echo(Frame& frame) {
    const ParsedPacket packet = parse_packet(frame);
    const bool ip6 = packet.at(HeaderId::Icmpv6).has_value();
    const auto message = whole(packet, ip6 ? HeaderId::Icmpv6 : HeaderId::Icmp);
    if (!message || frame[*message] != (ip6 ? 128 : 8) || packet.fragment != FragmentKind::None) {
        return Rewritten::Absent;
    }
    const uint8_t destination = frame[packet.at(ip6 ? HeaderId::Ip6 : HeaderId::Ip)->begin + (ip6 ? 24 : 16)];
    if (ip6 ? destination == 0xff : destination >= 224) {
        return Rewritten::Absent;
    }
    set(ip6 ? FieldId::Icmpv6Type : FieldId::IcmpType, ip6 ? 129 : 0, frame);
    set(ip6 ? FieldId::Ip6Hoplimit : FieldId::IpTtl, 64, frame);
    swap_addresses(packet, frame);
    return Rewritten::Done;
}

Rewritten push_vlan(const VlanPush& tag, Frame& frame) {
    if (frame.size() < 14) {
        return Rewritten::Absent;
    }
    frame.insert(frame.begin() + 12, 4, 0);
    write_bits(frame, 96, 16, tag.tpid);
    write_bits(frame, 112, 16, tag.tci);
    return Rewritten::Done;
}

Rewritten pop_vlan(Frame& frame) {
    if (!parse_packet(frame).at(HeaderId::Vlan) || frame.size() < 18) {
        return Rewritten::Absent;
    }
    frame.erase(frame.begin() + 12, frame.begin() + 16);
    return Rewritten::Done;
}

} // namespace

std::string_view name_of(Operation::Op op) {
    return operation_names.at(static_cast<size_t>(op));
}
std::optional<Operation::Op> operation_of(std::string_view name) {
    const auto* found = std::find(operation_names.begin(), operation_names.end(), name);
    return found == operation_names.end()
               ? std::nullopt
               : std::optional(static_cast<Operation::Op>(found - operation_names.begin()));
}

std::string text_of(const Rewrite& rewrite, const std::string& from) {
    return std::visit(Overloaded{
                          [&](const SetField& set) {
                              const TypeId type = info(set.field).type;
                              std::string text = name_of(KeySource(FieldKey{set.field})) + " set ";
                              text += set.from_key ? from : format_value(type, set.number);
                              for (const auto& [op, number] : set.operations) {
                                  text += fmt::format(" {} {}", name_of(op), format_value(type, number));
                              }
                              return text;
                          },
                          [](const Reflect&) { return std::string("reflect"); },
                          [](const ReplyEcho&) { return std::string("reply echo"); },
                          [](const RejectTcp&) { return std::string("reject with tcp reset"); },
                          [](const RejectIcmp& with) {
                              std::string text = "reject with";
                              text += with.code4 ? fmt::format(" icmp {}", *with.code4) : "";
                              return text + (with.code6 ? fmt::format(" icmpv6 {}", *with.code6) : "");
                          },
                          [](const VlanPush& tag) {
                              return fmt::format("vlan push id {} pcp {} type {:#x}", tag.tci & 0xfff,
                                                 tag.tci >> 13, tag.tpid);
                          },
                          [](const VlanPop&) { return std::string("vlan pop"); },
                          [](const Encap& encap) { return text_of(encap); },
                          [](const Decap& decap) { return text_of(decap); },
                      },
                      rewrite);
}

u128 value_for(const SetField& set, u128 key) {
    using Op = Operation::Op;
    const unsigned width = info(set.field).bit_width;
    const u128 most = max_of_width(width);
    u128 value = (set.from_key ? key : set.number) & most;
    for (const auto& [op, number] : set.operations) {
        const bool shifts = op == Op::Shl || op == Op::Shr;
        if (shifts && number >= width) {
            value = 0;
            continue;
        }
        switch (op) {
        case Op::Add:
            value += number;
            break;
        case Op::Sub:
            value -= number;
            break;
        case Op::And:
            value &= number;
            break;
        case Op::Or:
            value |= number;
            break;
        case Op::Xor:
            value ^= number;
            break;
        case Op::Shl:
            value <<= static_cast<unsigned>(number);
            break;
        case Op::Shr:
            value >>= static_cast<unsigned>(number);
            break;
        }
        value &= most;
    }
    return value;
}

bool may_refuse(const Rewrite& rewrite) {
    return std::visit(Overloaded{
                          [](const SetField&) { return false; },
                          [](const Reflect&) { return false; },
                          [](const ReplyEcho&) { return false; },
                          [](const RejectTcp&) { return true; },
                          [](const RejectIcmp&) { return true; },
                          [](const VlanPush&) { return true; },
                          [](const VlanPop&) { return false; },
                          [](const Encap&) { return true; },
                          [](const Decap&) { return true; },
                      },
                      rewrite);
}

bool may_answer(const Rewrite& rewrite) {
    const auto* encap = std::get_if<Encap>(&rewrite);
    return encap != nullptr && encap->answers;
}

void write_ip4_bits(size_t ip, size_t bit, size_t width, u128 value, Frame& frame) {
    write_summed(&ip_header, ip, bit, width, value, frame);
}

Rewritten rewrite(const Rewrite& rewrite, u128 value, Frame& frame) {
    return std::visit(Overloaded{
                          [&](const SetField& field) { return set(field.field, value, frame); },
                          [&](const Reflect&) { return reflect(frame); },
                          [&](const ReplyEcho&) { return reply_echo(frame); },
                          [&](const RejectTcp&) { return reject_tcp(frame); },
                          [&](const RejectIcmp& with) { return reject_icmp(with, frame); },
                          [&](const VlanPush& tag) { return push_vlan(tag, frame); },
                          [&](const VlanPop&) { return pop_vlan(frame); },
                          [&](const Encap& encap) { return encapsulate(encap, frame); },
                          [&](const Decap& decap) { return decapsulate(decap, frame); },
                      },
                      rewrite);
}

} // namespace xdpc::packet
