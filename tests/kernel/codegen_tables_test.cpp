// Tables of every strategy, in the kernel against the evaluator: values in them, next to them, at the ends.
#include "tests/kernel/codegen_support.h"

namespace xdpc {
namespace {

using namespace codegen_test;

void put(std::vector<uint8_t>& to, u128 value, size_t bytes) {
    for (size_t i = bytes; i-- > 0;) {
        to.push_back(static_cast<uint8_t>(value >> (8 * i)));
    }
}

std::vector<uint8_t> tcp_frame(uint32_t saddr, uint16_t dport, uint8_t ttl = 64) {
    std::vector<uint8_t> frame(12, 2);
    put(frame, 0x0800, 2);
    put(frame, 0x45000028, 4);
    put(frame, 0, 4);
    put(frame, u128{ttl} << 24 | 6U << 16, 4);
    put(frame, saddr, 4);
    put(frame, 0xc0000201, 4);
    put(frame, u128{40000} << 16 | dport, 4);
    put(frame, 0, 8);
    put(frame, 0x50020000, 4);
    put(frame, 0, 4);
    frame.resize(60);
    return frame;
}

std::vector<uint8_t> ip6_frame(u128 saddr) {
    std::vector<uint8_t> frame(12, 2);
    put(frame, 0x86dd, 2);
    put(frame, u128{0x60000000} << 32 | 8U << 16 | 17U << 8 | 64, 8);
    put(frame, saddr, 16);
    put(frame, 1, 16);
    put(frame, u128{1000} << 48 | u128{2000} << 32 | 8U << 16, 8);
    return frame;
}

/// Before, at, in and behind each end of the intervals.
std::vector<u128> near(const std::vector<Interval>& intervals, u128 top) {
    std::vector<u128> values{0, 1, top - 1, top};
    for (size_t i = 0; i < intervals.size(); i += 1 + intervals.size() / 40) {
        for (const u128 end : {intervals[i].lo, intervals[i].hi}) {
            values.insert(values.end(), {(end - 1) & top, end, (end + 1) & top});
        }
    }
    return values;
}

std::vector<Interval> spread(size_t count, u128 step, u128 wide, u128 from = 5) {
    std::vector<Interval> intervals;
    for (size_t i = 0; i < count; ++i) {
        intervals.push_back({from + i * step, from + i * step + (i % 3 == 0 ? wide : 0)});
    }
    return intervals;
}

/// The plan must have used the strategy that is under test.
void expect_agreement(const Policy& policy, const Frames& frames, TableStrategy strategy) {
    ir::Program program = ir::flatten(policy);
    optimize(program);
    Diagnostics diagnostics;
    const auto plan = choose(program, {}, diagnostics);
    ASSERT_TRUE(plan);
    ASSERT_FALSE(plan->tables.empty());
    EXPECT_EQ(plan->tables[0].strategy, strategy);
    size_t decided = 0;
    EXPECT_EQ(check_policy(policy, frames, {}, &decided), "");
    EXPECT_GT(decided, 0U);
    EXPECT_LT(decided, frames.size());
}

Policy set_policy(const KeySource& key, const std::vector<Interval>& intervals, bool negated = false,
                  u128 mask = ~u128{0}) {
    test::PolicyBuilder b;
    b.rule({test::match(test::one(key, intervals, negated, mask)), test::verdict(Pass{})});
    return b.get();
}

Policy map_policy(const KeySource& key, const std::vector<Interval>& intervals, bool otherwise) {
    test::PolicyBuilder b;
    const ChainId count = b.chain("count");
    b.rule({test::count(), test::verdict(Return{})}, count);
    VmapStatement vmap;
    vmap.keys.push_back({key, ~u128{0}});
    const std::vector<Verdict> verdicts{Pass{}, Tx{}, Jump{count}, Abort{}};
    for (size_t i = 0; i < intervals.size(); ++i) {
        vmap.entries.push_back({{intervals[i]}, verdicts[i % verdicts.size()]});
    }
    if (otherwise) {
        vmap.otherwise = Tx{};
    }
    b.rule({vmap});
    b.rule({test::match(test::field(FieldId::IpTtl, 63)), test::verdict(Pass{})});
    return b.get();
}

const KeySource dport = FieldKey{FieldId::TcpDport};
const KeySource saddr = FieldKey{FieldId::IpSaddr};
const KeySource saddr6 = FieldKey{FieldId::Ip6Saddr};

Frames by_port(const std::vector<Interval>& ports) {
    Frames frames;
    for (const u128 port : near(ports, 0xffff)) {
        frames.push_back(tcp_frame(1, static_cast<uint16_t>(port), port % 2 ? 64 : 63));
    }
    frames.push_back(ip6_frame(1));
    return frames;
}
Frames by_saddr(const std::vector<Interval>& addresses) {
    Frames frames;
    for (const u128 address : near(addresses, 0xffffffff)) {
        frames.push_back(tcp_frame(static_cast<uint32_t>(address), 80, address % 2 ? 64 : 63));
    }
    frames.push_back(ip6_frame(1));
    return frames;
}

TEST(CodegenTables, BitmapOfPorts) {
    auto ports = spread(200, 300, 40);
    ports.push_back({65530, 65535});
    expect_agreement(set_policy(dport, ports), by_port(ports), TableStrategy::Bitmap);
    expect_agreement(set_policy(dport, ports, true), by_port(ports), TableStrategy::Bitmap);
}

TEST(CodegenTables, BitmapOfMaskedBits) {
    std::vector<Interval> values;
    for (u128 i = 0; i < 40; ++i) {
        values.push_back({i << 4, i << 4});
    }
    Frames frames;
    for (uint16_t port = 0; port < 1000; port += 7) {
        frames.push_back(tcp_frame(1, static_cast<uint16_t>(port * 61)));
    }
    expect_agreement(set_policy(dport, values, false, 0x0ff5), frames, TableStrategy::Bitmap);
}

TEST(CodegenTables, BitmapAsMap) {
    const auto ports = spread(150, 400, 30);
    expect_agreement(map_policy(dport, ports, false), by_port(ports), TableStrategy::Bitmap);
    expect_agreement(map_policy(dport, ports, true), by_port(ports), TableStrategy::Bitmap);
}

TEST(CodegenTables, SearchOfAddresses) {
    for (const size_t count : {17U, 64U, 65U, 5000U}) {
        auto addresses = spread(count, 70'000, 60'000);
        addresses.push_back({0xfffffff0, 0xffffffff});
        expect_agreement(set_policy(saddr, addresses), by_saddr(addresses), TableStrategy::Search);
    }
}

TEST(CodegenTables, SearchAsMap) {
    const auto addresses = spread(100, 1000, 500);
    expect_agreement(map_policy(saddr, addresses, false), by_saddr(addresses), TableStrategy::Search);
    expect_agreement(map_policy(saddr, addresses, true), by_saddr(addresses), TableStrategy::Search);
}

TEST(CodegenTables, SearchOf128Bits) {
    std::vector<Interval> addresses = spread(100, u128{1} << 62, u128{1} << 60, u128{0x20010db8} << 96);
    addresses.push_back({~u128{0} - 5, ~u128{0}});
    Frames frames;
    for (const u128 address : near(addresses, ~u128{0})) {
        frames.push_back(ip6_frame(address));
    }
    expect_agreement(set_policy(saddr6, addresses), frames, TableStrategy::Search);
}

TEST(CodegenTables, ScanOfTuples) {
    for (const bool negated : {false, true}) {
        test::PolicyBuilder b;
        std::vector<Box> boxes;
        for (u128 i = 0; i < 500; ++i) {
            boxes.push_back({{i * 10, i * 10 + 3}, {i, i + 5}});
        }
        b.rule({test::match(test::tuple({saddr, dport}, boxes, negated)), test::verdict(Pass{})});
        Frames frames{ip6_frame(1)};
        for (uint32_t i = 0; i < 200; ++i) {
            frames.push_back(tcp_frame(i * 25 + i % 5, static_cast<uint16_t>(i * 5 / 2 + i % 7)));
        }
        expect_agreement(b.get(), frames, TableStrategy::Scan);
    }
}

/// As many as the plan allows must also be what the verifier allows.
TEST(CodegenTables, TheLongestScanLoads) {
    size_t count = 100'000;
    std::optional<Plan> plan;
    Policy policy;
    for (; !plan; count = count * 9 / 10) {
        test::PolicyBuilder b;
        std::vector<Box> boxes;
        for (u128 i = 0; i < count; ++i) {
            boxes.push_back({{i * 10, i * 10 + 3}, {i & 0xffff, i & 0xffff}});
        }
        b.rule({test::match(test::tuple({saddr, dport}, boxes)), test::verdict(Pass{})});
        policy = b.get();
        Diagnostics diagnostics;
        plan = choose(ir::flatten(policy), {}, diagnostics);
    }
    EXPECT_GT(count, 2000U);
    EXPECT_EQ(check_policy(policy, {tcp_frame(1000, 100), tcp_frame(1005, 100)}), "") << count;
}

TEST(CodegenTables, ScanAsMapTakesTheFirstOfSeveral) {
    test::PolicyBuilder b;
    VmapStatement vmap;
    vmap.keys = {{saddr6, ~u128{0}}, {FieldKey{FieldId::UdpDport}, ~u128{0}}};
    for (u128 i = 0; i < 40; ++i) {
        const Verdict verdict = i % 2 ? Verdict{Pass{}} : Verdict{Tx{}};
        vmap.entries.push_back({{{i << 64, (i + 3) << 64}, {0, 2000}}, verdict});
    }
    b.rule({vmap});
    Frames frames{tcp_frame(1, 1)};
    for (u128 i = 0; i < 50; ++i) {
        frames.push_back(ip6_frame((i << 64) + (i % 3) - 1));
    }
    expect_agreement(b.get(), frames, TableStrategy::Scan);
}

} // namespace
} // namespace xdpc
