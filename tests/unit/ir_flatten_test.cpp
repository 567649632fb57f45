#include "compiler/ir/disjoint.h"
#include "compiler/ir/ir.h"
#include "tests/harness/ir_eval.h"
#include "tests/harness/policy_builder.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

using test::PolicyBuilder;
using test::verdict;

const KeySource dport = FieldKey{FieldId::TcpDport};
const KeySource saddr = FieldKey{FieldId::IpSaddr};

const ir::Cond& guard(const ir::Program& program, size_t rule, size_t step = 0) {
    return std::get<ir::Guard>(program.chains[0].rules[rule].steps[step].node).cond;
}

TEST(Flatten, KeysAreKeptOnce) {
    PolicyBuilder b;
    b.rule({test::match(test::field(FieldId::TcpDport, 22)), verdict(Pass{})});
    b.rule({test::match(test::field(FieldId::TcpDport, 80)), test::match(test::field(FieldId::IpSaddr, 1)),
            verdict(Pass{})});
    b.rule({test::match(test::one(MetaKey{MetaId::Random, 0}, {{0, 9}})), verdict(Pass{})});
    b.rule({test::match(test::one(MetaKey{MetaId::Random, 1}, {{0, 9}})), verdict(Pass{})});
    const ir::Program program = ir::flatten(b.get());
    ASSERT_EQ(program.keys.size(), 4U); // each draw of `meta random` is a key of its own
    EXPECT_EQ(program.keys[0], dport);
    EXPECT_EQ(program.keys[1], saddr);
}

TEST(Flatten, NegationIsTheComplementOfValuesAndStillAsksForPresence) {
    PolicyBuilder b;
    b.rule({test::match(test::one(dport, {{22, 22}, {80, 90}}, true)), verdict(Pass{})});
    const ir::Program program = ir::flatten(b.get());
    const auto& atom = std::get<ir::Atom>(guard(program, 0).node);
    EXPECT_EQ(atom.values, IntervalSet::of({{0, 21}, {23, 79}, {91, 65535}}));
    EXPECT_EQ(atom.mask, u128{0xffff});
}

TEST(Flatten, FewTuplesAreComparedManyAreLookedUp) {
    PolicyBuilder b;
    std::vector<Box> few{{{1, 1}, {22, 22}}, {{2, 9}, {80, 80}}};
    std::vector<Box> many;
    for (u128 i = 0; i < 20; ++i) {
        many.push_back({{i, i}, {i, i}});
    }
    b.rule({test::match(test::tuple({saddr, dport}, few)), verdict(Pass{})});
    b.rule({test::match(test::tuple({saddr, dport}, many, true)), verdict(Pass{})});
    const ir::Program program = ir::flatten(b.get());
    const auto& any = std::get<ir::Or>(guard(program, 0).node);
    ASSERT_EQ(any.parts.size(), 2U);
    EXPECT_EQ(std::get<ir::And>(any.parts[0].node).parts.size(), 2U);
    const auto& lookup = std::get<ir::Lookup>(guard(program, 1).node);
    EXPECT_TRUE(lookup.negated);
    EXPECT_EQ(program.tables[lookup.table.value].entries.size(), 20U);
    EXPECT_EQ(program.tables[lookup.table.value].widths, (std::vector<uint16_t>{32, 16}));
}

TEST(Flatten, ANegatedTupleIsFalseWhereAKeyIsAbsent) {
    for (const size_t boxes : {1U, 20U}) { // compared, looked up
        PolicyBuilder b(Drop{});
        b.rule({test::match(test::tuple({saddr, dport}, std::vector<Box>(boxes, {{1, 1}, {22, 22}}), true)),
                verdict(Pass{})});
        const ir::Program program = ir::flatten(b.get());
        std::vector<Count> slots(program.slots);
        const std::vector<uint8_t> arp(42, 0);
        PacketView view;
        view.frame = arp;
        State state(b.get());
        EXPECT_EQ(test::evaluate(program, b.get(), slots, state, view).action, Action::Drop) << boxes;
    }
}

