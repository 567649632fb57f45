// Mistakes: what is said, and that parsing goes on behind each.
#include "tests/unit/parse_support.h"

namespace xdpc::parse_test {
namespace {

using Lines = std::vector<std::string>;

TEST(Recovery, SeveralMistakesInOneFile) {
    const Parsed parsed("chain ingress {\n"
                        "    policy dorp\n"
                        "    a: tcp dport { 22, 80 drop\n"
                        "    b: tcpp dport 22 drop\n"
                        "    c: tcp dport drop\n"
                        "    d: tcp dport 22 pass\n"
                        "}\n"
                        "chains foo { tcp dport 22 drop }\n"
                        "set x { tpye ipv4_addr; size }\n"
                        "define y = 5 7\n"
                        "test \"t\" { sennd ip; expect pas\n expect pass by\n}\n"
                        "chain last { drop }\n");
    EXPECT_EQ(
        parsed.lines(),
        (Lines{"2: expected a verdict after `policy`, found `dorp`",
               "3: expected `,` or `}` after `80`, found `drop`", "4: unknown statement `tcpp`",
               "5: expected a value after `dport`, found `drop`", "8: unknown top-level statement `chains`",
               "9: unknown set statement `tpye`", "9: expected a value after `size`, found `}`",
               "10: expected the end of the line after `5`, found `7`", "11: unknown test step `sennd`",
               "11: unknown expectation `pas`",
               "12: expected the name of a rule, `policy` or FILE:LINE after `by`, found "
               "end of line"}));
    const std::string tree = ast::dump(parsed.file);
    EXPECT_NE(tree.find("rule d\n    match implied (field \"tcp\" \"dport\") 22\n"), std::string::npos)
        << tree;
    EXPECT_NE(tree.find("chain last\n"), std::string::npos);
    EXPECT_NE(tree.find("define y 5\n"), std::string::npos);
}

TEST(Recovery, NamesEndWithTheirLine) {
    const Parsed parsed(
        "chain ingress {\n  ip option\n  ssh:\n  arp saddr\n  ip saddr 10.0.0.1 drop\n  exthdr\n  "
        "frag id 1\n}\n");
    EXPECT_EQ(parsed.lines(), (Lines{"2: expected a value after `option`, found end of line",
                                     "3: expected a match or a statement after `ssh:`, found end of line",
                                     "4: expected a value after `saddr`, found end of line",
                                     "6: expected a field after `exthdr`, found end of line"}));
    const std::string tree = ast::dump(parsed.file);
    EXPECT_NE(tree.find("rule\n    match implied (field \"ip\" \"saddr\") 10.0.0.1\n    (verdict drop)\n"),
              std::string::npos)
        << tree;
}

TEST(Recovery, WhatStoodBeforeAMistakeInARuleIsKept) {
    const Parsed parsed("chain ingress { a: tcp dport 22 23 drop; drop }");
    EXPECT_EQ(ast::dump(parsed.file),
              "chain ingress\n  rule a\n    match implied (field \"tcp\" \"dport\") 22\n    "
              "error\n  rule\n    (verdict drop)\n");
    EXPECT_EQ(parsed.diagnostics.all().at(0).hint, "several values stand in braces: `{ 22, 80 }`");
}

TEST(Recovery, AListGoesOnBehindABadElement) {
    const Parsed parsed("define a = { 22, %%, 80, }\n");
    EXPECT_EQ(parsed.lines(), (Lines{"1: expected a value after `,`, found `%`"}));
    EXPECT_EQ(ast::dump(parsed.file), "define a (list (element 22) (element (error)) (element 80))\n");
}

TEST(Recovery, Hints) {
    const auto hint = [](const std::string& rule) {
        const Parsed parsed("chain ingress { " + rule + " }");
        return parsed.diagnostics.all().empty() ? std::string("none") : parsed.diagnostics.all()[0].hint;
    };
    EXPECT_EQ(hint("icpm type 8 drop"), "did you mean `icmp`?");
    EXPECT_EQ(hint("udpp dport 53 drop"), "did you mean `udp`?");
    EXPECT_EQ(hint("acept"), "did you mean `accept`?");
    EXPECT_EQ(hint("tcp dport = 22 drop"), "`==` compares; it may be left out");
    EXPECT_EQ(hint("tcp dport 22 or udp dport 53 drop"), "alternatives stand in parentheses: `( … or … )`");
    EXPECT_EQ(hint("tcp dport 22 and ip saddr 10.0.0.1 drop"),
              "matches side by side must all hold: leave it out");
}

TEST(Recovery, BracketsThatAreNotClosed) {
    const Parsed chain("chain ingress {\n  drop\n");
    EXPECT_EQ(chain.lines(), (Lines{"3: expected `}`, found end of file"}));
    ASSERT_EQ(chain.diagnostics.all()[0].notes.size(), 1U);
    EXPECT_EQ(chain.diagnostics.all()[0].notes[0].span.begin, 14U);
    // The next chain shows that the first one has ended.
    const Parsed two("chain a {\n  drop\n\nchain ingress {\n  pass\n}\n");
    EXPECT_EQ(two.lines().size(), 1U) << two.messages();
    EXPECT_EQ(two.file.items.size(), 2U);
    const Parsed stray("}\nchain ingress { drop }\n");
    EXPECT_EQ(stray.lines(), (Lines{"1: expected a top-level statement, found `}`"}));
    EXPECT_EQ(stray.file.items.size(), 1U);
    const Parsed parenthesis("chain ingress {\n  ( tcp dport 22 drop\n  drop\n}\n");
    EXPECT_FALSE(parenthesis.diagnostics.all().empty());
    EXPECT_NE(ast::dump(parenthesis.file).find("(verdict drop)"), std::string::npos);
}

TEST(Recovery, BytesThatAreNotText) {
    const Parsed nul(std::string("chain ingress {\n  drop\0\n  pass\n}\n", 32));
    EXPECT_EQ(nul.lines(), (Lines{"2: byte 0x00 is not text"}));
    EXPECT_EQ(Parsed("chain ingress { \xff\xfe drop }").lines(), (Lines{"1: byte 0xff is not text"}));
    EXPECT_EQ(Parsed("chain ingress { é drop }").lines(), (Lines{"1: stray character `é`"}));
    EXPECT_EQ(Parsed("# é\nchain ingress { drop comment \"é\" }").lines(), Lines{});
    EXPECT_EQ(Parsed("chain ingress { drop comment \"\xc0\xaf\" }").lines(),
              (Lines{"1: byte 0xc0 is not text"}));
    EXPECT_EQ(Parsed("\xef\xbb\xbf# edge\r\nchain ingress {\r\n  drop\r\n}\r\n").lines(), Lines{});
    EXPECT_EQ(Parsed("define a = \"x\ndefine b = 5").lines(),
              (Lines{"1: expected a closing `\"` on the same line after `x`, found end of line"}));
}

TEST(Recovery, NumbersThatAreTooLarge) {
    EXPECT_EQ(Parsed("chain ingress { @th,99999999999999999999,8 1 drop }").lines(),
              (Lines{"1: `99999999999999999999` is too large a number"}));
    EXPECT_EQ(Parsed("test \"t\" { send ip x99999999999999999999 }").lines(),
              (Lines{"1: `99999999999999999999` is too large a number"}));
}

TEST(Recovery, WhatIsGivenTwice) {
    EXPECT_EQ(Parsed("chain ingress { policy drop; policy pass }").lines(),
              (Lines{"1: `policy` is given twice"}));
    EXPECT_EQ(Parsed("set s { type mark; type mark; file \"a\"; file \"b\" }").lines(),
              (Lines{"1: `type` is given twice", "1: `file` is given twice"}));
}

std::string repeated(const std::string& text, size_t times) {
    std::string out;
    for (size_t i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

TEST(Recovery, NestingIsLimited) {
    const size_t deep = 200000;
    for (const char* opening : {"{", "(", "~", "not ( ", "( ", "{ 1, {"}) {
        const Parsed value("define a = " + repeated(opening, deep));
        EXPECT_TRUE(value.diagnostics.has_errors()) << opening;
        const Parsed rule("chain ingress { " + repeated(opening, deep) + " }");
        EXPECT_TRUE(rule.diagnostics.has_errors()) << opening;
    }
    EXPECT_TRUE(Parsed(repeated("table t {", deep)).diagnostics.has_errors());
    EXPECT_TRUE(Parsed("define a = " + repeated("{", deep) + repeated("}", deep)).diagnostics.has_errors());
    EXPECT_TRUE(Parsed("chain i { tcp flags " + repeated("1 | ", deep) + "1 }").diagnostics.has_errors());
    EXPECT_FALSE(
        Parsed("define a = " + repeated("{", 60) + "1" + repeated("}", 60)).diagnostics.has_errors());
    EXPECT_TRUE(Parsed("define a = " + repeated("{", 65) + "1" + repeated("}", 65)).diagnostics.has_errors());
}

TEST(Recovery, MistakesWithoutNumberAreCutOff) {
    const Parsed parsed("chain ingress {\n" + repeated("bogus bogus\n", 50000) + "}\n");
    EXPECT_EQ(parsed.diagnostics.all().size(), 101U);
    EXPECT_EQ(parsed.diagnostics.all().back().kind, Diag::TooManyErrors);
}

} // namespace
} // namespace xdpc::parse_test
