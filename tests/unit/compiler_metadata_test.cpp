#include "compiler/digest.h"
#include "compiler/metadata.h"
#include "tests/harness/policy_builder.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

using test::match;
using test::PolicyBuilder;
using test::verdict;

TEST(Digest, IsSha256OfTextsAndNotOfPaths) {
    Sources sources;
    sources.add("a.xdp", "abc");
    // printf '3\nabc' | sha256sum
    EXPECT_EQ(digest_of(sources), "b00c078ef550998002854805b6d1fac35a8601ebe3d9a9b32bf6f6157038e1b9");
    Sources moved;
    moved.add("elsewhere/a.xdp", "abc");
    EXPECT_EQ(digest_of(moved), digest_of(sources));
}

TEST(Digest, TellsTextsApartHoweverTheyAreSplit) {
    Sources one;
    one.add("a", "ab");
    one.add("b", "c");
    Sources other;
    other.add("a", "a");
    other.add("b", "bc");
    EXPECT_NE(digest_of(one), digest_of(other));
}

bool reads_tags(Condition condition) {
    PolicyBuilder b;
    b.rule({match(test::not_of(test::any_of({std::move(condition)}))), verdict(Pass{})});
    return describe(b.get(), Sources{}, {}).reads_tags;
}

TEST(Metadata, SaysWhetherThePolicyLooksAtTags) {
    EXPECT_TRUE(reads_tags(test::field(FieldId::VlanId, 5)));
    EXPECT_TRUE(reads_tags(test::field(FieldId::EtherType, 0x8100)));
    EXPECT_TRUE(reads_tags(test::one(MetaKey{MetaId::VlanTagged}, {{1, 1}})));
    EXPECT_TRUE(reads_tags(test::one(ExistsKey{HeaderId::VlanInner}, {{1, 1}})));
    EXPECT_TRUE(reads_tags(test::one(RawKey{RawBase::Ll, 90, 8}, {{1, 1}})));
    EXPECT_FALSE(reads_tags(test::one(RawKey{RawBase::Ll, 48, 48}, {{1, 1}})));
    EXPECT_FALSE(reads_tags(test::one(MetaKey{MetaId::Protocol}, {{0x0800, 0x0800}})));
    EXPECT_FALSE(reads_tags(test::field(FieldId::TcpDport, 22)));
}

TEST(Metadata, NamesEveryDecider) {
    Sources sources;
    const FileId file =
        sources.add("p.xdp", "chain ingress { policy drop\n  r0: tcp dport 22 counter pass\n}\n");
    PolicyBuilder b;
    b.chain("web");
    b.rule({match(test::field(FieldId::TcpDport, 22)), test::count(), verdict(Pass{})});
    VmapStatement vmap;
    vmap.keys.push_back({FieldKey{FieldId::TcpDport}, ~u128{0}});
    vmap.entries = {{{{1, 1}}, Pass{}}};
    b.rule({vmap});
    Policy policy = b.get();
    policy.rules[0].span = {file, 30, 40};
    const Artifact artifact = describe(policy, sources, {true, "v4", ""});
    ASSERT_EQ(artifact.deciders.size(), 4U);
    EXPECT_EQ(artifact.deciders[0].name, "r0");
    EXPECT_EQ(artifact.deciders[0].verdict, "pass");
    EXPECT_EQ(artifact.deciders[0].line, 2U);
    EXPECT_EQ(artifact.deciders[0].file, "p.xdp");
    EXPECT_EQ(artifact.deciders[0].slot, 0U);
    EXPECT_EQ(artifact.deciders[0].mid_slot, 0U);
    EXPECT_EQ(artifact.deciders[1].verdict, "") << "a verdict map has several";
    EXPECT_TRUE(artifact.deciders[2].is_policy);
    EXPECT_EQ(artifact.deciders[2].text, "policy drop");
    EXPECT_EQ(artifact.deciders[2].slot, 2U);
    EXPECT_EQ(artifact.deciders[3].text, "") << "a chain without policy";
    EXPECT_EQ(artifact.deciders[3].slot, std::nullopt);
    EXPECT_EQ(artifact.slots, 3U);
    EXPECT_TRUE(artifact.instrumented);
    EXPECT_EQ(artifact.kernel, "6.6");
    ASSERT_EQ(artifact.sources.size(), 1U);
    EXPECT_EQ(artifact.sources[0].first, "p.xdp");
}

} // namespace
} // namespace xdpc
