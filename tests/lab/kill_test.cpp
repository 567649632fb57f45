// `kill -9` at each step of apply and detach: afterwards the old or the new policy runs, whole; the next
// command works; counters are kept; nothing is left.
#include "tests/lab/lab.h"
#include "tests/lab/sockets.h"

#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

constexpr const char* first = R"(chain ingress {
    policy pass
    common: udp dport 1000 drop
    old:    udp dport 1001 drop
}
)";
constexpr const char* second = R"(chain ingress {
    policy pass
    new:    udp dport 1002 drop
    common: udp dport 1000 drop
}
)";

/// Which ports get through: "1001", "1002", both or none.
std::string passing(Lab& lab) {
    std::string result;
    lab.inside().run([&] {
        Socket a = udp_server(1001), b = udp_server(1002);
        lab.outside().run([&] {
            udp_send(Lab::inner4, 1001);
            udp_send(Lab::inner4, 1002);
        });
        result = std::string(udp_drain(a, 50) == 1 ? "1001 " : "") + (udp_drain(b, 50) == 1 ? "1002 " : "");
    });
    return result;
}
constexpr const char* none_runs = "1001 1002 ";
constexpr const char* first_runs = "1002 ";
constexpr const char* second_runs = "1001 ";

void send_common(Lab& lab, int times) {
    lab.outside().run([&] {
        for (int i = 0; i < times; ++i)
            udp_send(Lab::inner4, 1000);
    });
}

constexpr int killed = 128 + 9;

class KilledFirstApply : public testing::TestWithParam<const char*> {};

TEST_P(KilledFirstApply, LeavesNoneOrTheWholePolicy) {
    Lab lab;
    ASSERT_EQ(lab.apply(first, {std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status, killed);
    std::string now = passing(lab);
    EXPECT_TRUE(now == none_runs || now == first_runs) << now;
    Ran next = lab.apply(second);
    ASSERT_EQ(next.status, 0) << next.err;
    EXPECT_EQ(passing(lab), second_runs);
    send_common(lab, 3);
    EXPECT_EQ(lab.counts()["common"].packets, 3U);
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_EQ(passing(lab), none_runs);
    EXPECT_TRUE(lab.pins().empty());
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledFirstApply,
                         testing::Values("load", "smoke", "pin", "attach", "pin-link"));

class KilledReplacement : public testing::TestWithParam<const char*> {};

TEST_P(KilledReplacement, LeavesTheOldOrTheNewPolicyWithItsCounters) {
    Lab lab;
    ASSERT_EQ(lab.apply(first).status, 0);
    send_common(lab, 5);
    ASSERT_EQ(lab.apply(second, {std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status, killed);
    std::string now = passing(lab);
    EXPECT_TRUE(now == first_runs || now == second_runs) << now;
    send_common(lab, 2);
    EXPECT_EQ(lab.counts()["common"].packets, 7U); // whichever runs, and whatever was left half done
    EXPECT_EQ(passing(lab), now);
    Ran next = lab.apply(second);
    ASSERT_EQ(next.status, 0) << next.err;
    EXPECT_EQ(passing(lab), second_runs);
    send_common(lab, 1);
    EXPECT_EQ(lab.counts()["common"].packets, 8U);
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_EQ(passing(lab), none_runs);
    EXPECT_TRUE(lab.pins().empty());
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledReplacement,
                         testing::Values("load", "smoke", "pin", "swap", "carry", "unpin"));

class KilledDetach : public testing::TestWithParam<const char*> {};

TEST_P(KilledDetach, IsFinishedByTheNextCommand) {
    Lab lab;
    ASSERT_EQ(lab.apply(first).status, 0);
    ASSERT_EQ(lab.detach({std::string("XDPC_TEST_STEP=") + GetParam() + ":kill"}).status, killed);
    std::string now = passing(lab);
    EXPECT_TRUE(now == first_runs || now == none_runs) << now;
    EXPECT_EQ(lab.detach().status, 0);
    EXPECT_EQ(passing(lab), none_runs);
    EXPECT_TRUE(lab.pins().empty());
}
INSTANTIATE_TEST_SUITE_P(Steps, KilledDetach, testing::Values("detach", "unpin"));

} // namespace
} // namespace xdpc::lab
