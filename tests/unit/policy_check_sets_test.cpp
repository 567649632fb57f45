#include "tests/unit/policy_check_helper.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace xdpc {
namespace {

std::string set_of(const std::string& type, const std::string& elements, const std::string& name = "s") {
    return "set " + name + " {\n type " + type + "\n flags constant, interval\n elements = { " + elements +
           " }\n}";
}
std::string map_of(const std::string& type, const std::string& elements) {
    return "map m {\n type " + type + " : verdict\n flags constant\n elements = { " + elements + " }\n}";
}

TEST(CheckSets, ElementsAreReadByTypeAndMerged) {
    EXPECT_EQ(meaning("ip saddr @s drop", set_of("ipv4_addr", "10.0.0.0/8, 10.1.2.3, 192.0.2.1-192.0.2.9")),
              "match ip saddr == { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }; drop");
    EXPECT_EQ(meaning("udp dport != @s drop", set_of("inet_service", "domain, 67-68")),
              "match udp dport != { domain, 67-68 }; drop");
    EXPECT_EQ(meaning("vlan id @s drop", set_of("vlan_id", "5, 7")), "match vlan id == { 5, 7 }; drop");
    EXPECT_EQ(
        meaning("ip saddr @s drop", "define o = { 192.0.2.1, 2001:db8::1 }\n" + set_of("ipv4_addr", "$o")),
        "match ip saddr == 192.0.2.1; drop");
}

TEST(CheckSets, Concatenations) {
    const std::string pairs = set_of("ipv4_addr . inet_service", "10.0.0.1 . 22, 10.2.0.0/16 . 80-90");
    EXPECT_EQ(meaning("ip saddr . tcp dport @s drop", pairs),
              "match ip saddr . tcp dport == { 10.0.0.1 . ssh, 10.2.0.0/16 . 80-90 }; drop");
}

TEST(CheckSets, TypeofIsTheFieldsType) {
    const std::string s =
        "set s {\n typeof ip saddr . tcp dport\n flags constant\n elements = { 10.0.0.1 . 22 }\n}";
    EXPECT_EQ(meaning("ip daddr . udp dport @s drop", s),
              "match ip daddr . udp dport == 10.0.0.1 . ssh; drop");
}

TEST(CheckSets, InetAddrHoldsBothFamilies) {
    const std::string both = set_of("inet_addr", "10.0.0.0/8, 2001:db8::/32");
    EXPECT_EQ(meaning("saddr @s drop", both),
              "match ( ip saddr == 10.0.0.0/8 or ip6 saddr == 2001:db8::/32 ); drop");
    EXPECT_EQ(meaning("ip saddr @s drop", both), "match ip saddr == 10.0.0.0/8; drop");
    EXPECT_EQ(meaning("ip6 daddr @s drop", both), "match ip6 daddr == 2001:db8::/32; drop");
}

TEST(CheckSets, VerdictMaps) {
    EXPECT_EQ(meaning("tcp dport vmap { 22 : drop, 80-90 : pass, * : abort }"),
              "tcp dport vmap { ssh : drop, 80-90 : pass, * : abort }");
    EXPECT_EQ(meaning("tcp dport vmap @m", map_of("inet_service", "22 : drop, 80 : pass")),
              "tcp dport vmap { ssh : drop, http : pass }");
    EXPECT_EQ(meaning("ip saddr . tcp dport vmap { 10.0.0.0/8 . 22 : drop }"),
              "ip saddr . tcp dport vmap { 10.0.0.0/8 . ssh : drop }");
}

TEST(CheckSets, VerdictMapsOnEtherType) {
    EXPECT_EQ(meaning("ether type vmap { ip : drop, arp : pass }"),
              "meta protocol vmap { ip : drop, arp : pass }");
    EXPECT_EQ(meaning("ether type vmap { vlan : drop }"), "ether type vmap { vlan : drop }");
    EXPECT_EQ(meaning("ether type vmap { vlan : drop, ip : pass }"),
              "ether type . meta protocol vmap { vlan . 0-65535 : drop, 0-65535 . ip : pass }");
}

/// A folder of its own with a policy and a file of elements.
class CheckSetFiles : public testing::Test {
protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() / ("xdpc-sets-" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    Checked check_files(const std::string& policy, const std::string& elements) {
        std::ofstream(folder_ / "policy.xdp") << policy;
        std::ofstream(folder_ / "elements.txt") << elements;
        Checked result;
        const auto file = parse_file((folder_ / "policy.xdp").string(), result.sources, result.diagnostics);
        result.policy = check(*file, result.sources, result.diagnostics);
        return result;
    }

private:
    std::filesystem::path folder_;
};

TEST_F(CheckSetFiles, OneElementALineWithComments) {
    const Checked checked =
        check_files("set s { type ipv4_addr; flags constant; file \"elements.txt\"; }\nchain ingress { "
                    "policy pass; ip saddr @s drop; }",
                    "# bogons\n10.0.0.0/8 # private\n\n  192.0.2.1,\r\n198.51.100.1-198.51.100.9");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    EXPECT_NE(print(*checked.policy).find("{ 10.0.0.0/8, 192.0.2.1, 198.51.100.1-198.51.100.9 }"),
              std::string::npos)
        << print(*checked.policy);
}

TEST_F(CheckSetFiles, MapsHaveAVerdictOnTheLine) {
    const Checked checked = check_files(
        "map m { type ipv6_addr . inet_service : verdict; flags constant; file \"elements.txt\"; }\n"
        "chain ingress { policy pass; ip6 saddr . tcp dport vmap @m; }\nchain other { drop }",
        "2001:db8::1 . 22 : drop\n2001:db8::2 . 80-90 : jump other\n");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    EXPECT_NE(print(*checked.policy).find("{ 2001:db8::1 . ssh : drop, 2001:db8::2 . 80-90 : jump other }"),
              std::string::npos)
        << print(*checked.policy);
    EXPECT_TRUE(checked.diagnostics.all().empty()) << checked.rendered();
}

TEST_F(CheckSetFiles, MistakesAreShownInTheFile) {
    const Checked checked = check_files("set s { type ipv4_addr; flags constant; file \"elements.txt\"; "
                                        "}\nchain ingress { policy pass; ip saddr @s drop; }",
                                        "10.0.0.1\n10.0.0.999\n2001:db8::1\n");
    EXPECT_FALSE(checked.policy);
    EXPECT_EQ(checked.kinds(), (std::set<std::string>{"WrongFamily", "WrongValue"})) << checked.rendered();
    EXPECT_NE(checked.rendered().find("elements.txt:2:1"), std::string::npos) << checked.rendered();
}

TEST_F(CheckSetFiles, ALargeFileIsReadInReasonableTime) {
    std::string lines;
    for (unsigned i = 0; i < 200'000; ++i) {
        lines += std::to_string(1 + i % 200) + "." + std::to_string(i / 200 % 200) + "." +
                 std::to_string(i / 40000) + ".1\n";
    }
    const Checked checked = check_files("set s { type ipv4_addr; flags constant; file \"elements.txt\"; "
                                        "}\nchain ingress { policy pass; ip saddr @s drop; }",
                                        lines);
    ASSERT_TRUE(checked.policy) << checked.rendered();
    const auto& match = std::get<MatchStatement>(checked.policy->rules[0].statements[0]);
    EXPECT_EQ(std::get<xdpc::Test>(match.condition.node).boxes.size(), 200'000U);
}

TEST(CheckSets, DefinesThatDoubleEachOtherEndInADiagnostic) {
    std::string text = "define d0 = { 192.0.2.1, 192.0.2.2 }\n";
    for (int i = 0; i < 60; ++i) {
        const std::string last = "$d" + std::to_string(i);
        text += "define d" + std::to_string(i + 1) + " = { " + last + ", " + last + " }\n";
    }
    EXPECT_TRUE(check_rule_text("ip saddr $d24 drop", text).kinds().contains("TooManyElements"));
    EXPECT_TRUE(check_rule_text("ip saddr $d60 drop", text).kinds().contains("MisplacedValue"));
    EXPECT_FALSE(check_rule_text("ip saddr . ip daddr { $d60 . 192.0.2.1 } drop", text).policy);
}

} // namespace
} // namespace xdpc
