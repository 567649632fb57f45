// What single passes do to programs, by shape; that meaning stays is passes_differential_test's.
#include "compiler/passes/fold_atom.h"
#include "compiler/passes/passes.h"
#include "tests/harness/policy_builder.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

using test::match;
using test::PolicyBuilder;
using test::verdict;

const KeySource dport = FieldKey{FieldId::TcpDport};

ir::Program with(const PolicyBuilder& b, const std::vector<std::string>& passes) {
    ir::Program program = ir::flatten(b.get());
    PassOptions options;
    for (const std::string& name : pass_names()) {
        if (std::find(passes.begin(), passes.end(), name) == passes.end()) {
            options.disabled.push_back(name);
        }
    }
    const auto reports = optimize(program, options);
    EXPECT_EQ(reports.size(), passes.size());
    return program;
}

const ir::Cond& guard(const ir::Program& program, size_t rule, size_t step = 0) {
    return std::get<ir::Guard>(program.chains[0].rules.at(rule).steps.at(step).node).cond;
}

TEST(Simplify, AtomsOfOneKeyIntersect) {
    PolicyBuilder b;
    b.rule({match(test::one(dport, {{0, 100}})), match(test::one(dport, {{22, 22}, {200, 300}})),
            verdict(Pass{})});
    const ir::Program program = with(b, {"simplify"});
    ASSERT_EQ(program.chains[0].rules[0].steps.size(), 2U);
    EXPECT_EQ(std::get<ir::Atom>(guard(program, 0).node).values, IntervalSet::of({{22, 22}}));
}

TEST(Simplify, ARuleThatCannotMatchGoesButKeepsItsSlot) {
    PolicyBuilder b;
    b.rule({match(test::field(FieldId::TcpDport, 22)), match(test::field(FieldId::TcpDport, 23)),
            verdict(Pass{})});
    b.rule({match(test::field(FieldId::TcpDport, 24)), verdict(Drop{})});
    const ir::Program program = with(b, {"simplify"});
    ASSERT_EQ(program.chains[0].rules.size(), 1U);
    EXPECT_EQ(program.chains[0].rules[0].slot, ir::SlotId{1});
    EXPECT_EQ(program.slots, 3U);
}

TEST(Simplify, ACounterBeforeWhatCannotMatchStays) {
    PolicyBuilder b;
    b.rule({match(test::field(FieldId::IpTtl, 1)), test::count(), match(test::any_of({})), verdict(Pass{})});
    const ir::Program program = with(b, {"simplify"});
    ASSERT_EQ(program.chains[0].rules.size(), 1U);
    EXPECT_EQ(program.chains[0].rules[0].steps.size(), 2U);
}

TEST(Simplify, AnyValueOfAFieldStillAsksForTheField) {
    PolicyBuilder b;
    b.rule({match(test::one(dport, {{0, 65535}})), verdict(Pass{})});
    b.rule({match(test::one(MetaKey{MetaId::Length}, {{0, ~uint32_t{0}}})), verdict(Pass{})});
    const ir::Program program = with(b, {"simplify"});
    EXPECT_EQ(program.chains[0].rules[0].steps.size(), 2U);
    EXPECT_EQ(program.chains[0].rules[1].steps.size(), 1U) << "every packet has a length";
}

TEST(Simplify, NegationOfAFieldThatMayBeAbsentIsKept) {
    PolicyBuilder b;
    b.rule({match(test::not_of(test::field(FieldId::TcpDport, 22))), verdict(Pass{})});
    b.rule({match(test::not_of(test::not_of(test::field(FieldId::TcpDport, 22)))), verdict(Pass{})});
    const ir::Program program = with(b, {"simplify"});
    EXPECT_TRUE(std::holds_alternative<ir::Not>(guard(program, 0).node));
    EXPECT_TRUE(std::holds_alternative<ir::Atom>(guard(program, 1).node));
}

TEST(Simplify, AlternativesOfOneKeyUnite) {
    PolicyBuilder b;
    b.rule({match(test::any_of({test::field(FieldId::TcpDport, 22), test::field(FieldId::TcpDport, 23)})),
            verdict(Pass{})});
    const ir::Program program = with(b, {"simplify"});
    EXPECT_EQ(std::get<ir::Atom>(guard(program, 0).node).values, IntervalSet::of({{22, 23}}));
}

TEST(NormalizeAtom, PrefixMasksBecomeIntervals) {
    ir::Atom atom{{0}, 0xfff0, IntervalSet::of({{0x120, 0x120}, {0x201, 0x20f}})};
    passes::normalize(atom, 16);
    EXPECT_EQ(atom.mask, u128{0xffff});
    EXPECT_EQ(atom.values, IntervalSet::of({{0x120, 0x12f}}));
}

