// Listening to what a policy tells: `log` and `sample` events, and decided packets. A listener goes on when
// another policy is applied. The protocol is specified in runtime/STATE.md ("Events").
#pragma once

#include "runtime/attach.h"

#include <map>
#include <span>

namespace xdpc::rt {

struct ListenOptions {
    bool statements = false;         // what `log` and `sample` tell
    bool packets = false;            // decided packets
    uint32_t snap = 65535;           // of packets: bytes at most
    uint32_t actions = ~0U;          // of packets: bits by enum xdp_action
    std::string rule;                // only of the rule (or policy) of this display name; "": of all
    uint32_t ring_bytes = 4U << 20U; // a power of two, of at least a page
};

struct Event {
    enum class Kind : uint8_t { Log, Sample, Packet } kind = Kind::Packet;
    uint64_t wall_ns = 0; // since 1970 UTC
    uint32_t generation = 0;
    const Artifact* policy = nullptr; // of that generation; null if it is gone already
    const Decider* decider = nullptr; // who decided, or where the statement stands
    std::optional<uint32_t> action;   // of a packet: enum xdp_action
    std::string prefix;               // of `log`
    uint32_t ifindex = 0, rxqueue = 0;
    uint32_t length = 0;            // of the frame
    std::span<const uint8_t> frame; // its first bytes
};

/// One of at most XDPC_LISTENERS on an interface. Move-only; leaving takes its bits back.
class Listener {
public:
    /// An Error if nothing of ours runs there, it cannot be listened to, or all places are taken (naming who
    /// has them).
    static Result<Listener> open(const std::string& iface, const ListenOptions& options);
    Listener(Listener&&) noexcept;
    Listener& operator=(Listener&&) noexcept;
    ~Listener();

    /// Waits for up to `milliseconds` for events and calls `use` with each, until it returns false. Has to be
    /// called every second at least, or the program takes the listener for dead. An Error once the policy is
    /// taken off.
    Result<void> poll(int milliseconds, const std::function<bool(const Event&)>& use);
    /// Events that found the ring buffer full, since the begin.
    [[nodiscard]] uint64_t lost() const;
    /// Of the policy that runs, as of the last poll.
    [[nodiscard]] const Artifact& policy() const;
    /// What changed since the last call: another policy, a rule that it lacks.
    std::vector<std::string> take_notes();

private:
    struct Impl;
    explicit Listener(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace xdpc::rt
