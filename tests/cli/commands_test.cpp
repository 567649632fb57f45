// Exit codes, what goes where, and JSON of every command that needs no interface.
#include "tests/cli/command.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <regex>

namespace xdpc::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* good = "chain ingress {\n"
                             "    policy drop\n"
                             "\n"
                             "    web: tcp dport 80 pass\n"
                             "}\n";
const std::string edge = XDPC_SOURCE_DIR "/examples/rules/edge.xdp";

/// Five mistakes, of syntax and of meaning, each on a line of its own.
constexpr const char* five_mistakes = "define office = { 10.0.0.0/8 }\n"
                                      "chain ingress {\n"
                                      "    policy drop\n"
                                      "    a: tcp dport 80 passs\n"        // no such verdict
                                      "    b: ip saddr $offce pass\n"      // no such define
                                      "    c: tcp dprot 22 pass\n"         // no such field
                                      "    d: tcp dport 99999 drop\n"      // too large
                                      "    e: udp dport 53 jump nowhere\n" // no such chain
                                      "    f: ip saddr $office pass\n"
                                      "}\n";

TEST(Commands, CheckOfGoodPolicy) {
    const Folder folder;
    const Ran ran = xdpc({"check", folder.write("p.xdp", good)});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("fine, 1 rule in 1 chain"), std::string::npos) << ran.out;
    EXPECT_EQ(ran.err, "");
}

