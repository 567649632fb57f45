// Replacement under load: every packet is decided by the old or the new policy, none is lost, none gets past
// both.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include "compiler/packet/build.h"

#include <atomic>
#include <fstream>
#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

constexpr uint64_t packets = 200'000;
constexpr uint16_t open_port = 5000, closed_port = 5001;

/// A UDP datagram to the inner end.
packet::Frame datagram(uint16_t port) {
    packet::Recipe recipe;
    auto header = [&](HeaderId id, std::vector<packet::FieldValue> fields) {
        recipe.layers.emplace_back(packet::HeaderLayer{id, std::move(fields), {}});
    };
    header(HeaderId::Ether, {{FieldId::EtherDaddr, 0x020000000002}, {FieldId::EtherSaddr, 0x020000000001}});
    header(HeaderId::Ip, {{FieldId::IpSaddr, 0x0a630001}, {FieldId::IpDaddr, 0x0a630002}});
    header(HeaderId::Udp, {{FieldId::UdpDport, port}});
    return packet::build(recipe);
}

std::string policy(int variant) {
    std::string text = "chain ingress {\n    policy drop\n";
    for (int i = 0; i < variant % 3; ++i) // other rules before, so that slots and code move
        text +=
            "    extra" + std::to_string(i) + ": tcp dport " + std::to_string(100 + variant + i) + " pass\n";
    return text + "    open: udp dport 5000 pass\n    closed: udp dport 5001 drop\n}\n";
}

/// What the driver itself dropped on the way, because a queue was full: never reached the policy.
uint64_t driver_drops(const Lab& lab) {
    Ran ran;
    lab.outside().run([&] {
        ran = run({"sh", "-c",
                   "tc -s qdisc show dev xdpc-out | grep -o 'dropped [0-9]*' | head -1 | cut -d' ' -f2;"
                   " ip -s link show xdpc-out | awk '/TX:/{getline; print $4}'"});
    });
    uint64_t queue = 0, device = 0;
    std::istringstream(ran.out) >> queue >> device;
    return queue + device;
}

/// Sends in small bursts, so that the receiver's ring of 256 keeps up; counts what the socket took.
uint64_t send_load(uint64_t count) {
    harness::FrameSocket socket(Lab::peer);
    packet::Frame frames[] = {datagram(open_port), datagram(closed_port)};
    for (uint64_t sent = 0; sent < count;) {
        if (socket.send(frames[sent % 2]))
            ++sent;
        if (sent % 64 == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return count;
}

TEST(LabReplace, LosesAndLeaksNothingUnderLoad) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy(0)).status, 0);
    std::atomic<bool> done = false;
    uint64_t received = 0, leaked = 0, sent = 0;
    int swaps = 0;
    lab.inside().run([&] {
        Socket open = udp_server(open_port), closed = udp_server(closed_port);
        std::thread reader([&] {
            while (!done)
                received += udp_drain(open, 20);
        });
        std::thread sender([&] {
            lab.outside().run([&] { sent = send_load(packets); });
            done = true;
        });
        while (!done) {
            Ran ran = lab.apply(policy(++swaps));
            EXPECT_EQ(ran.status, 0) << ran.err;
        }
        sender.join();
        reader.join();
        received += udp_drain(open, 200);
        leaked = udp_drain(closed, 200);
    });
    EXPECT_GE(swaps, 5) << "the load was over before the policy was replaced often";
    EXPECT_EQ(sent, packets);
    uint64_t lost_before = driver_drops(lab);
    Counts counts = lab.counts();
    EXPECT_EQ(counts["open"].packets + counts["closed"].packets + lost_before, packets);
    EXPECT_EQ(counts["open"].packets, received);
    EXPECT_EQ(counts["closed"].bytes, counts["closed"].packets * 60);
    EXPECT_EQ(leaked, 0U);
    EXPECT_LT(lost_before, packets / 10);
}

} // namespace
} // namespace xdpc::lab
