// XDP answers by itself, with real traffic: the stack behind the program sees nothing of it.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <chrono>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace xdpc::lab {
namespace {

/// What goes back out of a veth needs a program on its other end.
void let_answers_in(Lab& lab) {
    const std::string file = lab.file("chain ingress { policy pass\n }\n");
    lab.outside().run([&] {
        const Ran ran = run({xdpc_path(), "apply", file, "-i", Lab::peer});
        ASSERT_EQ(ran.status, 0) << ran.err;
    });
}
void take_off(const Lab& lab) {
    lab.outside().run([&] { EXPECT_EQ(run({xdpc_path(), "detach", "-i", Lab::peer}).status, 0); });
}

/// A number of /proc/net/snmp, as the calling thread's namespace has it: ICMP messages that came in.
uint64_t icmp_received() {
    std::ifstream in("/proc/thread-self/net/snmp");
    std::string line;
    uint64_t value = 0;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string head;
        words >> head;
        if (head == "Icmp:") {
            words >> value; // of the two lines, the second has numbers
        }
    }
    return value;
}

TEST(LabAnswers, PingIsAnsweredByXdpAlone) {
    Lab lab;
    let_answers_in(lab);
    const Ran applied =
        lab.apply("chain ingress {\n    policy drop\n    arp: ether type arp pass\n    nd: icmpv6 type "
                  "{ nd-neighbor-solicit, nd-neighbor-advert } pass\n    pong: reply echo\n}\n");
    ASSERT_EQ(applied.status, 0) << applied.err;
    uint64_t before = 0;
    lab.inside().run([&] { before = icmp_received(); });
    lab.outside().run([&] {
        const Ran four = run({"ping", "-c", "5", "-i", "0.01", "-W", "1", "-s", "200", Lab::inner4});
        EXPECT_EQ(four.status, 0) << four.out;
        EXPECT_NE(four.out.find("ttl=64"), std::string::npos) << four.out;
        const Ran six = run({"ping", "-c", "5", "-i", "0.01", "-W", "1", Lab::inner6});
        EXPECT_EQ(six.status, 0) << six.out;
    });
    lab.inside().run([&] { EXPECT_EQ(icmp_received(), before); });
    EXPECT_EQ(lab.counts()["pong"].packets, 10U);
    take_off(lab);
}

TEST(LabAnswers, AConnectionIsRefusedAtOnce) {
    Lab lab;
    let_answers_in(lab);
    const auto connect_within = [&] {
        using Clock = std::chrono::steady_clock;
        const auto begin = Clock::now();
        lab.outside().run([&] {
            EXPECT_FALSE(tcp_connects(Lab::inner4, 81, 5000));
            EXPECT_FALSE(tcp_connects(Lab::inner6, 81, 5000));
        });
        return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begin).count();
    };
    const std::string pass =
        "arp: ether type arp pass\n nd: icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
        "pass\n open: tcp dport 80 pass\n";
    ASSERT_EQ(lab.apply("chain ingress {\n policy drop\n" + pass + "no: reject with tcp reset\n}\n").status,
              0);
    lab.inside().run([&] {
        Socket open = tcp_server(80), closed = tcp_server(81); // listens, but the program stands before it
        EXPECT_LT(connect_within(), 2000);
        lab.outside().run([&] { EXPECT_TRUE(tcp_connects(Lab::inner4, 80)); });
    });
    EXPECT_EQ(lab.counts()["no"].packets, 2U);
    take_off(lab);
}

TEST(LabAnswers, ADatagramIsMovedToAnotherPort) {
    Lab lab;
    ASSERT_EQ(
        lab.apply("chain ingress {\n policy pass\n moved: udp dport 5300 udp dport set 53 pass\n}\n").status,
        0);
    lab.inside().run([&] {
        Socket dns = udp_server(53), other = udp_server(5300);
        lab.outside().run([&] {
            for (int i = 0; i < 5; ++i) {
                udp_send(Lab::inner4, 5300, 100);
                udp_send(Lab::inner6, 5300, 33);
            }
        });
        EXPECT_EQ(udp_drain(dns), 10U);
        EXPECT_EQ(udp_drain(other), 0U);
    });
}

} // namespace
} // namespace xdpc::lab
