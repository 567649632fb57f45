// Quotas, named counters, logs and samples, and what traces say of limits.
#include "codegen-templates/abi.h"
#include "tests/unit/policy_packets.h"

#include <algorithm>

namespace xdpc {
namespace {

// ---- quotas, counters, logs, samples

TEST(Quotas, AreOverOnceMoreIsUsed) {
    Bench bench(ingress("over: quota over 1000 bytes used 500 bytes drop\n rest: pass"));
    const packet::Frame frame = frame_from(1, 196); // 250 bytes
    EXPECT_EQ(bench.say(frame), "pass by rest");
    EXPECT_EQ(bench.say(frame), "pass by rest"); // all of it
    EXPECT_EQ(bench.say(frame), "drop by over");
    EXPECT_EQ(bench.state().meters.used[0], 1250U);
}

TEST(Quotas, WithANameAreSharedAndKeepTheirSense) {
    Bench bench(ingress("a: tcp dport 80 quota name q pass\n b: quota name q tx", "quota q { 100 bytes }"));
    EXPECT_EQ(bench.say(frame_from(1)), "pass by a"); // 54
    EXPECT_EQ(bench.say(frame_from(1)), "drop by policy");
    EXPECT_EQ(bench.state().meters.used[0], 3 * 54U);
}

TEST(NamedCounters, CountForAllThatNameThem) {
    Bench bench(ingress("tcp dport 80 counter name c\n counter name c pass", "counter c { }"));
    bench.send(frame_from(1));
    packet::Frame other = frame_from(1, 10);
    other[37] = 81;
    bench.send(other);
    EXPECT_EQ(bench.state().named_counts[0], (Count{3, 54 + 54 + 64}));
}

TEST(ObjectMaps, PickTheCounterOfTheKey) {
    Bench bench(ingress("r: counter name ip saddr map { 0.0.0.1 : \"a\", 0.0.0.2-0.0.0.9 : b } pass\n"
                        "n: counter name ip saddr map @m pass",
                        "counter a { }\ncounter b { }\ncounter c { }\n"
                        "map m { type ipv4_addr : counter\n flags constant\n"
                        "elements = { 1.0.0.0/8 : c, * : \"a\" } }"));
    EXPECT_EQ(bench.say(frame_from(1)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(2)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(9)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(0x01020304)), "pass by n");
    EXPECT_EQ(bench.say(frame_from(10)), "pass by n");
    EXPECT_EQ(bench.say(test::tcp6_frame(0x20010db8, 1)), "drop by policy");
    EXPECT_EQ(bench.state().named_counts[0], (Count{2, 108}));
    EXPECT_EQ(bench.state().named_counts[1], (Count{2, 108}));
    EXPECT_EQ(bench.state().named_counts[2], (Count{1, 54}));
    EXPECT_EQ(bench.trace_first(frame_from(10)).wanted, "a key of the map");
}

TEST(ObjectMaps, ThatAreLiveMayLeadToAllOfAKind) {
    Bench bench(ingress("r: counter name ip saddr map @m pass",
                        "counter a { }\ncounter b { }\ncounter c { }\n"
                        "map m { type ipv4_addr : counter\n flags interval, timeout\n counter\n"
                        "elements = { 1.0.0.0/8 : c, 0.0.0.2 timeout 1s : a, * : \"b\" } }"));
    const LiveSet& map = bench.policy().sets.at(0);
    EXPECT_EQ(map.object_ids.size(), 3U);
    EXPECT_EQ(map.elements.values, (std::vector<uint32_t>{2, 0}));
    EXPECT_EQ(bench.say(frame_from(0x01020304)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(2)), "pass by r");
    bench.advance(second);
    EXPECT_EQ(bench.say(frame_from(2)), "pass by r") << "the default";
    EXPECT_EQ(bench.say(test::tcp6_frame(0x20010db8, 1)), "drop by policy");
    EXPECT_EQ(bench.state().named_counts[0].packets, 1U);
    EXPECT_EQ(bench.state().named_counts[1].packets, 1U);
    EXPECT_EQ(bench.state().named_counts[2].packets, 1U);
    const auto found = bench.state().sets[0].find(map, {0x01020304}, 0);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->count.packets, 1U) << "an element is asked once";
}

TEST(ObjectMaps, WhatIsPickedMayEndTheRule) {
    Bench bench(ingress("r: limit name ip saddr map { 0.0.0.1 : one, 0.0.0.2 : two } "
                        "quota name tcp dport map { 80 : q } pass",
                        "limit one { rate 1/second burst 1 packets }\n"
                        "limit two { rate 1/second burst 2 packets }\nquota q { 200 bytes }"));
    EXPECT_EQ(bench.say(frame_from(1)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(1)), "drop by policy");
    EXPECT_EQ(bench.say(frame_from(2)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(2)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(2)), "drop by policy");
    bench.advance(second);
    EXPECT_EQ(bench.state().meters.used[0], 3 * 54U);
    EXPECT_EQ(bench.say(frame_from(1)), "drop by policy") << "the quota is used up";
    EXPECT_EQ(bench.say(frame_from(3)), "drop by policy");
    EXPECT_EQ(bench.state().meters.used[0], 4 * 54U);
}

TEST(ObjectMaps, AreOfEitherFamily) {
    Bench bench(ingress("r: counter name saddr map { 0.0.0.1 : a, 2001:db8::1 : b } pass",
                        "counter a { }\ncounter b { }"));
    EXPECT_EQ(bench.say(frame_from(1)), "pass by r");
    EXPECT_EQ(bench.say(test::tcp6_frame(0x20010db8, 1)), "pass by r");
    EXPECT_EQ(bench.say(test::tcp6_frame(0x20010db8, 2)), "drop by policy");
    EXPECT_EQ(bench.state().named_counts[0].packets, 1U);
    EXPECT_EQ(bench.state().named_counts[1].packets, 1U);
}

TEST(Logs, SayAtMostOneInTheirTime) {
    Bench bench(ingress("r: log prefix \"a\" every 1s\n log pass"));
    const packet::Frame frame = frame_from(1);
    bench.send(frame); // first at once
    bench.advance(second - 1);
    bench.send(frame);
    bench.advance(1);
    bench.send(frame);
    const std::vector<Event>& events = bench.state().meters.events;
    ASSERT_EQ(events.size(), 5U);
    EXPECT_EQ(std::count_if(events.begin(), events.end(), [](const Event& e) { return e.index == 0; }), 2);
    EXPECT_EQ(events[0],
              (Event{Event::Kind::Log, {0}, 0, test_clock_begin_ns, 54, {frame.begin(), frame.end()}}));
    EXPECT_EQ(events[1].index, 1U);
    EXPECT_EQ(events[3].time_ns, test_clock_begin_ns + second);
}

TEST(Samples, TakeThePacketsThatTheDrawSays) {
    Bench bench(ingress("sample 1/4 snap 20 pass"));
    const packet::Frame frame = frame_from(1);
    size_t wanted = 0;
    for (uint64_t packet = 0; packet < 4000; ++packet) {
        wanted += random_draw(bench.state().seed, packet, 0) % 4 == 0 ? 1 : 0;
        EXPECT_EQ(bench.send(frame).action, Action::Pass);
    }
    EXPECT_EQ(bench.state().meters.events.size(), wanted);
    EXPECT_NEAR(static_cast<double>(wanted), 1000, 150);
    EXPECT_EQ(bench.state().meters.events[0].bytes.size(), 20U);
}

TEST(Events, AreBounded) {
    Bench bench(ingress("log pass"));
    const packet::Frame frame = frame_from(1);
    for (size_t i = 0; i < Meters::max_events + 10; ++i) {
        bench.send(frame);
    }
    EXPECT_EQ(bench.state().meters.events.size(), Meters::max_events);
    EXPECT_EQ(bench.state().meters.lost_events, 10U);
}

// ---- what is said of them

TEST(Traces, SayWhichLimitStoppedARule) {
    Bench bench(ingress("flood: limit rate 200/second burst 2 packets per ip saddr size 4 pass"));
    bench.send(frame_from(0x0A000001));
    bench.send(frame_from(0x0A000001));
    const TraceStep step = bench.trace_first(frame_from(0x0A000001));
    EXPECT_FALSE(step.matched);
    EXPECT_EQ(step.field, "limit flood of 10.0.0.1");
    EXPECT_EQ(step.value, "beyond 200/second, 0 of 2 left");
    EXPECT_EQ(step.wanted, "within it");
}

TEST(Traces, SayWhatAQuotaHasUsed) {
    Bench bench(ingress("q: quota 1 kbytes pass"));
    const packet::Frame frame = frame_from(1, 970); // all of it
    bench.send(frame);
    const TraceStep step = bench.trace_first(frame);
    EXPECT_FALSE(step.matched);
    EXPECT_EQ(step.field, "quota q");
    EXPECT_EQ(step.value, "2 kbytes used of 1 kbytes");
}

} // namespace
} // namespace xdpc
