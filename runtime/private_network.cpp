#include "runtime/private_network.h"

#include "runtime/internal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

namespace xdpc::rt {

namespace {

constexpr uint32_t loopback = 1;

/// A request of rtnetlink, with attributes behind its header.
class Request {
public:
    template<class Header> Request(uint16_t type, uint16_t flags, const Header& header) {
        nlmsghdr message{};
        message.nlmsg_type = type;
        message.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
        append(&message, sizeof message);
        append(&header, sizeof header);
    }
    void put(uint16_t type, const void* value, size_t size) {
        const rtattr head{static_cast<uint16_t>(RTA_LENGTH(size)), type};
        append(&head, sizeof head);
        append(value, size);
    }
    void put(uint16_t type, const std::vector<uint8_t>& value) { put(type, value.data(), value.size()); }
    void put(uint16_t type, uint32_t value) { put(type, &value, sizeof value); }
    void put(uint16_t type, const std::string& text) { put(type, text.c_str(), text.size() + 1); }
    /// Attributes of an attribute, behind `header` if it has one.
    template<class Fill> void nest(uint16_t type, Fill fill) {
        const size_t begin = bytes_.size();
        put(type, nullptr, 0);
        fill();
        const auto size = static_cast<uint16_t>(bytes_.size() - begin);
        memcpy(&bytes_[begin], &size, sizeof size);
    }
    void append(const void* from, size_t size) {
        const char* first = static_cast<const char*>(from);
        bytes_.insert(bytes_.end(), first, first + size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    [[nodiscard]] const std::vector<char>& finished() {
        const auto size = static_cast<uint32_t>(bytes_.size());
        memcpy(bytes_.data(), &size, sizeof size);
        return bytes_;
    }

private:
    std::vector<char> bytes_;
};

/// 0, or what the kernel says is wrong.
int ask(const Fd& socket, Request& request) {
    const std::vector<char>& bytes = request.finished();
    std::vector<char> answer(8192);
    if (send(socket.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        return errno;
    const ssize_t got = recv(socket.get(), answer.data(), answer.size(), 0);
    nlmsgerr said{};
    if (got < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof said))
        return got < 0 ? errno : EPROTO;
    memcpy(&said, answer.data() + NLMSG_HDRLEN, sizeof said);
    return -said.error;
}

Result<void> write_setting(const std::string& name, const char* value) {
    const std::string path = "/proc/sys/net/" + name;
    const Fd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.valid() && errno == ENOENT && name.starts_with("ipv6")) // a kernel without it
        return {};
    if (!file.valid() || write(file.get(), value, strlen(value)) < 0)
        return fail_errno("cannot write " + path);
    return {};
}

Result<void> set_up(const Fd& socket, uint32_t index) {
    ifinfomsg header{};
    header.ifi_index = static_cast<int>(index);
    header.ifi_flags = header.ifi_change = IFF_UP;
    Request request(RTM_NEWLINK, 0, header);
    const int error = ask(socket, request);
    return error == 0 ? Result<void>{}
                      : fail_errno(fmt::format("cannot set interface {} of the test up", index), error);
}

/// An address that no route of a test leads to.
std::vector<uint8_t> gateway(bool ip6, uint32_t number) {
    const auto high = static_cast<uint8_t>(number >> 8), low = static_cast<uint8_t>(number);
    if (!ip6)
        return {169, 254, high, low};
    std::vector<uint8_t> address(16);
    address[0] = 0xfe;
    address[1] = 0x80;
    address[14] = high;
    address[15] = low;
    return address;
}

} // namespace

Result<PrivateNetwork> PrivateNetwork::enter() {
    Fd before(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!before.valid())
        return fail_errno("cannot open /proc/thread-self/ns/net");
    if (unshare(CLONE_NEWNET) != 0) {
        auto failed = fail_errno("cannot make a network namespace for tests of `route`");
        failed.value().hint = "it takes CAP_SYS_ADMIN; `--engine reference` needs none";
        return failed;
    }
    PrivateNetwork network(std::move(before), Fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)));
    if (!network.socket_.valid())
        return fail_errno("cannot open a netlink socket");
    for (const auto& [name, value] :
         {std::pair{"ipv4/ip_forward", "1"}, std::pair{"ipv6/conf/all/disable_ipv6", "0"},
          std::pair{"ipv6/conf/all/forwarding", "1"}, std::pair{"ipv6/conf/default/addr_gen_mode", "1"}}) {
        if (auto written = write_setting(name, value); !written)
            return tl::unexpected(written.error());
    }
    if (auto up = set_up(network.socket_, loopback); !up)
        return tl::unexpected(up.error());
    return network;
}

PrivateNetwork::~PrivateNetwork() {
    if (before_.valid())
        (void)setns(before_.get(), CLONE_NEWNET);
}

Result<uint32_t> PrivateNetwork::add_interface(const std::string& name, const std::vector<uint8_t>& ether,
                                               uint32_t mtu) {
    const std::string peer = fmt::format("~{}", interfaces_++); // no user's name
    Request request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
    request.put(IFLA_IFNAME, name);
    request.put(IFLA_ADDRESS, ether);
    request.put(IFLA_MTU, mtu);
    request.nest(IFLA_LINKINFO, [&] {
        request.put(IFLA_INFO_KIND, std::string("veth"));
        request.nest(IFLA_INFO_DATA, [&] {
            request.nest(VETH_INFO_PEER, [&] {
                const ifinfomsg header{};
                request.append(&header, sizeof header);
                request.put(IFLA_IFNAME, peer);
            });
        });
    });
    if (const int error = ask(socket_, request); error != 0)
        return fail_errno(fmt::format("cannot make interface `{}` of the test", name), error);
    const uint32_t index = if_nametoindex(name.c_str());
    for (const uint32_t end : {index, if_nametoindex(peer.c_str())}) {
        if (auto up = set_up(socket_, end); !up)
            return tl::unexpected(up.error());
    }
    return index;
}

Result<void> PrivateNetwork::add_route(const NewRoute& route) {
    const bool ip6 = route.address.size() == 16;
    const std::vector<uint8_t> next = gateway(ip6, ++routes_);
    const auto failed = [&](const char* what, int error) {
        return fail_errno(fmt::format("cannot make {} of the test's route {}", what, routes_), error);
    };
    rtmsg header{};
    header.rtm_family = ip6 ? AF_INET6 : AF_INET;
    header.rtm_dst_len = route.length;
    header.rtm_table = RT_TABLE_UNSPEC; // the attribute says it
    header.rtm_protocol = RTPROT_STATIC;
    header.rtm_scope = route.type == RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
    header.rtm_type = route.type;
    header.rtm_flags = route.type == RTN_UNICAST ? RTNH_F_ONLINK : 0;
    Request request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
    request.put(RTA_TABLE, route.table);
    if (route.length > 0)
        request.put(RTA_DST, route.address);
    if (route.type == RTN_UNICAST)
        request.put(RTA_GATEWAY, next);
    if (route.type == RTN_UNICAST || route.type == RTN_LOCAL)
        request.put(RTA_OIF, route.type == RTN_LOCAL ? loopback : route.ifindex);
    if (const int error = ask(socket_, request); error != 0)
        return failed("the kernel's form", error);
    if (route.next_hop.empty())
        return {};
    ndmsg neighbour{};
    neighbour.ndm_family = header.rtm_family;
    neighbour.ndm_ifindex = static_cast<int>(route.ifindex);
    neighbour.ndm_state = NUD_PERMANENT;
    Request known(RTM_NEWNEIGH, NLM_F_CREATE, neighbour);
    known.put(NDA_DST, next);
    known.put(NDA_LLADDR, route.next_hop);
    if (const int error = ask(socket_, known); error != 0)
        return failed("the next hop", error);
    return {};
}

} // namespace xdpc::rt
