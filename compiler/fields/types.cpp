#include "compiler/fields/fields.h"

#include <arpa/inet.h>
#include <array>
#include <bit>
#include <cassert>
#include <ctime>
#include <fmt/format.h>

namespace xdpc {

namespace {

struct TypeRow {
    TypeId type;
    std::string_view name; // nft's
    uint16_t width;        // of a set's key of that type
};
constexpr auto type_rows = std::to_array<TypeRow>({
    {TypeId::Integer, "integer", 0},
    {TypeId::Boolean, "boolean", 1},
    {TypeId::EtherAddr, "ether_addr", 48},
    {TypeId::Ipv4Addr, "ipv4_addr", 32},
    {TypeId::Ipv6Addr, "ipv6_addr", 128},
    {TypeId::EtherType, "ether_type", 16},
    {TypeId::InetProto, "inet_proto", 8},
    {TypeId::InetService, "inet_service", 16},
    {TypeId::ArpOp, "arp_op", 16},
    {TypeId::Dscp, "dscp", 6},
    {TypeId::Ecn, "ecn", 2},
    {TypeId::IcmpType, "icmp_type", 8},
    {TypeId::IcmpCode, "icmp_code", 8},
    {TypeId::Icmpv6Type, "icmpv6_type", 8},
    {TypeId::Icmpv6Code, "icmpv6_code", 8},
    {TypeId::IgmpType, "igmp_type", 8},
    {TypeId::TcpFlag, "tcp_flag", 8},
    {TypeId::MhType, "mh_type", 8},
    {TypeId::RtType, "rt_type", 8},
    {TypeId::DccpType, "dccp_pkttype", 4},
    {TypeId::IfaceIndex, "iface_index", 32},
    {TypeId::IfaceName, "ifname", 128},
    {TypeId::Time, "time", 64},
    {TypeId::Day, "day", 8},
    {TypeId::Hour, "hour", 32},
    {TypeId::Fragment, "fragment", 2},
});

const TypeRow& row_of(TypeId type) {
    for (const TypeRow& row : type_rows) {
        if (row.type == type) {
            return row;
        }
    }
    assert(false && "a type without a row");
    return type_rows[0];
}

std::string number(u128 value) {
    if (value <= ~uint64_t{0}) {
        return fmt::format("{}", static_cast<uint64_t>(value));
    }
    return fmt::format("0x{:x}{:016x}", static_cast<uint64_t>(value >> 64), static_cast<uint64_t>(value));
}

std::array<uint8_t, 16> bytes_of(u128 value) {
    std::array<uint8_t, 16> bytes{};
    for (size_t i = 0; i < 16; ++i) {
        bytes[i] = static_cast<uint8_t>(value >> (8 * (15 - i)));
    }
    return bytes;
}

std::string format_address(TypeId type, u128 value) {
    const std::array<uint8_t, 16> bytes = bytes_of(value);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (type == TypeId::Ipv4Addr) {
        inet_ntop(AF_INET, bytes.data() + 12, text.data(), text.size());
        return text.data();
    }
    if (type == TypeId::Ipv6Addr) {
        inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
        return text.data();
    }
    return fmt::format("{:02x}", fmt::join(bytes.begin() + 10, bytes.end(), ":"));
}

std::string format_flags(u128 value) {
    std::string text;
    for (unsigned bit = 0; bit < 8; ++bit) {
        if ((value >> bit & 1U) != 0) {
            const auto name = symbol_of(TypeId::TcpFlag, uint64_t{1} << bit);
            text += (text.empty() ? "" : "|") + std::string(*name);
        }
    }
    return text.empty() ? "0x0" : text;
}

/// Up to the zero padding; what cannot stand in a name is shown as `?`.
std::string format_name(u128 value, size_t length) {
    std::string text;
    const std::array<uint8_t, 16> bytes = bytes_of(value);
    for (size_t i = 0; i < length && bytes[i] != 0; ++i) {
        text += bytes[i] < 0x20 || bytes[i] == '"' || bytes[i] > 0x7e ? '?' : static_cast<char>(bytes[i]);
    }
    return text;
}

std::string format_time(u128 value) {
    const auto ns = static_cast<uint64_t>(value);
    const auto seconds = static_cast<time_t>(ns / 1'000'000'000U);
    tm parts{};
    gmtime_r(&seconds, &parts);
    std::string text =
        fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                    parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
    if (ns % 1'000'000'000U != 0) {
        text += fmt::format(".{:09}", ns % 1'000'000'000U);
    }
    return '"' + text + '"';
}

std::string format_hour(u128 value) {
    const auto s = static_cast<uint64_t>(value);
    std::string text = fmt::format("{:02}:{:02}", s / 3600, s / 60 % 60);
    return '"' + text + (s % 60 != 0 ? fmt::format(":{:02}", s % 60) : "") + '"';
}

/// How many low bits differ if the interval is an aligned block of a power of two.
std::optional<unsigned> block_bits(Interval interval) {
    const u128 span = interval.lo ^ interval.hi;
    const bool aligned = (span & (span + 1)) == 0 && (interval.lo & span) == 0;
    if (!aligned) {
        return {};
    }
    const auto high = static_cast<uint64_t>(span >> 64);
    return static_cast<unsigned>(std::popcount(high) + std::popcount(static_cast<uint64_t>(span)));
}

bool is_address(TypeId type) {
    return type == TypeId::Ipv4Addr || type == TypeId::Ipv6Addr || type == TypeId::EtherAddr;
}

} // namespace

std::string_view name_of(TypeId type) {
    return row_of(type).name;
}

uint16_t width_of(TypeId type) {
    return row_of(type).width;
}

std::optional<TypeId> find_type(std::string_view nft_name) {
    for (const TypeRow& row : type_rows) {
        if (row.name == nft_name) {
            return row.type;
        }
    }
    return {};
}

std::string format_value(TypeId type, u128 value) {
    switch (type) {
    case TypeId::EtherAddr:
    case TypeId::Ipv4Addr:
    case TypeId::Ipv6Addr:
        return format_address(type, value);
    case TypeId::TcpFlag:
        return format_flags(value);
    case TypeId::IfaceName:
        return '"' + format_name(value, 16) + '"';
    case TypeId::Time:
        return format_time(value);
    case TypeId::Hour:
        return format_hour(value);
    case TypeId::Integer:
    case TypeId::Boolean:
    case TypeId::EtherType:
    case TypeId::InetProto:
    case TypeId::InetService:
    case TypeId::ArpOp:
    case TypeId::Dscp:
    case TypeId::Ecn:
    case TypeId::IcmpType:
    case TypeId::IcmpCode:
    case TypeId::Icmpv6Type:
    case TypeId::Icmpv6Code:
    case TypeId::IgmpType:
    case TypeId::MhType:
    case TypeId::RtType:
    case TypeId::DccpType:
    case TypeId::IfaceIndex:
    case TypeId::Day:
    case TypeId::Fragment:
        break;
    }
    if (value <= ~uint64_t{0}) {
        if (const auto symbol = symbol_of(type, static_cast<uint64_t>(value))) {
            return std::string(*symbol);
        }
    }
    if (type == TypeId::EtherType || type == TypeId::Dscp) {
        return fmt::format("0x{:0{}x}", static_cast<uint64_t>(value), type == TypeId::EtherType ? 4 : 2);
    }
    return number(value);
}

std::string format_interval(TypeId type, Interval interval, uint16_t width) {
    if (interval.lo == interval.hi) {
        return format_value(type, interval.lo);
    }
    if (const auto bits = block_bits(interval)) {
        if (is_address(type) && *bits <= width) {
            return fmt::format("{}/{}", format_value(type, interval.lo), width - *bits);
        }
        if (type == TypeId::IfaceName && *bits % 8 == 0) {
            return fmt::format("\"{}*\"", format_name(interval.lo, 16 - *bits / 8));
        }
    }
    // A hyphen between symbols would read as one name: ranges of ports and numbers are written in digits.
    const bool digits = !is_address(type) && type != TypeId::Time && type != TypeId::Hour &&
                        type != TypeId::Day && type != TypeId::IfaceName;
    return digits ? number(interval.lo) + "-" + number(interval.hi)
                  : format_value(type, interval.lo) + "-" + format_value(type, interval.hi);
}

} // namespace xdpc
