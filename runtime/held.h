// An interface under its lock, repaired. Shared by what looks at the policy that runs.
#pragma once

#include "runtime/generations.h"

namespace xdpc::rt {

/// An interface under its lock, repaired.
struct Held {
    Interface iface;
    uint64_t network_namespace = 0;
    InterfaceLock lock; // not taken where nothing of ours is pinned
    Running running;
    AttachedProgram attached;

    [[nodiscard]] bool ours() const {
        return running.link && running.link->ifindex == iface.index &&
               running.link->program_id == attached.id;
    }
};

/// What an interface is asked: which program it runs and in which mode, by a netlink dump of all interfaces;
/// or nothing, where our link alone tells which program it is. It cannot tell the mode.
enum class Ask : uint8_t { Interface, Link };
/// The interface with a live generation of ours, or why not.
Result<Held> hold_ours(const std::string& name, Ask ask = Ask::Interface);

} // namespace xdpc::rt
