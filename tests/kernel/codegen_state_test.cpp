// Limits, quotas and dynamic sets in the kernel: what runtime/STATE.md says of them, for each layout of
// rules.
#include "tests/kernel/codegen_state_support.h"

namespace xdpc::codegen_test {
namespace {

using test::match;
using test::verdict;

const Key saddr{FieldKey{FieldId::IpSaddr}};
const Key dport{FieldKey{FieldId::TcpDport}};
const Key saddr6{FieldKey{FieldId::Ip6Saddr}};
const Key daddr6{FieldKey{FieldId::Ip6Daddr}};

class CodegenState : public ::testing::TestWithParam<Layout> {};

TEST_P(CodegenState, LimitGivesItsBurstThenItsRate) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({limited(0), verdict(Pass{})});
    Policy policy = builder.get();
    policy.limits.push_back(packets_per_second(10, 5));
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.count(frame_from(1), 20, "pass r0"), 5U);
    program.advance(second_ns / 10);
    EXPECT_EQ(program.count(frame_from(2), 20, "pass r0"), 1U);
    program.advance(10 * second_ns);
    EXPECT_EQ(program.count(frame_from(2), 20, "pass r0"), 5U);
    const auto limit = program.at_index<xdpc_limit>("limits", 0);
    EXPECT_EQ(limit.within, 11U);
    EXPECT_EQ(limit.beyond, 49U);
}

TEST_P(CodegenState, LimitOverIsTheOtherHalf) {
    test::PolicyBuilder builder(Pass{});
    builder.rule({limited(0, true), verdict(Drop{})});
    Policy policy = builder.get();
    policy.limits.push_back(packets_per_second(10, 5));
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.count(frame_from(1), 20, "drop r0"), 15U);
}

TEST_P(CodegenState, LimitOfBytesTakesTheFramesLength) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({limited(0), verdict(Pass{})});
    Policy policy = builder.get();
    Limit limit;
    limit.bytes = true;
    limit.amount = 1000;
    limit.capacity_ns = limit.unit_ns;
    policy.limits.push_back(limit);
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.count(frame_from(1, 80, 200), 10, "pass r0"), 5U);
    EXPECT_EQ(program.count(frame_from(1, 80, 60), 10, "pass r0"), 0U);
    program.advance(second_ns / 10);
    EXPECT_EQ(program.count(frame_from(1, 80, 200), 10, "pass r0"), 0U);
    EXPECT_EQ(program.count(frame_from(1, 80, 100), 10, "pass r0"), 1U);
}

TEST_P(CodegenState, LimitPerKeyHasABucketForEach) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({limited(0), verdict(Pass{})});
    builder.rule({match(test::field(FieldId::TcpDport, 80)), verdict(Abort{})});
    Policy policy = builder.get();
    policy.limits.push_back(packets_per_second(10, 5, {saddr, dport}, 100));
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    for (uint32_t source = 1; source <= 10; ++source) {
        EXPECT_EQ(program.count(frame_from(source), 9, "pass r0"), 5U) << source;
        EXPECT_EQ(program.count(frame_from(source, 443), 9, "pass r0"), 5U) << source;
    }
    EXPECT_EQ(program.send(frame6_from(1)), "abort r1") << "an absent key ends the rule";
    EXPECT_TRUE(program.has("limit0", {10, 443}));
    EXPECT_FALSE(program.has("limit0", {11, 443}));
}

TEST_P(CodegenState, MaskedAndWideKeys) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({limited(0), verdict(Pass{})});
    builder.rule({limited(1), verdict(Tx{})});
    Policy policy = builder.get();
    const u128 prefix = ~u128{0} << 64;
    policy.limits.push_back(packets_per_second(10, 5, {saddr6, daddr6, dport}, 100));
    policy.limits.push_back(packets_per_second(10, 7, {{FieldKey{FieldId::Ip6Saddr}, prefix}}, 100));
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.count(frame6_from(1), 9, "pass r0"), 5U);
    EXPECT_EQ(program.count(frame6_from(2), 9, "pass r0"), 5U);
    EXPECT_EQ(program.count(frame6_from(2), 9, "tx r1"), 0U) << "of the same /64: 8 were sent above";
    EXPECT_TRUE(program.has("limit0", {0x20000000, 0, 0, 2, 0, 0, 0, 0, 80}));
    EXPECT_TRUE(program.has("limit1", {0x20000000, 0, 0, 0}));
}

