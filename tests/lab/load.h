// Traffic for tests of replacement under load: frames made beforehand, sent so that the receiver keeps up,
// and what the device dropped on the way.
#pragma once

#include "compiler/packet/build.h"
#include "tests/lab/lab.h"

#include <functional>

namespace xdpc::lab {

/// A UDP datagram to the inner end, a frame of 60 bytes.
packet::Frame datagram(uint16_t port, uint32_t source = 0x0a630001);

/// What the driver itself dropped on the way in, because a queue was full: never reached the policy. Some
/// kernels tell the sender of it, so that it sends once more: less what the sockets did not take.
uint64_t driver_drops(const Lab& lab, uint64_t refused);

/// How often to replace: XDPC_SOAK_APPLIES, else this.
unsigned wanted_applies(unsigned otherwise);

/// Sends `frame(0)`, `frame(1)`, … in the calling thread's namespace while `more(sent)`, in small bursts with
/// a pause behind each, since the receiver's ring has 256 places; gives how many the socket took, and in
/// `refused` how often it did not take one.
uint64_t send_load(const std::function<const packet::Frame&(uint64_t)>& frame,
                   const std::function<bool(uint64_t)>& more, std::chrono::microseconds pause,
                   uint64_t& refused);

} // namespace xdpc::lab
