// Two policies with long lists of rules, built once and swapped under load: every packet meets exactly one of
// them, and none gets past both. XDPC_SOAK_RULES and XDPC_SOAK_APPLIES say how many rules and swaps
// (`./xdpc.sh soak-swaps`).
#include "tests/harness/rulegen.h"
#include "tests/lab/load.h"
#include "tests/lab/sockets.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace xdpc::lab {
namespace {

constexpr uint16_t open_port = 5000, closed_port = 5001;
constexpr uint64_t least_packets = 100'000;
constexpr unsigned generations = 2;

size_t wanted_rules() {
    const char* asked = std::getenv("XDPC_SOAK_RULES");
    return asked != nullptr ? std::strtoul(asked, nullptr, 10) : 1000;
}

std::vector<test::FiveFieldRule> rules_of(unsigned generation) {
    return test::make_rules({test::RuleShape::Acl, wanted_rules(), false, generation + 1});
}

/// Access-control rules behind a mark of the generation and two rules that both have. The other's mark keeps
/// its count, and takes none.
std::string policy(unsigned generation) {
    std::string head = "chain ingress {\n    policy pass\n";
    for (unsigned g = 0; g < generations; ++g)
        head += "    by_" + std::to_string(g) + ": " +
                (g == generation ? "ether type ip" : "ether type 0x88b5") + " counter continue\n";
    head += "    open: udp dport 5000 pass\n    closed: udp dport 5001 drop\n";
    std::string rules = test::policy_text(rules_of(generation), false);
    const std::string opening = "chain ingress {\n    policy pass\n";
    EXPECT_EQ(rules.rfind(opening, 0), 0U);
    return head + rules.substr(opening.size());
}

/// In turn: one that passes, one that never may, and one aimed at a rule of either policy.
std::vector<packet::Frame> make_frames() {
    std::vector<packet::Frame> frames;
    for (unsigned g = 0; g < generations; ++g)
        for (const auto& header : test::make_headers(rules_of(g), {.headers = 4096, .seed = g + 1})) {
            if (header.protocol == 17 && (header.dport == open_port || header.dport == closed_port))
                continue; // no socket gets it: it is to another address
            frames.push_back(datagram(open_port));
            frames.push_back(datagram(closed_port));
            frames.push_back(test::frame_of(header, false));
        }
    return frames;
}

class LabLarge : public testing::Test {
protected:
    Lab lab;
    std::string objects[generations];
    std::atomic<bool> swapping = true, sending = true;
    uint64_t sent = 0, refused = 0, received_open = 0, received_closed = 0;

    void build() {
        for (unsigned g = 0; g < generations; ++g) {
            const std::string source = lab.file(policy(g));
            objects[g] = source + ".o";
            const Ran ran = lab.xdpc({"build", source, "-o", objects[g], "--json"});
            ASSERT_EQ(ran.status, 0) << ran.out << ran.err;
        }
    }

    [[nodiscard]] Ran swap_in(unsigned generation) const {
        return lab.xdpc({"apply", objects[generation], "-i", Lab::iface, "--mode", "native", "--json"});
    }

    void send() {
        const std::vector<packet::Frame> frames = make_frames();
        lab.outside().run([&] {
            sent = send_load([&](uint64_t i) -> const packet::Frame& { return frames[i % frames.size()]; },
                             [&](uint64_t count) { return swapping || count < least_packets; },
                             std::chrono::microseconds(1000), refused);
        });
        sending = false;
    }

    void run_load(unsigned swaps) {
        lab.inside().run([&] {
            const Socket open = udp_server(open_port), closed = udp_server(closed_port);
            std::thread receiver([&] {
                while (sending)
                    received_open += udp_drain(open, 1);
                received_open += udp_drain(open, 200);
                received_closed += udp_drain(closed, 200);
            });
            std::thread sender([&] { send(); });
            for (unsigned i = 1; i <= swaps && !HasFailure(); ++i) {
                const Ran ran = swap_in(i % generations);
                EXPECT_EQ(ran.status, 0) << ran.out.substr(0, 1000) << ran.err;
            }
            swapping = false;
            sender.join();
            receiver.join();
        });
    }
};

TEST_F(LabLarge, SwapsUnderLoadLoseAndLeakNothing) {
    const unsigned swaps = wanted_applies(4);
    build();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_EQ(swap_in(0).status, 0);
    run_load(swaps);
    const uint64_t dropped = driver_drops(lab, refused);
    auto marks = lab.mid_counts();
    Counts counts = lab.counts();
    const uint64_t decided = marks["by_0"] + marks["by_1"];
    std::printf(
        "%zu rules, %u swaps, %lu packets sent, %lu dropped by the device, %lu decided by the one, %lu by "
        "the other; %lu to pass, %lu passed; %lu to be dropped, %lu leaked\n",
        wanted_rules(), swaps, sent, dropped, marks["by_0"], marks["by_1"], counts["open"].packets,
        received_open, counts["closed"].packets, received_closed);
    EXPECT_EQ(decided + dropped, sent);
    EXPECT_GT(marks["by_0"], 0U);
    EXPECT_GT(marks["by_1"], 0U);
    EXPECT_EQ(received_open, counts["open"].packets);
    EXPECT_GT(received_open, sent / 4);
    EXPECT_EQ(received_closed, 0U);
    EXPECT_GT(counts["closed"].packets, sent / 4);
    EXPECT_LT(dropped, sent / 10);
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_TRUE(lab.pins().empty());
}

} // namespace
} // namespace xdpc::lab
