// Replacement under load: every packet is decided by the old or the new policy, none is lost, none gets past
// both.
#include "tests/lab/load.h"
#include "tests/lab/sockets.h"

#include <atomic>
#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

constexpr uint64_t packets = 200'000;
constexpr uint16_t open_port = 5000, closed_port = 5001;

std::string policy(int variant) {
    std::string text = "chain ingress {\n    policy drop\n";
    for (int i = 0; i < variant % 3; ++i) // other rules before, so that slots and code move
        text +=
            "    extra" + std::to_string(i) + ": tcp dport " + std::to_string(100 + variant + i) + " pass\n";
    return text + "    open: udp dport 5000 pass\n    closed: udp dport 5001 drop\n}\n";
}

TEST(LabReplace, LosesAndLeaksNothingUnderLoad) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy(0)).status, 0);
    std::atomic<bool> done = false;
    uint64_t received = 0, leaked = 0, sent = 0, refused = 0;
    int swaps = 0;
    lab.inside().run([&] {
        Socket open = udp_server(open_port), closed = udp_server(closed_port);
        std::thread reader([&] {
            while (!done)
                received += udp_drain(open, 20);
        });
        std::thread sender([&] {
            const packet::Frame frames[] = {datagram(open_port), datagram(closed_port)};
            lab.outside().run([&] {
                sent = send_load([&](uint64_t i) -> const packet::Frame& { return frames[i % 2]; },
                                 [](uint64_t count) { return count < packets; },
                                 std::chrono::microseconds(200), refused);
            });
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
    uint64_t lost_before = driver_drops(lab, refused);
    Counts counts = lab.counts();
    EXPECT_EQ(counts["open"].packets + counts["closed"].packets + lost_before, packets);
    EXPECT_EQ(counts["open"].packets, received);
    EXPECT_EQ(counts["closed"].bytes, counts["closed"].packets * 60);
    EXPECT_EQ(leaked, 0U);
    EXPECT_LT(lost_before, packets / 10);
}

} // namespace
} // namespace xdpc::lab
