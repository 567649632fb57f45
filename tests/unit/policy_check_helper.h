// Policies in tests: text to checked policy or to the diagnostics it provokes.
#pragma once

#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"

#include <gtest/gtest.h>
#include <set>

namespace xdpc {

struct Checked {
    Sources sources;
    Diagnostics diagnostics;
    std::optional<Policy> policy;
    [[nodiscard]] std::string rendered() const { return render(diagnostics, sources); }
    /// Names of the rows that were provoked.
    [[nodiscard]] std::set<std::string> kinds() const {
        std::set<std::string> names;
        for (const Diagnostic& diagnostic : diagnostics.all()) {
            names.insert(info(diagnostic.kind).id);
        }
        return names;
    }
};

inline Checked check_text(const std::string& text) {
    Checked result;
    const FileId file = result.sources.add("test.xdp", text);
    const ast::File parsed = parse_with_includes(file, result.sources, result.diagnostics);
    result.policy = check(parsed, result.sources, result.diagnostics);
    return result;
}

/// The one rule `RULE` in a chain with `policy drop`; `before` stands in front of the chain.
inline Checked check_rule_text(const std::string& rule, const std::string& before = "") {
    return check_text(before + "\nchain ingress {\n    policy drop\n    " + rule + "\n}\n");
}

/// What print() says of the statements of that rule, "; " between them; the diagnostics if it is wrong.
inline std::string meaning(const std::string& rule, const std::string& before = "") {
    const Checked checked = check_rule_text(rule, before);
    if (!checked.policy) {
        return checked.rendered();
    }
    const std::string text = print(*checked.policy);
    std::string result;
    for (size_t at = text.find("\n    "); at != std::string::npos; at = text.find("\n    ", at + 1)) {
        const size_t begin = at + 5;
        result += (result.empty() ? "" : "; ") + text.substr(begin, text.find('\n', begin) - begin);
    }
    return result;
}

} // namespace xdpc
