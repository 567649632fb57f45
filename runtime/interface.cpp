#include "runtime/interface.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace xdpc::rt {

const char* name_of(Mode mode) {
    switch (mode) {
    case Mode::Auto:
        return "auto";
    case Mode::Native:
        return "native";
    case Mode::Generic:
        return "generic";
    case Mode::Offload:
        return "offload";
    }
    return "?";
}

uint32_t flags_of(Mode mode) {
    switch (mode) {
    case Mode::Auto:
        return 0;
    case Mode::Native:
        return XDP_FLAGS_DRV_MODE;
    case Mode::Generic:
        return XDP_FLAGS_SKB_MODE;
    case Mode::Offload:
        return XDP_FLAGS_HW_MODE;
    }
    return 0;
}

Result<uint64_t> network_namespace() {
    struct stat status{};
    if (stat("/proc/thread-self/ns/net", &status) != 0)
        return fail_errno("cannot identify the network namespace by /proc/thread-self/ns/net");
    return status.st_ino;
}

Result<Interface> find_interface(const std::string& name) {
    uint32_t index = name.size() < IF_NAMESIZE ? if_nametoindex(name.c_str()) : 0;
    if (index != 0)
        return Interface{name, index};
    std::string there;
    std::vector<std::string> names;
    for (const Interface& iface : all_interfaces()) {
        there += (there.empty() ? "" : ", ") + iface.name;
        names.push_back(iface.name);
    }
    return fail(fmt::format("there is no interface `{}`", name),
                fmt::format("this network namespace has: {}", there));
}

std::vector<Interface> all_interfaces() {
    std::vector<Interface> interfaces;
    struct if_nameindex* list = if_nameindex();
    for (auto* entry = list; entry != nullptr && entry->if_index != 0; entry++)
        interfaces.push_back({entry->if_name, entry->if_index});
    if (list != nullptr)
        if_freenameindex(list);
    return interfaces;
}

Result<AttachedProgram> attached_program(const Interface& iface) {
    LibbpfMessages messages;
    LIBBPF_OPTS(bpf_xdp_query_opts, query);
    int error = bpf_xdp_query(static_cast<int>(iface.index), 0, &query);
    if (error != 0)
        return fail_errno(fmt::format("cannot ask which XDP program `{}` runs", iface.name), error);
    if (query.drv_prog_id != 0)
        return AttachedProgram{query.drv_prog_id, Mode::Native};
    if (query.skb_prog_id != 0)
        return AttachedProgram{query.skb_prog_id, Mode::Generic};
    if (query.hw_prog_id != 0)
        return AttachedProgram{query.hw_prog_id, Mode::Offload};
    return AttachedProgram{};
}

Fd program_by_id(uint32_t program_id) {
    return Fd(bpf_prog_get_fd_by_id(program_id));
}

std::string program_name(uint32_t program_id) {
    Fd program = program_by_id(program_id);
    if (!program.valid())
        return "";
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0)
        return "";
    return {info.name, strnlen(info.name, sizeof info.name)};
}

namespace {

/// The link by which the interface runs the program; invalid if it was attached by netlink.
Fd find_link(const Interface& iface, uint32_t program_id) {
    uint32_t id = 0;
    while (bpf_link_get_next_id(id, &id) == 0) {
        Fd link(bpf_link_get_fd_by_id(id));
        bpf_link_info info{};
        uint32_t size = sizeof info;
        if (!link.valid() || bpf_obj_get_info_by_fd(link.get(), &info, &size) != 0)
            continue;
        if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == iface.index && info.prog_id == program_id)
            return link;
    }
    return Fd();
}

} // namespace

Result<void> remove_foreign(const Interface& iface, const AttachedProgram& foreign) {
    Fd link = find_link(iface, foreign.id);
    if (link.valid()) {
        if (bpf_link_detach(link.get()) != 0)
            return fail_errno(
                fmt::format("cannot take the link of program {} off `{}`", foreign.id, iface.name));
        return {};
    }
    Fd program = program_by_id(foreign.id);
    LIBBPF_OPTS(bpf_xdp_attach_opts, options);
    // Expecting the program that was looked at, where the kernel lets us name it.
    if (program.valid())
        options.old_prog_fd = program.get();
    LibbpfMessages messages;
    int error = bpf_xdp_detach(static_cast<int>(iface.index), flags_of(foreign.mode), &options);
    if (error != 0)
        return fail_errno(fmt::format("cannot take program {} off `{}`", foreign.id, iface.name), error);
    return {};
}

Result<void> restore_foreign(const Interface& iface, const AttachedProgram& foreign, const Fd& program) {
    if (!program.valid())
        return fail(
            fmt::format("cannot put program {} back on `{}`: the kernel does not give it to this process",
                        foreign.id, iface.name));
    LibbpfMessages messages;
    int error = bpf_xdp_attach(static_cast<int>(iface.index), program.get(),
                               flags_of(foreign.mode) | XDP_FLAGS_UPDATE_IF_NOEXIST, nullptr);
    if (error != 0)
        return fail_errno(fmt::format("cannot put program {} back on `{}`", foreign.id, iface.name), error);
    return {};
}

namespace {

Result<void> ask_ethtool(const Interface& iface, void* request) {
    Fd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket_fd.valid())
        return fail_errno("cannot open a socket");
    ifreq wrapped{};
    strncpy(wrapped.ifr_name, iface.name.c_str(), IFNAMSIZ - 1);
    wrapped.ifr_data = static_cast<char*>(request);
    if (ioctl(socket_fd.get(), SIOCETHTOOL, &wrapped) != 0)
        return fail_errno(fmt::format("ethtool on `{}`", iface.name));
    return {};
}

Result<uint32_t> device_flags(const Interface& iface) {
    ethtool_value request{ETHTOOL_GFLAGS, 0};
    if (auto asked = ask_ethtool(iface, &request); !asked)
        return tl::unexpected(asked.error());
    return request.data;
}

} // namespace

std::string driver_of(const Interface& iface) {
    ethtool_drvinfo request{};
    request.cmd = ETHTOOL_GDRVINFO;
    if (!ask_ethtool(iface, &request))
        return "";
    return {request.driver, strnlen(request.driver, sizeof request.driver)};
}

std::optional<bool> rxvlan_offload(const Interface& iface) {
    auto flags = device_flags(iface);
    if (!flags)
        return std::nullopt;
    return (*flags & ETH_FLAG_RXVLAN) != 0;
}

Result<void> set_rxvlan_offload(const Interface& iface, bool on) {
    auto flags = device_flags(iface);
    if (!flags)
        return tl::unexpected(flags.error());
    uint32_t wanted = on ? *flags | ETH_FLAG_RXVLAN : *flags & ~static_cast<uint32_t>(ETH_FLAG_RXVLAN);
    ethtool_value request{ETHTOOL_SFLAGS, wanted};
    if (auto set = ask_ethtool(iface, &request); !set)
        return set;
    if (rxvlan_offload(iface) != on)
        return fail(fmt::format("`{}` keeps its rx-vlan offload {}", iface.name, on ? "off" : "on"),
                    "the device does not let it be changed");
    return {};
}

} // namespace xdpc::rt
