// xdpc fmt: canonical, stable, careful with files.
#include "tests/cli/command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace xdpc::cli {
namespace {

constexpr const char* ugly = "chain   ingress{policy drop;web:tcp   dport {80,443} accept}\n";

TEST(Fmt, ExamplesAreFormatted) {
    for (const std::string& file : examples()) {
        const Ran ran = xdpc({"fmt", "--check", file});
        EXPECT_EQ(ran.code, 0) << file << ran.both();
        EXPECT_EQ(xdpc({"fmt", file}).out, read(file)) << file;
    }
}

TEST(Fmt, IsAFixedPoint) {
    const Folder folder;
    const Ran once = xdpc({"fmt", folder.write("p.xdp", ugly)});
    ASSERT_EQ(once.code, 0) << once.err;
    EXPECT_NE(once.out, ugly);
    EXPECT_EQ(xdpc({"fmt", folder.write("q.xdp", once.out)}).out, once.out);
}

TEST(Fmt, CheckListsAndChangesNothing) {
    const Folder folder;
    const std::string file = folder.write("p.xdp", ugly);
    const Ran ran = xdpc({"fmt", "--check", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_NE(ran.out.find(file), std::string::npos);
    EXPECT_EQ(read(file), ugly);
}

TEST(Fmt, WriteKeepsModeAndLinks) {
    const Folder folder;
    const std::string file = folder.write("p.xdp", ugly);
    chmod(file.c_str(), 0640);
    const std::string link = folder.path("link.xdp");
    ASSERT_EQ(symlink("p.xdp", link.c_str()), 0);
    EXPECT_EQ(xdpc({"fmt", "-i", link}).code, 0);
    struct stat info{};
    ASSERT_EQ(lstat(link.c_str(), &info), 0);
    EXPECT_TRUE(S_ISLNK(info.st_mode));
    ASSERT_EQ(stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0640U);
    EXPECT_NE(read(file), ugly);
    EXPECT_EQ(xdpc({"fmt", "--check", file}).code, 0);
}

TEST(Fmt, LeavesAFileWithMistakesAlone) {
    const Folder folder;
    const std::string text = "chain ingress { policy drop; tcp dport }\n";
    const std::string file = folder.write("p.xdp", text);
    EXPECT_EQ(xdpc({"fmt", "--write", file}).code, 1);
    EXPECT_EQ(read(file), text);
}

TEST(Fmt, StandardInput) {
    Command command;
    command.words = {"fmt", "-"};
    command.input = ugly;
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_NE(ran.out.find("web: tcp dport { 80, 443 } pass"), std::string::npos) << ran.out;
    command.words = {"fmt", "-i", "-"};
    EXPECT_EQ(run(command).code, 2);
}

} // namespace
} // namespace xdpc::cli
