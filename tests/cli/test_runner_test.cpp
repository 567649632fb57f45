// xdpc test: what passes, what fails and how it is shown, reports for other tools.
#include "tests/cli/command.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace xdpc::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* policy = "define office = { 198.51.100.0/24 }\n"
                               "chain ingress {\n"
                               "    policy drop\n"
                               "\n"
                               "    ssh: ip saddr $office tcp dport 22 pass\n"
                               "    web: tcp dport { 80, 443 } counter pass\n"
                               "    udp dport 53 pass\n"
                               "}\n";

std::string with_test(const std::string& steps) {
    return std::string(policy) + "\ntest \"a & b <c> 'd'\" {\n" + steps + "}\n";
}

std::string with_plain_test(const std::string& steps) {
    return std::string(policy) + "\ntest \"plain\" {\n" + steps + "}\n";
}

Ran reference(const std::string& file) {
    return xdpc({"test", file, "--engine", "reference"});
}

TEST(TestRunner, ExamplesPassOnTheReferenceEngine) {
    std::vector<std::string> words = {"test", "--engine", "reference"};
    for (const std::string& file : examples()) {
        words.push_back(file);
    }
    const Ran ran = xdpc(words);
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.out.find(" 0 failed"), std::string::npos) << ran.out;
}

TEST(TestRunner, ExamplesPassOnBothEngines) {
    ASSERT_TRUE(is_root()) << "needs the kernel";
    const Folder folder;
    std::vector<std::string> words = {"test", "--engine", "both", "--junit", folder.path("out.xml")};
    for (const std::string& file : examples()) {
        words.push_back(file);
    }
    const Ran ran = xdpc(words);
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.out.find("kernel and reference engine"), std::string::npos) << ran.out;
    EXPECT_NE(read(folder.path("out.xml")).find("failures=\"0\" errors=\"0\""), std::string::npos);
}

constexpr const char* stateful = "set seen {\n"
                                 "    type ipv4_addr\n"
                                 "    flags dynamic, timeout\n"
                                 "    timeout 10s\n"
                                 "    size 2\n"
                                 "}\n"
                                 "set bad {\n"
                                 "    type inet_addr\n"
                                 "    flags interval\n"
                                 "    counter\n"
                                 "    elements = { 203.0.113.0/24, 2001:db8:bad::/48 }\n"
                                 "}\n"
                                 "chain ingress {\n"
                                 "    policy drop\n"
                                 "\n"
                                 "    blocked: saddr @bad drop\n"
                                 "    knock: udp dport 7 add @seen { ip saddr } pass\n"
                                 "    known: ip saddr @seen pass\n"
                                 "}\n";

TEST(TestRunner, StateLastsWithinATestAndNotBetweenTests) {
    const Folder folder;
    const std::string first = "test \"knocks\" {\n"
                              "    send ip saddr 192.0.2.1 / udp dport 7\n"
                              "    send ip saddr 192.0.2.2 / udp dport 7\n"
                              "    expect pass 2 by knock\n"
                              "    send ip saddr 192.0.2.3 / udp dport 7\n"
                              "    expect drop by policy\n" // full
                              "    send ip saddr 192.0.2.1 / tcp dport 22\n"
                              "    expect pass by known\n"
                              "    expect element @seen { 192.0.2.1 expires 10s, 192.0.2.2 }\n"
                              "    advance 10s\n"
                              "    expect no element @seen { 192.0.2.1 }\n"
                              "    send ip saddr 192.0.2.1 / tcp dport 22\n"
                              "    expect drop by policy\n"
                              "    send ip saddr 192.0.2.3 / udp dport 7\n"
                              "    expect pass by knock\n"
                              "}\n";
    const std::string second =
        "test \"anew\" {\n"
        "    send ip saddr 192.0.2.3\n"
        "    expect drop by policy\n"
        "    send ip6 saddr 2001:db8:bad::9 x3\n"
        "    expect drop by blocked\n"
        "    expect element @bad { 2001:db8:bad::/48 packets 3, 203.0.113.0/24 packets 0 }\n"
        "}\n";
    const Ran ran = reference(folder.write("p.xdp", stateful + first + second));
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.out.find("2 passed, 0 failed"), std::string::npos) << ran.out;
}

TEST(TestRunner, AWrongElementIsShownAsItIs) {
    const Folder folder;
    const Ran ran = reference(
        folder.write("p.xdp", std::string(stateful) + "test \"wrong\" {\n"
                                                      "    send ip saddr 203.0.113.9\n"
                                                      "    expect pass by known\n"
                                                      "    expect element @bad { 203.0.113.0/24 packets 2 }\n"
                                                      "    expect element @seen { 203.0.113.9 expires 5s }\n"
                                                      "}\n"));
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.out.find("expected  element @bad { 203.0.113.0/24 packets 2 }\n"
                           "    actual    element @bad { 203.0.113.0/24 packets 1 }\n"),
              std::string::npos)
        << ran.out;
    EXPECT_NE(
        ran.out.find("expected  element @seen { 203.0.113.9 expires 5s }\n    actual    no such element\n"),
        std::string::npos)
        << ran.out;
    EXPECT_NE(ran.out.find("`known` was not reached"), std::string::npos) << ran.out;
}

