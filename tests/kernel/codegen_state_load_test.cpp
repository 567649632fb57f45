// State under load: several CPUs at once, and a flood among many sources.
#include "tests/kernel/codegen_state_support.h"

#include <ctime>
#include <thread>

namespace xdpc::codegen_test {
namespace {

using test::verdict;

const Key saddr{FieldKey{FieldId::IpSaddr}};

uint64_t monotonic_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * second_ns + static_cast<uint64_t>(now.tv_nsec);
}

/// `run(thread)` on two threads at once.
template<class Run> void on_two_cpus(Run run) {
    std::thread other([&] { run(1U); });
    run(0U);
    other.join();
}

Policy limited_policy(Limit limit) {
    test::PolicyBuilder builder(Drop{});
    builder.rule({limited(0), verdict(Pass{})});
    Policy policy = builder.get();
    policy.limits.push_back(std::move(limit));
    return policy;
}

/// Not instrumented: with the kernel's clock.
rt::Loaded load_plain(const Policy& policy) {
    Sources sources;
    sources.add("test.xdp", text_of_lines(10));
    const Built built = build(policy, sources);
    EXPECT_EQ(built.error, "");
    auto loaded = rt::load(built.artifact);
    EXPECT_TRUE(loaded) << (loaded ? "" : tail_of(loaded.error()));
    return std::move(*loaded);
}

template<class Value> Value read(const rt::Loaded& loaded, const char* map, const void* key) {
    Value value{};
    EXPECT_EQ(bpf_map_lookup_elem(loaded.map_fd(map), key, &value), 0) << map;
    return value;
}

class CodegenStateCpus : public ::testing::TestWithParam<bool> {};

TEST_P(CodegenStateCpus, NoTokenIsGivenTwiceWhileTheClockStands) {
    constexpr uint64_t burst = 20'000;
    constexpr uint32_t each = 200'000;
    const auto keys = GetParam() ? std::vector<Key>{saddr} : std::vector<Key>{};
    Program program(limited_policy(packets_per_second(10, burst, keys, 10)), Layout::Specialised);
    ASSERT_EQ(program.error(), "");
    const auto frame = frame_from(1);
    program.send(frame); // sets the clock
    on_two_cpus([&](unsigned) { EXPECT_TRUE(rt::test_run(program.loaded(), frame, each)); });
    const auto limit = program.at_index<xdpc_limit>("limits", 0);
    EXPECT_EQ(limit.within, burst);
    EXPECT_EQ(limit.within + limit.beyond, 2 * each + 1);
}

TEST_P(CodegenStateCpus, RateHoldsByTheKernelsClock) {
    constexpr uint64_t rate = 20'000;
    constexpr uint64_t burst = 50;
    const auto keys = GetParam() ? std::vector<Key>{saddr} : std::vector<Key>{};
    const rt::Loaded loaded = load_plain(limited_policy(packets_per_second(rate, burst, keys, 10)));
    const auto frame = frame_from(1);
    const uint64_t begin = monotonic_ns();
    on_two_cpus([&](unsigned) { EXPECT_TRUE(rt::test_run(loaded, frame, 3'000'000)); });
    const double seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
    const uint32_t first = 0;
    const auto within = static_cast<double>(read<xdpc_limit>(loaded, "limits", &first).within);
    EXPECT_LE(within, burst + rate * seconds);
    EXPECT_GT(within, 0.5 * rate * seconds) << "no packet comes while neither thread has a CPU";
}

INSTANTIATE_TEST_SUITE_P(Keys, CodegenStateCpus, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "PerSource" : "OneBucket"; });

TEST(CodegenStateTable, EveryEntryKeepsItsPlaceWhileTwoCpusFightForThem) {
    constexpr uint32_t size = 4;
    Limit limit = packets_per_second(second_ns, 1, {saddr}, size); // free again after a nanosecond
    const rt::Loaded loaded = load_plain(limited_policy(std::move(limit)));
    on_two_cpus([&](unsigned thread) {
        for (uint32_t i = 0; i < 100'000; ++i) {
            EXPECT_TRUE(rt::test_run(loaded, frame_from(1 + (i * (2 * thread + 1)) % 64)));
        }
    });
    struct Place {
        uint32_t key, mark;
    };
    uint32_t key = 0;
    size_t entries = 0;
    const int hash = loaded.map_fd("limit0");
    for (int more = bpf_map_get_next_key(hash, nullptr, &key); more == 0;
         more = bpf_map_get_next_key(hash, &key, &key)) {
        const auto bucket = read<xdpc_bucket>(loaded, "limit0", &key);
        ASSERT_LT(bucket.place, size);
        const auto place = read<Place>(loaded, "ring_limit0", &bucket.place);
        EXPECT_EQ(place.key, key) << "an entry that no place leads to would stay for ever";
        EXPECT_EQ(place.mark, 1U);
        ++entries;
    }
    EXPECT_GT(entries, 0U);
    EXPECT_LE(entries, size);
}

/// Ten seconds in steps of a millisecond: one source sends 2,000 a second, 50,000 others one each second.
TEST(CodegenStateFlood, HurtsNobodyElse) {
    constexpr uint32_t sources = 50'000;
    constexpr uint64_t rate = 200;
    constexpr uint64_t burst = 5;
    constexpr uint32_t flooder = 0x0b000001;
    Program program(limited_policy(packets_per_second(rate, burst, {saddr}, 65536)), Layout::Specialised);
    ASSERT_EQ(program.error(), "");
    size_t flooded = 0;
    size_t lost = 0;
    uint32_t next = 0;
    for (uint32_t step = 0; step < 10'000; ++step) {
        program.at(uint64_t{step} * 1'000'000);
        flooded += program.count(frame_from(flooder), 2, "pass r0");
        for (uint32_t i = 0; i < sources / 1000; ++i) {
            lost += program.send(frame_from(0x0a000000 + next)) == "pass r0" ? 0 : 1;
            next = (next + 1) % sources;
        }
    }
    fmt::print(
        "the flooder got {} packets of {} through, at {} a second and a burst of {}; {} others lost {}\n",
        flooded, 20'000, rate, burst, sources, lost);
    EXPECT_EQ(lost, 0U);
    EXPECT_NEAR(static_cast<double>(flooded), 10.0 * rate + burst, 0.02 * (10.0 * rate + burst));
    EXPECT_EQ(program.at_index<xdpc_limit>("limits", 0).overflows, 0U);
}

} // namespace
} // namespace xdpc::codegen_test
