// Network namespaces with veth pairs for tests, and raw frames on them. Every namespace is named `xdpc-…` and
// is deleted, with all in it, at the end of its scope.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace xdpc::harness {

/// Runs a shell command; its output goes with the failure. Throws std::runtime_error if it fails.
void shell(const std::string& command);

class Netns {
public:
    /// `label` makes the name readable: xdpc-LABEL-PID-N.
    explicit Netns(const std::string& label);
    ~Netns();
    Netns(const Netns&) = delete;
    Netns& operator=(const Netns&) = delete;
    [[nodiscard]] const std::string& name() const { return name_; }
    /// Runs `work` on a thread inside the namespace and waits; what it throws is thrown here.
    void run(const std::function<void()>& work) const;
    /// Moves the calling thread into the namespace.
    void enter() const;

private:
    std::string name_;
};

/// `a` in `first` and `b` in `second`, both up; no addresses, and IPv6 is kept quiet, so that only the test's
/// own frames travel.
void make_veth(const Netns& first, const std::string& a, const Netns& second, const std::string& b);

/// A socket that sends and receives whole frames on an interface of the calling thread's namespace.
class FrameSocket {
public:
    explicit FrameSocket(const std::string& iface);
    ~FrameSocket();
    FrameSocket(const FrameSocket&) = delete;
    FrameSocket& operator=(const FrameSocket&) = delete;
    /// False if the queue is full: the frame was not sent.
    bool send(std::span<const uint8_t> frame) const;
    /// The next frame within the time, empty if none came.
    [[nodiscard]] std::vector<uint8_t> receive(int timeout_ms) const;

private:
    int fd_;
};

} // namespace xdpc::harness
