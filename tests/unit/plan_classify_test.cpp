// Tables that answer many rules at once: whatever their form, they find the first box that holds a packet.
#include "compiler/plan/classify/classify.h"
#include "compiler/plan/classify/layout.h"
#include "compiler/plan/plan.h"
#include "tests/harness/policy_builder.h"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace xdpc::classify {
namespace {

struct Shape {
    std::vector<unsigned> widths;
    unsigned presence = 0;
    size_t boxes = 0;
    size_t bases = 0; // addresses are near one of so many: rules overlap
};

Range random_range(std::mt19937_64& random, unsigned width, const std::vector<uint32_t>& bases) {
    const auto most = static_cast<uint32_t>(max_of_width(width));
    const uint32_t number = static_cast<uint32_t>(bases[random() % bases.size()] ^ random() % 300) & most;
    switch (random() % 6) {
    case 0:
        return {0, most};
    case 1:
        return {number, number};
    case 2: {
        const auto other = static_cast<uint32_t>(random()) & most;
        return {std::min(number, other), std::max(number, other)};
    }
    default: {
        const uint32_t open = static_cast<uint32_t>(max_of_width(random() % (width + 1)));
        return {number & ~open, (number | open) & most};
    }
    }
}

RuleSet random_set(const Shape& shape, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<uint32_t> bases;
    for (size_t i = 0; i < shape.bases; ++i) {
        bases.push_back(static_cast<uint32_t>(random()));
    }
    RuleSet set;
    for (unsigned i = 0; i < shape.widths.size(); ++i) {
        set.fields.push_back({{ir::KeyId{i}}, max_of_width(shape.widths[i]), 0, shape.widths[i], i});
    }
    for (unsigned i = 0; i < shape.presence; ++i) {
        set.presence.push_back(ir::KeyId{i});
    }
    uint32_t rule = 0;
    for (size_t i = 0; i < shape.boxes; ++i) {
        for (const unsigned width : shape.widths) {
            set.ranges.push_back(random_range(random, width, bases));
        }
        set.needs.push_back(static_cast<uint32_t>(random() & random() & max_of_width(shape.presence)));
        set.rules.push_back(rule);
        rule += random() % 4 ? 1 : 0; // some rules have several boxes
    }
    return set;
}

const std::vector<Shape> shapes = {
    {{32, 32, 16, 16, 8}, 6, 200, 60},
    {{32, 32, 16, 16}, 4, 800, 400},
    {{16}, 0, 100, 4},
    {{32}, 1, 2000, 300},
    {{8, 1, 16}, 3, 60, 3},
    {{32, 32, 32, 32, 16, 8}, 7, 400, 12},
    {{32, 20, 3, 12}, 12, 300, 5},
};

class Tables : public testing::TestWithParam<size_t> {};

TEST_P(Tables, AgreeWithTheList) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        const RuleSet set = random_set(shapes[GetParam()], seed);
        const auto rfc = build_rfc(set, {});
        const auto forest = build_forest(set, {});
        const auto pairs = build_pairs(set, {});
        ASSERT_TRUE(rfc || forest || pairs) << "none could be built";
        size_t hits = 0;
        for (const Header& header : sample_headers(set, 3000, seed + 100)) {
            const uint32_t expected = first_match(set, header);
            hits += expected != no_rule ? 1 : 0;
            if (rfc) {
                ASSERT_EQ(look_up(*rfc, header), expected);
            }
            if (forest) {
                ASSERT_EQ(look_up(*forest, set, header), expected);
            }
            if (pairs) {
                ASSERT_EQ(look_up(*pairs, set, header), expected);
            }
        }
        EXPECT_GT(hits, 1000U);
    }
}
INSTANTIATE_TEST_SUITE_P(Shapes, Tables, testing::Range<size_t>(0, shapes.size()));

TEST(Classify, WideRulesAreClassesBesideTrees) {
    size_t wide = 0;
    for (const Shape& shape : shapes) {
        const RuleSet set = random_set(shape, 5);
        const auto forest = build_forest(set, {});
        if (!forest || !forest->wide) {
            continue;
        }
        ++wide;
        for (const Header& header : sample_headers(set, 3000, 6)) {
            ASSERT_EQ(look_up(*forest, set, header), first_match(set, header));
        }
    }
    EXPECT_GT(wide, 0U);
}

