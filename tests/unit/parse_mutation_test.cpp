// Random changes to a valid policy: parsing ends, does not crash, and what has no mistake survives a round
// trip.
#include "tests/unit/parse_corpus.h"
#include "tests/unit/parse_support.h"

#include <random>

namespace xdpc::parse_test {
namespace {

class Mutator {
public:
    explicit Mutator(uint32_t seed) : random_(seed) {}

    std::string mutated(std::string text) {
        const size_t changes = 1 + below(6);
        for (size_t i = 0; i < changes && !text.empty(); ++i) {
            change(text);
        }
        return text;
    }

private:
    size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(random_); }

    void change(std::string& text) {
        const size_t at = below(text.size());
        const size_t length = std::min(below(30) + 1, text.size() - at);
        switch (below(6)) {
        case 0:
            text.erase(at, length);
            break;
        case 1:
            text.insert(at, text.substr(below(text.size()), length));
            break;
        case 2:
            text[at] = static_cast<char>(below(256));
            break;
        case 3:
            text.insert(at, 1, "{}()\"#;\n,.:/-|&=@$*\\!~<>"[below(25)]);
            break;
        case 4:
            text.resize(at);
            break;
        default:
            std::swap(text[at], text[below(text.size())]);
        }
    }

    std::mt19937 random_;
};

void check(const std::string& text) {
    const Parsed first(text);
    const std::string printed = first.printed();
    EXPECT_FALSE(first.messages().empty() && first.diagnostics.has_errors());
    for (const Diagnostic& diagnostic : first.diagnostics.all()) {
        ASSERT_LE(diagnostic.span.begin, diagnostic.span.end) << text;
        ASSERT_LE(diagnostic.span.end, text.size()) << text;
    }
    if (first.diagnostics.all().empty()) {
        const Parsed second(printed);
        EXPECT_EQ(second.messages(), "") << "from\n" << text << "\nprinted\n" << printed;
        EXPECT_EQ(ast::dump(first.file), ast::dump(second.file)) << "from\n"
                                                                 << text << "\nprinted\n"
                                                                 << printed;
        EXPECT_EQ(second.printed(), printed) << "from\n" << text;
    }
}

TEST(Mutations, OfAWholePolicy) {
    const std::string policy = whole_policy();
    for (uint32_t seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
        check(Mutator(seed).mutated(policy));
    }
}

TEST(Mutations, OfSingleRulesAndItems) {
    uint32_t seed = 1;
    for (int round = 0; round < 60 && !testing::Test::HasFailure(); ++round) {
        for (const std::string& rule : rule_corpus()) {
            check("chain ingress { " + Mutator(seed++).mutated(rule) + "\n}\n");
        }
        for (const std::string& item : item_corpus()) {
            check(Mutator(seed++).mutated(item));
        }
        for (const std::string& step : step_corpus()) {
            check("test \"t\" { " + Mutator(seed++).mutated(step) + "\n}\n");
        }
    }
}

TEST(Mutations, RandomBytes) {
    std::mt19937 random(7);
    for (int i = 0; i < 300; ++i) {
        std::string text(random() % 300, '\0');
        for (char& c : text) {
            c = static_cast<char>(random() % 256);
        }
        check(text);
    }
}

TEST(Mutations, EveryPrefixOfAPolicy) {
    const std::string policy = whole_policy();
    for (size_t size = 0; size < policy.size(); size += 3) {
        check(policy.substr(0, size));
    }
}

} // namespace
} // namespace xdpc::parse_test
