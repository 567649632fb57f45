// How chains, verdicts, verdict maps and counters lead to an outcome, on policies made by hand.
#include "compiler/policy/evaluate.h"
#include "tests/harness/recipe_text.h"

#include <gtest/gtest.h>

namespace xdpc::test {
namespace {

using MatchTest = xdpc::Test; // inside TEST, `Test` is GoogleTest's

/// Builds a policy chain by chain. Chains are numbered in the order of `chain`; the first is the entry.
class PolicyMaker {
public:
    PolicyMaker& chain(std::string name, std::optional<Verdict> policy = {}) {
        const ChainId id{static_cast<uint32_t>(made_.chains.size())};
        made_.chains.push_back({id, std::move(name), {}, {}, policy, {}, policy.has_value()});
        return *this;
    }
    PolicyMaker& rule(std::vector<Statement> statements) {
        const RuleId id{static_cast<uint32_t>(made_.rules.size())};
        Rule rule;
        rule.id = id;
        rule.chain = made_.chains.back().id;
        rule.display = "rule " + std::to_string(id.value);
        rule.statements = std::move(statements);
        rule.counts = true;
        rule.counts_mid = true;
        made_.rules.push_back(std::move(rule));
        made_.chains.back().rules.push_back(id);
        return *this;
    }
    [[nodiscard]] const Policy& policy() const { return made_; }

private:
    Policy made_;
};

Key field_key(FieldId id) {
    return {FieldKey{id}};
}
Statement dport_is(u128 port, bool negated = false) {
    return MatchStatement{
        {{}, MatchTest{{field_key(FieldId::TcpDport)}, {{{port, port}}}, negated, {}, "22"}}};
}
Statement verdict(Verdict v) {
    return VerdictStatement{v};
}

struct Decision {
    Action action;
    std::string by;
    bool operator==(const Decision&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Decision& d) {
    return out << name_of(d.action) << " by " << d.by;
}

Decision decide(const Policy& policy, const packet::Frame& frame, State& state, Trace* trace = nullptr) {
    PacketView view;
    view.frame = frame;
    const Outcome outcome = evaluate(policy, state, view, trace);
    return {outcome.action, display_of(policy, outcome.decider)};
}
Decision decide(const PolicyMaker& maker, u128 dport) {
    State state(maker.policy());
    return decide(maker.policy(), frame_of({layer("tcp", {{"dport", dport}})}), state);
}

TEST(Chains, FirstMatchWinsElseThePolicy) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({dport_is(22), verdict(Pass{})}).rule({dport_is(22), verdict(Tx{})});
    EXPECT_EQ(decide(p, 22), (Decision{Action::Pass, "rule 0"}));
    EXPECT_EQ(decide(p, 23), (Decision{Action::Drop, "policy"}));
}

TEST(Chains, EachVerdictHasItsAction) {
    const std::vector<std::pair<Verdict, Action>> all = {
        {Pass{}, Action::Pass}, {Drop{}, Action::Drop}, {Abort{}, Action::Abort}, {Tx{}, Action::Tx}};
    for (const auto& [v, action] : all) {
        PolicyMaker by_rule;
        by_rule.chain("ingress", Drop{}).rule({verdict(v)});
        EXPECT_EQ(decide(by_rule, 1), (Decision{action, "rule 0"}));
        PolicyMaker by_policy;
        by_policy.chain("ingress", v);
        EXPECT_EQ(decide(by_policy, 1), (Decision{action, "policy"}));
    }
}

TEST(Chains, JumpComesBack) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Jump{{1}})}).rule({verdict(Pass{})});
    p.chain("sub")
        .rule({dport_is(1), verdict(Tx{})})
        .rule({dport_is(2), verdict(Return{})})
        .rule({dport_is(2), verdict(Abort{})});
    EXPECT_EQ(decide(p, 1), (Decision{Action::Tx, "rule 2"}));
    EXPECT_EQ(decide(p, 2), (Decision{Action::Pass, "rule 1"}));
    EXPECT_EQ(decide(p, 3), (Decision{Action::Pass, "rule 1"}));
}

TEST(Chains, GotoDoesNotComeBack) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Goto{{1}})}).rule({verdict(Pass{})});
    p.chain("sub").rule({dport_is(1), verdict(Return{})}).rule({dport_is(2), verdict(Tx{})});
    EXPECT_EQ(decide(p, 1), (Decision{Action::Drop, "policy"}));
    EXPECT_EQ(decide(p, 2), (Decision{Action::Tx, "rule 3"}));
    EXPECT_EQ(decide(p, 3), (Decision{Action::Drop, "policy"}));
}

TEST(Chains, GotoFromASubchainReturnsToItsCaller) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Jump{{1}})}).rule({verdict(Pass{})});
    p.chain("sub").rule({verdict(Goto{{2}})}).rule({verdict(Abort{})});
    p.chain("last");
    EXPECT_EQ(decide(p, 1), (Decision{Action::Pass, "rule 1"}));
}

