#include "runtime/devices.h"

#include "runtime/probe.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace xdpc::rt {

namespace {

// Of linux/netdev.h, which older headers lack.
constexpr uint8_t netdev_dev_get = 1;
constexpr uint16_t netdev_ifindex = 1, netdev_features = 3;
constexpr uint64_t takes_frames = 1 << 2; // NETDEV_XDP_ACT_NDO_XMIT

/// A request of generic netlink with one attribute.
class Request {
public:
    Request(uint16_t family, uint8_t command, uint16_t attribute, const void* value, size_t size) {
        nlmsghdr header{};
        const size_t padded = NLA_ALIGN(size);
        header.nlmsg_len = static_cast<uint32_t>(NLMSG_HDRLEN + GENL_HDRLEN + NLA_HDRLEN + padded);
        header.nlmsg_type = family;
        header.nlmsg_flags = NLM_F_REQUEST;
        genlmsghdr generic{command, 1, 0};
        nlattr about{static_cast<uint16_t>(NLA_HDRLEN + size), attribute};
        put(&header, sizeof header, NLMSG_HDRLEN);
        put(&generic, sizeof generic, GENL_HDRLEN);
        put(&about, sizeof about, NLA_HDRLEN);
        put(value, size, padded);
    }
    [[nodiscard]] const std::vector<char>& bytes() const { return bytes_; }

private:
    void put(const void* from, size_t size, size_t padded) {
        const char* first = static_cast<const char*>(from);
        bytes_.insert(bytes_.end(), first, first + size);
        bytes_.resize(bytes_.size() + padded - size);
    }
    std::vector<char> bytes_;
};

/// The value of an attribute of the answer; empty if there is none.
std::vector<char> ask(const Fd& socket, const Request& request, uint16_t wanted) {
    std::vector<char> answer(8192);
    const std::vector<char>& bytes = request.bytes();
    if (send(socket.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return {};
    const ssize_t got = recv(socket.get(), answer.data(), answer.size(), 0);
    nlmsghdr header{};
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + GENL_HDRLEN))
        return {};
    memcpy(&header, answer.data(), sizeof header);
    if (header.nlmsg_type == NLMSG_ERROR)
        return {};
    const size_t end = std::min<size_t>(static_cast<size_t>(got), header.nlmsg_len);
    for (size_t at = NLMSG_HDRLEN + GENL_HDRLEN; at + NLA_HDRLEN <= end;) {
        nlattr attribute{};
        memcpy(&attribute, answer.data() + at, sizeof attribute);
        if (attribute.nla_len < NLA_HDRLEN || at + attribute.nla_len > end)
            return {};
        if ((attribute.nla_type & NLA_TYPE_MASK) == wanted)
            return {answer.data() + at + NLA_HDRLEN, answer.data() + at + attribute.nla_len};
        at += NLA_ALIGN(attribute.nla_len);
    }
    return {};
}

} // namespace

std::optional<uint64_t> xdp_features(uint32_t ifindex) {
    const Fd socket_fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC));
    constexpr char name[] = "netdev";
    const std::vector<char> family =
        ask(socket_fd, Request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_NAME, name, sizeof name),
            CTRL_ATTR_FAMILY_ID);
    uint16_t id = 0;
    if (family.size() != sizeof id)
        return {};
    memcpy(&id, family.data(), sizeof id);
    const std::vector<char> value = ask(
        socket_fd, Request(id, netdev_dev_get, netdev_ifindex, &ifindex, sizeof ifindex), netdev_features);
    uint64_t features = 0;
    if (value.size() != sizeof features)
        return {};
    memcpy(&features, value.data(), sizeof features);
    return features;
}

namespace {

bool takes_none(uint32_t ifindex) {
    const auto features = xdp_features(ifindex);
    return features && (*features & takes_frames) == 0;
}

const char* const program_on_peer =
    "a veth takes frames while the interface at its other end runs an XDP program (any: `policy pass` will "
    "do) or has GRO on";

} // namespace

Result<std::vector<uint32_t>> find_devices(const Artifact& artifact, const std::vector<Interface>& applied,
                                           Mode mode) {
    std::vector<uint32_t> indices;
    for (const std::string& name : artifact.interfaces) {
        auto iface = find_interface(name);
        if (!iface) {
            Error error = std::move(iface.error());
            error.message += ", to which the policy redirects";
            return tl::unexpected(std::move(error));
        }
        indices.push_back(iface->index);
        const bool is_veth = driver_of(*iface) == "veth";
        // Other drivers begin to take frames as a program is attached.
        const bool gets_program =
            !is_veth && std::any_of(applied.begin(), applied.end(),
                                    [&](const Interface& other) { return other.index == iface->index; });
        if ((mode == Mode::Auto || mode == Mode::Native) && !gets_program && takes_none(iface->index))
            return fail(
                fmt::format("`{}`, to which the policy redirects, takes no frames of XDP programs", name),
                is_veth ? program_on_peer : "its driver does not, or only while it runs an XDP program");
    }
    return indices;
}

