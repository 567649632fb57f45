// The steps of apply on one interface; apply.cpp puts them in order over all interfaces.
#pragma once

#include "runtime/adopt.h"

namespace xdpc::rt {

struct Target {
    Interface iface;
    uint64_t network_namespace = 0;
    InterfaceLock lock;
    Running running;
    std::optional<Meta> previous; // of what runs of ours
    AttachedProgram attached;
    bool foreign = false;
    Fd foreign_program; // to put it back, where the kernel gives it
    Generation generation;
    Adoption adoption;
    std::vector<uint32_t> devices; // what the policy redirects to
    std::vector<uint32_t> ports;   // where its routes may lead
    AddedKeys added;               // to tables that the old program uses too
    std::optional<Loaded> loaded;
    Fd hooked; // runs in its place while somebody captures
    Fd link;
    ApplyReport report;
    // What undo has to take back.
    bool pinned = false;
    bool attached_now = false;
    bool swapped = false;
    bool foreign_removed = false;
    bool rxvlan_changed = false;
};

/// Looks at what runs there: ours, a foreign program or none; refuses what apply must not touch.
Result<void> inspect(Target& target, const Artifact& artifact, const ApplyOptions& options);
/// Works out which state goes on; refuses what cannot.
Result<void> adopt_state(Target& target, const Artifact& artifact, const ApplyOptions& options);
/// Loads for this interface and runs one packet.
tl::expected<void, LoadError> load_for(Target& target, const Artifact& artifact, bool measure);
/// Says what the device does to VLAN tags if the policy looks at them.
void note_tags(Target& target, const Artifact& artifact, const ApplyOptions& options);
Result<void> turn_off_rxvlan(Target& target, const Artifact& artifact, const ApplyOptions& options);
/// Pins program, counters, base and metadata as a new generation.
Result<void> pin_generation(Target& target, const Artifact& artifact);
/// Makes the new program run: by a new link, or in the place of the running one.
Result<void> attach(Target& target, const ApplyOptions& options);
/// Carries counters and removes what was replaced. Whatever fails here is left for the next command.
void finish(Target& target);
/// Takes back all that was done; the error says what could not be.
Result<void> undo(Target& target);

} // namespace xdpc::rt
