// Tunnels whose other end is the kernel's own device.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

using harness::shell;

constexpr const char* overlay_outer = "10.7.0.1";
constexpr const char* overlay_inner = "10.7.0.2";
constexpr const char* overlay_mac = Lab::outer_mac; // of the kernel's VXLAN device

/// What the kernel's device sends is unpacked by a policy inside; what goes back is packed by one outside, on
/// its way to the device.
class LabTunnel : public testing::Test {
protected:
    void join(const std::string& unpack, const std::string& pack) {
        ASSERT_EQ(lab.apply("chain ingress {\n policy pass\n" + unpack + "}\n").status, 0);
        const std::string back = lab.file("chain ingress {\n policy pass\n" + pack + "}\n");
        lab.outside().run([&] {
            const Ran ran = run({xdpc_path(), "apply", back, "-i", Lab::peer, "--mode", "native"});
            ASSERT_EQ(ran.status, 0) << ran.err;
        });
        const std::string in = "ip -n " + lab.inside().name() + " ";
        const std::string out = "ip -n " + lab.outside().name() + " ";
        const std::string inner = std::string(" dev ") + Lab::iface;
        shell(out + "link add vx type vxlan id 7 local " + Lab::outer4 + " remote " + Lab::inner4 +
              " dstport 4789 dev " + Lab::peer);
        shell(out + "link set vx address " + overlay_mac + " mtu 1400 up && " + out + "address add " +
              overlay_outer + "/24 dev vx && " + out + "neigh replace " + overlay_inner + " lladdr " +
              Lab::inner_mac + " nud permanent dev vx");
        shell(in + "address add " + overlay_inner + "/24" + inner + " && " + in + "neigh replace " +
              overlay_outer + " lladdr " + overlay_mac + " nud permanent" + inner);
        shell("nsenter --net=/run/netns/" + lab.outside().name() + " ethtool -K vx tx off");
    }
    ~LabTunnel() override {
        lab.outside().run([&] { EXPECT_EQ(run({xdpc_path(), "detach", "-i", Lab::peer}).status, 0); });
    }

    Lab lab;
};

TEST_F(LabTunnel, VxlanOfTheKernelIsUnpackedAndPacked) {
    join("unpack: ip saddr " + std::string(Lab::outer4) + " decap vxlan vni 7 pass\n",
         "pack: ip saddr " + std::string(overlay_inner) + " encap vxlan vni 7 from " + Lab::inner4 + " to " +
             Lab::outer4 + " ether daddr set " + Lab::outer_mac + " pass\n");
    lab.inside().run([&] {
        const Socket server = tcp_server(8080);
        lab.outside().run([&] {
            EXPECT_EQ(run({"ping", "-q", "-c", "3", "-i", "0.1", "-W", "2", overlay_inner}).status, 0);
            EXPECT_TRUE(tcp_connects(overlay_inner, 8080, 2000));
        });
    });
    EXPECT_GE(lab.counts()["unpack"].packets, 5U);
}

TEST_F(LabTunnel, AnotherNetworkOfTheDeviceIsNotUnpacked) {
    join("unpack: decap vxlan vni 8 pass\n",
         "pack: ip saddr " + std::string(overlay_inner) + " encap vxlan vni 7 from " + Lab::inner4 + " to " +
             Lab::outer4 + " ether daddr set " + Lab::outer_mac + " pass\n");
    lab.outside().run(
        [&] { EXPECT_NE(run({"ping", "-q", "-c", "2", "-i", "0.1", "-W", "1", overlay_inner}).status, 0); });
    EXPECT_EQ(lab.counts()["unpack"].packets, 0U);
}

} // namespace
} // namespace xdpc::lab
