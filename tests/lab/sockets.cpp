#include "tests/lab/sockets.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace xdpc::lab {
namespace {

Socket open_socket(int family, int type) {
    Socket result(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (result.get() < 0)
        throw std::runtime_error(std::string("socket: ") + std::strerror(errno));
    return result;
}

Socket server(int type, uint16_t port) {
    Socket result = open_socket(AF_INET6, type);
    int on = 1, off = 0, buffer = 64 << 20;
    setsockopt(result.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    setsockopt(result.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(result.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (bind(result.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(std::string("bind: ") + std::strerror(errno));
    return result;
}

/// IPv4 addresses are mapped: one family serves both.
sockaddr_in6 destination(const std::string& address, uint16_t port) {
    sockaddr_in6 result{};
    result.sin6_family = AF_INET6;
    result.sin6_port = htons(port);
    std::string text = address.find(':') == std::string::npos ? "::ffff:" + address : address;
    inet_pton(AF_INET6, text.c_str(), &result.sin6_addr);
    return result;
}

} // namespace

Socket::~Socket() {
    if (fd_ >= 0)
        close(fd_);
}

Socket udp_server(uint16_t port) {
    return server(SOCK_DGRAM, port);
}

Socket tcp_server(uint16_t port) {
    Socket result = server(SOCK_STREAM, port);
    if (listen(result.get(), 64) != 0)
        throw std::runtime_error(std::string("listen: ") + std::strerror(errno));
    return result;
}

void udp_send(const std::string& address, uint16_t port, size_t size) {
    Socket socket = open_socket(AF_INET6, SOCK_DGRAM);
    sockaddr_in6 to = destination(address, port);
    std::vector<uint8_t> payload(size, 'x');
    if (sendto(socket.get(), payload.data(), size, 0, reinterpret_cast<sockaddr*>(&to), sizeof to) !=
        static_cast<ssize_t>(size))
        throw std::runtime_error(std::string("sendto: ") + std::strerror(errno));
}

uint64_t udp_drain(const Socket& server, int quiet_ms) {
    uint64_t count = 0;
    char buffer[2048];
    for (pollfd wait{server.get(), POLLIN, 0}; poll(&wait, 1, quiet_ms) > 0;)
        while (recv(server.get(), buffer, sizeof buffer, 0) >= 0)
            ++count;
    return count;
}

bool tcp_connects(const std::string& address, uint16_t port, int timeout_ms) {
    Socket socket = open_socket(AF_INET6, SOCK_STREAM);
    sockaddr_in6 to = destination(address, port);
    if (connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) == 0)
        return true;
    pollfd wait{socket.get(), POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    return errno == EINPROGRESS && poll(&wait, 1, timeout_ms) > 0 &&
           getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

} // namespace xdpc::lab