TEST(Chains, AChainsOwnPolicyAppliesAtItsEndButNotToReturn) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Jump{{1}})}).rule({verdict(Pass{})});
    p.chain("sub", Tx{}).rule({dport_is(1), verdict(Return{})});
    EXPECT_EQ(decide(p, 1), (Decision{Action::Pass, "rule 1"}));
    EXPECT_EQ(decide(p, 2), (Decision{Action::Tx, "policy of sub"}));
}

TEST(Chains, ReturnInTheEntryChainIsItsPolicy) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Return{})}).rule({verdict(Pass{})});
    EXPECT_EQ(decide(p, 1), (Decision{Action::Drop, "policy"}));
}

TEST(Chains, ContinueGoesOnWithTheNextRule) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({verdict(Continue{}), verdict(Abort{})}).rule({verdict(Pass{})});
    EXPECT_EQ(decide(p, 1), (Decision{Action::Pass, "rule 1"}));
}

TEST(Vmaps, FirstEntryThenDefaultThenNothing) {
    const VmapStatement map{{field_key(FieldId::TcpDport)},
                            {{{{22, 22}}, Pass{}}, {{{20, 30}}, Tx{}}, {{{40, 40}}, Jump{{1}}}},
                            {},
                            {}};
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({map});
    p.chain("sub").rule({verdict(Abort{})});
    EXPECT_EQ(decide(p, 22), (Decision{Action::Pass, "rule 0"}));
    EXPECT_EQ(decide(p, 23), (Decision{Action::Tx, "rule 0"}));
    EXPECT_EQ(decide(p, 40), (Decision{Action::Abort, "rule 1"}));
    EXPECT_EQ(decide(p, 50), (Decision{Action::Drop, "policy"}));
    auto with_default = map;
    with_default.otherwise = Abort{};
    PolicyMaker q;
    q.chain("ingress", Drop{}).rule({with_default});
    EXPECT_EQ(decide(q, 50), (Decision{Action::Abort, "rule 0"}));
    State state(q.policy());
    EXPECT_EQ(decide(q.policy(), frame_of({layer("arp")}), state), (Decision{Action::Drop, "policy"}))
        << "the default stands for values, not for absence";
}

TEST(Conditions, AbsentIsFalseForBothRelationsAndTrueUnderNot) {
    const auto arp = frame_of({layer("arp")});
    for (const bool negated : {false, true}) {
        PolicyMaker p;
        p.chain("ingress", Drop{}).rule({dport_is(22, negated), verdict(Pass{})});
        State state(p.policy());
        EXPECT_EQ(decide(p.policy(), arp, state).action, Action::Drop);
    }
    const auto inner = std::get<MatchStatement>(dport_is(22)).condition;
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({MatchStatement{{{}, NotOf{{inner}}}}, verdict(Pass{})});
    State state(p.policy());
    EXPECT_EQ(decide(p.policy(), arp, state).action, Action::Pass);
    EXPECT_EQ(decide(p, 22).action, Action::Drop);
}

TEST(Conditions, TuplesMasksAndGroups) {
    MatchTest tuple{{field_key(FieldId::IpSaddr), {FieldKey{FieldId::TcpDport}, 0xfff0}},
                    {{{0xc0000201, 0xc0000201}, {0x10, 0x10}}, {{0, 1}, {0x20, 0x20}}},
                    false,
                    {},
                    ""};
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({MatchStatement{{{}, tuple}}, verdict(Pass{})});
    EXPECT_EQ(decide(p, 0x1f).action, Action::Pass);
    EXPECT_EQ(decide(p, 0x20).action, Action::Drop) << "values of different boxes do not mix";
    const auto is = [](u128 port) { return std::get<MatchStatement>(dport_is(port)).condition; };
    PolicyMaker any;
    any.chain("ingress", Drop{}).rule({MatchStatement{{{}, AnyOf{{is(1), is(2)}}}}, verdict(Pass{})});
    EXPECT_EQ(decide(any, 2).action, Action::Pass);
    EXPECT_EQ(decide(any, 3).action, Action::Drop);
    PolicyMaker all;
    all.chain("ingress", Drop{}).rule({MatchStatement{{{}, AllOf{{is(1), is(2)}}}}, verdict(Pass{})});
    EXPECT_EQ(decide(all, 2).action, Action::Drop);
    PolicyMaker empty;
    empty.chain("ingress", Drop{}).rule({MatchStatement{{{}, AnyOf{}}}, verdict(Pass{})});
    EXPECT_EQ(decide(empty, 2).action, Action::Drop);
}

