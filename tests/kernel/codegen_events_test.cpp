// What programs tell those who listen: `log`, `sample`, decided packets.
#include "codegen_support.h"
#include "tests/harness/ear.h"

#include <cstring>
#include <ctime>

namespace xdpc {

using namespace codegen_test;

namespace {

using test::Heard;

/// One that the kernel lets listen.
class Ear : public test::Ear {
public:
    template<class... Args> explicit Ear(Args&&... args) : test::Ear(std::forward<Args>(args)...) {
        EXPECT_TRUE(listens()) << strerror(errno);
    }
    std::vector<Heard> heard() {
        std::vector<Heard> told = test::Ear::heard();
        for (const Heard& one : told) {
            EXPECT_EQ(one.bytes.size(), one.head.captured) << "an event holds all it says it does";
        }
        return told;
    }
};

std::vector<uint8_t> frame_of(size_t size, uint16_t port) {
    std::vector<uint8_t> frame(std::max<size_t>(size, 60));
    const uint8_t head[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0};
    std::copy(std::begin(head), std::end(head), frame.begin());
    const size_t length = frame.size() - 14;
    frame[16] = static_cast<uint8_t>(length >> 8);
    frame[17] = static_cast<uint8_t>(length);
    frame[22] = 64;
    frame[23] = 17;
    frame[36] = static_cast<uint8_t>(port >> 8);
    frame[37] = static_cast<uint8_t>(port);
    for (size_t i = 42; i < frame.size(); ++i) {
        frame[i] = static_cast<uint8_t>(i * 7);
    }
    return frame;
}

rt::Loaded load(const Policy& policy, bool instrument) {
    Sources sources;
    sources.add("events.xdp", text_of_lines(10));
    BuildOptions options;
    options.codegen.instrument = instrument;
    const Built built = build(policy, sources, options);
    EXPECT_EQ(built.error, "");
    rt::LoadOptions load_options;
    load_options.binding.generation = 7;
    load_options.hooks = true;
    auto loaded = rt::load(built.artifact, load_options);
    EXPECT_TRUE(loaded) << tail_of(loaded.error());
    return std::move(*loaded);
}

uint32_t send(const rt::Loaded& loaded, const std::vector<uint8_t>& frame) {
    const auto run = rt::test_run(loaded, frame);
    EXPECT_TRUE(run);
    return run ? run->action : 99;
}

Policy two_rules() {
    test::PolicyBuilder builder(Drop{});
    builder.rule({test::match(test::field(FieldId::UdpDport, 1)), test::verdict(Pass{})});
    const RuleId quiet =
        builder.rule({test::match(test::field(FieldId::UdpDport, 2)), test::verdict(Abort{})});
    Policy policy = builder.get();
    policy.rules[quiet.value].counts = false; // decides without a counter
    return policy;
}

} // namespace

TEST(CodegenEvents, DecidedPacketsAreToldWithWhoDecided) {
    const rt::Loaded loaded = load(two_rules(), false);
    Ear ear(loaded, 2);
    EXPECT_EQ(send(loaded, frame_of(60, 1)), 2U);
    EXPECT_TRUE(ear.heard().empty()); // nobody listens yet
    ear.capture();
    for (const size_t size : {60, 128, 129, 512, 513, 1514, 2048, 2049, 3000}) {
        const auto frame = frame_of(size, 1);
        EXPECT_EQ(send(loaded, frame), 2U);
        const auto heard = ear.heard();
        ASSERT_EQ(heard.size(), 1U) << size;
        EXPECT_EQ(heard[0].bytes, frame) << size;
        EXPECT_EQ(heard[0].head.length, frame.size());
        EXPECT_EQ(heard[0].head.kind, XDPC_EVENT_CAPTURE);
        EXPECT_EQ(heard[0].head.action, 2U);
        EXPECT_EQ(heard[0].head.generation, 7U);
        EXPECT_EQ(heard[0].head.by, XDPC_BY_SLOT | *loaded.artifact().deciders[0].slot);
    }
    send(loaded, frame_of(60, 2));
    send(loaded, frame_of(60, 3));
    const auto heard = ear.heard();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard[0].head.by, 1U); // uncounted: by its number
    EXPECT_EQ(heard[0].head.action, 0U);
    EXPECT_EQ(heard[1].head.by, XDPC_BY_SLOT | *loaded.artifact().deciders[2].slot); // the policy
    EXPECT_EQ(heard[1].head.action, 1U);
}

TEST(CodegenEvents, TheProgramChoosesByVerdictAndDecider) {
    const rt::Loaded loaded = load(two_rules(), false);
    Ear drops(loaded, 0);
    Ear first(loaded, 3);
    drops.listener().actions = 1U << 1U;
    drops.listener().snap = 20;
    drops.capture();
    first.listener().by = XDPC_BY_SLOT | *loaded.artifact().deciders[0].slot;
    first.listener().generation = 7;
    first.capture();
    for (const uint16_t port : {1, 2, 3}) {
        send(loaded, frame_of(100, port));
    }
    const auto dropped = drops.heard();
    ASSERT_EQ(dropped.size(), 1U);
    EXPECT_EQ(dropped[0].bytes.size(), 20U);
    EXPECT_EQ(dropped[0].head.length, 100U);
    EXPECT_EQ(first.heard().size(), 1U);
    first.listener().generation = 6; // numbers of another policy choose nothing
    for (const uint16_t port : {1, 2, 3}) {
        send(loaded, frame_of(100, port));
    }
    EXPECT_EQ(first.heard().size(), 3U);
}

