// What statements make of packets: bytes, checksums that an independent function computes from scratch, and
// what later rules see.
#include "tests/harness/plain_checksums.h"
#include "tests/harness/random_rewrites.h"
#include "tests/harness/recipe_text.h"
#include "tests/unit/policy_packets.h"

namespace xdpc {
namespace {

using packet::Rewritten;
using test::layer;
using test::payload;

packet::Frame built(std::vector<packet::LayerSpec> layers) {
    packet::Recipe recipe;
    recipe.layers = std::move(layers);
    return packet::build(recipe);
}

/// Frames whose checksums are right, of every kind that has some.
std::vector<packet::Frame> right_frames() {
    return {
        built({layer("tcp", {{"dport", 80}, {"option maxseg size", 1460}}), payload("hello")}),
        built({layer("ip", {{"dscp", 10}}), layer("tcp", {{"flags", 4}})}),
        built({layer("udp", {{"dport", 53}}), payload("abc")}),
        built({layer("udp", {{"checksum", 0}}), payload("abc")}),
        built({layer("vlan", {{"id", 5}}), layer("udp", {}), payload("x")}),
        built({layer("icmp", {{"type", 8}, {"id", 7}}), payload("ping")}),
        built({layer("ip6", {}), layer("tcp", {}), payload("hello!")}),
        built({layer("ip6", {}), layer("udp", {}), payload("abc")}),
        built({layer("ip6", {}), layer("icmpv6", {{"type", 128}}), payload("ping6")}),
    };
}

/// What changes how a frame is read, so that its checksums belong to something else.
bool changes_meaning(const packet::SetField& set) {
    static const std::vector<FieldId> fields{FieldId::EtherType, FieldId::VlanType, FieldId::VlanInnerType,
                                             FieldId::IpFragOff};
    return std::find(fields.begin(), fields.end(), set.field) != fields.end();
}

TEST(Rewrites, ChecksumsThatWereRightStayRight) {
    test::Rng rng(7);
    size_t done = 0;
    for (int round = 0; round < 30000; ++round) {
        packet::Frame frame = test::pick(rng, right_frames());
        ASSERT_EQ(test::wrong_checksum(frame), "");
        const RewriteStatement statement = test::random_rewrite(rng, {});
        const auto* set = std::get_if<packet::SetField>(&statement.what);
        const u128 value = set != nullptr ? u128{rng()} << 64U | rng() : 0;
        if (set != nullptr && changes_meaning(*set)) {
            continue;
        }
        const packet::Frame before = frame;
        const Rewritten result = packet::rewrite(statement.what, value, frame);
        done += result == Rewritten::Done ? 1 : 0;
        ASSERT_EQ(test::wrong_checksum(frame), "") << packet::text_of(statement.what, "?");
        if (result != Rewritten::Done && result != Rewritten::Answered) {
            ASSERT_EQ(frame, before);
        }
    }
    EXPECT_GT(done, 10000U);
}

TEST(Rewrites, AWrongChecksumStaysWrongByAsMuch) {
    packet::Frame frame = built({layer("ip", {{"checksum", 0x1234}}), layer("tcp", {{"checksum", 0}})});
    const packet::Frame right = built({layer("ip", {}), layer("tcp", {})});
    const auto off = [&](const packet::Frame& a, const packet::Frame& b, size_t at) {
        return (0xffffU + test::word_at(a, at) - test::word_at(b, at)) % 0xffffU;
    };
    packet::Frame changed = right;
    for (packet::Frame* each : {&frame, &changed}) {
        EXPECT_EQ(packet::rewrite(packet::SetField{FieldId::IpSaddr, false, 0, {}}, 0x0a000001, *each),
                  Rewritten::Done);
    }
    const packet::Frame wrong = built({layer("ip", {{"checksum", 0x1234}}), layer("tcp", {{"checksum", 0}})});
    EXPECT_EQ(off(frame, changed, 24), off(wrong, right, 24));
    EXPECT_EQ(off(frame, changed, 50), off(wrong, right, 50));
}

TEST(Rewrites, TheChecksumIsNeverAllOnesButInUdp) {
    // RFC 1624's own example: 0xdd2f with 0x5555 made 0x3285 gives 0x0000, not 0xffff.
    packet::Frame frame = built({layer("ip", {{"id", 0x5555}, {"checksum", 0xdd2f}}), layer("udp", {})});
    packet::rewrite(packet::SetField{FieldId::IpId, false, 0, {}}, 0x3285, frame);
    EXPECT_EQ(test::word_at(frame, 24), 0U);
    packet::Frame udp = built({layer("udp", {{"dport", 0x5555}, {"checksum", 0xdd2f}})});
    packet::rewrite(packet::SetField{FieldId::UdpDport, false, 0, {}}, 0x3285, udp);
    EXPECT_EQ(test::word_at(udp, 40), 0xffffU);
}

TEST(Rewrites, WhatFollowsSeesThePacketAsItIs) {
    Bench bench(ingress("up: ip ttl 64 ip ttl set ip ttl - 60 ip ttl 4 ip dscp set cs1\n"
                        "four: ip ttl 4 ip dscp cs1 jump deeper\n"
                        "then: ip ttl 3 pass",
                        "chain deeper { ip ttl set ip ttl - 1 }"));
    const Outcome outcome = bench.send(built({layer("udp", {})}));
    EXPECT_EQ(display_of(bench.policy(), outcome.decider), "then");
    ASSERT_TRUE(outcome.frame);
    EXPECT_EQ((*outcome.frame)[22], 3);
    EXPECT_EQ(test::wrong_checksum(*outcome.frame), "");
}

TEST(Rewrites, WhatThePacketLacksEndsTheRule) {
    Bench bench(ingress("r: ip ttl set 9 pass\nudp: udp dport set 5 pass"));
    EXPECT_EQ(bench.say(built({layer("ip6", {}), layer("tcp", {})})), "drop by policy");
    EXPECT_EQ(bench.say(built({layer("ip6", {}), layer("udp", {})})), "pass by udp");
    packet::Frame cut = built({layer("udp", {})});
    cut.resize(33); // the TTL is there, the header is not all there
    EXPECT_EQ(bench.say(cut), "drop by policy");
    EXPECT_EQ(bench.trace_first(cut).value, "cut: its header is not all there");
}

TEST(Rewrites, FragmentsKeepTheChecksumOfTheWhole) {
    const auto fragment = [](uint16_t place) {
        return built(
            {layer("ip", {{"frag-off", place}}), layer("udp", {{"checksum", 0x1111}}), payload("abcdefgh")});
    };
    packet::Frame first = fragment(0x2000), later = fragment(0x0005);
    const packet::SetField set{FieldId::IpDaddr, false, 0, {}};
    packet::rewrite(set, 0xc0000203, first); // by one from 192.0.2.2
    packet::rewrite(set, 0xc0000203, later);
    EXPECT_EQ(test::word_at(first, 40), 0x1110U);
    EXPECT_EQ(test::word_at(later, 40), 0x1111U);
    EXPECT_EQ(test::wrong_checksum(first), "");
    EXPECT_EQ(test::wrong_checksum(later), "");
}

TEST(Rewrites, RejectsDropWhatNoHostWouldAnswer) {
    Bench bench(ingress("no: reject with tcp reset\nicmp: reject with icmp host-prohibited"));
    EXPECT_EQ(bench.say(built({layer("tcp", {{"flags", 4}})})), "drop by no");
    EXPECT_EQ(bench.say(built({layer("ip", {{"saddr", 0xe0000001}}), layer("tcp", {})})), "drop by no");
    EXPECT_EQ(bench.say(built({layer("icmp", {{"type", 3}})})), "drop by icmp");
    EXPECT_EQ(bench.say(built({layer("icmp", {{"type", 8}})})), "tx by icmp");
    EXPECT_EQ(bench.say(built({layer("ip6", {}), layer("udp", {})})), "drop by policy");
    const Outcome outcome = bench.send(built({layer("udp", {}), payload(std::string(1000, 'x'))}));
    ASSERT_TRUE(outcome.frame);
    EXPECT_EQ(outcome.frame->size(), 14U + 576);
    EXPECT_EQ(test::wrong_checksum(*outcome.frame), "");
}

TEST(Rewrites, RejectsAreLimited) {
    Bench bench(ingress("no: reject with tcp reset"));
    const packet::Frame frame = built({layer("tcp", {})});
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(bench.say(frame), "tx by no") << i;
    }
    EXPECT_EQ(bench.say(frame), "drop by no");
    bench.advance(second / 1000);
    EXPECT_EQ(bench.say(frame), "tx by no");
    EXPECT_EQ(bench.say(frame), "drop by no");
}

TEST(Rewrites, MapsSayWhatAFieldIsSetTo) {
    Bench bench(
        ingress("a: ip ttl set ip saddr . udp dport map { 192.0.2.0/24 . 53 : 7, 10.0.0.0/8 . 1-99 : 8 } "
                "pass\nb: ip ttl set ip saddr map { 198.51.100.1 : 3, * : 200 } pass"));
    const auto ttl = [&](uint32_t source, uint16_t port) {
        const Outcome out =
            bench.send(built({layer("ip", {{"saddr", source}}), layer("udp", {{"dport", port}})}));
        EXPECT_EQ(out.frame ? test::wrong_checksum(*out.frame) : "same", "");
        return out.frame ? (*out.frame)[22] : 0;
    };
    EXPECT_EQ(ttl(0xc0000201, 53), 7);
    EXPECT_EQ(ttl(0x0a010203, 99), 8);
    EXPECT_EQ(ttl(0x0a010203, 100), 200);
    EXPECT_EQ(ttl(0xc6336401, 9), 3);
    EXPECT_EQ(bench.say(built({layer("ip6", {}), layer("udp", {})})), "drop by policy");
}

TEST(Rewrites, NatKeepsWhatItDoesNotName) {
    Bench bench(ingress("net: ip daddr 10.0.0.0/8 dnat to 172.16.0.0/12\n"
                        "port: tcp dport 80 dnat to 172.16.0.9:8080 snat to :99 pass\n"
                        "six: ip6 saddr fd00::/8 snat to [2001:db8::1]:53 pass"));
    const Outcome four =
        bench.send(built({layer("ip", {{"daddr", 0x0affffff}}), layer("tcp", {{"dport", 80}})}));
    EXPECT_EQ(display_of(bench.policy(), four.decider), "port");
    ASSERT_TRUE(four.frame);
    EXPECT_EQ(test::word_at(*four.frame, 30), 0xac10U);
    EXPECT_EQ(test::word_at(*four.frame, 32), 0x0009U);
    EXPECT_EQ(test::word_at(*four.frame, 34), 99U);
    EXPECT_EQ(test::word_at(*four.frame, 36), 8080U);
    EXPECT_EQ(test::wrong_checksum(*four.frame), "");
    const Outcome net =
        bench.send(built({layer("ip", {{"daddr", 0x0affffff}}), layer("icmp", {{"type", 8}})}));
    ASSERT_TRUE(net.frame);
    EXPECT_EQ(test::word_at(*net.frame, 30), 0xac1fU);
    EXPECT_EQ(test::word_at(*net.frame, 32), 0xffffU);
    // Without ports the address stays, too.
    packet::Frame icmp =
        built({layer("ip6", {{"saddr", u128{0xfd} << 120U | 5}}), layer("icmpv6", {{"type", 128}})});
    EXPECT_EQ(bench.say(icmp), "drop by policy");
    EXPECT_FALSE(bench.send(icmp).frame);
    const Outcome six =
        bench.send(built({layer("ip6", {{"saddr", u128{0xfd} << 120U | 5}}), layer("udp", {})}));
    ASSERT_TRUE(six.frame);
    EXPECT_EQ(test::word_at(*six.frame, 54), 53U);
    EXPECT_EQ(test::wrong_checksum(*six.frame), "");
}

TEST(Rewrites, RedirectsSayWhereTo) {
    Bench bench(ingress("a: tcp dport 1 redirect to left\nb: tcp dport vmap { 2 : redirect to right, 3 : "
                        "redirect to left }"));
    const auto to = [&](uint16_t port) {
        const Outcome outcome = bench.send(built({layer("tcp", {{"dport", port}})}));
        EXPECT_EQ(outcome.action, Action::Redirect);
        return outcome.to;
    };
    EXPECT_EQ(to(1), "left");
    EXPECT_EQ(to(2), "right");
    EXPECT_EQ(to(3), "left");
}

} // namespace
} // namespace xdpc
