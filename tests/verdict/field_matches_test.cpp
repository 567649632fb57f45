// Every field of the table, from text to verdict: what a policy writes about it holds for packets that have
// the value, fails for near misses, and fails wherever the packet is cut so that the field is gone.
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "compiler/policy/evaluate.h"
#include "tests/harness/field_cases.h"
#include "tests/harness/recipe_text.h"

#include <gtest/gtest.h>
#include <map>

namespace xdpc::test {
namespace {

/// `MATCH drop`, else pass; compiled once a text.
class Policies {
public:
    const Policy* with(const std::string& match) {
        const auto [at, is_new] = policies_.try_emplace(match);
        if (is_new) {
            Sources sources;
            Diagnostics diagnostics;
            const std::string text = "chain ingress {\n    policy pass\n    " + match + " drop\n}\n";
            const FileId file = sources.add("<text>", text);
            at->second = check(parse_with_includes(file, sources, diagnostics), sources, diagnostics);
            if (!at->second) {
                ADD_FAILURE() << match << "\n" << render(diagnostics, sources);
            }
        }
        return at->second ? &*at->second : nullptr;
    }

private:
    std::map<std::string, std::optional<Policy>> policies_;
};

bool matches(const Policy& policy, std::span<const uint8_t> frame) {
    State state(policy);
    PacketView view;
    view.frame = frame;
    return evaluate(policy, state, view).action == Action::Drop;
}

TEST(FieldMatches, HoldForTheValueAndOnlyForIt) {
    Policies policies;
    for (const FieldCase& c : field_cases()) {
        for (const MatchText& match : match_texts(c.key, c.value)) {
            if (const Policy* policy = policies.with(match.text)) {
                EXPECT_EQ(matches(*policy, c.frame), match.holds) << match.text << "\n"
                                                                  << c.name << "\n"
                                                                  << hex_text(c.frame);
            }
        }
    }
}

TEST(FieldMatches, FailWhereverTheFieldIsCut) {
    Policies policies;
    for (const FieldCase& c : field_cases()) {
        const auto texts = match_texts(c.key, c.value);
        for (size_t size = 0; size < c.needed; ++size) {
            const MatchText& match = texts[size % texts.size()];
            if (const Policy* policy = policies.with(match.text)) {
                EXPECT_EQ(matches(*policy, std::span(c.frame).first(size)), match.holds_absent)
                    << match.text << "\n"
                    << c.name << " cut to " << size;
            }
        }
    }
}

TEST(FieldMatches, FailWhereTheHeaderCannotBeReached) {
    Policies policies;
    for (const AbsentCase& c : absent_cases()) {
        for (const MatchText& match : match_texts(c.key, 1)) {
            if (const Policy* policy = policies.with(match.text)) {
                EXPECT_EQ(matches(*policy, c.frame), match.holds_absent) << match.text << "\n" << c.name;
            }
        }
    }
}

TEST(FieldMatches, ExistenceAndMeta) {
    Policies policies;
    for (const auto& cases : {exists_cases(), meta_cases()}) {
        for (const ToldCase& c : cases) {
            for (const MatchText& match : match_texts(c.key, c.value.value_or(1))) {
                if (const Policy* policy = policies.with(match.text)) {
                    const bool expected = c.value ? match.holds : match.holds_absent;
                    EXPECT_EQ(matches(*policy, c.frame), expected) << match.text << "\n" << c.name;
                }
            }
        }
    }
}

} // namespace
} // namespace xdpc::test