TEST(CodegenEvents, AListenerThatIsGoneCostsNothingMore) {
    const rt::Loaded loaded = load(two_rules(), false);
    Ear ear(loaded, 1);
    Ear other(loaded, 0);
    ear.capture();
    other.capture();
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    ear.listener().until_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U; // has passed
    send(loaded, frame_of(60, 1));
    EXPECT_TRUE(ear.heard().empty());
    EXPECT_EQ(other.heard().size(), 1U);
    EXPECT_EQ(ear.shared().capturing, 1U);
}

TEST(CodegenEvents, WhatFindsNoRoomIsCounted) {
    const rt::Loaded loaded = load(two_rules(), false);
    Ear ear(loaded, 0, 4096);
    ear.capture();
    for (int i = 0; i < 100; ++i) {
        send(loaded, frame_of(60, 1));
    }
    const size_t heard = ear.heard().size();
    EXPECT_GT(heard, 0U);
    EXPECT_LT(heard, 100U);
    EXPECT_EQ(heard + ear.listener().lost, 100U);
}

TEST(CodegenEvents, CaptureOffLeavesItOut) {
    Policy policy = two_rules();
    policy.options.capture = false;
    const rt::Loaded loaded = load(policy, false);
    EXPECT_EQ(loaded.map_fd(".data.capture"), -1);
    EXPECT_EQ(loaded.map_fd("rings"), -1);
}

TEST(CodegenEvents, LogsAreAtMostOneInTheirTime) {
    test::PolicyBuilder builder(Drop{});
    LogStatement seldom;
    seldom.every_ns = 1'000'000'000;
    seldom.index = 1;
    builder.rule({test::match(test::field(FieldId::UdpDport, 1)), LogStatement{}, test::verdict(Pass{})});
    builder.rule({test::match(test::field(FieldId::UdpDport, 2)), seldom, test::verdict(Drop{})});
    const rt::Loaded loaded = load(builder.get(), true);
    Ear ear(loaded, 1);
    ear.watch();
    xdpc_test_control& control = loaded.test_area()->control;
    const auto at = [&](uint64_t ns, uint16_t port) {
        control.now_ns = test_clock_begin_ns + ns;
        send(loaded, frame_of(300, port));
        return ear.heard();
    };
    EXPECT_EQ(at(0, 1).size(), 1U);
    EXPECT_EQ(at(0, 1).size(), 1U); // each
    const auto heard = at(5, 2);
    ASSERT_EQ(heard.size(), 1U); // the first at once
    EXPECT_EQ(heard[0].head.kind, XDPC_EVENT_LOG);
    EXPECT_EQ(heard[0].head.by, 1U);
    EXPECT_EQ(heard[0].head.index, 1U);
    EXPECT_EQ(heard[0].head.time_ns, test_clock_begin_ns + 5);
    EXPECT_EQ(heard[0].head.length, 300U);
    EXPECT_EQ(heard[0].bytes.size(), XDPC_LOG_SNAP);
    EXPECT_TRUE(at(1'000'000'004, 2).empty());
    EXPECT_EQ(at(1'000'000'005, 2).size(), 1U);
    EXPECT_TRUE(at(2'000'000'004, 2).empty());
    EXPECT_EQ(at(9'000'000'000, 2).size(), 1U);
}

TEST(CodegenEvents, SamplesAreDrawnAsTheEvaluatorDraws) {
    test::PolicyBuilder builder(Pass{});
    SampleStatement sample;
    sample.one_in = 3;
    sample.snap = 64;
    sample.occurrence = 4;
    builder.rule({sample});
    const rt::Loaded loaded = load(builder.get(), true);
    Ear ear(loaded, 0);
    ear.watch();
    xdpc_test_control& control = loaded.test_area()->control;
    control.seed = 11;
    size_t drawn = 0;
    for (control.packet = 0; control.packet < 200; ++control.packet) {
        send(loaded, frame_of(100, 1));
        const auto heard = ear.heard();
        const bool wanted = random_draw(11, control.packet, 4) % 3 == 0;
        EXPECT_EQ(heard.size(), wanted ? 1U : 0U) << control.packet;
        drawn += heard.size();
        if (!heard.empty()) {
            EXPECT_EQ(heard[0].head.kind, XDPC_EVENT_SAMPLE);
            EXPECT_EQ(heard[0].bytes.size(), 64U);
        }
    }
    EXPECT_GT(drawn, 40U);
    EXPECT_LT(drawn, 100U);
}

/// The kernel's own draws cannot be foretold: within five standard deviations of what they should be.
TEST(CodegenEvents, SamplesOfProgramsThatRunAreOneInN) {
    test::PolicyBuilder builder(Pass{});
    SampleStatement sample;
    sample.one_in = 5;
    sample.snap = 33;
    builder.rule({sample});
    const rt::Loaded loaded = load(builder.get(), false);
    Ear ear(loaded, 1);
    ear.watch();
    constexpr int packets = 4000;
    int drawn = 0;
    int runs = 0; // of samples that follow each other
    bool before = false;
    for (int i = 0; i < packets; ++i) {
        send(loaded, frame_of(100, 1));
        const std::vector<Heard> heard = ear.heard();
        ASSERT_LE(heard.size(), 1U);
        drawn += static_cast<int>(heard.size());
        runs += !heard.empty() && before ? 1 : 0;
        before = !heard.empty();
        if (before) {
            EXPECT_EQ(heard[0].bytes.size(), 33U);
            EXPECT_EQ(heard[0].head.generation, 7U);
        }
    }
    EXPECT_NEAR(drawn, packets / 5, 5 * 25.3) << "sqrt(4000 * 0.2 * 0.8)";
    EXPECT_NEAR(runs, packets / 25, 5 * 14.0) << "draws do not hang together";
    EXPECT_EQ(ear.listener().lost, 0U);
}

} // namespace xdpc
