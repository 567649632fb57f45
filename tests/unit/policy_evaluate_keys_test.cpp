// What keys read from packets: every field of the table, in all places it can stand, cut at every byte.
#include "compiler/policy/evaluate.h"
#include "tests/harness/field_cases.h"
#include "tests/harness/random_frame.h"
#include "tests/harness/recipe_text.h"

#include <gtest/gtest.h>

namespace xdpc::test {
namespace {

std::optional<u128> read(const KeySource& key, std::span<const uint8_t> frame) {
    const Policy empty;
    const State state(empty);
    PacketView view;
    view.frame = frame;
    return read_key(key, view, state);
}

std::string shown(std::optional<u128> value) {
    return value ? format_value(TypeId::Integer, *value) : "absent";
}

TEST(ReadKey, FieldsHaveTheirValueDownToTheLastByteNeeded) {
    const auto cases = field_cases();
    EXPECT_GT(cases.size(), all_fields().size() * 3);
    for (const FieldCase& c : cases) {
        ASSERT_LE(c.needed, c.frame.size()) << c.name;
        for (size_t size = 0; size <= c.frame.size(); ++size) {
            const packet::Frame cut(c.frame.begin(), c.frame.begin() + static_cast<ptrdiff_t>(size));
            const auto expected = size >= c.needed ? std::optional(c.value) : std::nullopt;
            ASSERT_EQ(shown(read(c.key, cut)), shown(expected)) << c.name << " cut to " << size << "\n"
                                                                << hex_text(c.frame);
        }
    }
}

TEST(ReadKey, FieldsAreAbsentWhereTheirHeaderCannotBeReached) {
    for (const AbsentCase& c : absent_cases()) {
        EXPECT_EQ(shown(read(c.key, c.frame)), "absent") << c.name << "\n" << hex_text(c.frame);
    }
}

TEST(ReadKey, ExistenceAndMeta) {
    for (const auto& cases : {exists_cases(), meta_cases()}) {
        for (const ToldCase& c : cases) {
            EXPECT_EQ(shown(read(c.key, c.frame)), shown(c.value)) << c.name << "\n" << hex_text(c.frame);
        }
    }
}

TEST(ReadKey, RawBitsFromEachBase) {
    const auto frame = frame_of({layer("vlan", {{"id", 5}}), layer("ip"),
                                 layer("tcp", {{"option maxseg size", 9}}), payload("ABCD")});
    EXPECT_EQ(read(RawKey{RawBase::Ll, 100, 8}, frame), 0x10);
    EXPECT_EQ(read(RawKey{RawBase::Nh, 0, 8}, frame), 0x45);
    EXPECT_EQ(read(RawKey{RawBase::Th, 16, 16}, frame), 80);
    EXPECT_EQ(read(RawKey{RawBase::Ih, 0, 32}, frame), 0x41424344);
    EXPECT_EQ(read(RawKey{RawBase::Ih, 1, 3}, frame), 0b100);
    const uint32_t bits = static_cast<uint32_t>(frame.size() - 18) * 8;
    EXPECT_TRUE(read(RawKey{RawBase::Nh, bits - 128, 128}, frame));
    EXPECT_FALSE(read(RawKey{RawBase::Nh, bits - 127, 128}, frame));
    EXPECT_FALSE(read(RawKey{RawBase::Nh, ~0U, 128}, frame));
}

TEST(ReadKey, RawBasesThatAreNotThere) {
    const auto arp = frame_of({layer("arp")});
    EXPECT_TRUE(read(RawKey{RawBase::Nh, 0, 8}, arp));
    EXPECT_FALSE(read(RawKey{RawBase::Th, 0, 8}, arp));
    const auto tagged = frame_of({layer("vlan"), layer("vlan"), layer("vlan"), layer("ip")});
    EXPECT_FALSE(read(RawKey{RawBase::Nh, 0, 8}, tagged));
    const auto esp = frame_of({layer("esp"), payload("xxxxxxxxx")});
    EXPECT_TRUE(read(RawKey{RawBase::Th, 0, 8}, esp));
    EXPECT_FALSE(read(RawKey{RawBase::Ih, 0, 8}, esp));
    const auto icmp_behind_ip6 = frame_of({layer("ip6"), layer("icmp"), payload("xxxxxxxxx")});
    EXPECT_TRUE(read(RawKey{RawBase::Th, 0, 8}, icmp_behind_ip6));
    EXPECT_FALSE(read(RawKey{RawBase::Ih, 0, 8}, icmp_behind_ip6));
    EXPECT_FALSE(read(FieldKey{FieldId::IcmpType}, icmp_behind_ip6));
}

TEST(ReadKey, TheFirstOptionOfAKindCounts) {
    auto frame =
        frame_of({layer("tcp", {{"option maxseg size", 100}, {"option window count", 3}}), payload("0123")});
    EXPECT_EQ(read(FieldKey{FieldId::TcpOptMaxsegSize}, frame), 100);
    frame[58] = 2; // window becomes a second, too short maxseg
    EXPECT_EQ(read(FieldKey{FieldId::TcpOptMaxsegSize}, frame), 100);
    frame[54] = 1; // the first one becomes NOP, then 4 is sack-perm with a length of 0: the walk ends
    EXPECT_EQ(read(FieldKey{FieldId::TcpOptMaxsegSize}, frame), std::nullopt);
    EXPECT_EQ(read(ExistsKey{HeaderId::TcpOptSackPerm}, frame), 0);
    EXPECT_EQ(read(ExistsKey{HeaderId::TcpOptNop}, frame), 1);
}

TEST(ReadKey, WhatSurroundsThePacket) {
    const Policy empty;
    State state(empty);
    PacketView view;
    view.iifname = "eth0";
    view.ifindex = 7;
    view.rxqueue = 3;
    view.cpu = 1;
    const auto meta = [&](MetaId id) { return read_key(MetaKey{id}, view, state); };
    EXPECT_EQ(meta(MetaId::Iif), 7);
    EXPECT_EQ(meta(MetaId::Rxqueue), 3);
    EXPECT_EQ(meta(MetaId::Cpu), 1);
    EXPECT_TRUE(meta(MetaId::Iifname) == u128{0x65746830} << 96);
    EXPECT_EQ(meta(MetaId::Day), 4); // Thursday
    EXPECT_EQ(meta(MetaId::Hour), 0);
    EXPECT_TRUE(meta(MetaId::Time) == test_epoch_ns);
    state.elapsed_ns = (86'400ULL * 3 + 3'661) * 1'000'000'000;
    EXPECT_EQ(meta(MetaId::Day), 0);
    EXPECT_EQ(meta(MetaId::Hour), 3661);
    const auto draw = [&](uint32_t occurrence) {
        return read_key(MetaKey{MetaId::Random, occurrence}, view, state);
    };
    EXPECT_EQ(draw(0), draw(0));
    EXPECT_NE(draw(0), draw(1));
    EXPECT_EQ(meta(MetaId::VlanTagged), std::nullopt);
    EXPECT_EQ(meta(MetaId::Malformed), 1);
    EXPECT_EQ(meta(MetaId::Length), 0);
}

// AddressSanitizer watches.
TEST(ReadKey, NoFrameCrashesAnyKey) {
    Rng rng(3);
    std::vector<KeySource> keys;
    for (size_t i = 0; i < all_fields().size(); ++i) {
        keys.emplace_back(FieldKey{static_cast<FieldId>(i)});
    }
    for (size_t i = 0; i < all_headers().size(); ++i) {
        keys.emplace_back(ExistsKey{static_cast<HeaderId>(i)});
    }
    for (size_t i = 0; i < all_metas().size(); ++i) {
        keys.emplace_back(MetaKey{static_cast<MetaId>(i)});
    }
    size_t present = 0;
    for (int round = 0; round < 300; ++round) {
        const auto frame = random_frame(rng);
        for (const KeySource& key : keys) {
            const auto value = read(key, frame);
            present += value ? 1 : 0;
            EXPECT_TRUE(!value || *value <= max_of_width(width_of(key))) << name_of(key);
        }
    }
    EXPECT_GT(present, 1000U);
}

} // namespace
} // namespace xdpc::test
