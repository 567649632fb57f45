// What matches and values become.
#include "tests/unit/parse_support.h"

namespace xdpc::parse_test {
namespace {

struct Case {
    const char* text;
    const char* tree;
};

class Matches : public testing::TestWithParam<Case> {};
TEST_P(Matches, AreReadAs) {
    EXPECT_EQ(rule_tree(GetParam().text), GetParam().tree);
}

INSTANTIATE_TEST_SUITE_P(
    Selectors, Matches,
    testing::Values(
        Case{"tcp dport 22", "match implied (field \"tcp\" \"dport\") 22"},
        Case{"tcp dprot 22", "match implied (field \"tcp\" \"dprot\") 22"},
        Case{"ip6 saddr ::1", "match implied (field \"ip6\" \"saddr\") ::1"},
        Case{"udplite csumcov 8", "match implied (field \"udplite\" \"csumcov\") 8"},
        Case{"vlan.inner id 7", "match implied (field \"vlan.inner\" \"id\") 7"},
        Case{"arp saddr ip 10.0.0.1", "match implied (field \"arp\" \"saddr ip\") 10.0.0.1"},
        Case{"tcp option maxseg size 1400", "match implied (field \"tcp option maxseg\" \"size\") 1400"},
        Case{"tcp option mss size 1400", "match implied (field \"tcp option maxseg\" \"size\") 1400"},
        Case{"tcp option sack-permitted exists", "match exists (field \"tcp option sack-perm\" \"\")"},
        Case{"tcp option sack0 left 1", "match implied (field \"tcp option sack\" \"left\") 1"},
        Case{"tcp option sack2 right 1", "match implied (field \"tcp option sack\" \"right2\") 1"},
        Case{"tcp option 254 exists", "match exists (field \"tcp option 254\" \"\")"},
        Case{"ip option ra value 0", "match implied (field \"ip option ra\" \"value\") 0"},
        Case{"exthdr frag exists", "match exists (field \"frag\" \"\")"},
        Case{"exthdr frag id 1", "match implied (field \"frag\" \"id\") 1"},
        Case{"frag id 1", "match implied (field \"frag\" \"id\") 1"},
        Case{"hbh nexthdr 6", "match implied (field \"hbh\" \"nexthdr\") 6"},
        Case{"rt seg-left > 0", "match > (field \"rt\" \"seg-left\") 0"},
        Case{"ip missing", "match missing (field \"ip\" \"\")"},
        Case{"meta length < 64", "match < (meta length) 64"},
        Case{"meta nonsense 1", "match implied (meta nonsense) 1"},
        Case{"iifname \"eth0\"", "match implied (meta iifname) \"eth0\""},
        Case{"iifname eth*", "match implied (meta iifname) eth*"},
        Case{"meta malformed", "match true (meta malformed)"},
        Case{"meta malformed drop", "match true (meta malformed)\n(verdict drop)"},
        Case{"meta malformed 1", "match implied (meta malformed) 1"},
        Case{"meta vlan exists", "match exists (meta vlan)"},
        Case{"@th,16,32 5", "match implied (raw th 16 32) 5"},
        Case{"@ih, 0, 8 0x16", "match implied (raw ih 0 8) 0x16"},
        Case{"saddr $office", "match implied (address saddr) $office"},
        Case{"ah: ah spi 77 drop", "rule ah\nmatch implied (field \"ah\" \"spi\") 77\n(verdict drop)"},
        Case{"ip saddr . tcp dport @pairs",
             "match implied (field \"ip\" \"saddr\") (field \"tcp\" \"dport\") @pairs"},
        Case{"tcp flags & (syn | ack) == syn", "match == (& (field \"tcp\" \"flags\") (| syn ack)) syn"},
        Case{"ip saddr & 255.255.0.0 == 10.0.0.0",
             "match == (& (field \"ip\" \"saddr\") 255.255.0.0) 10.0.0.0"},
        Case{"meta length & 1 == 1", "match == (& (meta length) 1) 1"}));

INSTANTIATE_TEST_SUITE_P(
    Values, Matches,
    testing::Values(
        Case{"tcp dport 80-90", "match implied (field \"tcp\" \"dport\") (range 80 90)"},
        Case{"ip saddr 10.0.0.1-10.0.0.9",
             "match implied (field \"ip\" \"saddr\") (range 10.0.0.1 10.0.0.9)"},
        Case{"ip6 saddr fe80::1-fe80::9", "match implied (field \"ip6\" \"saddr\") (range fe80::1 fe80::9)"},
        Case{"ip6 saddr ::/0", "match implied (field \"ip6\" \"saddr\") (slash :: 0)"},
        Case{"ether saddr 02:00:00:00:00:01", "match implied (field \"ether\" \"saddr\") 02:00:00:00:00:01"},
        Case{"meta hour 10:00-12:00", "match implied (meta hour) (range 10:00 12:00)"},
        Case{"ip saddr != 10.0.0.0/8", "match != (field \"ip\" \"saddr\") (slash 10.0.0.0 8)"},
        Case{"tcp dport ne 22", "match != (field \"tcp\" \"dport\") 22"},
        Case{"tcp dport ge 1024", "match >= (field \"tcp\" \"dport\") 1024"},
        Case{"tcp dport <= http-alt", "match <= (field \"tcp\" \"dport\") http-alt"},
        Case{"tcp flags syn,ack", "match implied (field \"tcp\" \"flags\") (comma syn ack)"},
        Case{"tcp flags syn / fin,syn,rst,ack",
             "match implied (field \"tcp\" \"flags\") (slash syn (comma fin syn rst ack))"},
        Case{"tcp flags syn,ack/syn,ack",
             "match implied (field \"tcp\" \"flags\") (slash (comma syn ack) (comma syn ack))"},
        Case{"tcp flags syn | ack & 3", "match implied (field \"tcp\" \"flags\") (| syn (& ack 3))"},
        Case{"tcp flags (1 << 2) ^ 1", "match implied (field \"tcp\" \"flags\") (^ (<< 1 2) 1)"},
        Case{"tcp flags ! syn", "match implied (field \"tcp\" \"flags\") (not syn)"},
        Case{"ip protocol tcp or udp", "match implied (field \"ip\" \"protocol\") (| tcp udp)"},
        Case{"ip protocol tcp or udp drop",
             "match implied (field \"ip\" \"protocol\") (| tcp udp)\n(verdict drop)"},
        Case{"ip protocol tcp or udp tcp dport 1", "match implied (field \"ip\" \"protocol\") (| tcp "
                                                   "udp)\nmatch implied (field \"tcp\" \"dport\") 1"},
        Case{"tcp dport { 22, 80-90,\n  { 1, 2 },\n }", "match implied (field \"tcp\" \"dport\") (list "
                                                        "(element 22) (element (range 80 90)) (element (list "
                                                        "(element 1) (element 2))))"},
        Case{"ip saddr . tcp dport { 10.0.0.0/8 . 22, 10.0.0.1 . 80-90 }",
             "match implied (field \"ip\" \"saddr\") (field \"tcp\" \"dport\") (list (element (concat (slash "
             "10.0.0.0 8) 22)) (element (concat 10.0.0.1 (range 80 90))))"},
        Case{
            "tcp dport vmap { 22 : jump ssh, 80: pass, 443:drop, * : continue }",
            "vmap (field \"tcp\" \"dport\") (list (element 22 -> (verdict jump ssh)) (element 80 -> (verdict "
            "pass)) (element 443 -> (verdict drop)) (element * -> (verdict continue)))"},
        Case{"ip6 saddr vmap { fe80::1: drop, fe80::: pass, fe80::2:accept }",
             "vmap (field \"ip6\" \"saddr\") (list (element fe80::1 -> (verdict drop)) (element fe80:: -> "
             "(verdict pass)) (element fe80::2 -> (verdict pass)))"},
        Case{"ip saddr . tcp dport vmap @m", "vmap (field \"ip\" \"saddr\") (field \"tcp\" \"dport\") @m"}));

INSTANTIATE_TEST_SUITE_P(
    Groups, Matches,
    testing::Values(
        Case{"( tcp dport 22 or udp dport 53 ) pass", "group\nalternative\nmatch implied (field \"tcp\" "
                                                      "\"dport\") 22\nalternative\nmatch implied (field "
                                                      "\"udp\" \"dport\") 53\n(verdict pass)"},
        Case{"( arp saddr\n ip 10.0.0.1 or exthdr\n frag exists )",
             "group\nalternative\nmatch implied (field \"arp\" \"saddr ip\") 10.0.0.1\nalternative\nmatch "
             "exists "
             "(field \"frag\" \"\")"},
        Case{"(ip protocol tcp or udp\n or meta length 5)",
             "group\nalternative\nmatch implied (field \"ip\" \"protocol\") (| tcp udp)\nalternative\nmatch "
             "implied (meta length) 5"},
        Case{"( tcp dport 22 or udp dprot 53 )", "group\nalternative\nmatch implied (field \"tcp\" "
                                                 "\"dport\") 22\nalternative\nmatch implied (field "
                                                 "\"udp\" \"dprot\") 53"},
        Case{"( tcp dport 22 or exthdr frag exists )", "group\nalternative\nmatch implied (field \"tcp\" "
                                                       "\"dport\") 22\nalternative\nmatch exists (field "
                                                       "\"frag\" \"\")"},
        Case{
            "not ( tcp dport 22 ( ip ttl 1 or ip ttl 2 ) )",
            "not\nalternative\nmatch implied (field \"tcp\" \"dport\") 22\ngroup\nalternative\nmatch implied "
            "(field \"ip\" \"ttl\") 1\nalternative\nmatch implied (field \"ip\" \"ttl\") 2"},
        Case{"( ip ttl 1 or not ( ip ttl 2 ) )", "group\nalternative\nmatch implied (field \"ip\" \"ttl\") "
                                                 "1\nalternative\nnot\nalternative\nmatch "
                                                 "implied (field \"ip\" \"ttl\") 2"}));

INSTANTIATE_TEST_SUITE_P(
    Statements, Matches,
    testing::Values(
        Case{"accept", "(verdict pass)"}, Case{"goto x", "(verdict goto x)"},
        Case{"abort; tx", "(verdict abort)\n(verdict tx)"},
        Case{"counter packets 5 bytes 600 drop", "counter\n(verdict drop)"},
        Case{"nocount drop comment \"why not\"", "nocount\n(verdict drop)\ncomment \"why not\""},
        Case{"tcp dport 22 \\\n drop # no", "match implied (field \"tcp\" \"dport\") 22\n(verdict drop)"},
        Case{"limit rate over 5/second burst 4 per ip saddr size 65536 on full drop pass",
             "limit rate over 5/second burst 4 per ip saddr size 65536 on full "
             "drop\n(verdict "
             "pass)"},
        Case{"log prefix \"drop \" drop", "log prefix \"drop \"\n(verdict drop)"},
        Case{"ip ttl set 9 pass", "ip ttl set 9\n(verdict pass)"},
        Case{"ip ttl set ip ttl - 1 and 0x7f pass", "ip ttl set ip ttl - 1 & 0x7f\n(verdict pass)"},
        Case{"ether type set ip", "ether type set ip"},
        Case{"tcp flags set syn | ack tx", "tcp flags set syn | ack\n(verdict tx)"},
        Case{"ip saddr . ip daddr set 5", "other \"set of several fields\" \"set 5\""},
        Case{"meta mark set 5", "meta mark set 5"},
        Case{"vlan push id 5 pcp 1 tx", "vlan push id 5 pcp 1\n(verdict tx)"},
        Case{"vlan pop vlan push id $id type 8021ad", "vlan pop\nvlan push id $id type 8021ad"},
        Case{"reply echo", "reply echo"},
        Case{"udp dport 7 reflect", "match implied (field \"udp\" \"dport\") 7\nreflect"},
        Case{"reject", "reject"}, Case{"reject with tcp reset", "reject with tcp reset"},
        Case{"reject with icmp type port-unreachable", "reject with icmp port-unreachable"},
        Case{"add @s { ip saddr\n timeout 5s } drop", "add @s { ip saddr timeout 5s }\n(verdict drop)"},
        Case{"delete @s { ip saddr . tcp dport }", "delete @s { ip saddr . tcp dport }"},
        Case{"ip dscp set ip saddr . tcp dport map @m drop",
             "ip dscp set ip saddr . tcp dport map @m\n(verdict drop)"},
        Case{"ip ttl set ip protocol map { tcp : 5 }", "ip ttl set ip protocol map { tcp : 5 }"},
        Case{"redirect to eth0", "(verdict redirect to eth0)"},
        Case{"redirect to \"cpu\"", "(verdict redirect to \"cpu\")"},
        Case{"redirect to { eth0, eth1 }", "other \"redirect\" \"redirect to { eth0, eth1 }\""},
        Case{"ct state vmap { new : drop } pass",
             "other \"ct\" \"ct state vmap { new : drop }\"\n(verdict pass)"},
        Case{"counter name foo drop", "counter name \"foo\"\n(verdict drop)"},
        Case{"sip_method(packet) == 2 drop",
             "other \"sip_method\" \"sip_method(packet) == 2\"\n(verdict drop)"},
        Case{"( ct state new or tcp dport 5 ) drop",
             "group\nalternative\nother \"ct\" \"ct state new\"\nalternative\nmatch implied (field \"tcp\" "
             "\"dport\") 5\n(verdict drop)"},
        Case{"fib saddr oif missing drop", "other \"fib\" \"fib saddr oif missing\"\n(verdict drop)"}));

} // namespace
} // namespace xdpc::parse_test