TEST_P(CodegenState, FullTableDoesAsOnFullSays) {
    for (const auto& [on_full, outcome] : {std::pair{Limit::OnFull::Drop, "drop r0"},
                                           {Limit::OnFull::Pass, "pass r0"},
                                           {Limit::OnFull::Continue, "pass policy"}}) {
        test::PolicyBuilder builder(Pass{});
        builder.rule({limited(0, true), verdict(Tx{})});
        Policy policy = builder.get();
        policy.limits.push_back(packets_per_second(1, 2, {saddr}, 4));
        policy.limits[0].on_full = on_full;
        Program program(policy, GetParam());
        ASSERT_EQ(program.error(), "");
        for (uint32_t source = 1; source <= 4; ++source) {
            EXPECT_EQ(program.count(frame_from(source), 3, "tx r0"), 1U);
        }
        EXPECT_EQ(program.send(frame_from(5)), outcome);
        EXPECT_EQ(program.at_index<xdpc_limit>("limits", 0).overflows, 1U);
        EXPECT_EQ(program.at_index<xdpc_limit>("limits", 0).cursor, 68U);
        program.advance(second_ns); // not yet: two seconds fill a bucket
        EXPECT_EQ(program.send(frame_from(5)), outcome);
        program.advance(second_ns);
        EXPECT_EQ(program.send(frame_from(5)), "pass policy")
            << "its bucket takes the place of one that is full again";
        EXPECT_FALSE(program.has("limit0", {1}));
        EXPECT_TRUE(program.has("limit0", {2}));
        EXPECT_EQ(program.at_index<xdpc_limit>("limits", 0).overflows, 2U);
    }
}

TEST_P(CodegenState, QuotaCountsBytes) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({quota(0), verdict(Pass{})});
    builder.rule({quota(1, true), verdict(Tx{})});
    Policy policy = builder.get();
    policy.quotas = {{{0}, "", "r0", 250, 0, false, {}}, {{1}, "", "r1", 250, 0, true, {}}};
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.count(frame_from(1, 80, 100), 2, "pass r0"), 2U);
    EXPECT_EQ(program.count(frame_from(1, 80, 100), 2, "drop policy"), 2U);
    EXPECT_EQ(program.send(frame_from(1, 80, 100)), "tx r1");
    EXPECT_EQ(program.at_index<xdpc_quota>("quotas", 0).used, 500U);
}

TEST_P(CodegenState, RulesAddRenewAndDelete) {
    test::PolicyBuilder builder(Pass{});
    const auto port = [](uint16_t number) { return match(test::field(FieldId::TcpDport, number)); };
    using Op = UpdateSetStatement::Op;
    builder.rule({port(1), UpdateSetStatement{Op::Add, {0}, {saddr}, {}, {}}, verdict(Drop{})});
    builder.rule({port(2), UpdateSetStatement{Op::Update, {0}, {saddr}, 5 * second_ns, {}}, verdict(Drop{})});
    builder.rule({port(3), UpdateSetStatement{Op::Delete, {0}, {saddr}, {}, {}}, verdict(Drop{})});
    builder.rule({in_set({saddr}, 0), verdict(Tx{})});
    builder.rule({in_set({saddr}, 0, true), verdict(Abort{})});
    Policy policy = builder.get();
    policy.sets.push_back(dynamic_set({saddr}, 3, 10 * second_ns));
    policy.sets[0].has_counter = true;
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.send(frame_from(7)), "abort r4");
    EXPECT_EQ(program.send(frame_from(7, 1)), "drop r0");
    EXPECT_EQ(program.send(frame_from(7)), "tx r3");
    program.advance(6 * second_ns);
    EXPECT_EQ(program.send(frame_from(7, 1)), "drop r0") << "leaves the element as it is";
    program.advance(4 * second_ns - 1);
    EXPECT_EQ(program.send(frame_from(7)), "tx r3");
    const uint32_t key = 7;
    EXPECT_EQ(program.entry<xdpc_dynamic>("set0", &key).packets, 2U);
    EXPECT_EQ(program.entry<xdpc_dynamic>("set0", &key).bytes, 120U);
    program.advance(1);
    EXPECT_EQ(program.send(frame_from(7)), "abort r4");
    EXPECT_EQ(program.send(frame_from(7, 2)), "drop r1") << "an expired one begins anew";
    EXPECT_EQ(program.entry<xdpc_dynamic>("set0", &key).packets, 0U);
    program.advance(4 * second_ns);
    EXPECT_EQ(program.send(frame_from(7, 2)), "drop r1") << "and is renewed";
    program.advance(4 * second_ns);
    EXPECT_EQ(program.send(frame_from(7)), "tx r3");
    EXPECT_EQ(program.send(frame_from(7, 3)), "drop r2");
    EXPECT_EQ(program.send(frame_from(7)), "abort r4");
    EXPECT_EQ(program.send(frame6_from(1)), "pass policy")
        << "an absent key is neither in the set nor not in it";
}