TEST(Commands, CheckReportsAllFiveMistakes) {
    const Folder folder;
    const std::string file = folder.write("p.xdp", five_mistakes);
    const Ran ran = xdpc({"check", file});
    EXPECT_EQ(ran.code, 1);
    size_t errors = 0;
    for (size_t at = ran.err.find(": error[XDPC"); at != std::string::npos;
         at = ran.err.find(": error[XDPC", at + 1)) {
        ++errors;
    }
    EXPECT_EQ(errors, 5U) << ran.err;
    for (const char* line : {":4:", ":5:", ":6:", ":7:", ":8:"}) {
        EXPECT_NE(ran.err.find(file + line), std::string::npos) << line << "\n" << ran.err;
    }
    EXPECT_NE(ran.err.find("^"), std::string::npos);
    EXPECT_NE(ran.err.find("did you mean `dport`"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("office"), std::string::npos);
    EXPECT_EQ(ran.err.find("\x1b["), std::string::npos) << "colour on something that is no terminal";
}

TEST(Commands, CheckAsJson) {
    const Folder folder;
    const Ran ran = xdpc({"check", "--json", folder.write("p.xdp", five_mistakes), edge});
    EXPECT_EQ(ran.code, 1);
    const Json document = Json::parse(ran.out);
    EXPECT_FALSE(document["ok"]);
    ASSERT_EQ(document["files"].size(), 2U);
    const Json& diagnostics = document["files"][0]["diagnostics"];
    size_t errors = 0;
    for (const Json& diagnostic : diagnostics) {
        errors += diagnostic["severity"] == "error" ? 1 : 0;
        EXPECT_TRUE(diagnostic["code"].get<std::string>().starts_with("XDPC"));
        EXPECT_GT(diagnostic["line"].get<int>(), 0);
    }
    EXPECT_EQ(errors, 5U) << diagnostics.dump(2);
    EXPECT_TRUE(document["files"][1]["ok"]) << document["files"][1].dump(2);
}

TEST(Commands, UnreadableFileIsTheSystemsRefusal) {
    for (const char* command : {"check", "fmt", "test"}) {
        const Ran ran = xdpc({command, "/nonexistent/p.xdp"});
        EXPECT_EQ(ran.code, 3) << command;
        EXPECT_NE(ran.err.find("/nonexistent/p.xdp"), std::string::npos) << command << ran.err;
    }
    EXPECT_EQ(xdpc({"emit", "/nonexistent/p.xdp", "--as", "ast"}).code, 3);
    EXPECT_EQ(xdpc({"build", "/nonexistent/p.xdp", "-o", "/dev/null"}).code, 3);
    EXPECT_EQ(xdpc({"apply", "/nonexistent/p.xdp", "-i", "lo"}).code, 3);
    EXPECT_EQ(xdpc({"check", "/"}).code, 3);
}

TEST(Commands, BuildSaysAsJsonWhatCameOfIt) {
    const Folder folder;
    const std::string object = folder.write("p.o", "");
    const Ran built = xdpc({"build", "--json", edge, "-o", object});
    ASSERT_EQ(built.code, 0) << built.err;
    EXPECT_EQ(Json::parse(built.out)["bytes"], std::filesystem::file_size(object));
    const Ran wrong = xdpc({"build", "--json", folder.write("p.xdp", five_mistakes), "-o", object});
    EXPECT_EQ(wrong.code, 1);
    EXPECT_GE(Json::parse(wrong.out)["diagnostics"].size(), 5U) << wrong.out;
    EXPECT_EQ(Json::parse(xdpc({"build", "--json", "/nonexistent/p.xdp", "-o", object}).out)["ok"], false);
}

TEST(Commands, AnEarlyEndWaitsForWhatIsBeingLoaded) {
    const Folder folder;
    const std::string wrong = folder.write("p.xdp", five_mistakes);
    for (int i = 0; i < 30; ++i) { // LLVM was being loaded when the process ended: one in four died of it
        ASSERT_EQ(xdpc({"build", "/nonexistent/p.xdp", "-o", folder.write("p.o", "")}).code, 3);
        ASSERT_EQ(xdpc({"build", wrong, "-o", folder.write("p.o", "")}).code, 1);
    }
}

TEST(Commands, FmtSaysAsJsonWhatCameOfIt) {
    const Folder folder;
    const std::string fine = folder.write("fine.xdp", good);
    const std::string odd = folder.write("odd.xdp", "chain ingress { policy drop; tcp dport 80 pass }\n");
    const std::string wrong =
        folder.write("wrong.xdp", "chain ingress { policy drop; tcp dport 80 passs }\n");
    const Ran checked = xdpc({"fmt", "--check", "--json", fine, odd, wrong, "/nonexistent/p.xdp"});
    EXPECT_EQ(checked.code, 3);
    EXPECT_EQ(checked.err, "");
    const Json document = Json::parse(checked.out);
    EXPECT_EQ(document["ok"], false);
    const Json& files = document["files"];
    ASSERT_EQ(files.size(), 4U) << checked.out;
    EXPECT_EQ(files[0]["ok"], true);
    EXPECT_EQ(files[0]["formatted"], true);
    EXPECT_EQ(files[1]["file"], odd);
    EXPECT_EQ(files[1]["ok"], false);
    EXPECT_EQ(files[1]["formatted"], false);
    EXPECT_FALSE(files[2].contains("formatted"));
    EXPECT_EQ(files[2]["diagnostics"][0]["line"], 1);
    EXPECT_NE(files[3]["error"]["message"], "");
    const Ran printed = xdpc({"fmt", "--json", odd});
    EXPECT_EQ(printed.code, 0);
    EXPECT_EQ(Json::parse(printed.out)["files"][0]["text"], xdpc({"fmt", odd}).out);
}

/// Without what passes took.
std::string untimed(const std::string& text) {
    return std::regex_replace(text, std::regex(R"([0-9]+\.[0-9]+ ms)"), "… ms");
}

TEST(Commands, EmitSaysAsJsonWhatCameOfIt) {
    const Folder folder;
    const std::string wrong = folder.write("p.xdp", five_mistakes);
    for (const char* form : {"ast", "policy", "ir", "plan", "llvm", "asm"}) {
        const Json document = Json::parse(xdpc({"emit", "--json", edge, "--as", form}).out);
        EXPECT_EQ(document["ok"], true) << form;
        EXPECT_EQ(document["as"], form);
        EXPECT_EQ(untimed(document["text"]), untimed(xdpc({"emit", edge, "--as", form}).out)) << form;
        const Ran ran = xdpc({"emit", "--json", wrong, "--as", form});
        EXPECT_EQ(ran.code, 1) << form;
        EXPECT_EQ(ran.err, "") << form;
        const Json mistakes = Json::parse(ran.out);
        EXPECT_EQ(mistakes["ok"], false) << form;
        EXPECT_FALSE(mistakes["diagnostics"].empty()) << form;
        EXPECT_EQ(mistakes.contains("text"), std::string(form) == "ast") << "a tree there always is";
    }
    const Ran unread = xdpc({"emit", "--json", "/nonexistent/p.xdp", "--as", "ir"});
    EXPECT_EQ(unread.code, 3);
    EXPECT_TRUE(Json::parse(unread.out).contains("error")) << unread.out;
}

TEST(Commands, HelpIsAlsoACommand) {
    EXPECT_EQ(xdpc({"help"}).out, xdpc({"--help"}).out);
    EXPECT_EQ(xdpc({"help", "check"}).out, xdpc({"check", "--help"}).out);
    EXPECT_EQ(xdpc({"help"}).code, 0);
}

TEST(Commands, Usage) {
    EXPECT_EQ(xdpc({}).code, 2);
    EXPECT_EQ(xdpc({"check"}).code, 2);
    EXPECT_EQ(xdpc({"emit", edge, "--as", "nothing"}).code, 2);
    EXPECT_EQ(xdpc({"check", "--kernel", "5.4", edge}).code, 2);
    EXPECT_EQ(xdpc({"trace", edge}).code, 2);
    EXPECT_EQ(xdpc({"stats", "-i", "lo", "--watch", "soon"}).code, 2);
    EXPECT_EQ(xdpc({"apply", edge}).code, 2);
    EXPECT_EQ(xdpc({"apply", "-i", "lo"}).code, 2);
    EXPECT_EQ(xdpc({"apply", "-i", edge}).code, 2);
    EXPECT_EQ(xdpc({"apply", "-i", "lo", edge, "--dry-run"}).code,
              xdpc({"apply", edge, "-i", "lo", "--dry-run"}).code);
    const Ran command = xdpc({"chek", edge});
    EXPECT_EQ(command.code, 2);
    EXPECT_NE(command.err.find("did you mean `check`"), std::string::npos) << command.err;
    const Ran option = xdpc({"check", "--verfy", edge});
    EXPECT_EQ(option.code, 2);
    EXPECT_NE(option.err.find("did you mean `--verify`"), std::string::npos) << option.err;
    for (const char* later : {"confirm", "rollback", "diff", "bench", "import", "lsp"}) {
        const Ran ran = xdpc({later, "x"});
        EXPECT_EQ(ran.code, 2) << later;
        EXPECT_NE(ran.err.find("not yet supported"), std::string::npos) << ran.err;
    }
}

TEST(Commands, HelpAndVersion) {
    const Ran help = xdpc({"--help"});
    EXPECT_EQ(help.code, 0);
    for (const char* name : {"check", "test", "trace", "apply", "show", "stats", "detach", "fmt", "build",
                             "emit", "features", "completion", "version"}) {
        EXPECT_NE(help.out.find(name), std::string::npos) << name;
        EXPECT_EQ(xdpc({name, "--help"}).code, 0) << name;
    }
    EXPECT_EQ(xdpc({"version"}).out, xdpc({"--version"}).out);
    EXPECT_TRUE(xdpc({"version"}).out.starts_with("xdpc "));
    EXPECT_EQ("xdpc " + Json::parse(xdpc({"version", "--json"}).out)["version"].get<std::string>() + "\n",
              xdpc({"version"}).out);
}

TEST(Commands, EmitPrintsEachStage) {
    for (const char* form : {"ast", "policy", "ir", "plan", "llvm", "asm"}) {
        const Ran ran = xdpc({"emit", edge, "--as", form});
        EXPECT_EQ(ran.code, 0) << form << ran.err;
        EXPECT_GT(ran.out.size(), 100U) << form;
    }
    EXPECT_NE(xdpc({"emit", edge, "--as", "llvm"}).out.find("define"), std::string::npos);
    EXPECT_NE(xdpc({"emit", edge, "--as", "asm"}).out.find("exit"), std::string::npos);
}

TEST(Commands, ClosedPipeIsNoFailure) {
    Command command;
    command.words = {"emit", edge, "--as", "policy"};
    command.close_output = true;
    EXPECT_EQ(run(command).code, 0);
}

TEST(Commands, FileThatCannotBeReadIsNoInternalError) {
    for (const char* command : {"check", "fmt"}) {
        const Ran ran = xdpc({command, "/proc/self/mem"}); // opens, and fails to be read
        EXPECT_EQ(ran.code, 3) << ran.err;
        EXPECT_NE(ran.err.find("cannot read `/proc/self/mem`"), std::string::npos) << ran.err;
    }
}

TEST(Commands, EndlessFileIsRefused) {
    const Ran ran = xdpc({"check", "/dev/zero"});
    EXPECT_EQ(ran.code, 3);
    EXPECT_NE(ran.err.find("is larger than 64 MiB"), std::string::npos) << ran.err;
}

TEST(Commands, FullDiskIsAFailure) {
    Command command;
    command.program = "/bin/sh";
    command.words = {"-c", std::string(XDPC_BINARY_DIR "/xdpc emit ") + edge + " --as policy > /dev/full"};
    EXPECT_EQ(run(command).code, 3);
}

TEST(Commands, CompletionScriptsAreValid) {
    const Folder folder;
    const Ran bash = xdpc({"completion", "bash"});
    ASSERT_EQ(bash.code, 0);
    Command check;
    check.program = "/bin/bash";
    // The function completes commands and options.
    check.words = {"-c", "source " + folder.write("completion", bash.out) +
                             "; COMP_WORDS=(xdpc ap); COMP_CWORD=1; _xdpc; echo ${COMPREPLY[*]}"
                             "; COMP_WORDS=(xdpc check --ver); COMP_CWORD=2; _xdpc; echo ${COMPREPLY[*]}"
                             "; COMP_WORDS=(xdpc emit --as a); COMP_CWORD=3; _xdpc; echo ${COMPREPLY[*]}"};
    const Ran ran = run(check);
    EXPECT_EQ(ran.out, "apply\n--verify\nast asm\n") << ran.err;
    EXPECT_NE(xdpc({"completion", "zsh"}).out.find("#compdef xdpc"), std::string::npos);
    EXPECT_NE(xdpc({"completion", "fish"}).out.find("complete -c xdpc"), std::string::npos);
}

TEST(Commands, ManualKnowsEveryCommandAndOption) {
    std::string manual = read(XDPC_SOURCE_DIR "/packaging/xdpc.1");
    std::erase(manual, '\\');                                  // "\\-\\-json"
    const std::string fish = xdpc({"completion", "fish"}).out; // has each on a line
    for (size_t at = fish.find("__fish_use_subcommand -f -a "); at != std::string::npos;
         at = fish.find("__fish_use_subcommand -f -a ", at + 1)) {
        const size_t from = at + std::string("__fish_use_subcommand -f -a ").size();
        const std::string name = fish.substr(from, fish.find(' ', from) - from);
        EXPECT_NE(manual.find("xdpc " + name), std::string::npos) << name;
    }
    for (size_t at = fish.find(" -l "); at != std::string::npos; at = fish.find(" -l ", at + 1)) {
        const std::string name = "--" + fish.substr(at + 4, fish.find(' ', at + 4) - at - 4);
        if (name != "--help" && name != "--interface" && name != "--output" && name != "--verbose") {
            EXPECT_NE(manual.find(name), std::string::npos) << name;
        }
    }
}

TEST(Commands, FeaturesAsJson) {
    const Ran ran = xdpc({"features", "--json"});
    EXPECT_EQ(ran.code, 0);
    const Json document = Json::parse(ran.out);
    EXPECT_FALSE(document["features"].empty());
    EXPECT_EQ(xdpc({"features"}).code, 0);
}

TEST(Commands, FieldReferenceIsUpToDate) {
    EXPECT_EQ(xdpc({"features", "--fields"}).out, read(XDPC_SOURCE_DIR "/grammar/FIELDS.md"))
        << "run: build/xdpc features --fields > grammar/FIELDS.md";
}

TEST(Commands, PlainCommandsDoNotLoadLlvm) {
    Command command;
    command.program = "/usr/bin/env";
    command.words = {"ldd", XDPC_BINARY_DIR "/xdpc"};
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 0);
    EXPECT_EQ(ran.out.find("LLVM"), std::string::npos) << ran.out;
    // Nor at run time: the loader says what it opens.
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"check", edge},
                                               {"fmt", edge},
                                               {"emit", edge, "--as", "plan"},
                                               {"test", edge, "--engine", "reference"},
                                               {"show"},
                                               {"trace", edge, "tcp dport 80"}}) {
        Command plain;
        plain.words = words;
        plain.environment = {"LD_DEBUG=files"};
        EXPECT_EQ(run(plain).err.find("LLVM"), std::string::npos) << words[0];
    }
}

} // namespace
} // namespace xdpc::cli
