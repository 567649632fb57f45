// Which rule continues which: no kernel needed.
#include "tests/kernel/runtime_support.h"

#include "runtime/generations.h"

namespace xdpc::rt::test {
namespace {

using Matches = std::vector<std::optional<size_t>>;

TEST(RuntimeIdentity, NamesWinOverTextAndOrder) {
    std::vector<Decider> before{rule("a", "x drop", 0), rule("b", "y drop", 1), rule("", "z drop", 2)};
    std::vector<Decider> after{rule("", "z drop", 0), rule("b", "x drop", 1), rule("c", "y drop", 2)};
    EXPECT_EQ(match_deciders(before, after), (Matches{2, 1, std::nullopt}));
}

TEST(RuntimeIdentity, RepeatedTextsMatchInOrderAndOnlyInTheirChain) {
    std::vector<Decider> before{rule("", "x drop", 0), rule("", "x drop", 1)};
    std::vector<Decider> after{rule("", "x drop", 0), rule("", "x drop", 1), rule("", "x drop", 2)};
    EXPECT_EQ(match_deciders(before, after), (Matches{0, 1, std::nullopt}));
    EXPECT_EQ(match_deciders(after, before), (Matches{0, 1}));
    after[0].chain = "web";
    EXPECT_EQ(match_deciders(before, after), (Matches{std::nullopt, 0, 1}));
}

TEST(RuntimeIdentity, APolicyIsItsChainWhateverItSays) {
    Decider drop = rule("ingress", "policy drop", 0);
    drop.is_policy = true;
    Decider pass = drop;
    pass.text = "policy pass";
    EXPECT_EQ(match_deciders({drop}, {pass}), (Matches{0}));
    // A rule may be called like a chain.
    EXPECT_EQ(match_deciders({drop}, {rule("ingress", "policy drop", 0)}), (Matches{std::nullopt}));
    auto changes = compare_deciders({drop}, {pass});
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].kind, RuleChange::Kind::Changed);
    Decider none = drop;
    none.text.clear(); // the end of a chain without a policy
    EXPECT_TRUE(compare_deciders({none}, {}).empty());
    EXPECT_TRUE(compare_deciders({}, {none}).empty());
}

TEST(RuntimeIdentity, OneRuleMovedIsOneMove) {
    std::vector<Decider> before;
    for (const char* name : {"a", "b", "c", "d", "e"})
        before.push_back(rule(name, "drop", 0));
    std::vector<Decider> after{before[1], before[2], before[3], before[0], before[4]};
    std::vector<std::string> moved;
    for (const RuleChange& change : compare_deciders(before, after)) {
        EXPECT_TRUE(change.kind == RuleChange::Kind::Moved || change.kind == RuleChange::Kind::Kept);
        if (change.kind == RuleChange::Kind::Moved)
            moved.push_back(change.rule);
    }
    EXPECT_EQ(moved, std::vector<std::string>{"a"});
    for (const RuleChange& change : compare_deciders(before, {}))
        EXPECT_EQ(change.kind, RuleChange::Kind::Removed);
}

} // namespace
} // namespace xdpc::rt::test