TEST_P(CodegenState, FullSetEndsTheRule) {
    test::PolicyBuilder builder(Pass{});
    builder.rule({UpdateSetStatement{UpdateSetStatement::Op::Add, {0}, {saddr}, {}, {}}, verdict(Drop{})});
    Policy policy = builder.get();
    policy.sets.push_back(dynamic_set({saddr}, 3, 10 * second_ns));
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    for (uint32_t source = 1; source <= 3; ++source) {
        EXPECT_EQ(program.send(frame_from(source)), "drop r0");
    }
    EXPECT_EQ(program.send(frame_from(4)), "pass policy");
    EXPECT_EQ(program.send(frame_from(3)), "drop r0");
    EXPECT_EQ(program.at_index<xdpc_dynamic_set>("dynamic", 0).overflows, 1U);
    program.advance(10 * second_ns);
    EXPECT_EQ(program.send(frame_from(4)), "drop r0");
    EXPECT_FALSE(program.has("set0", {2})) << "the cursor had come to the second place";
}

TEST_P(CodegenState, VerdictMap) {
    test::PolicyBuilder builder(Pass{});
    const ChainId chain = builder.chain("other");
    builder.rule({match(test::field(FieldId::TcpDport, 1)),
                  UpdateSetStatement{UpdateSetStatement::Op::Add, {0}, {saddr}, {}, {}}, verdict(Drop{})});
    builder.rule({LiveVmapStatement{{saddr}, {0}, {}, {}}, verdict(Abort{})});
    builder.rule({match(test::field(FieldId::TcpDport, 80)), verdict(Tx{})}, chain);
    Policy policy = builder.get();
    policy.sets.push_back(dynamic_set({saddr}, 10));
    policy.sets[0].is_map = true;
    policy.sets[0].verdicts = {Drop{}, Jump{chain}, Continue{}};
    Program program(policy, GetParam());
    ASSERT_EQ(program.error(), "");
    EXPECT_EQ(program.send(frame_from(1)), "pass policy");
    for (uint32_t source = 1; source <= 4; ++source) {
        EXPECT_EQ(program.send(frame_from(source, 1)), "drop r0");
        auto element = program.entry<xdpc_dynamic>("set0", &source);
        element.value = source - 1;
        ASSERT_EQ(bpf_map_update_elem(program.loaded().map_fd("set0"), &source, &element, BPF_EXIST), 0);
    }
    EXPECT_EQ(program.send(frame_from(1)), "drop r1");
    EXPECT_EQ(program.send(frame_from(2)), "tx r2");
    EXPECT_EQ(program.send(frame_from(3)), "abort r1");
    EXPECT_EQ(program.send(frame_from(4)), "pass policy") << "a value without a verdict ends the rule";
}

INSTANTIATE_TEST_SUITE_P(Layouts, CodegenState,
                         ::testing::Values(Layout::Specialised, Layout::Shared, Layout::Segments),
                         [](const auto& info) {
                             switch (info.param) {
                             case Layout::Specialised:
                                 return "Specialised";
                             case Layout::Shared:
                                 return "Shared";
                             case Layout::Segments:
                                 return "Segments";
                             }
                             return "";
                         });

} // namespace
} // namespace xdpc::codegen_test
