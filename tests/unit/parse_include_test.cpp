// Files that include each other.
#include "tests/unit/parse_support.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace xdpc::parse_test {
namespace {

class Includes : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "xdpc-parse-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((folder_ / name).parent_path());
        std::ofstream(folder_ / name) << text;
    }
    std::string tree(const std::string& name) {
        const auto file = parse_file((folder_ / name).string(), sources_, diagnostics_);
        EXPECT_TRUE(file.has_value());
        return file ? ast::dump(*file) : "";
    }

    std::filesystem::path folder_;
    Sources sources_;
    Diagnostics diagnostics_;
};

TEST_F(Includes, AreLookedUpBesideTheFileThatNamesThem) {
    write("a.xdp", "include \"sub/b.xdp\"\ndefine a = 1\n");
    write("sub/b.xdp", "include \"c.xdp\"\ndefine b = 1\n");
    write("sub/c.xdp", "define c = 1\n");
    EXPECT_EQ(tree("a.xdp"),
              "include \"sub/b.xdp\"\n  include \"c.xdp\"\n    define c 1\n  define b 1\ndefine a 1\n");
    EXPECT_EQ(render(diagnostics_, sources_), "");
}

TEST_F(Includes, ContentsOfAFileCountOnce) {
    write("a.xdp", "include \"b.xdp\"\ninclude \"./b.xdp\"\n");
    write("b.xdp", "define b = 1\n");
    EXPECT_EQ(tree("a.xdp"), "include \"b.xdp\"\n  define b 1\ninclude \"./b.xdp\"\n");
    EXPECT_FALSE(diagnostics_.has_errors());
}

TEST_F(Includes, CyclesAndMissingFilesAreReportedWhereTheyAreNamed) {
    write("a.xdp", "include \"b.xdp\"\n\ninclude \"none.xdp\"\ninclude \"/dev/zero\"\n");
    write("b.xdp", "include \"a.xdp\"\n");
    tree("a.xdp");
    ASSERT_EQ(diagnostics_.all().size(), 3U) << render(diagnostics_, sources_);
    EXPECT_EQ(diagnostics_.all()[0].kind, Diag::IncludeCycle);
    EXPECT_EQ(sources_.where(diagnostics_.all()[0].span), (folder_ / "b.xdp").string() + ":1");
    EXPECT_EQ(diagnostics_.all()[1].kind, Diag::IncludeUnreadable);
    EXPECT_EQ(sources_.where(diagnostics_.all()[1].span), (folder_ / "a.xdp").string() + ":3");
    EXPECT_EQ(diagnostics_.all()[2].kind, Diag::IncludeUnreadable);
}

TEST_F(Includes, DepthIsLimited) {
    for (int i = 0; i < 40; ++i) {
        write("f" + std::to_string(i) + ".xdp", "include \"f" + std::to_string(i + 1) + ".xdp\"\n");
    }
    tree("f0.xdp");
    ASSERT_EQ(diagnostics_.all().size(), 1U);
    EXPECT_EQ(diagnostics_.all()[0].kind, Diag::IncludeTooDeep);
}

TEST_F(Includes, AFileThatCannotBeReadFails) {
    EXPECT_FALSE(parse_file((folder_ / "none.xdp").string(), sources_, diagnostics_).has_value());
}

} // namespace
} // namespace xdpc::parse_test
