#include "tests/unit/policy_check_helper.h"

namespace xdpc {
namespace {

const Rule& rule_named(const Policy& policy, const std::string& name) {
    for (const Rule& rule : policy.rules) {
        if (rule.display == name) {
            return rule;
        }
    }
    ADD_FAILURE() << "no rule " << name << " in\n" << print(policy);
    return policy.rules.front();
}

TEST(CheckRules, NamesTextsAndComments) {
    const Checked checked = check_text("chain ingress {\n"
                                       "    policy drop\n"
                                       "    ssh: tcp  dport 22 accept comment \"by hand\"\n"
                                       "    udp dport 53 pass; udp dport 54 pass\n"
                                       "}\n");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    const auto& rules = checked.policy->rules;
    ASSERT_EQ(rules.size(), 3U);
    EXPECT_EQ(rules[0].name, "ssh");
    EXPECT_EQ(rules[0].comment, "by hand");
    EXPECT_EQ(rules[0].text.find("tcp dport 22 pass"), 0U) << rules[0].text;
    EXPECT_EQ(rules[1].display, "test.xdp:4");
    EXPECT_EQ(rules[2].display, "test.xdp:4:24");
    EXPECT_EQ(display_of(*checked.policy, decider_of(*checked.policy, checked.policy->entry)), "policy");
}

TEST(CheckRules, WhatCounts) {
    const Checked checked = check_text("chain ingress {\n"
                                       "    policy drop\n"
                                       "    ends: tcp dport 22 pass\n"
                                       "    silent: tcp dport 23 nocount pass\n"
                                       "    jumps: tcp dport 24 jump other\n"
                                       "    mid: tcp dport 25 counter\n"
                                       "    both: tcp dport 26 counter drop\n"
                                       "    maps: tcp dport vmap { 27 : jump other, 28 : drop }\n"
                                       "    leads: tcp dport vmap { 29 : jump other }\n"
                                       "}\n"
                                       "chain other { drop }\n");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    auto counts = [&](const char* name) {
        const Rule& rule = rule_named(*checked.policy, name);
        return std::pair(rule.counts, rule.counts_mid);
    };
    EXPECT_EQ(counts("ends"), std::pair(true, false));
    EXPECT_EQ(counts("silent"), std::pair(false, false));
    EXPECT_EQ(counts("jumps"), std::pair(false, false));
    EXPECT_EQ(counts("mid"), std::pair(false, true));
    EXPECT_EQ(counts("both"), std::pair(true, true));
    EXPECT_EQ(counts("maps"), std::pair(true, false));
    EXPECT_EQ(counts("leads"), std::pair(false, false));
    EXPECT_TRUE(checked.policy->chains[0].counts_policy);
    EXPECT_FALSE(checked.policy->chains[1].counts_policy);
}

TEST(CheckRules, OptionsCountersOff) {
    const Checked checked = check_text(
        "options counters off\nchain ingress { policy drop; tcp dport 1 pass; tcp dport 2 counter pass; }");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    EXPECT_FALSE(checked.policy->rules[0].counts);
    EXPECT_FALSE(checked.policy->rules[1].counts);
    EXPECT_TRUE(checked.policy->rules[1].counts_mid);
    EXPECT_FALSE(checked.policy->chains[0].counts_policy);
}

TEST(CheckRules, ContradictionsAreNotSeenWhereThereAreNone) {
    for (const char* rule : {
             "ip protocol tcp tcp dport 22 drop",
             "ip protocol ah tcp dport 22 drop",     // stepped over
             "ip6 nexthdr hopopt tcp dport 22 drop", // likewise
             "saddr { 10.0.0.1, 2001:db8::1 } icmp type echo-request drop",
             "ah spi 77 tcp dport 443 drop",
             "exthdr frag missing ip6 saddr 2001:db8::1 drop",
             "( ip saddr 10.0.0.1 or ip6 saddr 2001:db8::1 ) icmpv6 type echo-request drop",
             "not ( tcp dport 22 ) udp dport 53 drop",
             "meta random < 5 meta random > 10 drop", // drawn twice
             "tcp flags syn tcp flags ack drop",
             "vlan type ip ip saddr 10.0.0.1 drop",
             "ether type vlan ip saddr 10.0.0.1 drop",
             "th dport 53 udp length > 20 drop",
             "meta fragment later ip protocol udp drop",
         }) {
        const Checked checked = check_rule_text(rule);
        EXPECT_TRUE(checked.policy) << checked.rendered();
    }
}

TEST(CheckRules, ContradictionsAreSeenThroughGroupsAndNegations) {
    for (const char* rule : {
             "tcp dport 22 udp sport != 5 drop",
             "tcp dport { 22, 23 } tcp dport != { 20-30 } drop",
             "( ip saddr 10.0.0.1 or arp operation request ) ip6 hoplimit 1 drop",
             "ip saddr . tcp dport { 10.0.0.1 . 22 } ip saddr 10.0.0.2 drop",
         }) {
        const Checked checked = check_rule_text(rule);
        EXPECT_FALSE(checked.policy) << rule;
        EXPECT_EQ(checked.diagnostics.all().size(), 1U) << checked.rendered();
    }
}

TEST(CheckRules, WarningsLeaveThePolicyUsable) {
    const Checked checked = check_text("define unused = 1\nchain ingress { policy drop; pass }");
    EXPECT_TRUE(checked.policy);
    EXPECT_EQ(checked.kinds(), std::set<std::string>{"Unused"}) << checked.rendered();
}

TEST(CheckRules, ManyMistakesInOneRun) {
    const Checked checked = check_text("chain ingress {\n"
                                       "    policy drop\n"
                                       "    tcp dprt 22 pass\n"
                                       "    tcp dport 70000 pass\n"
                                       "    tcp dport { 22 pass\n"
                                       "    ip protocol udp tcp dport 22 pass\n"
                                       "    udp dport 53 jump nowhere\n"
                                       "}\n");
    EXPECT_FALSE(checked.policy);
    EXPECT_EQ(checked.kinds(), (std::set<std::string>{"UnknownField", "ValueTooLarge", "SyntaxError",
                                                      "HeaderContradiction", "UndefinedChain"}))
        << checked.rendered();
    EXPECT_EQ(checked.diagnostics.all().size(), 5U) << checked.rendered();
}

TEST(CheckRules, DeepButFineChains) {
    std::string text = "chain ingress { policy drop; tcp dport 1 jump c1; }\n";
    for (int i = 1; i <= 15; ++i) {
        text += "chain c" + std::to_string(i) + " { " +
                (i < 15 ? "tcp dport 1 jump c" + std::to_string(i + 1) : "drop") + "; }\n";
    }
    EXPECT_TRUE(check_text(text).policy) << check_text(text).rendered();
}

TEST(CheckTests, PacketsAndExpectations) {
    const Checked checked = check_text(
        "chain ingress { policy drop; ssh: tcp dport 22 pass; }\n"
        "test \"one\" {\n"
        "    send ip saddr 10.0.0.9 / tcp dport ssh flags syn,ack option maxseg size 1460 x3 on eth1 at +5s\n"
        "    expect pass 3 by ssh\n"
        "    send vlan id 5 / ip6 / udp / payload \"abc\" / truncate 30\n"
        "    expect drop by policy\n"
        "    expect counter ssh 3\n"
        "    advance 1m30s\n"
        "    send raw 0x0011\n"
        "    expect bytes 0x0011\n"
        "}\n");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    const auto& steps = checked.policy->tests.at(0).steps;
    ASSERT_EQ(steps.size(), 8U);
    const auto& send = std::get<Send>(steps[0].node);
    EXPECT_EQ(send.count, 3U);
    EXPECT_EQ(send.iface, "eth1");
    EXPECT_EQ(send.at_ns, 5'000'000'000U);
    const auto& recipe = std::get<packet::Recipe>(send.packet);
    ASSERT_EQ(recipe.layers.size(), 2U);
    const auto& tcp = std::get<packet::HeaderLayer>(recipe.layers[1]);
    EXPECT_EQ(tcp.header, HeaderId::Tcp);
    ASSERT_EQ(tcp.fields.size(), 3U);
    EXPECT_EQ(tcp.fields[1].field, FieldId::TcpFlags);
    EXPECT_TRUE(tcp.fields[1].value == 0x12);
    EXPECT_EQ(tcp.fields[2].field, FieldId::TcpOptMaxsegSize);
    const auto& expect = std::get<Expect>(steps[1].node);
    EXPECT_EQ(expect.verdicts.at(0).count, 3U);
    EXPECT_EQ(std::get<ByRule>(*expect.verdicts[0].by).rule.value, 0U);
    const auto& cut = std::get<packet::Recipe>(std::get<Send>(steps[2].node).packet);
    EXPECT_EQ(cut.truncate, 30U);
    EXPECT_TRUE(std::holds_alternative<ByPolicy>(*std::get<Expect>(steps[3].node).verdicts.at(0).by));
    EXPECT_EQ(std::get<Advance>(steps[5].node).ns, 90'000'000'000U);
    EXPECT_TRUE(std::get<packet::Recipe>(std::get<Send>(steps[6].node).packet).raw);
}

TEST(CheckTests, LayersAlone) {
    Sources sources;
    Diagnostics diagnostics;
    const FileId file = sources.add("<packet>", "ip saddr 1.2.3.4 / tcp dport 22");
    const ast::SendStep step = parse_layers(sources.get(file), diagnostics);
    const auto source = check_layers(step, sources, diagnostics);
    ASSERT_TRUE(source) << render(diagnostics, sources);
    EXPECT_EQ(std::get<packet::Recipe>(*source).layers.size(), 2U);
}

TEST(CheckRules, OfALongLineTheSurroundingsOfTheMistakeAreShown) {
    std::string list;
    for (int i = 0; i < 2000; ++i) {
        list += "80, ";
    }
    const Checked checked = check_rule_text("tcp dport { " + list + "htpp, " + list + "81 } drop");
    const std::string text = checked.rendered();
    EXPECT_LT(text.size(), 1000U);
    const size_t word = text.find("htpp, 80");
    const size_t caret = text.find("^~~~");
    ASSERT_NE(word, std::string::npos) << text;
    ASSERT_NE(caret, std::string::npos) << text;
    const auto column = [&text](size_t at) {
        size_t characters = 0; // the ellipsis has three bytes
        for (size_t i = text.rfind('\n', at) + 1; i < at; ++i) {
            characters += (static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U ? 0 : 1;
        }
        return characters;
    };
    EXPECT_EQ(column(word), column(caret)) << text;
}

TEST(CheckRules, AWrongPolicyIsNotMissing) {
    const Checked checked = check_text("chain ingress {\n    policy dorp\n    udp dport 1 drop\n}\n");
    EXPECT_FALSE(checked.kinds().contains("NoPolicy")) << checked.rendered();
    EXPECT_NE(checked.rendered().find("did you mean `drop`"), std::string::npos) << checked.rendered();
}

} // namespace
} // namespace xdpc
