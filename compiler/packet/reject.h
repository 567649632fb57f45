// The answers of `reject`, as compiler/fields/README.md has them.
#pragma once

#include "compiler/packet/rewrite.h"

namespace xdpc::packet {

Rewritten reject_tcp(std::vector<uint8_t>& frame);
Rewritten reject_icmp(const RejectIcmp& with, std::vector<uint8_t>& frame);

} // namespace xdpc::packet
