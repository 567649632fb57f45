// print → parse gives the same file, and printing that the same text.
#include "tests/unit/parse_corpus.h"
#include "tests/unit/parse_support.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace xdpc::parse_test {
namespace {

void expect_fixed_point(const std::string& text) {
    const Parsed first(text);
    ASSERT_EQ(first.messages(), "") << text;
    const std::string printed = first.printed();
    const Parsed second(printed);
    ASSERT_EQ(second.messages(), "") << printed;
    EXPECT_EQ(ast::dump(first.file), ast::dump(second.file)) << text << "\nprinted as\n" << printed;
    EXPECT_TRUE(ast::equal(first.file, second.file));
    EXPECT_EQ(second.printed(), printed);
    EXPECT_EQ(first.file.comments.size(), second.file.comments.size()) << printed;
}

TEST(RoundTrip, Rules) {
    for (const std::string& rule : rule_corpus()) {
        expect_fixed_point("chain ingress {\n" + rule + "\n}\n");
        expect_fixed_point("table t { chain ingress { " + rule + " # c\n} }");
    }
}
TEST(RoundTrip, Items) {
    for (const std::string& item : item_corpus()) {
        expect_fixed_point(item);
        expect_fixed_point("# before\n\n\n" + item + "  # behind\n# after\n");
        expect_fixed_point("table inet t {\n" + item + "\n}");
    }
}
TEST(RoundTrip, Steps) {
    for (const std::string& step : step_corpus()) {
        expect_fixed_point("test \"t\" { " + step + " }");
    }
}
TEST(RoundTrip, AllTogether) {
    expect_fixed_point(whole_policy());
}
TEST(RoundTrip, Examples) {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(XDPC_SOURCE_DIR "/examples/rules")) {
        if (entry.path().extension() == ".xdp") {
            std::stringstream text;
            text << std::ifstream(entry.path()).rdbuf();
            expect_fixed_point(text.str());
            ++files;
        }
    }
    EXPECT_GE(files, 1U);
}

TEST(Print, IsCanonical) {
    EXPECT_EQ(Parsed("chain   ingress{policy   drop;a:tcp   dport{22,80}accept;drop}").printed(),
              "chain ingress {\n    policy drop\n    a: tcp dport { 22, 80 } pass\n    drop\n}\n");
    EXPECT_EQ(Parsed("define a={1,2,}").printed(), "define a = { 1, 2 }\n");
    EXPECT_EQ(Parsed("chain i { tcp flags & ( (syn|ack) ) == (syn) pass }").printed(),
              "chain i {\n    tcp flags & (syn | ack) == syn pass\n}\n");
    EXPECT_EQ(
        Parsed("chain i { exthdr frag exists; exthdr frag id 5; tcp option mss size 5; meta iifname lo }")
            .printed(),
        "chain i {\n    exthdr frag exists\n    frag id 5\n    tcp option maxseg size 5\n    iifname "
        "lo\n}\n");
}

TEST(Print, KeepsCommentsAndSingleEmptyLines) {
    EXPECT_EQ(
        Parsed("# a\n\n\n\n# b\nchain i { # c\n\n  # d\n  drop;   # e\n\n\n  pass\n  # f\n\n}  # g\n# h")
            .printed(),
        "# a\n\n# b\nchain i {  # c\n    # d\n    drop  # e\n\n    pass\n    # f\n}  # g\n# h\n");
    EXPECT_EQ(Parsed("define a = { 1, # one\n # two\n 2 # 2\n # end\n}").printed(),
              "define a = {\n    1,  # one\n    # two\n    2  # 2\n    # end\n}\n");
}

TEST(Print, WrapsLongLists) {
    std::string text = "chain i { a: tcp dport { 1000";
    for (int i = 1; i < 40; ++i) {
        text += ", " + std::to_string(1000 + i);
    }
    const std::string printed = Parsed(text + " } drop }").printed();
    EXPECT_TRUE(printed.starts_with("chain i {\n    a: tcp dport {\n        1000, 1001,")) << printed;
    EXPECT_TRUE(printed.ends_with("1039\n    } drop\n}\n")) << printed;
    for (size_t begin = 0; begin < printed.size(); begin = printed.find('\n', begin) + 1) {
        EXPECT_LE(printed.find('\n', begin) - begin, 100U);
    }
}

TEST(Print, LeavesTextWithMistakesAsItIs) {
    const Parsed parsed("chain i {\n  tcp   dport 22   23 drop # c\n  drop\n}\nbogus  text\n");
    EXPECT_EQ(parsed.printed(), "chain i {\n    tcp   dport 22   23 drop  # c\n    drop\n}\nbogus  text\n");
}

TEST(Print, PartsForMessages) {
    const Parsed parsed("chain i { a: ip saddr . tcp dport { 10.0.0.1 . 22 } drop }");
    const auto& rule = std::get<ast::Chain>(parsed.file.items.at(0).node).rules.at(0);
    EXPECT_EQ(ast::print(rule), "ip saddr . tcp dport { 10.0.0.1 . 22 } drop");
    EXPECT_EQ(ast::print(rule.statements.at(0)), "ip saddr . tcp dport { 10.0.0.1 . 22 }");
    EXPECT_EQ(ast::print(std::get<ast::Match>(rule.statements[0].node).keys.at(0)), "ip saddr");
}

} // namespace
} // namespace xdpc::parse_test
