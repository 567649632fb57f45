// The interfaces that a policy sends packets to: found by name, asked whether they take frames, put into the
// program's map `devices`.
#pragma once

#include "runtime/interface.h"

namespace xdpc::rt {

/// What a device's driver says of itself (`xdp-features` of the kernel's netdev netlink family), as bits of
/// NETDEV_XDP_ACT_*; none where the kernel (before 6.3) does not tell.
std::optional<uint64_t> xdp_features(uint32_t ifindex);

/// The indices of the interfaces of Artifact::interfaces, in their order. An error if one is not there, or
/// would take no frame of a program in native mode. `applied`: where the policy is about to run.
Result<std::vector<uint32_t>> find_devices(const Artifact& artifact, const std::vector<Interface>& applied,
                                           Mode mode);
/// What is to be said of a policy that sends packets back out of this interface; "" if nothing.
std::string warning_of_answers(const Artifact& artifact, const Interface& iface, Mode mode);
Result<void> fill_devices(const Loaded& loaded, const std::vector<uint32_t>& indices);
/// What `route` may send to; all else it leaves to the stack.
struct Ports {
    std::vector<uint32_t> indices;
    std::vector<std::string> without; // names of other interfaces that are up
};
/// The interfaces of this network namespace that take frames of a program in this mode. `applied`: where the
/// policy is about to run. Where the kernel does not tell (before 6.3), only those.
Ports find_ports(const std::vector<Interface>& applied, Mode mode);
/// An error if the policy asks tables by their numbers, which this kernel cannot.
Result<void> check_tables(const Artifact& artifact);
/// What is to be said of a policy with `route` on this interface.
std::vector<std::string> notes_of_routes(const Interface& iface, const std::vector<std::string>& without);
/// Of a program made for tests, if this is one: each is the loopback interface, which is in every network
/// namespace.
Result<void> fill_test_devices(const Loaded& loaded, const Artifact& artifact);

} // namespace xdpc::rt
