// The answers of `reject`, as compiler/fields/README.md has them.
#pragma once

#include "compiler/packet/rewrite.h"

namespace xdpc::packet {

Rewritten reject_tcp(std::vector<uint8_t>& frame);
Rewritten reject_icmp(const RejectIcmp& with, std::vector<uint8_t>& frame);
/// ICMP's "fragmentation needed" or ICMPv6's "packet too big": packets of `mtu` bytes would do.
Rewritten answer_too_big(uint32_t mtu, std::vector<uint8_t>& frame);

} // namespace xdpc::packet