TEST(TestRunner, FailureShowsPacketExpectationAndRule) {
    const Folder folder;
    const std::string file = folder.write(
        "p.xdp", with_plain_test("    send ip saddr 203.0.113.9 / tcp dport 22\n    expect pass by ssh\n"));
    for (const char* engine : {"reference", "kernel", "both"}) {
        const Ran ran = xdpc({"test", file, "--engine", engine});
        EXPECT_EQ(ran.code, 1) << engine << ran.both();
        EXPECT_NE(ran.out.find("FAIL"), std::string::npos);
        EXPECT_NE(ran.out.find("203.0.113.9"), std::string::npos) << "the packet's layers: " << ran.out;
        EXPECT_NE(ran.out.find("expected  pass by ssh"), std::string::npos) << ran.out;
        EXPECT_NE(ran.out.find("actual    drop by policy"), std::string::npos) << ran.out;
        EXPECT_NE(ran.out.find("`ssh` did not match: ip saddr is 203.0.113.9, wanted $office"),
                  std::string::npos)
            << ran.out;
        EXPECT_NE(ran.out.find("0 passed, 1 failed"), std::string::npos) << ran.out;
        EXPECT_NE(ran.out.find(file + ":3: policy drop"), std::string::npos) << ran.out;
    }
}

TEST(TestRunner, Counts) {
    const Folder folder;
    const std::string good = "    send tcp dport 80 x3\n    send tcp dport 81 x2\n    expect pass 3, drop 2\n"
                             "    expect counter web 3\n    send tcp dport 443\n    expect counter web 4\n";
    EXPECT_EQ(reference(folder.write("a.xdp", with_plain_test(good))).code, 0);
    for (const char* wrong :
         {"    send tcp dport 80 x3\n    expect pass 2, drop 1\n",                // one too many
          "    send tcp dport 80 x3\n    send tcp dport 81\n    expect pass 4\n", // one too few
          "    send tcp dport 80 x3\n    expect pass 2 by web, pass 1 by ssh\n",  // another rule
          "    send tcp dport 80\n    expect pass by ssh\n",                      // another rule
          "    send tcp dport 80\n    expect pass by policy\n",                   // a rule, not a policy
          "    send tcp dport 80\n    expect counter web 2\n",                    // counter
          "    send tcp dport 80\n    send tcp dport 81\n    expect pass\n"}) {   // one of two
        const Ran ran = reference(folder.write("b.xdp", with_plain_test(wrong)));
        EXPECT_EQ(ran.code, 1) << wrong << ran.both();
        EXPECT_NE(ran.out.find("1 failed"), std::string::npos) << wrong << ran.both();
    }
    // Numbers that cannot add up are a mistake of the test, found before it runs.
    const Ran sum =
        reference(folder.write("c.xdp", with_plain_test("    send tcp dport 80 x3\n    expect pass 2\n")));
    EXPECT_EQ(sum.code, 1);
    EXPECT_NE(sum.err.find("3 packets are sent, but 2 are expected"), std::string::npos) << sum.both();
}

TEST(TestRunner, SpecificExpectationsAreServedFirst) {
    const Folder folder;
    const Ran ran =
        reference(folder.write("p.xdp", with_plain_test("    send tcp dport 80\n"
                                                        "    send ip saddr 198.51.100.1 / tcp dport 22\n"
                                                        "    expect pass 1, pass 1 by web\n")));
    EXPECT_EQ(ran.code, 0) << ran.both();
}

TEST(TestRunner, StateLastsWithinATestOnly) {
    const Folder folder;
    const std::string steps = "    send tcp dport 80\n    expect counter web 1\n";
    const std::string text = with_plain_test(steps) + "test \"again\" {\n" + steps + "}\n";
    const std::string file = folder.write("p.xdp", text);
    EXPECT_EQ(xdpc({"test", file, "--engine", "reference"}).code, 0);
    EXPECT_EQ(xdpc({"test", file, "--engine", "both"}).code, 0);
}

TEST(TestRunner, ShortFramesAreLeftToTheEvaluator) {
    const Folder folder;
    const std::string file = folder.write(
        "p.xdp", with_plain_test("    send tcp dport 80 / truncate 13\n    expect drop by policy\n"
                                 "    send raw 0x00\n    expect drop by policy\n    send tcp dport 80\n"
                                 "    expect counter web 1\n"));
    for (const char* engine : {"reference", "kernel", "both"}) {
        const Ran ran = xdpc({"test", file, "--engine", engine});
        EXPECT_EQ(ran.code, 0) << engine << ran.both();
    }
}