TEST(Flatten, CountersGetSlotsInRuleOrderThenPolicies) {
    PolicyBuilder b;
    b.rule({test::match(test::field(FieldId::TcpDport, 22)), test::count(),
            test::match(test::field(FieldId::IpSaddr, 1)), verdict(Pass{})});                  // end 0, mid 1
    b.rule({test::match(test::field(FieldId::TcpDport, 23)), test::count(), verdict(Drop{})}); // both 2
    b.rule({test::count()});                                                                   // mid 3
    const ir::SlotPlan plan = ir::assign_slots(b.get());
    EXPECT_EQ(plan.end[0], ir::SlotId{0});
    EXPECT_EQ(plan.mid[0], ir::SlotId{1});
    EXPECT_EQ(plan.end[1], ir::SlotId{2});
    EXPECT_EQ(plan.mid[1], ir::SlotId{2});
    EXPECT_EQ(plan.end[2], std::nullopt);
    EXPECT_EQ(plan.mid[2], ir::SlotId{3});
    EXPECT_EQ(plan.end[3], ir::SlotId{4}); // the entry's policy
    EXPECT_EQ(plan.slots, 5U);
    const ir::Program program = ir::flatten(b.get());
    EXPECT_EQ(program.chains[0].rules[0].steps.size(), 4U);
    EXPECT_EQ(program.chains[0].rules[1].steps.size(), 2U) << "one slot for both: only the end counts";
}

TEST(Flatten, TwoCountersInARuleDoNotShareWithTheEnd) {
    PolicyBuilder b;
    b.rule({test::count(), test::count(), verdict(Drop{})}); // the mid counter counts each packet twice
    const ir::SlotPlan plan = ir::assign_slots(b.get());
    EXPECT_NE(plan.end[0], plan.mid[0]);
}

TEST(Flatten, VerdictMapsKeepFirstMatchAndShareVerdicts) {
    PolicyBuilder b;
    VmapStatement vmap;
    vmap.keys.push_back({dport, ~u128{0}});
    vmap.entries = {
        {{{22, 22}}, Pass{}}, {{{0, 1023}}, Drop{}}, {{{80, 90}}, Pass{}}, {{{2000, 2001}}, Pass{}}};
    b.rule({vmap});
    const ir::Program program = ir::flatten(b.get());
    const auto& dispatch = std::get<ir::Dispatch>(program.chains[0].rules[0].steps[0].node);
    EXPECT_EQ(dispatch.verdicts.size(), 2U);
    const std::vector<ir::Table::Entry> wanted{
        {{{0, 21}}, 1}, {{{22, 22}}, 0}, {{{23, 1023}}, 1}, {{{2000, 2001}}, 0}};
    EXPECT_EQ(program.tables[dispatch.table.value].entries, wanted);
}

TEST(Disjoint, CoversTheWholeOf128Bits) {
    const u128 top = ~u128{0};
    const auto entries = ir::disjoint({{{{5, top}}, 1}, {{{0, top}}, 2}});
    const std::vector<ir::Table::Entry> wanted{{{{0, 4}}, 2}, {{{5, top}}, 1}};
    EXPECT_EQ(entries, wanted);
    EXPECT_TRUE(ir::disjoint({}).empty());
}

TEST(Disjoint, ALaterEntryShowsOnBothSidesOfAnEarlierOne) {
    const auto entries = ir::disjoint({{{{10, 20}}, 7}, {{{0, 30}}, 7}, {{{25, 40}}, 8}});
    const std::vector<ir::Table::Entry> wanted{{{{0, 30}}, 7}, {{{31, 40}}, 8}};
    EXPECT_EQ(entries, wanted);
}

TEST(IrPrint, SaysWhatEachRuleDoes) {
    PolicyBuilder b;
    const ChainId web = b.chain("web");
    b.rule({test::match(test::any_of(
                {test::field(FieldId::TcpDport, 22), test::not_of(test::field(FieldId::IpTtl, 1))})),
            verdict(Jump{web})});
    const std::string text = ir::print(ir::flatten(b.get()), b.get());
    EXPECT_NE(text.find("if ( tcp dport in "), std::string::npos) << text;
    EXPECT_NE(text.find(" or not ip ttl in 1 )"), std::string::npos) << text;
    EXPECT_NE(text.find("jump web"), std::string::npos) << text;
    EXPECT_NE(text.find("chain web\n    end: return"), std::string::npos) << text;
}

} // namespace
} // namespace xdpc
