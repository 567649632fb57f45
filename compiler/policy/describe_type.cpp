#include "compiler/policy/scalars.h"

namespace xdpc {

std::string describe_type(TypeId type) {
    switch (type) {
    case TypeId::Integer:
        return "a number";
    case TypeId::Boolean:
        return "`exists` or `missing`";
    case TypeId::EtherAddr:
        return "a MAC address";
    case TypeId::Ipv4Addr:
        return "an IPv4 address";
    case TypeId::Ipv6Addr:
        return "an IPv6 address";
    case TypeId::EtherType:
        return "an EtherType";
    case TypeId::InetProto:
        return "a protocol's name or number";
    case TypeId::InetService:
        return "a port or a service's name";
    case TypeId::ArpOp:
        return "an ARP operation";
    case TypeId::Dscp:
        return "a DSCP";
    case TypeId::Ecn:
        return "an ECN codepoint";
    case TypeId::IcmpType:
        return "an ICMP type";
    case TypeId::IcmpCode:
        return "an ICMP code";
    case TypeId::Icmpv6Type:
        return "an ICMPv6 type";
    case TypeId::Icmpv6Code:
        return "an ICMPv6 code";
    case TypeId::IgmpType:
        return "an IGMP type";
    case TypeId::TcpFlag:
        return "TCP flags";
    case TypeId::MhType:
        return "a mobility header type";
    case TypeId::RtType:
        return "a routing header type";
    case TypeId::DccpType:
        return "a DCCP packet type";
    case TypeId::IfaceIndex:
        return "an interface's index or name";
    case TypeId::IfaceName:
        return "an interface's name of at most 15 bytes";
    case TypeId::Time:
        return "a time as \"2026-01-31 12:00:00\"";
    case TypeId::Day:
        return "a day of the week";
    case TypeId::Hour:
        return "a time of day as \"12:00\"";
    case TypeId::Fragment:
        return "`none`, `first`, `later` or `any`";
    }
    return "";
}

} // namespace xdpc