TEST(NormalizeAtom, ValuesThatTheMaskCannotLeaveNeverMatch) {
    ir::Atom never{{0}, 0x12, IntervalSet::of({{0x11, 0x11}})};
    passes::normalize(never, 8);
    EXPECT_TRUE(never.values.empty());
    ir::Atom always{{0}, 0x12, IntervalSet::of({{0x11, 0x11}}).complement(8)};
    passes::normalize(always, 8);
    EXPECT_TRUE(always.values.is_all(8));
    ir::Atom some{{0}, 0x12, IntervalSet::of({{0x02, 0x02}})};
    passes::normalize(some, 8);
    EXPECT_EQ(some.values, IntervalSet::of({{0x02, 0x02}}));
    EXPECT_EQ(some.mask, u128{0x12});
}

TEST(Unreachable, RulesBehindAnUnconditionalVerdictGo) {
    PolicyBuilder b;
    const ChainId web = b.chain("web");
    b.rule({test::count(), verdict(Jump{web})});
    b.rule({verdict(Drop{})});
    b.rule({verdict(Pass{})});
    const ir::Program program = with(b, {"unreachable"});
    EXPECT_EQ(program.chains[0].rules.size(), 2U) << "a jump comes back, a drop does not";
}

TEST(DeadChains, OnlyWhatIsReachedKeepsItsRules) {
    PolicyBuilder b;
    const ChainId used = b.chain("used");
    const ChainId dead = b.chain("dead");
    const ChainId below_dead = b.chain("below_dead");
    b.rule({match(test::field(FieldId::TcpDport, 22)), verdict(Jump{used})});
    b.rule({verdict(Drop{})}, used);
    b.rule({verdict(Jump{below_dead})}, dead);
    b.rule({verdict(Drop{})}, below_dead);
    const ir::Program program = with(b, {"dead-chains"});
    EXPECT_EQ(program.chains[used.value].rules.size(), 1U);
    EXPECT_TRUE(program.chains[dead.value].rules.empty());
    EXPECT_TRUE(program.chains[below_dead.value].rules.empty());
}

Condition many_ports(u128 first) {
    std::vector<Interval> ports;
    for (u128 i = 0; i < 30; ++i) {
        ports.push_back({first + 10 * i, first + 10 * i});
    }
    return test::one(dport, ports);
}

TEST(Tabulate, LargeSetsBecomeTablesWhichAreShared) {
    PolicyBuilder b;
    b.rule({match(many_ports(1)), verdict(Pass{})});
    b.rule({match(many_ports(1)), match(test::field(FieldId::IpTtl, 1)), verdict(Drop{})});
    b.rule({match(many_ports(2)), verdict(Drop{})});
    b.rule({match(test::one(dport, {{1, 1}, {5, 5}})), verdict(Drop{})});
    EXPECT_EQ(with(b, {"tabulate"}).tables.size(), 3U);
    const ir::Program program = with(b, {"tabulate", "share-tables"});
    ASSERT_EQ(program.tables.size(), 2U);
    EXPECT_EQ(std::get<ir::Lookup>(guard(program, 0).node), std::get<ir::Lookup>(guard(program, 1).node));
    EXPECT_TRUE(std::holds_alternative<ir::Atom>(guard(program, 3).node));
}

TEST(Order, CheapAndSelectiveFirstButNotAcrossACounter) {
    PolicyBuilder b;
    b.rule({match(many_ports(1)), match(test::field(FieldId::IpSaddr, 1)), test::count(),
            match(many_ports(1)), match(test::field(FieldId::IpDaddr, 1)), verdict(Pass{})});
    const ir::Program program = with(b, {"order"});
    const auto& steps = program.chains[0].rules[0].steps;
    ASSERT_EQ(steps.size(), 6U);
    EXPECT_EQ(std::get<ir::Atom>(guard(program, 0, 0).node).values, IntervalSet::of({{1, 1}}));
    EXPECT_TRUE(std::holds_alternative<ir::Count>(steps[2].node));
    EXPECT_EQ(std::get<ir::Atom>(guard(program, 0, 3).node).values, IntervalSet::of({{1, 1}}));
}

TEST(ReindexKeys, OnlyKeysThatAreReadStay) {
    PolicyBuilder b;
    b.rule({match(test::field(FieldId::IpTtl, 1)), match(test::field(FieldId::IpTtl, 2)), verdict(Pass{})});
    b.rule({match(test::field(FieldId::TcpDport, 22)), verdict(Pass{})});
    const ir::Program program = with(b, {"simplify", "reindex-keys"});
    ASSERT_EQ(program.keys.size(), 1U);
    EXPECT_EQ(program.keys[0], dport);
    EXPECT_EQ(std::get<ir::Atom>(guard(program, 0).node).key, ir::KeyId{0});
}

TEST(Optimize, RunsAllPassesInOrderWithTheirTimes) {
    PolicyBuilder b;
    ir::Program program = ir::flatten(b.get());
    const auto reports = optimize(program);
    ASSERT_EQ(reports.size(), pass_names().size());
    for (size_t i = 0; i < reports.size(); ++i) {
        EXPECT_EQ(reports[i].name, pass_names()[i]);
        EXPECT_GE(reports[i].ms, 0);
    }
}

} // namespace
} // namespace xdpc
