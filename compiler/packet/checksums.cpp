#include "compiler/packet/assemble.h"

namespace xdpc::packet {

namespace {

constexpr uint32_t sum_of(std::span<const uint8_t> bytes, uint32_t sum) {
    for (size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? uint32_t{bytes[i]} << 8 : bytes[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

/// The sum of the pseudo header that the IP layer below `index` contributes; 0 if there is none.
uint32_t pseudo_sum(const std::vector<Placed>& layers, size_t index, const Frame& frame, uint8_t protocol) {
    const size_t length = frame.size() - layers[index].begin;
    for (size_t i = index; i-- > 0;) {
        const bool is_ip = layers[i].is(HeaderId::Ip);
        if (!is_ip && !layers[i].is(HeaderId::Ip6)) {
            continue;
        }
        const auto addresses = std::span(frame).subspan(layers[i].begin + (is_ip ? 12 : 8), is_ip ? 8 : 32);
        const uint32_t sum = sum_of(addresses, protocol);
        return sum + static_cast<uint32_t>(length & 0xffff) + static_cast<uint32_t>(length >> 16);
    }
    return 0;
}

/// How the checksum of a header is made.
struct ChecksumRow {
    HeaderId header;
    std::optional<FieldId> field; // nothing: not in the table (DCCP), never given
    size_t offset;
    bool pseudo;
    bool header_only;
};
const ChecksumRow rows[] = {
    {HeaderId::Ip, FieldId::IpChecksum, 10, false, true},
    {HeaderId::Mh, FieldId::MhChecksum, 4, true, false},
    {HeaderId::Icmp, FieldId::IcmpChecksum, 2, false, false},
    {HeaderId::Icmpv6, FieldId::Icmpv6Checksum, 2, true, false},
    {HeaderId::Igmp, FieldId::IgmpChecksum, 2, false, false},
    {HeaderId::Tcp, FieldId::TcpChecksum, 16, true, false},
    {HeaderId::Udp, FieldId::UdpChecksum, 6, true, false},
    {HeaderId::Udplite, FieldId::UdpliteChecksum, 6, true, false},
    {HeaderId::Dccp, {}, 6, true, false},
};

/// The bytes that the checksum covers.
std::span<const uint8_t> covered(const Placed& placed, const ChecksumRow& row, const Frame& frame) {
    const auto all = std::span(frame).subspan(placed.begin);
    if (row.header_only) {
        return all.first(placed.header_end - placed.begin);
    }
    if (row.header == HeaderId::Udplite) {
        const size_t coverage = size_t{all[4]} << 8 | all[5];
        return coverage >= 8 && coverage < all.size() ? all.first(coverage) : all;
    }
    return all;
}

void put16(Frame& frame, size_t at, uint16_t value) {
    frame[at] = static_cast<uint8_t>(value >> 8);
    frame[at + 1] = static_cast<uint8_t>(value);
}

void compute_checksum(const std::vector<Placed>& layers, size_t index, const ChecksumRow& row, Frame& frame) {
    const Placed& placed = layers[index];
    if (row.field && placed.gives(*row.field)) {
        return;
    }
    const auto protocol = static_cast<uint8_t>(info(row.header).guard);
    const uint32_t start = row.pseudo ? pseudo_sum(layers, index, frame, protocol) : 0;
    put16(frame, placed.begin + row.offset, 0);
    uint16_t sum = internet_checksum(covered(placed, row, frame), start);
    if (sum == 0 && (row.header == HeaderId::Udp || row.header == HeaderId::Udplite)) {
        sum = 0xffff; // 0 means none
    }
    put16(frame, placed.begin + row.offset, sum);
}

void compute_sctp(const Placed& placed, Frame& frame) {
    if (placed.gives(FieldId::SctpChecksum)) {
        return;
    }
    const size_t at = placed.begin + 8;
    const uint32_t crc = crc32c(std::span(frame).subspan(placed.begin));
    for (size_t i = 0; i < 4; ++i) { // RFC 9260: least significant byte first
        frame[at + i] = static_cast<uint8_t>(crc >> 8 * i);
    }
}

} // namespace

uint16_t internet_checksum(std::span<const uint8_t> bytes, uint32_t sum) {
    while (sum >> 16 != 0) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<uint16_t>(~sum_of(bytes, sum));
}

uint32_t crc32c(std::span<const uint8_t> bytes) {
    uint32_t crc = ~0U;
    for (const uint8_t byte : bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
        }
    }
    return ~crc;
}

void compute_checksums(const std::vector<Placed>& layers, Frame& frame) {
    for (size_t i = layers.size(); i-- > 0;) { // the outer ones cover the inner
        for (const ChecksumRow& row : rows) {
            if (layers[i].is(row.header)) {
                compute_checksum(layers, i, row, frame);
            }
        }
        if (layers[i].is(HeaderId::Sctp)) {
            compute_sctp(layers[i], frame);
        }
    }
}

} // namespace xdpc::packet
