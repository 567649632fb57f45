// Network interfaces as this folder sees them: which there are, what XDP program they run, and whether the
// device takes VLAN tags off before XDP. All of it is of the calling thread's network namespace.
#pragma once

#include "runtime/attach.h"
#include "runtime/internal.h"

namespace xdpc::rt {

struct Interface {
    std::string name;
    uint32_t index = 0;
};

/// The inode that names the calling thread's network namespace.
Result<uint64_t> network_namespace();
Result<Interface> find_interface(const std::string& name);
std::vector<Interface> all_interfaces();

struct AttachedProgram {
    uint32_t id = 0; // 0: none
    Mode mode = Mode::Native;
};
Result<AttachedProgram> attached_program(const Interface& iface);
/// "" where the kernel does not tell this process.
std::string program_name(uint32_t program_id);

/// What XDP_FLAGS_* attaches in this mode.
uint32_t flags_of(Mode mode);

/// Takes a foreign program off, whether attached by netlink or by a link of another tool.
Result<void> remove_foreign(const Interface& iface, const AttachedProgram& foreign);
/// Puts it back by netlink after a failed takeover.
Result<void> restore_foreign(const Interface& iface, const AttachedProgram& foreign, const Fd& program);
Fd program_by_id(uint32_t program_id);

/// The driver's name as ethtool has it, "" if it tells none.
std::string driver_of(const Interface& iface);
/// Whether the device's rx-vlan offload is on; none if it has no such switch.
std::optional<bool> rxvlan_offload(const Interface& iface);
Result<void> set_rxvlan_offload(const Interface& iface, bool on);

} // namespace xdpc::rt
