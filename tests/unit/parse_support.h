// Shared by the parse tests: a text to its tree, and to its diagnostics.
#pragma once

#include "compiler/ast/print.h"
#include "compiler/parse/parse.h"

#include <gtest/gtest.h>
#include <string>

namespace xdpc::parse_test {

struct Parsed {
    Sources sources;
    Diagnostics diagnostics;
    ast::File file;

    explicit Parsed(std::string text) {
        const FileId id = sources.add("<text>", std::move(text));
        file = parse(sources.get(id), diagnostics);
    }
    std::string printed() const { return ast::print(file, sources); }
    std::string messages() const { return render(diagnostics, sources); }
    /// "LINE: message" of each diagnostic.
    std::vector<std::string> lines() const {
        std::vector<std::string> out;
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            out.push_back(std::to_string(sources.position(diagnostic.span).line) + ": " + diagnostic.message);
        }
        return out;
    }
};

/// The tree of the statements of a chain's rules, a line a node, without indentation.
inline std::string rule_tree(const std::string& rules) {
    const Parsed parsed("chain ingress {\n" + rules + "\n}\n");
    EXPECT_EQ(parsed.messages(), "") << rules;
    std::string tree = ast::dump(parsed.file);
    std::string out;
    size_t begin = 0;
    while (begin < tree.size()) {
        const size_t end = tree.find('\n', begin);
        const std::string line = tree.substr(begin, end - begin);
        const size_t text = line.find_first_not_of(' ');
        if (begin > 0 && line.substr(text) != "rule") {
            out += (out.empty() ? "" : "\n") + line.substr(text);
        }
        begin = end + 1;
    }
    return out;
}

} // namespace xdpc::parse_test
