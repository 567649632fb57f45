// Real sockets for lab tests. Each is made in the calling thread's network namespace and stays in it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace xdpc::lab {

class Socket {
public:
    explicit Socket(int fd) : fd_(fd) {}
    Socket(Socket&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

/// Bound to all addresses, IPv4 and IPv6.
Socket udp_server(uint16_t port);
Socket tcp_server(uint16_t port);
/// One datagram of `size` bytes to `address`, from any port.
void udp_send(const std::string& address, uint16_t port, size_t size = 4);
/// Datagrams that arrived: waits `quiet_ms` for more after each.
uint64_t udp_drain(const Socket& server, int quiet_ms = 100);
/// Whether a connection is made within the time; neither answered nor refused is false.
bool tcp_connects(const std::string& address, uint16_t port, int timeout_ms = 300);

} // namespace xdpc::lab
