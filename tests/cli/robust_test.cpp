// No text crashes a command: random bytes, mutated policies, deep nesting.
#include "tests/cli/command.h"

#include <gtest/gtest.h>
#include <random>

namespace xdpc::cli {
namespace {

/// Every exit is a decision of ours; more means a signal.
void expect_sane(const std::string& file, const std::string& text) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"check", file},
                                               {"fmt", file},
                                               {"emit", file, "--as", "ast"},
                                               {"emit", file, "--as", "plan"},
                                               {"test", file, "--engine", "reference"}}) {
        Command command;
        command.words = words;
        command.timeout_seconds = 20;
        const Ran ran = run(command);
        ASSERT_LE(ran.code, 1) << words[0] << ": " << ran.err << "\non\n" << text.substr(0, 4000);
        ASSERT_EQ(ran.err.find("internal error"), std::string::npos) << ran.err << "\non\n"
                                                                     << text.substr(0, 4000);
    }
}

TEST(Robust, RandomBytes) {
    const Folder folder;
    std::mt19937 random(1); // NOLINT: the same texts every time
    for (int round = 0; round < 12; ++round) {
        std::string text(random() % 600, '\0');
        for (char& c : text) {
            c = static_cast<char>(random());
        }
        expect_sane(folder.write("p.xdp", text), text);
    }
}

TEST(Robust, MutatedExamples) {
    const Folder folder;
    std::mt19937 random(2); // NOLINT
    const std::vector<std::string> files = examples();
    const std::string pieces[] = {"{",
                                  "}",
                                  "(",
                                  ")",
                                  ";",
                                  "\n",
                                  "\"",
                                  "$",
                                  "@",
                                  "\\",
                                  "0x",
                                  "-",
                                  "/",
                                  "*",
                                  "not (",
                                  "or",
                                  "99999999999999999999",
                                  "::",
                                  "test",
                                  "chain",
                                  "include \"p.xdp\"\n",
                                  "tcp",
                                  "vmap",
                                  ".",
                                  ",",
                                  "#"};
    folder.write("lists/bogons.xdp", read(XDPC_SOURCE_DIR "/examples/rules/lists/bogons.xdp"));
    for (int round = 0; round < 40; ++round) {
        std::string text = read(files[random() % files.size()]);
        for (int change = 0; change < 1 + round % 5; ++change) {
            const size_t at = random() % text.size();
            switch (random() % 4) {
            case 0:
                text.erase(at, random() % 40);
                break;
            case 1:
                text.insert(at, pieces[random() % std::size(pieces)]);
                break;
            case 2:
                text.insert(at, text.substr(random() % text.size(), random() % 60));
                break;
            default:
                text[at] = static_cast<char>(random());
            }
        }
        expect_sane(folder.write("p.xdp", text), text);
    }
}

std::string repeated(const std::string& text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) {
        out += text;
    }
    return out;
}

TEST(Robust, DeepNesting) {
    const Folder folder;
    for (const int depth : {100, 10'000, 300'000}) {
        for (const std::string& text :
             {"chain ingress { policy drop\n" + repeated("( ", depth) + "tcp dport 1" +
                  repeated(" )", depth) + " pass }\n",
              "chain ingress { policy drop\n" + repeated("not ( ", depth) + "tcp dport 1 pass }\n",
              "define a = " + repeated("{ ", depth) + "1" + repeated(" }", depth) + "\n",
              "chain ingress { policy drop\ntcp dport " + repeated("~", depth) + "1 pass }\n",
              "chain ingress { policy drop\ntcp dport 1" + repeated(" | 1", depth) + " pass }\n",
              repeated("table ip a { ", depth)}) {
            Command command;
            command.words = {"check", folder.write("p.xdp", text)};
            command.timeout_seconds = 60;
            const Ran ran = run(command);
            EXPECT_LE(ran.code, 1) << depth << ": " << text.substr(0, 60) << "…: " << ran.err.substr(0, 500);
        }
    }
}

TEST(Robust, IncludesOfThemselves) {
    const Folder folder;
    const Ran ran =
        xdpc({"check", folder.write("p.xdp", "include \"p.xdp\"\nchain ingress { policy drop }\n")});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.err.find("error[XDPC"), std::string::npos) << ran.err;
}

} // namespace
} // namespace xdpc::cli
