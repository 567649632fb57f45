// Limits: what the checker makes of them, and what they do to packets as time goes by.
#include "compiler/policy/limits.h"
#include "tests/unit/policy_packets.h"

#include <algorithm>
#include <random>

namespace xdpc {
namespace {

Limit limit_of(const std::string& text) {
    const Checked checked = check_rule_text("r: limit " + text + " pass");
    EXPECT_TRUE(checked.policy) << checked.rendered();
    return checked.policy ? checked.policy->limits.at(0) : Limit{};
}

// ---- what the checker makes of them

TEST(Limits, AreReadInNftsUnits) {
    const Limit packets = limit_of("rate 200/minute burst 7 packets");
    EXPECT_EQ(packets.amount, 200U);
    EXPECT_EQ(packets.unit_ns, 60 * second);
    EXPECT_EQ(packets.burst, 7U);
    EXPECT_EQ(limit_cost(packets), 300'000'000U);
    EXPECT_EQ(packets.capacity_ns, 2'100'000'000U);
    EXPECT_EQ(limit_of("rate 10/second").burst, 5U);

    const Limit bytes = limit_of("rate 10 kbytes/second burst 2 mbytes");
    EXPECT_EQ(bytes.amount, 10U * 1024);
    EXPECT_EQ(bytes.burst, 2U * 1024 * 1024);
    EXPECT_EQ(bytes.capacity_ns, second * (10 * 1024 + 2 * 1024 * 1024) / (10 * 1024));
    EXPECT_EQ(limit_of("rate 10 kbytes/second").burst, 0U);
    EXPECT_EQ(limit_of("rate 10 kbytes/second").capacity_ns, second);
}

TEST(Limits, AreWrittenAsTheyWereRead) {
    for (const std::string text :
         {"rate 10/second", "rate over 200/second burst 400 packets per ip saddr size 65536",
          "rate 3 mbytes/day burst 5 kbytes per ip saddr . tcp dport size 9 on full continue",
          "rate 1 bytes/day per ip6 saddr & ffff:ffff:ffff:ffff:: size 1 on full pass"}) {
        EXPECT_EQ(text_of(limit_of(text)), text);
    }
}

TEST(Limits, OutOfRangeAreRefused) {
    for (const std::string text :
         {"rate 0/second", "rate 1000000001/second", "rate 0 bytes/second", "rate 4 bytes/week",
          "rate 1 bytes/day burst 53376 bytes", "rate 10/second burst 0 packets",
          "rate 1/week burst 7626 packets", "rate 10/second per ip saddr size 0",
          "rate 10/second per ip saddr size 16777217"}) {
        const Checked checked = check_rule_text("limit " + text + " pass");
        EXPECT_FALSE(checked.policy) << text;
        EXPECT_TRUE(checked.kinds().contains("NumberOutOfRange")) << text << checked.rendered();
    }
    for (const std::string text :
         {"rate 1000000000/second", "rate 1 bytes/second", "rate 1 bytes/day burst 53373 bytes",
          "rate 5 bytes/week", "rate 1/week burst 7625 packets",
          "rate 10/second per ip saddr size 16777216"}) {
        EXPECT_TRUE(check_rule_text("limit " + text + " pass").policy) << text;
    }
}

TEST(Limits, EveryNumberThatTheParserTakesIsJudged) {
    for (const char* number : {"18446744073709551615", "9223372036854775808", "99999999999999999999"}) {
        for (const std::string form :
             {"limit rate N/second", "limit rate N mbytes/second", "limit rate 1/second burst N",
              "limit rate 1 mbytes/second burst N mbytes", "limit rate 1/second per ip saddr size N",
              "quota N mbytes", "quota 5 bytes used N mbytes", "sample N/2", "sample 1/N",
              "sample 1/2 snap N"}) {
            std::string text = form;
            text.replace(text.find('N'), 1, number);
            const Checked checked = check_rule_text(text + " pass");
            EXPECT_FALSE(checked.policy) << text;
        }
    }
}

TEST(Limits, NeedTheHeadersOfTheirKeys) {
    Bench bench(ingress("r: limit rate 10/second per tcp dport size 4 pass"));
    packet::Frame arp(60);
    arp[12] = 0x08;
    arp[13] = 0x06;
    EXPECT_EQ(bench.say(arp), "drop by policy");
    EXPECT_EQ(bench.say(frame_from(1)), "pass by r");
    EXPECT_EQ(bench.state().meters.limits[0].within, 1U);
}

// ---- buckets

/// Tokens as a number of its own that grows with time: the textbook's way, in 128 bits without rounding.
class NaiveBucket {
public:
    NaiveBucket(uint64_t cost, uint64_t capacity) : cost_(cost), capacity_(capacity), tokens_(capacity) {}
    bool take(uint64_t now, uint64_t cost) {
        tokens_ = std::min<u128>(capacity_, tokens_ + (now - last_));
        last_ = now;
        if (tokens_ < cost) {
            return false;
        }
        tokens_ -= cost;
        return true;
    }
    [[nodiscard]] uint64_t cost() const { return cost_; }

private:
    uint64_t cost_;
    u128 capacity_, tokens_;
    uint64_t last_ = 0;
};

TEST(Limits, AgreeWithTokensThatAreCounted) {
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        Limit limit;
        limit.bytes = round % 2 == 1;
        limit.amount = (limit.bytes ? 1000 : 1) + random() % 5000;
        limit.unit_ns = random() % 2 == 0 ? second : 60 * second;
        limit.burst = 1 + random() % 50 * (limit.bytes ? 100 : 1);
        limit.capacity_ns = limit_capacity(limit).value();
        LimitState state;
        NaiveBucket naive(limit_cost(limit), limit.capacity_ns);
        uint64_t now = test_clock_begin_ns;
        for (int i = 0; i < 500; ++i) {
            now += random() % 3 == 0 ? random() % (limit.unit_ns / 10) : random() % 1000;
            const std::vector<uint8_t> frame(60 + random() % 1400);
            const bool within = ask_limit(limit, state, {}, {{}, now, frame}) == LimitAnswer::Within;
            ASSERT_EQ(within, naive.take(now, limit_cost_of(limit, frame.size())))
                << "round " << round << " packet " << i;
        }
        EXPECT_EQ(state.within + state.beyond, 500U);
    }
}

TEST(Limits, GiveTheBurstAtOnceAndThenTheRate) {
    Bench bench(ingress("r: limit rate 10/second burst 3 packets pass"));
    const packet::Frame frame = frame_from(1);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(bench.say(frame), "pass by r");
    }
    EXPECT_EQ(bench.say(frame), "drop by policy");
    bench.advance(second / 10 - 1);
    EXPECT_EQ(bench.say(frame), "drop by policy");
    bench.advance(1);
    EXPECT_EQ(bench.say(frame), "pass by r");
    EXPECT_EQ(bench.say(frame), "drop by policy");
    bench.advance(3600 * second); // no more than the burst gathers
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(bench.say(frame), "pass by r");
    }
    EXPECT_EQ(bench.say(frame), "drop by policy");
    EXPECT_EQ(bench.state().meters.limits[0].within, 7U);
    EXPECT_EQ(bench.state().meters.limits[0].beyond, 4U);
}

