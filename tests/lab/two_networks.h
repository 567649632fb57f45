// Two networks with a router in between, which XDP makes of a machine; 10.1.0.0/24 and fd01::/64 are on its
// port `left`, 10.2.0.0/24 and fd02::/64 on `right`; .1 is the router, .2 the host there.
#pragma once

#include "tests/lab/lab.h"

#include <fstream>
#include <gtest/gtest.h>

namespace xdpc::lab {

/// A machine `router` with two ports, and a host behind each. The router's stack forwards
/// only where a test has it.
struct TwoNetworks {
    harness::Netns router{"router"}, left{"left"}, right{"right"};
    std::string folder;

    TwoNetworks() {
        char name[] = "/tmp/xdpc-forward-XXXXXX";
        folder = mkdtemp(name);
        join(left, 1, "left");
        join(right, 2, "right");
    }
    ~TwoNetworks() {
        (void)xdpc(router, {"detach", "-i", "left", "right"});
        (void)xdpc(left, {"detach", "-i", "eth0"});
        (void)xdpc(right, {"detach", "-i", "eth0"});
        harness::shell("rm -r " + folder);
    }
    TwoNetworks(const TwoNetworks&) = delete;
    TwoNetworks& operator=(const TwoNetworks&) = delete;

    void join(const harness::Netns& host, int number, const std::string& port) const {
        harness::make_veth(router, port, host, "eth0");
        const std::string net = "10." + std::to_string(number) + ".0.",
                          mac = "02:00:00:00:0" + std::to_string(number) + ":0";
        const std::string inside = "ip -n " + router.name() + " ", outside = "ip -n " + host.name() + " ";
        harness::shell(inside + "link set " + port + " address " + mac + "1 && " + inside + "addr add " +
                       net + "1/24 dev " + port);
        harness::shell(outside + "link set eth0 address " + mac + "2 && " + outside + "addr add " + net +
                       "2/24 dev eth0");
        // A router asks for neighbours of IPv6 by its link-local address alone.
        const std::string net6 = "fd0" + std::to_string(number) + "::";
        harness::shell(inside + "addr add fe80::1/64 dev " + port + " nodad && " + inside + "addr add " +
                       net6 + "1/64 dev " + port + " nodad");
        harness::shell(outside + "addr add " + net6 + "2/64 dev eth0 nodad && " + outside +
                       "-6 route add default via " + net6 + "1");
        harness::shell(outside + "route add default via " + net + "1 && nsenter --net=/run/netns/" +
                       host.name() + " ethtool -K eth0 tx off");
    }
    static Ran xdpc(const harness::Netns& where, std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), xdpc_path());
        Ran ran;
        where.run([&] { ran = run(arguments); });
        return ran;
    }
    Ran apply(const std::string& text, const std::vector<std::string>& ports) {
        const std::string file = folder + "/policy.xdp";
        std::ofstream(file) << text;
        std::vector<std::string> arguments = {"apply", file, "--mode", "native", "-i"};
        arguments.insert(arguments.end(), ports.begin(), ports.end());
        return xdpc(router, arguments);
    }
    /// A veth takes frames of XDP programs while its other end runs one.
    void let_frames_in() const {
        const std::string file = folder + "/pass.xdp";
        std::ofstream(file) << "chain ingress { policy pass\n }\n";
        for (const harness::Netns* host : {&left, &right}) {
            const Ran ran = xdpc(*host, {"apply", file, "-i", "eth0"});
            ASSERT_EQ(ran.status, 0) << ran.err;
        }
    }
};

inline std::string example(const std::string& name) {
    std::ifstream in(XDPC_SOURCE_DIR "/examples/rules/" + name);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace xdpc::lab
