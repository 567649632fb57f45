// Rule lines that nft accepts (nft_lines.txt, verified with nft 1.0.6) check without an error, one by one.
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <fstream>
#include <gtest/gtest.h>

namespace xdpc {
namespace {

TEST(NftLines, AllAreAccepted) {
    std::ifstream in(XDPC_SOURCE_DIR "/tests/golden/nft_lines.txt");
    ASSERT_TRUE(in);
    size_t lines = 0;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') {
            continue;
        }
        ++lines;
        Sources sources;
        Diagnostics diagnostics;
        const FileId file =
            sources.add("line.xdp", "chain ingress {\n    policy drop\n    " + line + "\n}\n");
        const ast::File parsed = parse(sources.get(file), diagnostics);
        const auto policy = check(parsed, sources, diagnostics);
        EXPECT_TRUE(policy.has_value() && !diagnostics.has_errors()) << render(diagnostics, sources);
    }
    EXPECT_GE(lines, 500U);
}

} // namespace
} // namespace xdpc
