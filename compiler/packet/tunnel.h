// Outer headers put on and taken off, as compiler/fields/README.md has it ("How packets are rewritten").
#pragma once

#include "compiler/packet/rewrite.h"

namespace xdpc::packet {

/// From the outer IP header on; 0 where it depends on the packet.
std::vector<uint8_t> outer_headers(const Encap& encap);

Rewritten encapsulate(const Encap& encap, std::vector<uint8_t>& frame);
Rewritten decapsulate(const Decap& decap, std::vector<uint8_t>& frame);

std::string text_of(const Encap& encap);
std::string text_of(const Decap& decap);

} // namespace xdpc::packet
