#include "tests/unit/policy_check_helper.h"

namespace xdpc {
namespace {

TEST(CheckMatches, RelationsAndRanges) {
    EXPECT_EQ(meaning("tcp dport 22 drop"), "match tcp dport == ssh; drop");
    EXPECT_EQ(meaning("tcp dport == ssh drop"), "match tcp dport == ssh; drop");
    EXPECT_EQ(meaning("tcp dport != 22 drop"), "match tcp dport != ssh; drop");
    EXPECT_EQ(meaning("tcp dport < 1024 drop"), "match tcp dport == 0-1023; drop");
    EXPECT_EQ(meaning("tcp dport <= 1024 drop"), "match tcp dport == 0-1024; drop");
    EXPECT_EQ(meaning("tcp dport > 1024 drop"), "match tcp dport == 1025-65535; drop");
    EXPECT_EQ(meaning("tcp dport >= 1024 drop"), "match tcp dport == 1024-65535; drop");
    EXPECT_EQ(meaning("tcp dport 8080-8089 drop"), "match tcp dport == 8080-8089; drop");
    EXPECT_EQ(meaning("tcp dport != 8080-8089 drop"), "match tcp dport != 8080-8089; drop");
    EXPECT_EQ(meaning("ip saddr 10.0.0.0/8 drop"), "match ip saddr == 10.0.0.0/8; drop");
    EXPECT_EQ(meaning("ip saddr 10.0.0.1-10.0.0.9 drop"), "match ip saddr == 10.0.0.1-10.0.0.9; drop");
    EXPECT_EQ(meaning("ip6 saddr 2001:db8::/32 drop"), "match ip6 saddr == 2001:db8::/32; drop");
    EXPECT_EQ(meaning("ether saddr 02:00:00:00:00:01 drop"), "match ether saddr == 02:00:00:00:00:01; drop");
}

TEST(CheckMatches, ListsAreMerged) {
    EXPECT_EQ(meaning("tcp dport { 80, 81, 82-90, 85 } drop"), "match tcp dport == 80-90; drop");
    EXPECT_EQ(meaning("tcp dport { 443, 22 } drop"), "match tcp dport == { ssh, https }; drop");
    EXPECT_EQ(meaning("ip saddr { 10.0.0.0/8, 10.1.0.0/16 } drop"), "match ip saddr == 10.0.0.0/8; drop");
    EXPECT_EQ(meaning("tcp dport != { 22, 443 } drop"), "match tcp dport != { ssh, https }; drop");
}

TEST(CheckMatches, SymbolsOfEachType) {
    EXPECT_EQ(meaning("ip protocol tcp drop"), "match ip protocol == tcp; drop");
    EXPECT_EQ(meaning("icmp type echo-request drop"), "match icmp type == echo-request; drop");
    EXPECT_EQ(meaning("icmpv6 type nd-neighbor-solicit drop"),
              "match icmpv6 type == nd-neighbor-solicit; drop");
    EXPECT_EQ(meaning("ip dscp { cs1, af11 } drop"), "match ip dscp == { cs1, af11 }; drop");
    EXPECT_EQ(meaning("arp operation request drop"), "match arp operation == request; drop");
    EXPECT_EQ(meaning("ip ecn ce drop"), "match ip ecn == ce; drop");
    EXPECT_EQ(meaning("meta day Sunday drop"), "match meta day == Sunday; drop");
    EXPECT_EQ(meaning("meta hour \"08:00\"-\"18:00\" drop"), "match meta hour == \"08:00\"-\"18:00\"; drop");
    EXPECT_EQ(meaning("meta hour \"22:00\"-\"06:00\" drop"),
              "match meta hour == { \"00:00\"-\"06:00\", \"22:00\"-\"23:59:59\" }; drop");
    EXPECT_EQ(meaning("meta time \"2026-01-31 12:00:00\" drop"),
              "match meta time == \"2026-01-31 12:00:00\"; drop");
    EXPECT_EQ(meaning("iifname \"eth*\" drop"), "match meta iifname == \"eth*\"; drop");
    EXPECT_EQ(meaning("meta fragment any drop"), "match meta fragment == 1-2; drop");
    EXPECT_EQ(meaning("meta fragment later drop"), "match meta fragment == later; drop");
}

TEST(CheckMatches, FlagsAsNftReadsThem) {
    EXPECT_EQ(meaning("tcp flags syn drop"), "match tcp flags & syn == syn; drop");
    const std::string any = "match tcp flags & syn|ack == 2-18; drop";
    EXPECT_EQ(meaning("tcp flags syn,ack drop"), any);
    EXPECT_EQ(meaning("tcp flags syn|ack drop"), any);
    EXPECT_EQ(meaning("tcp flags syn / syn,ack drop"), "match tcp flags & syn|ack == syn; drop");
    EXPECT_EQ(meaning("tcp flags != syn / syn,ack drop"), "match tcp flags & syn|ack != syn; drop");
    EXPECT_EQ(meaning("tcp flags == syn drop"), "match tcp flags == syn; drop");
    EXPECT_EQ(meaning("tcp flags != syn drop"), "match tcp flags != syn; drop");
    EXPECT_EQ(meaning("tcp flags { syn, ack } drop"), "match tcp flags == { syn, ack }; drop");
    EXPECT_EQ(meaning("tcp flags & (syn | ack) == syn drop"), "match tcp flags & syn|ack == syn; drop");
    EXPECT_EQ(meaning("tcp flags & (fin | syn) == 0 drop"), "match tcp flags & fin|syn == 0x0; drop");
    EXPECT_EQ(meaning("tcp flags ! syn,ack drop"), "match tcp flags & syn|ack == 0x0; drop");
}

TEST(CheckMatches, BangBeforeAValueIsNotItsComplement) {
    for (const char* rule : {"tcp dport !22 drop", "ip saddr ! 192.0.2.1 drop", "ip ttl { !1 } drop"}) {
        const Checked checked = check_rule_text(rule);
        EXPECT_FALSE(checked.policy) << rule;
        EXPECT_NE(checked.rendered().find("`FIELD != VALUE`"), std::string::npos) << checked.rendered();
    }
}

TEST(CheckMatches, Masks) {
    EXPECT_EQ(meaning("ip saddr & 255.255.255.0 == 10.0.0.0 drop"),
              "match ip saddr & 255.255.255.0 == 10.0.0.0; drop");
    EXPECT_EQ(meaning("tcp dport & 1 == 1 drop"), "match tcp dport & tcpmux == tcpmux; drop");
    EXPECT_EQ(meaning("@th,16,16 22 drop"), "match @th,16,16 == 22; drop");
}

TEST(CheckMatches, EtherTypeIsSplit) {
    EXPECT_EQ(meaning("ether type ip drop"), "match meta protocol == ip; drop");
    EXPECT_EQ(meaning("ether type vlan drop"), "match ether type == vlan; drop");
    EXPECT_EQ(meaning("ether type 8021ad drop"), "match ether type == 8021ad; drop");
    EXPECT_EQ(meaning("ether type { ip, vlan } drop"),
              "match ( ether type == vlan or meta protocol == ip ); drop");
    EXPECT_EQ(meaning("ether type != { ip, vlan } drop"),
              "match ( ether type != vlan and meta protocol != ip ); drop");
    EXPECT_EQ(meaning("meta protocol vlan drop"), "match meta protocol == vlan; drop");
    EXPECT_EQ(meaning("vlan type ip drop"), "match vlan type == ip; drop");
}

TEST(CheckMatches, Existence) {
    EXPECT_EQ(meaning("exthdr frag exists drop"), "match exthdr frag == exists; drop");
    EXPECT_EQ(meaning("tcp option sack-perm missing drop"), "match tcp option sack-perm == missing; drop");
    EXPECT_EQ(meaning("meta vlan exists drop"), "match meta vlan == exists; drop");
    EXPECT_EQ(meaning("meta malformed drop"), "match meta malformed == exists; drop");
}

TEST(CheckMatches, AddressesWithoutFamily) {
    const std::string office = "define office = { 198.51.100.0/24, 2001:db8:1::/48 }";
    EXPECT_EQ(meaning("ip saddr $office drop", office), "match ip saddr == 198.51.100.0/24; drop");
    EXPECT_EQ(meaning("ip6 saddr $office drop", office), "match ip6 saddr == 2001:db8:1::/48; drop");
    EXPECT_EQ(meaning("saddr $office drop", office),
              "match ( ip saddr == 198.51.100.0/24 or ip6 saddr == 2001:db8:1::/48 ); drop");
    EXPECT_EQ(meaning("saddr != $office drop", office),
              "match ( ip saddr != 198.51.100.0/24 or ip6 saddr != 2001:db8:1::/48 ); drop");
    EXPECT_EQ(meaning("daddr 10.0.0.1 drop"), "match ip daddr == 10.0.0.1; drop");
    EXPECT_EQ(meaning("daddr != 10.0.0.1 drop"), "match ( ip daddr != 10.0.0.1 or ip6 daddr == ::/0 ); drop");
    EXPECT_EQ(meaning("saddr . tcp dport { 10.0.0.1 . 22, 2001:db8::1 . 80 } drop"),
              "match ( ip saddr . tcp dport == 10.0.0.1 . ssh or ip6 saddr . tcp dport == 2001:db8::1 . http "
              "); drop");
}

TEST(CheckMatches, Defines) {
    EXPECT_EQ(meaning("tcp dport $all drop", "define web = { 80, 443 }\ndefine all = { $web, 22 }"),
              "match tcp dport == { ssh, http, https }; drop");
    EXPECT_EQ(meaning("tcp dport $low-$high drop", "define low = 10\ndefine high = 20"),
              "match tcp dport == 10-20; drop");
    EXPECT_EQ(meaning("tcp flags $f drop", "define f = syn"), "match tcp flags & syn == syn; drop");
}

TEST(CheckMatches, Interfaces) {
    EXPECT_EQ(meaning("meta iif 2 drop"), "match meta iif == 2; drop");
    EXPECT_EQ(meaning("meta iif \"lo\" drop"), "match meta iifname == \"lo\"; drop");
    EXPECT_EQ(meaning("iif != eth0 drop"), "match meta iifname != \"eth0\"; drop");
}

TEST(CheckMatches, Concatenations) {
    EXPECT_EQ(meaning("ip saddr . tcp dport 10.0.0.1 . 22 drop"),
              "match ip saddr . tcp dport == 10.0.0.1 . ssh; drop");
    EXPECT_EQ(meaning("ip saddr . tcp dport { 10.0.0.0/8 . 20-30, 10.0.0.1 . 80 } drop"),
              "match ip saddr . tcp dport == { 10.0.0.0/8 . 20-30, 10.0.0.1 . http }; drop");
    EXPECT_EQ(meaning("ip saddr . tcp dport { 10.0.0.1 . $web } drop", "define web = { 80, 443 }"),
              "match ip saddr . tcp dport == { 10.0.0.1 . http, 10.0.0.1 . https }; drop");
}

TEST(CheckMatches, Groups) {
    EXPECT_EQ(meaning("( tcp dport 22 or udp dport 53 ip saddr 10.0.0.1 ) drop"),
              "match ( tcp dport == ssh or ( udp dport == domain and ip saddr == 10.0.0.1 ) ); drop");
    EXPECT_EQ(meaning("not ( tcp dport 22 ) drop"), "match not ( tcp dport == ssh ); drop");
}

TEST(CheckMatches, RandomIsDrawnForEachPlace) {
    const Checked checked =
        check_text("chain ingress { policy drop; meta random < 5 drop; meta random < 6 drop; }");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    EXPECT_EQ(checked.policy->random_places, 2U);
    const auto& second = std::get<MatchStatement>(checked.policy->rules[1].statements[0]);
    EXPECT_EQ(std::get<xdpc::Test>(second.condition.node).keys[0].source,
              KeySource(MetaKey{MetaId::Random, 1}));
}

} // namespace
} // namespace xdpc
