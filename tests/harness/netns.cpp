#include "tests/harness/netns.h"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace xdpc::harness {

void shell(const std::string& command) {
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr)
        throw std::runtime_error("popen failed for " + command);
    std::string output;
    char buffer[512];
    while (size_t got = fread(buffer, 1, sizeof buffer, pipe))
        output.append(buffer, got);
    if (pclose(pipe) != 0)
        throw std::runtime_error(command + ": " + output);
}

Netns::Netns(const std::string& label) {
    static std::atomic<unsigned> count{0};
    name_ = "xdpc-" + label + "-" + std::to_string(getpid()) + "-" + std::to_string(count++);
    shell("ip netns add " + name_ + " && ip -n " + name_ + " link set lo up");
}

Netns::~Netns() {
    try {
        shell("ip netns del " + name_);
    } catch (const std::exception& error) {
        fprintf(stderr, "%s\n", error.what());
    }
}

void Netns::enter() const {
    int fd = open(("/run/netns/" + name_).c_str(), O_RDONLY | O_CLOEXEC);
    int result = fd < 0 ? -1 : setns(fd, CLONE_NEWNET);
    if (fd >= 0)
        close(fd);
    if (result != 0)
        throw std::runtime_error("cannot enter " + name_ + ": " + strerror(errno));
}

void Netns::run(const std::function<void()>& work) const {
    std::exception_ptr thrown;
    std::thread thread([&] {
        try {
            enter();
            work();
        } catch (...) {
            thrown = std::current_exception();
        }
    });
    thread.join();
    if (thrown)
        std::rethrow_exception(thrown);
}

void make_veth(const Netns& first, const std::string& a, const Netns& second, const std::string& b) {
    shell("ip -n " + first.name() + " link add " + a + " type veth peer name " + b + " netns " +
          second.name());
    auto bring_up = [](const std::string& netns, const std::string& iface) {
        const std::string set = "ip -n " + netns + " link set " + iface;
        shell(set + " addrgenmode none && " + set + " up");
    };
    bring_up(first.name(), a);
    bring_up(second.name(), b);
}

FrameSocket::FrameSocket(const std::string& iface)
    : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(if_nametoindex(iface.c_str()));
    if (fd_ < 0 || address.sll_ifindex == 0 ||
        bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot open a packet socket on " + iface + ": " + strerror(errno));
    int ignore = 1;
    setsockopt(fd_, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore, sizeof ignore);
}

FrameSocket::~FrameSocket() {
    close(fd_);
}

bool FrameSocket::send(std::span<const uint8_t> frame) const {
    return ::send(fd_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
}

std::vector<uint8_t> FrameSocket::receive(int timeout_ms) const {
    pollfd wait{fd_, POLLIN, 0};
    std::vector<uint8_t> frame(65536);
    ssize_t got = poll(&wait, 1, timeout_ms) > 0 ? recv(fd_, frame.data(), frame.size(), 0) : 0;
    frame.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return frame;
}

} // namespace xdpc::harness
