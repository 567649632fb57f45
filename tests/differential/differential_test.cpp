#include "tests/differential/differential.h"

#include <gtest/gtest.h>

namespace xdpc::test {
namespace {

/// Each seed is a policy with 60 packets; sixteen tests, so that ctest runs them side by side.
class KernelAgrees : public testing::TestWithParam<uint64_t> {};

TEST_P(KernelAgrees, WithTheEvaluator) {
    constexpr uint64_t policies = 25;
    size_t packets = 0, by_rule = 0, too_large = 0;
    for (uint64_t i = 0; i < policies; ++i) {
        auto result = compare_with_kernel(GetParam() * 1000 + i);
        ASSERT_TRUE(result.has_value()) << result.error().message;
        ASSERT_EQ(result->difference, "");
        packets += result->packets;
        by_rule += result->by_rule;
        too_large += result->too_large ? 1 : 0;
    }
    EXPECT_EQ(too_large, 0U);
    EXPECT_EQ(packets, policies * 60);
    EXPECT_GT(by_rule, packets / 10);
}
/// The same of `route`, with the kernel's look-up in networks of the test's.
TEST_P(KernelAgrees, WithTheEvaluatorOnRoutes) {
    constexpr uint64_t policies = 8;
    DifferentialOptions options;
    options.routes = true;
    size_t packets = 0, routed = 0;
    for (uint64_t i = 0; i < policies; ++i) {
        auto result = compare_with_kernel(GetParam() * 1000 + i, options);
        ASSERT_TRUE(result.has_value()) << result.error().message;
        ASSERT_EQ(result->difference, "");
        packets += result->packets;
        routed += result->routed;
    }
    EXPECT_EQ(packets, policies * 60);
    EXPECT_GT(routed, packets / 50);
}
/// The same of what lasts from packet to packet.
TEST_P(KernelAgrees, WithTheEvaluatorOnMeters) {
    constexpr uint64_t policies = 12;
    DifferentialOptions options;
    options.meters = true;
    size_t packets = 0, by_rule = 0, events = 0, refused = 0, replaced = 0;
    for (uint64_t i = 0; i < policies; ++i) {
        auto result = compare_with_kernel(GetParam() * 1000 + i, options);
        ASSERT_TRUE(result.has_value()) << result.error().message;
        ASSERT_EQ(result->difference, "");
        packets += result->packets;
        by_rule += result->by_rule;
        events += result->events;
        refused += result->too_large ? 1 : 0;
        replaced += result->replaced;
    }
    EXPECT_LE(refused, 2U);
    EXPECT_EQ(packets, (policies - refused) * 120);
    EXPECT_GT(replaced, 0U);
    EXPECT_GT(events, packets / 100);
    EXPECT_GT(by_rule, packets / 100);
}
INSTANTIATE_TEST_SUITE_P(Seeds, KernelAgrees, testing::Range<uint64_t>(1, 17));

} // namespace
} // namespace xdpc::test
