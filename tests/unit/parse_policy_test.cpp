// The frame of a policy: sets, chains, options, tables, tests; and the language reference's own example.
#include "tests/unit/parse_support.h"

#include <fstream>
#include <sstream>

namespace xdpc::parse_test {
namespace {

std::string tree(const std::string& text) {
    const Parsed parsed(text);
    EXPECT_EQ(parsed.messages(), "") << text;
    return ast::dump(parsed.file);
}
std::string step_tree(const std::string& step) {
    const std::string all = tree("test \"t\" {\n" + step + "\n}");
    const std::string head = "test \"t\"\n";
    EXPECT_TRUE(all.starts_with(head));
    return all.substr(head.size());
}

TEST(Policy, ExampleOfTheReferenceHasNoDiagnostics) {
    std::ifstream in(XDPC_SOURCE_DIR "/grammar/LANGUAGE.md");
    std::stringstream text;
    text << in.rdbuf();
    const std::string all = text.str();
    const size_t begin = all.find("# edge.xdp");
    const size_t end = all.find("```", begin);
    ASSERT_NE(begin, std::string::npos);
    const Parsed parsed(all.substr(begin, end - begin));
    EXPECT_EQ(parsed.messages(), "");
    EXPECT_EQ(parsed.file.items.size(), 7U);
}

TEST(Policy, SetsAndMaps) {
    EXPECT_EQ(tree("set s { type ipv4_addr . inet_service; flags interval,\n timeout\n size 5; counter\n"
                   " gc-interval 10s; auto-merge; elements = { 10.0.0.1 . 22 timeout 5s expires 1s counter "
                   "packets 1 bytes 2 comment \"x\", } }"),
              "set s\n  type ipv4_addr inet_service\n  flags \"interval\" \"timeout\"\n  option (size 5)\n"
              "  option (counter)\n  option (gc-interval 10s)\n  option (auto-merge)\n"
              "  elements (list (element (concat 10.0.0.1 22) (timeout 5s) (expires 1s) (counter) (comment "
              "\"x\")))\n");
    EXPECT_EQ(tree("map m { type inet_service : verdict; elements = { 22 : jump ssh, 80 : drop } }"),
              "map m\n  type inet_service -> verdict\n  flags\n"
              "  elements (list (element 22 -> (verdict jump ssh)) (element 80 -> (verdict drop)))\n");
    EXPECT_EQ(
        tree("set t { typeof ip saddr . tcp dport\n file \"x.txt\" }"),
        "set t\n  typeof (field \"ip\" \"saddr\") (field \"tcp\" \"dport\")\n  flags\n  file \"x.txt\"\n");
    EXPECT_EQ(tree("map n { type mark : inet_service; elements = { 1 : 22 } }"),
              "map n\n  type mark -> inet_service\n  flags\n  elements (list (element 1 -> 22))\n");
}

TEST(Policy, DefinesKeepTheirShape) {
    EXPECT_EQ(
        tree("define a = 22\ndefine b = { 10.0.0.0/8, ::/0, $a }\ndefine c = 80, 443"),
        "define a 22\ndefine b (list (element (slash 10.0.0.0 8)) (element (slash :: 0)) (element $a))\n"
        "define c (comma 80 443)\n");
}

TEST(Policy, TablesAndHooksOfNftAreRead) {
    EXPECT_EQ(
        tree("table netdev filter {\n chain ingress {\n type filter hook ingress device \"eth0\" priority 0; "
             "policy accept;\n tcp dport 22 drop\n }\n}"),
        "table \"netdev\" filter\n  chain ingress\n    hook \"type filter hook ingress device \"eth0\" "
        "priority "
        "0\"\n    policy (verdict pass)\n    rule\n      match implied (field \"tcp\" \"dport\") 22\n      "
        "(verdict drop)\n");
    EXPECT_EQ(tree("table t { }"), "table \"\" t\n");
}

TEST(Policy, OptionsAndWhatIsNotBuiltYet) {
    EXPECT_EQ(tree("options counters off"), "options\n  entry \"counters\" \"off\"\n");
    EXPECT_EQ(tree("options {\n counters off\n seed 5; \n}"),
              "options\n  entry \"counters\" \"off\"\n  entry \"seed\" \"5\"\n");
    EXPECT_EQ(tree("service www {\n vip 203.0.113.10 tcp 443\n method maglev # hash\n}\nextern \"a.bpf.c\""),
              "other \"service\" \"service www { vip 203.0.113.10 tcp 443 method maglev }\"\n"
              "other \"extern\" \"extern \"a.bpf.c\"\"\n");
    EXPECT_EQ(tree("assert never pass where tcp dport 22 ip saddr != $office"),
              "other \"assert\" \"assert never pass where tcp dport 22 ip saddr != $office\"\n");
}

TEST(Policy, Sends) {
    EXPECT_EQ(
        step_tree("send ether saddr 02:00:00:00:00:05 / vlan id 5/ip saddr 10.0.0.1/tcp dport 22 flags "
                  "syn,ack x5 on eth0 at +5s"),
        "  send x5 on \"eth0\" at 5s\n    layer ether (\"saddr\" 02:00:00:00:00:05)\n    layer vlan (\"id\" "
        "5)\n    layer ip (\"saddr\" 10.0.0.1)\n    layer tcp (\"dport\" 22) (\"flags\" (comma syn ack))\n");
    EXPECT_EQ(
        step_tree("send tcp flags syn|ack option mss size 1400 option sack-perm dport 5 option timestamp "
                  "tsval 1 / payload \"GET /\""),
        "  send x1\n    layer tcp (\"flags\" (| syn ack)) (\"option maxseg size\" 1400) (\"option "
        "sack-perm\") "
        "(\"dport\" 5) (\"option timestamp tsval\" 1)\n    layer payload \"GET /\"\n");
    EXPECT_EQ(
        step_tree("send arp operation request saddr ip 10.0.0.1 daddr ether ff:ff:ff:ff:ff:ff / truncate 40"),
        "  send x1\n    layer arp (\"operation\" request) (\"saddr ip\" 10.0.0.1) (\"daddr ether\" "
        "ff:ff:ff:ff:ff:ff)\n    layer truncate 40\n");
    EXPECT_EQ(step_tree("send ip6 / exthdr frag id 7 / hbh / gre version 0 / payload 20 bytes"),
              "  send x1\n    layer ip6\n    layer frag (\"id\" 7)\n    layer hbh\n    layer gre "
              "(\"version\" 0)\n    "
              "layer payload 20 bytes\n");
    EXPECT_EQ(step_tree("send raw 0x0102 x2"), "  send x2\n    layer raw 0x0102\n");
    EXPECT_EQ(step_tree("send pcap \"a.pcap\" on \"br-lan\""), "  send x1 pcap \"a.pcap\" on \"br-lan\"\n");
}

TEST(Policy, Expectations) {
    EXPECT_EQ(step_tree("expect pass 10 by ssh, drop by policy\nexpect accept by edge.xdp:12 to eth1"),
              "  expect\n    (verdict pass) 10 by \"ssh\"\n    (verdict drop) by \"policy\"\n  expect\n    "
              "(verdict "
              "pass) by \"edge.xdp:12\" to \"eth1\"\n");
    EXPECT_EQ(step_tree("expect counter ssh 5; expect counter ssh packets 5 bytes 300"),
              "  expect counter \"ssh\" 5\n  expect counter \"ssh\" 5 bytes 300\n");
    EXPECT_EQ(step_tree("expect bytes 0x0102\nadvance 10s"), "  expect bytes 0x0102\n  advance 10s\n");
    EXPECT_EQ(
        step_tree("expect pass with { ip ttl 63; ip id 5 }\nexpect redirect to eth1\nexpect log 1"),
        "  expect\n    (verdict pass)\n    with\n      match implied (field \"ip\" \"ttl\") 63\n      match "
        "implied (field \"ip\" \"id\") 5\n  expect\n    (verdict redirect) "
        "to \"eth1\"\n  other \"expect log\" \"expect log 1\"\n");
}

TEST(Policy, LayersAlone) {
    Sources sources;
    Diagnostics diagnostics;
    const FileId good = sources.add("<layers>", "ip saddr 1.2.3.4 /\n tcp dport 22 ");
    const ast::SendStep step = parse_layers(sources.get(good), diagnostics);
    EXPECT_FALSE(diagnostics.has_errors());
    ASSERT_EQ(step.layers.size(), 2U);
    EXPECT_EQ(step.layers[1].keyword.text, "tcp");
    const FileId bad = sources.add("<layers>", "ip saddr 1.2.3.4 / tcp dport 22 }");
    parse_layers(sources.get(bad), diagnostics);
    ASSERT_TRUE(diagnostics.has_errors());
    EXPECT_NE(diagnostics.all().front().message.find("expected the end of the packet"), std::string::npos);
    const FileId none = sources.add("<layers>", "");
    EXPECT_TRUE(parse_layers(sources.get(none), diagnostics).layers.empty());
    EXPECT_EQ(diagnostics.errors(), 2U);
}

} // namespace
} // namespace xdpc::parse_test
