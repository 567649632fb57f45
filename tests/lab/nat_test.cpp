// Servers that listen elsewhere than their clients think.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

using harness::shell;

/// A server on another port than clients know, and their way back.
TEST(LabNat, APairOfDnatAndSnatCarriesAConnection) {
    Lab lab;
    ASSERT_EQ(lab.apply("chain ingress {\n policy pass\n to: ip daddr 203.0.113.10 tcp dport 80 dnat to " +
                        std::string(Lab::inner4) + ":8080 pass\n}\n")
                  .status,
              0);
    const std::string back =
        lab.file("chain ingress {\n policy pass\n from: ip saddr " + std::string(Lab::inner4) +
                 " tcp sport 8080 snat to 203.0.113.10:80 pass\n}\n");
    lab.outside().run([&] {
        const Ran ran = run({xdpc_path(), "apply", back, "-i", Lab::peer, "--mode", "native"});
        ASSERT_EQ(ran.status, 0) << ran.err;
    });
    const std::string ip = "ip -n " + lab.outside().name() + " ", dev = std::string(" dev ") + Lab::peer;
    shell(ip + "route add 203.0.113.10" + dev + " && " + ip + "neigh replace 203.0.113.10 lladdr " +
          Lab::inner_mac + " nud permanent" + dev);
    lab.inside().run([&] {
        const Socket server = tcp_server(8080);
        lab.outside().run([&] {
            EXPECT_TRUE(tcp_connects("203.0.113.10", 80, 2000));
            EXPECT_FALSE(tcp_connects("203.0.113.10", 81, 200));
        });
    });
    EXPECT_GE(lab.counts()["to"].packets, 2U);
    lab.outside().run([&] { EXPECT_EQ(run({xdpc_path(), "detach", "-i", Lab::peer}).status, 0); });
}

} // namespace
} // namespace xdpc::lab
