// Policies of twenty programs each, replaced under load: a packet that begins in one generation's ends in it.
// In every program a rule counts for its generation, so that all marks of a generation say the same number.
#include "tests/lab/load.h"

#include <atomic>
#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

constexpr unsigned programs = 20;
constexpr uint64_t packets = 200'000;
constexpr const char* cut = "XDPC_TEST_PROGRAM_RULES=2";

std::string mark(unsigned generation, unsigned program) {
    return "g" + std::to_string(generation) + "_" + std::to_string(program);
}

/// Two rules a program. The other generation's marks keep their counts, and take none.
std::string policy(unsigned generation) {
    std::string text = "chain ingress {\n    policy drop\n";
    for (unsigned i = 0; i + 1 < programs; ++i) {
        for (unsigned g = 0; g < 2; ++g)
            text += "    " + mark(g, i) + ": " +
                    (g == generation ? "udp dport 5000" : "tcp dport " + std::to_string(100 + i)) +
                    " counter continue\n";
    }
    return text + "    end: udp dport 5000 drop\n    other: ip protocol udp drop\n}\n";
}

TEST(LabPrograms, ASwapNeverMixesTwoGenerations) {
    Lab lab;
    const Ran plan = lab.xdpc({"emit", lab.file(policy(0)), "--as", "plan"}, {cut});
    ASSERT_NE(plan.out.find("20 programs, at most 19 tail calls"), std::string::npos) << plan.out << plan.err;
    ASSERT_EQ(lab.apply(policy(0), {cut}).status, 0);
    std::atomic<bool> swapping = true;
    std::atomic<bool> sending = true;
    uint64_t sent = 0, refused = 0;
    unsigned swaps = 0;
    std::thread sender([&] {
        const packet::Frame frame = datagram(5000);
        lab.outside().run([&] {
            sent = send_load([&](uint64_t) -> const packet::Frame& { return frame; },
                             [&](uint64_t count) { return swapping || count < packets; },
                             std::chrono::microseconds(100), refused);
        });
        sending = false;
    });
    while (sending) {
        const Ran ran = lab.apply(policy(++swaps % 2), {cut});
        EXPECT_EQ(ran.status, 0) << ran.err;
        if (swaps >= wanted_applies(5) || ran.status != 0)
            swapping = false;
    }
    sender.join();
    const uint64_t dropped = driver_drops(lab, refused);
    const auto marks = lab.mid_counts();
    Counts counts = lab.counts();
    uint64_t decided = 0;
    for (unsigned g = 0; g < 2; ++g) {
        const uint64_t own = marks.at(mark(g, 0));
        for (unsigned i = 0; i + 1 < programs; ++i)
            EXPECT_EQ(marks.at(mark(g, i)), own) << mark(g, i);
        EXPECT_GT(own, 0U);
        decided += own;
    }
    std::printf("%u swaps, %lu packets sent, %lu dropped by the device, %lu decided\n", swaps, sent, dropped,
                decided);
    EXPECT_EQ(counts["end"].packets, decided);
    EXPECT_EQ(decided + dropped, sent);
    EXPECT_LT(dropped, sent / 10);
    EXPECT_EQ(counts["policy"].packets, 0U);
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_TRUE(lab.pins().empty());
}

} // namespace
} // namespace xdpc::lab
