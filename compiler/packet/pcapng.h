// A capture file as pcapng (RFC draft "PCAP Next Generation"), block by block: what a reader like tshark
// shows as comment, verdict, interface and drops. Bytes are of the host's order, as the format wants.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace xdpc::packet {

struct CapturedFrame {
    uint64_t wall_ns = 0; // since 1970 UTC
    std::span<const uint8_t> bytes;
    uint32_t length = 0; // of the whole frame
    uint32_t action = 0; // enum xdp_action
    uint32_t queue = 0;
    std::string comment;
};

/// What a file begins with: the section, and its one interface.
std::string pcapng_begin(const std::string& writer, const std::string& iface, uint32_t snap);
std::string pcapng_frame(const CapturedFrame& frame);
/// What it ends with: how many frames were seen, and how many were lost before they could be.
std::string pcapng_end(uint64_t wall_ns, uint64_t seen, uint64_t lost);

} // namespace xdpc::packet
