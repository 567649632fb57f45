// A network namespace for tests, with the interfaces and routes that they are given. The calling thread is in
// it as long as it lives; nothing else ever is.
#pragma once

#include "runtime/load.h"

namespace xdpc::rt {

/// Addresses in network byte order: 4 or 16 bytes, of links 6.
struct NewRoute {
    std::vector<uint8_t> address; // of the prefix
    uint8_t length = 0;           // of it, in bits
    uint32_t table = 0;
    uint8_t type = 0;              // RTN_*
    uint32_t ifindex = 0;          // of RTN_UNICAST
    std::vector<uint8_t> next_hop; // its link address, if it is known
};

class PrivateNetwork {
public:
    /// One with the loopback interface, which forwards.
    static Result<PrivateNetwork> enter();
    PrivateNetwork(PrivateNetwork&&) noexcept = default;
    PrivateNetwork& operator=(PrivateNetwork&&) = delete;
    ~PrivateNetwork(); // back to where the thread was

    /// An interface that is up, and its index.
    Result<uint32_t> add_interface(const std::string& name, const std::vector<uint8_t>& ether, uint32_t mtu);
    Result<void> add_route(const NewRoute& route);

private:
    PrivateNetwork(Fd before, Fd socket) : before_(std::move(before)), socket_(std::move(socket)) {}

    Fd before_; // the namespace that the thread was in
    Fd socket_; // rtnetlink
    uint32_t interfaces_ = 0, routes_ = 0;
};

} // namespace xdpc::rt