std::string warning_of_answers(const Artifact& artifact, const Interface& iface, Mode mode) {
    const bool native = mode == Mode::Auto || mode == Mode::Native;
    if (!artifact.answers || !native || driver_of(iface) != "veth" || !takes_none(iface.index))
        return "";
    return fmt::format("`{}` will drop what the policy sends back: {}", iface.name, program_on_peer);
}

namespace {

bool is_up(const Interface& iface) {
    const Fd socket_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    strncpy(request.ifr_name, iface.name.c_str(), IFNAMSIZ - 1);
    return ioctl(socket_fd.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

/// Whether the stack forwards what comes in there; true where it cannot be told.
bool forwards(const Interface& iface, const char* family) {
    std::ifstream setting(fmt::format("/proc/sys/net/{}/conf/{}/forwarding", family, iface.name));
    int value = 1;
    setting >> value;
    return !setting || value != 0;
}

} // namespace

Ports find_ports(const std::vector<Interface>& applied, Mode mode) {
    constexpr uint32_t loopback = 1;
    const bool native = mode == Mode::Auto || mode == Mode::Native;
    Ports ports;
    for (const Interface& iface : all_interfaces()) {
        if (iface.index == loopback)
            continue;
        const bool runs = std::any_of(applied.begin(), applied.end(),
                                      [&](const Interface& other) { return other.index == iface.index; });
        const auto features = xdp_features(iface.index);
        const bool told = features ? (*features & takes_frames) != 0 : runs;
        // Other drivers than veth's begin to take frames as a program is attached.
        if (!native || told || (runs && driver_of(iface) != "veth"))
            ports.indices.push_back(iface.index);
        else if (is_up(iface))
            ports.without.push_back(iface.name);
    }
    return ports;
}

Result<void> check_tables(const Artifact& artifact) {
    if (artifact.by_table.empty() || looks_up_tables())
        return {};
    return fail(
        "this kernel cannot look a route up in one table, as is asked at " + artifact.by_table,
        "bpf_fib_lookup takes the number of a table (BPF_FIB_LOOKUP_TBID) from Linux 6.5 on; `route` without "
        "one loads here");
}

std::vector<std::string> notes_of_routes(const Interface& iface, const std::vector<std::string>& without) {
    std::vector<std::string> notes;
    const bool ip4 = forwards(iface, "ipv4"), ip6 = forwards(iface, "ipv6");
    if (!ip4 || !ip6)
        notes.push_back(
            fmt::format("`{}` does not forward{}: `route` leaves such packets to the stack, which drops "
                        "them, until `sysctl net.{}.conf.{}.forwarding=1`",
                        iface.name,
                        ip4   ? " IPv6"
                        : ip6 ? " IPv4"
                              : "",
                        ip4 ? "ipv6" : "ipv4", iface.name));
    if (!without.empty())
        notes.push_back(
            fmt::format("routes through {} go through the stack: no frames of XDP programs are taken "
                        "there",
                        fmt::join(without, ", ")));
    return notes;
}

bool sends_by_routes(const Loaded& loaded) {
    return loaded.map_fd("ports") >= 0;
}

Result<void> fill_ports(const Loaded& loaded, const std::vector<uint32_t>& indices) {
    const int ports = loaded.map_fd("ports");
    uint32_t old = 0;
    while (ports >= 0 && bpf_map_get_next_key(ports, nullptr, &old) == 0) {
        if (bpf_map_delete_elem(ports, &old) != 0)
            return fail_errno("cannot empty map `ports`");
    }
    for (const uint32_t index : indices) {
        if (ports >= 0 && bpf_map_update_elem(ports, &index, &index, BPF_ANY) != 0)
            return fail_errno(fmt::format("cannot put the interface {} into map `ports`", index));
    }
    return {};
}

Result<void> fill_devices(const Loaded& loaded, const std::vector<uint32_t>& indices) {
    const int devices = loaded.map_fd("devices");
    for (uint32_t place = 0; devices >= 0 && place < indices.size(); place++) {
        if (bpf_map_update_elem(devices, &place, &indices[place], BPF_ANY) != 0)
            return fail_errno(fmt::format("cannot put the interface {} into map `devices`", indices[place]));
    }
    return {};
}

Result<void> fill_test_devices(const Loaded& loaded, const Artifact& artifact) {
    constexpr uint32_t loopback = 1;
    if (!artifact.instrumented)
        return {};
    return fill_devices(loaded, std::vector<uint32_t>(artifact.interfaces.size(), loopback));
}

} // namespace xdpc::rt