TEST(Limits, OfBytesCountTheFrame) {
    Bench bench(ingress("r: limit rate 1000 bytes/second burst 1000 bytes pass"));
    const packet::Frame frame = frame_from(1, 446); // 500 bytes
    for (int i = 0; i < 4; ++i) {                   // a second's bytes, and the burst
        EXPECT_EQ(bench.say(frame), "pass by r");
    }
    EXPECT_EQ(bench.say(frame), "drop by policy");
    bench.advance(second / 2);
    EXPECT_EQ(bench.say(frame), "pass by r");
    EXPECT_EQ(bench.say(frame), "drop by policy");
}

TEST(Limits, WithANameAreSharedByRules) {
    Bench bench(ingress("a: tcp dport 80 limit name l pass\n b: limit name l tx",
                        "limit l { rate 1/second burst 2 packets }"));
    const packet::Frame frame = frame_from(1);
    EXPECT_EQ(bench.say(frame), "pass by a");
    EXPECT_EQ(bench.say(frame), "pass by a");
    EXPECT_EQ(bench.say(frame), "drop by policy"); // beyond, asked twice
    EXPECT_EQ(bench.state().meters.limits[0].beyond, 2U);
}

// ---- per key

TEST(LimitsPerKey, HaveABucketForEach) {
    Bench bench(
        ingress("flood: limit rate over 1/second burst 2 packets per ip saddr size 16 drop\n rest: pass"));
    for (uint32_t source = 1; source <= 8; ++source) {
        EXPECT_EQ(bench.say(frame_from(source)), "pass by rest");
        EXPECT_EQ(bench.say(frame_from(source)), "pass by rest");
        EXPECT_EQ(bench.say(frame_from(source)), "drop by flood");
    }
}