TEST(Counters, TheDeciderAndTheCountersMetOnTheWayCount) {
    PolicyMaker p;
    p.chain("ingress", Drop{})
        .rule({dport_is(22), CountStatement{}, dport_is(23), verdict(Pass{})})
        .rule({dport_is(22), verdict(Pass{})});
    State state(p.policy());
    const auto to22 = frame_of({layer("tcp", {{"dport", 22}}), payload(std::string(100, 'x'))});
    decide(p.policy(), to22, state);
    decide(p.policy(), to22, state);
    decide(p.policy(), frame_of({layer("arp")}), state);
    EXPECT_EQ(state.mid_counts[0], (Count{2, 2 * to22.size()}));
    EXPECT_EQ(state.end_counts[0], (Count{}));
    EXPECT_EQ(state.end_counts[1], (Count{2, 2 * to22.size()}));
    EXPECT_EQ(state.end_counts[2], (Count{1, 60}));
    EXPECT_EQ(state.packets, 3U);
}

TEST(Counters, WhatDoesNotCountStaysAtZero) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({dport_is(22), verdict(Pass{})});
    Policy policy = p.policy();
    policy.rules[0].counts = false;
    policy.chains[0].counts_policy = false;
    State state(policy);
    decide(policy, frame_of({layer("tcp", {{"dport", 22}})}), state);
    decide(policy, frame_of({layer("arp")}), state);
    EXPECT_EQ(state.end_counts, std::vector<Count>(2));
}

TEST(Tracing, NamesTheFirstFieldThatFailed) {
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({dport_is(22), verdict(Pass{})}).rule({verdict(Jump{{1}})});
    p.chain("sub").rule({dport_is(80), verdict(Tx{})});
    State state(p.policy());
    Trace trace;
    decide(p.policy(), frame_of({layer("tcp", {{"dport", 80}})}), state, &trace);
    ASSERT_EQ(trace.steps.size(), 3U);
    EXPECT_FALSE(trace.steps[0].matched);
    EXPECT_EQ(trace.steps[0].field, "tcp dport");
    EXPECT_EQ(trace.steps[0].value, format_value(TypeId::InetService, 80));
    EXPECT_EQ(trace.steps[0].wanted, "22");
    EXPECT_TRUE(trace.steps[1].matched);
    EXPECT_EQ(trace.steps[1].verdict, "jump sub");
    EXPECT_EQ(trace.steps[2].verdict, "tx");
}

std::string absence(std::vector<packet::LayerSpec> layers, FieldId field,
                    std::optional<uint32_t> truncate = {}) {
    MatchTest test{{field_key(field)}, {{{1, 1}}}, false, {}, "1"};
    PolicyMaker p;
    p.chain("ingress", Drop{}).rule({MatchStatement{{{}, test}}, verdict(Pass{})});
    State state(p.policy());
    Trace trace;
    decide(p.policy(), packet::build({std::move(layers), truncate, false}), state, &trace);
    return trace.steps.at(0).value;
}

TEST(Tracing, SaysWhyAFieldIsAbsent) {
    EXPECT_EQ(absence({layer("udp")}, FieldId::TcpDport), "absent: not TCP (protocol is udp)");
    EXPECT_EQ(absence({layer("ip", {{"frag-off", 5}}), layer("tcp")}, FieldId::TcpDport),
              "absent: later fragment");
    EXPECT_EQ(absence({layer("tcp")}, FieldId::IpDaddr, 30), "absent: packet ends at byte 30");
    EXPECT_EQ(absence({layer("arp")}, FieldId::IpDaddr), "absent: no IPv4 header (ether type is arp)");
    EXPECT_EQ(absence({layer("arp")}, FieldId::TcpDport), "absent: no IP header (ether type is arp)");
    EXPECT_EQ(absence({layer("tcp")}, FieldId::TcpDport, 40),
              "absent: IPv4 header is cut or contradicts the packet's length");
    EXPECT_EQ(
        absence({layer("vlan"), layer("vlan"), layer("vlan"), layer("ip"), layer("tcp")}, FieldId::IpTtl),
        "absent: behind a third VLAN tag");
    EXPECT_EQ(absence({layer("tcp")}, FieldId::VlanId), "absent: no VLAN tag");
    EXPECT_EQ(absence({layer("tcp")}, FieldId::TcpOptMaxsegSize), "absent: no `tcp option maxseg`");
    EXPECT_EQ(absence({layer("ip6"), layer("tcp")}, FieldId::HbhNexthdr), "absent: no hbh header");
    EXPECT_EQ(absence({layer("ip6"), layer("icmp")}, FieldId::IcmpType), "absent: no IPv4 header");
}

// Every reason is worded, whatever the key and the packet.
TEST(Tracing, EveryAbsenceHasAReason) {
    for (size_t i = 0; i < all_fields().size(); ++i) {
        const auto field = static_cast<FieldId>(i);
        for (const char* keyword : {"arp", "tcp", "udp", "ip6", "hbh", "icmpv6"}) {
            for (const uint32_t size : {0U, 13U, 20U, 40U, 60U}) {
                const std::string value = absence({layer(keyword)}, field, size);
                EXPECT_NE(value, "absent: ") << i << " " << keyword << " " << size;
            }
        }
    }
}

} // namespace
} // namespace xdpc::test