/// Two keys of 128 bits, of which boxes fix a prefix, each longer than one before it or at random; and a
/// port.
RuleSet prefixes_of_128_bits(size_t boxes, uint64_t seed) {
    std::mt19937_64 random(seed);
    RuleSet set;
    for (unsigned i = 0; i < 8; ++i) { // from the lowest piece
        set.fields.push_back({{ir::KeyId{i / 4}}, ~u128{0}, i % 4 * 32, 32, i / 4 * 4});
    }
    set.fields.push_back({{ir::KeyId{2}}, 0xffff, 0, 16, 8});
    for (uint32_t box = 0; box < boxes; ++box) {
        for (unsigned key = 0; key < 2; ++key) {
            const unsigned length = std::array{0U, 32U, 48U, 64U, 100U, 128U}[random() % 6];
            std::array<Range, 4> pieces;
            for (unsigned piece = 0; piece < 4; ++piece) { // from the highest
                const unsigned fixed = std::min(32U, length > 32 * piece ? length - 32 * piece : 0);
                const auto open = static_cast<uint32_t>(max_of_width(32 - fixed));
                const auto number = static_cast<uint32_t>(random() % 3 << 20 | random() % 3) & ~open;
                pieces[3 - piece] = {number, number | open};
            }
            set.ranges.insert(set.ranges.end(), pieces.begin(), pieces.end());
        }
        const auto port = static_cast<uint32_t>(random() % 200);
        set.ranges.push_back(random() % 3 ? Range{port, port} : Range{0, 65535});
        set.needs.push_back(0);
        set.rules.push_back(box);
    }
    return set;
}

TEST(Classify, PairsOfLongKeysAgreeWithTheList) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        const RuleSet set = prefixes_of_128_bits(seed * 300, seed);
        const auto pairs = build_pairs(set, {});
        ASSERT_TRUE(pairs);
        EXPECT_EQ(pairs->axes[0].pieces.size(), 4U);
        EXPECT_EQ(pairs->axes[1].pieces.size(), 4U);
        size_t hits = 0;
        for (const Header& header : sample_headers(set, 5000, seed + 100)) {
            const uint32_t expected = first_match(set, header);
            hits += expected != no_rule ? 1 : 0;
            ASSERT_EQ(look_up(*pairs, set, header), expected);
        }
        EXPECT_GT(hits, 2500U);
    }
}

TEST(Classify, ManyRulesThatLeaveAKeyOpenHaveListsOfTheirOwn) {
    RuleSet set = random_set({{32, 32, 16, 16}, 2, 3000, 2000}, 3);
    for (size_t box = 0; box < set.size(); ++box) { // a third leaves the first open, a third the second
        if (box % 3 != 0) {
            set.ranges[4 * box + box % 3 - 1] = {0, 0xffffffff};
        }
    }
    const auto pairs = build_pairs(set, {});
    ASSERT_TRUE(pairs);
    EXPECT_GE(pairs->parts.size(), 3U);
    for (const Header& header : sample_headers(set, 5000, 9)) {
        ASSERT_EQ(look_up(*pairs, set, header), first_match(set, header));
    }
}

TEST(Classify, SmallSetsHaveAllForms) {
    const RuleSet set = random_set({{32, 16, 8}, 3, 60, 20}, 7);
    EXPECT_TRUE(build_pairs(set, {}));
    EXPECT_TRUE(build_rfc(set, {}));
    EXPECT_TRUE(build_forest(set, {}));
}

TEST(Classify, BudgetsAreKept) {
    const RuleSet set = random_set(shapes[1], 7);
    Budget budget;
    budget.bytes = budget.rfc_bytes = 1000;
    EXPECT_FALSE(build_rfc(set, budget));
    EXPECT_FALSE(build_forest(set, budget));
    EXPECT_FALSE(build_pairs(set, budget));
    EXPECT_FALSE(build(set, budget));
    budget.rfc_bytes = size_t{8} << 20;
    EXPECT_FALSE(build_rfc(set, budget)); // what is left for all tables counts too
    budget.rfc_bytes = 1000;
    budget.bytes = size_t{8} << 20;
    const auto classifier = build(set, budget);
    ASSERT_TRUE(classifier);
    EXPECT_STRNE(name_of(classifier->tables), "rfc");
    EXPECT_LE(classifier->bytes, budget.bytes);
    EXPECT_FALSE(classifier->refused.empty());
}

TEST(Classify, WhatTablesAreForDecidesBetweenThem) {
    const RuleSet set = random_set({{32, 32, 16}, 2, 400, 60}, 5);
    Budget budget;
    const auto quick = build(set, budget);
    budget.aim = Optimize::Speed;
    const auto fast = build(set, budget);
    budget.aim = Optimize::Size;
    const auto small = build(set, budget);
    ASSERT_TRUE(quick && fast && small);
    EXPECT_STREQ(name_of(quick->tables), "pairs");
    EXPECT_LE(fast->ns, quick->ns);
    EXPECT_LE(fast->ns, small->ns);
    EXPECT_LT(small->bytes, quick->bytes);
    EXPECT_LE(small->bytes, fast->bytes);
    EXPECT_EQ(fast->refused.size(), 2U); // the others were built, too
}