TEST(LimitsPerKey, MasksOfKeysJoinSources) {
    Bench bench(ingress("r: limit rate 1/second burst 1 packets per ip saddr & 255.255.255.0 size 16 pass"));
    EXPECT_EQ(bench.say(frame_from(0x0A000001)), "pass by r");
    EXPECT_EQ(bench.say(frame_from(0x0A000002)), "drop by policy");
    EXPECT_EQ(bench.say(frame_from(0x0A000102)), "pass by r");
}

TEST(LimitsPerKey, FullTablesDoWhatTheySay) {
    const packet::Frame third = frame_from(3);
    const auto full = [](const std::string& on_full) {
        Bench bench(ingress("r: limit rate 1/second burst 2 packets per ip saddr size 2" + on_full +
                            " tx\n rest: pass"));
        EXPECT_EQ(bench.say(frame_from(1)), "tx by r");
        EXPECT_EQ(bench.say(frame_from(2)), "tx by r");
        return bench;
    };
    for (const auto& [on_full, said] :
         std::vector<std::pair<std::string, std::string>>{{"", "drop by r"},
                                                          {" on full drop", "drop by r"},
                                                          {" on full pass", "pass by r"},
                                                          {" on full continue", "pass by rest"}}) {
        Bench bench = full(on_full);
        EXPECT_EQ(bench.say(third), said) << on_full;
        EXPECT_EQ(bench.state().meters.limits[0].overflows, 1U);
        EXPECT_EQ(bench.state().meters.limits[0].within, 2U);
        EXPECT_EQ(bench.say(frame_from(1)), "tx by r") << "a bucket that is there is kept";
        bench.advance(second); // that of 2 has refilled, that of 1 not yet
        EXPECT_EQ(bench.say(third), "tx by r");
        EXPECT_EQ(bench.state().meters.limits[0].buckets->count(), 2U);
        EXPECT_NE(bench.state().meters.limits[0].buckets->find({1}), nullptr);
        EXPECT_EQ(bench.state().meters.limits[0].buckets->find({2}), nullptr);
    }
}

TEST(LimitsPerKey, AVerdictOfAFullTableIsCountedAsTheRules) {
    Bench bench(ingress("r: limit rate 1/second burst 1 packets per ip saddr size 1 log"));
    EXPECT_EQ(bench.say(frame_from(1)), "drop by policy");
    EXPECT_EQ(bench.say(frame_from(2)), "drop by r");
    EXPECT_EQ(bench.state().end_counts[0].packets, 1U);
}

/// One source sends ten times its rate, all others less than theirs: it gets its rate and its burst, they
/// lose nothing.
TEST(LimitsPerKey, AFlooderAmongFiftyThousandSourcesHurtsItselfOnly) {
    constexpr uint32_t sources = 50'000;
    constexpr uint64_t seconds = 10;
    constexpr uint64_t rate = 200;
    constexpr uint64_t burst = 400;
    Bench bench(ingress("flood: limit rate over 200/second burst 400 packets per ip saddr size 65536 drop\n"
                        "rest: pass"));
    constexpr uint64_t ticks = 10'000; // of 1 ms
    constexpr uint64_t a_tick = seconds * sources / ticks;
    packet::Frame flooding = frame_from(1);
    uint64_t flooder_passed = 0;
    uint64_t others_lost = 0;
    uint32_t next = 0;
    for (uint64_t tick = 0; tick < ticks; ++tick) {
        for (int i = 0; i < 2; ++i) {
            flooder_passed += bench.send(flooding).action == Action::Pass ? 1 : 0;
        }
        for (uint64_t i = 0; i < a_tick; ++i) {
            next = (next + 1) % (sources - 1);
            others_lost += bench.send(frame_from(2 + next)).action == Action::Pass ? 0 : 1;
        }
        bench.advance(seconds * second / ticks);
    }
    const double wanted = static_cast<double>(rate * seconds + burst);
    EXPECT_NEAR(static_cast<double>(flooder_passed), wanted, wanted * 0.02);
    EXPECT_EQ(others_lost, 0U);
    EXPECT_EQ(bench.state().meters.limits[0].overflows, 0U);
}

} // namespace
} // namespace xdpc