TEST(TestRunner, FilterAndItsMisses) {
    const Folder folder;
    const std::string file =
        folder.write("p.xdp", with_plain_test("    send tcp dport 80\n    expect pass\n") +
                                  "test \"wrong\" {\n    send tcp dport 80\n    expect drop\n}\n");
    EXPECT_EQ(reference(file).code, 1);
    EXPECT_EQ(xdpc({"test", file, "--engine", "reference", "--filter", "plai"}).code, 0);
    const Ran none = xdpc({"test", file, "--engine", "reference", "--filter", "no such title"});
    EXPECT_EQ(none.code, 2) << "a filter that hits nothing must not look like success";
}

TEST(TestRunner, JunitIsValid) {
    const Folder folder;
    const std::string bad =
        folder.write("bad.xdp", with_test("    send tcp dport 80\n    expect drop by ssh\n"));
    const std::string good = folder.write("good.xdp", with_test("    send tcp dport 80\n    expect pass\n"));
    const std::string broken =
        folder.write("broken.xdp", "chain ingress { policy drop; tcp dprot 1 \x01\xff drop }\n");
    const std::string report = folder.path("out.xml");
    const Ran ran = xdpc({"test", bad, good, broken, "--engine", "reference", "--junit", report});
    EXPECT_EQ(ran.code, 1);
    Command validate;
    validate.program = "xmllint";
    validate.words = {"--noout", "--schema", XDPC_SOURCE_DIR "/tests/cli/junit.xsd", report};
    const Ran valid = run(validate);
    EXPECT_EQ(valid.code, 0) << valid.both() << read(report);
    const std::string text = read(report);
    EXPECT_NE(text.find("tests=\"3\" failures=\"1\" errors=\"1\""), std::string::npos) << text;
    EXPECT_NE(text.find("a &amp; b &lt;c&gt;"), std::string::npos) << text;
}

TEST(TestRunner, Json) {
    const Folder folder;
    const std::string file = folder.write("p.xdp", with_test("    send tcp dport 80\n    expect drop\n"));
    const Ran ran = xdpc({"test", file, "--engine", "reference", "--json"});
    EXPECT_EQ(ran.code, 1);
    const Json document = Json::parse(ran.out);
    EXPECT_FALSE(document["ok"]);
    EXPECT_EQ(document["failed"], 1);
    EXPECT_EQ(document["engine"], "reference");
    const Json& failure = document["files"][0]["tests"][0]["failures"][0];
    EXPECT_EQ(failure["expected"], "drop");
    EXPECT_EQ(failure["actual"], "pass by web");
    EXPECT_FALSE(failure["packet"]["layers"].empty());
}

TEST(TestRunner, Coverage) {
    const Folder folder;
    const std::string file =
        folder.write("p.xdp", with_plain_test("    send tcp dport 80 x2\n    expect pass\n"));
    const std::string report = folder.path("lcov.info");
    EXPECT_EQ(xdpc({"test", file, "--engine", "reference", "--coverage", report}).code, 0);
    const std::string text = read(report);
    EXPECT_NE(text.find("SF:" + file + "\n"), std::string::npos) << text;
    EXPECT_NE(text.find("DA:3,0\n"), std::string::npos) << "the chain's policy was not reached: " << text;
    EXPECT_NE(text.find("DA:5,0\n"), std::string::npos) << text;
    EXPECT_NE(text.find("DA:6,2\n"), std::string::npos) << text;
    EXPECT_NE(text.find("LF:4\nLH:1\n"), std::string::npos) << text;
}

TEST(Trace, SaysWhyEachRuleDidNotMatch) {
    const Folder folder;
    const std::string file = folder.write("p.xdp", policy);
    const Ran ran = xdpc({"trace", file, "ip saddr 203.0.113.9 / tcp dport 443"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("ssh"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("ip saddr is 203.0.113.9, wanted $office"), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("pass by web (" + file + ":6: "), std::string::npos) << ran.out;
    const Json document = Json::parse(xdpc({"trace", "--json", file, "udp dport 53"}).out);
    ASSERT_EQ(document["packets"].size(), 1U);
    EXPECT_EQ(document["packets"][0]["verdict"], "pass");
    EXPECT_EQ(document["packets"][0]["rules"].size(), 3U);
    EXPECT_EQ(document["packets"][0]["rules"][0]["field"], "ip saddr");
    EXPECT_EQ(xdpc({"trace", file, "tcp dprot 443"}).code, 1);
    EXPECT_EQ(xdpc({"trace", file, "--pcap", "/nonexistent"}).code, 3);
}

} // namespace
} // namespace xdpc::cli