using test::match;
using test::PolicyBuilder;
using test::verdict;

Plan plan_of(const ir::Program& program) {
    Diagnostics diagnostics;
    auto plan = choose(program, {}, diagnostics);
    EXPECT_TRUE(plan);
    return plan ? std::move(*plan) : Plan{};
}

void add_pure(PolicyBuilder& b, size_t from, size_t count) {
    for (size_t i = from; i < from + count; ++i) {
        b.rule({match(test::field(FieldId::IpSaddr, 0x0a000000 + i)),
                match(test::field(FieldId::TcpDport, i % 50)), verdict(Drop{})});
    }
}

TEST(Slices, PureRulesAreOneSlice) {
    PolicyBuilder b;
    add_pure(b, 0, 300);
    const ir::Program program = ir::flatten(b.get());
    const Plan plan = plan_of(program);
    ASSERT_EQ(plan.chains[0].slices.size(), 1U);
    const Slice& slice = plan.chains[0].slices[0];
    EXPECT_EQ(slice.begin, 0U);
    EXPECT_EQ(slice.end, 300U);
    EXPECT_TRUE(slice.coded.empty());
    EXPECT_TRUE(slice.other);
    EXPECT_FALSE(slice.ip6);
    EXPECT_LT(plan.estimated_instructions, 1000U);
    EXPECT_TRUE(plan.specialise.enabled);
}

TEST(Slices, ARuleThatMayLeadOnEndsASlice) {
    PolicyBuilder b;
    const ChainId chain = b.chain("other");
    add_pure(b, 0, 100);
    b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{chain})});
    add_pure(b, 100, 100);
    const Plan plan = plan_of(ir::flatten(b.get()));
    ASSERT_EQ(plan.chains[0].slices.size(), 2U);
    EXPECT_EQ(plan.chains[0].slices[0].end, 101U);
    EXPECT_EQ(plan.chains[0].slices[0].coded, std::vector<uint32_t>{100});
    EXPECT_EQ(plan.chains[0].slices[1].begin, 101U);
}

TEST(Slices, RulesThatExcludeEachOtherShareASliceThoughTheyLeadOn) {
    PolicyBuilder b;
    const ChainId chain = b.chain("other");
    for (size_t i = 0; i < 100; ++i) {
        b.rule({match(test::field(FieldId::IpSaddr, i)), verdict(Jump{chain})});
    }
    const Plan plan = plan_of(ir::flatten(b.get()));
    ASSERT_EQ(plan.chains[0].slices.size(), 1U);
    EXPECT_EQ(plan.chains[0].slices[0].end, 100U);
    EXPECT_EQ(plan.chains[0].slices[0].coded.size(), 1U) << "all go to one chain";
}

TEST(Slices, ManyShareTheMemory) {
    PolicyBuilder b;
    const ChainId chain = b.chain("other");
    for (size_t i = 0; i < 40; ++i) {
        add_pure(b, 100 * i, 100);
        b.rule({match(test::field(FieldId::IpTtl, 1)), verdict(Jump{chain})});
    }
    PlanOptions options;
    options.classifier_budget.bytes = size_t{2} << 20; // classes alone would take a quarter of it each
    Diagnostics diagnostics;
    const auto plan = choose(ir::flatten(b.get()), options, diagnostics);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->chains[0].slices.size(), 40U);
    size_t bytes = 0;
    for (const Classifier& classifier : plan->classifiers) {
        bytes += classifier.bytes;
    }
    EXPECT_LE(bytes, options.classifier_budget.bytes);
}

TEST(Slices, FamiliesHaveTablesOfTheirOwn) {
    PolicyBuilder b;
    add_pure(b, 0, 50);
    for (size_t i = 0; i < 50; ++i) {
        b.rule({match(test::field(FieldId::Ip6Saddr, i)), verdict(Drop{})});
    }
    const ir::Program program = ir::flatten(b.get());
    const Plan plan = plan_of(program);
    ASSERT_EQ(plan.chains[0].slices.size(), 1U);
    const Slice& slice = plan.chains[0].slices[0];
    ASSERT_TRUE(slice.other && slice.ip6);
    EXPECT_EQ(plan.classifiers[*slice.other].set.size(), 50U);
    EXPECT_EQ(plan.classifiers[*slice.ip6].set.size(), 50U);
    EXPECT_EQ(plan.classifiers[*slice.ip6].set.fields.size(), 4U) << "an address is four words";
}

} // namespace
} // namespace xdpc::classify
