// Elements that overlap, in place: which answers as they come, go and expire, and that nothing is left of
// them.
#include "tests/unit/sets_support.h"

#include <gtest/gtest.h>

namespace xdpc::sets {
namespace {

struct Overlapping {
    explicit Overlapping(bool has_timeout, uint32_t size = 1000)
        : shape{.kind = Kind::Interval,
                .parts = {32},
                .size = size,
                .has_timeout = has_timeout,
                .auto_merge = true},
          memory(shape), table(Table::create(memory.span(), shape, [] {})) {}

    /// A prefix; what kept it out.
    std::optional<Problem> add(uint32_t address, unsigned length, uint64_t expires = 0) {
        const uint32_t high = address | (length == 32 ? 0 : UINT32_MAX >> length);
        const auto added = table.add({.low = {&address, 1}, .high = {&high, 1}, .expires_ns = expires}, 1);
        return added ? std::nullopt : std::optional(added.error().problem);
    }
    std::optional<Problem> remove(uint32_t address, unsigned length) {
        const uint32_t high = address | (length == 32 ? 0 : UINT32_MAX >> length);
        const auto removed = table.remove({&address, 1}, {&high, 1}, 1);
        return removed ? std::nullopt : std::optional(removed.error().problem);
    }
    /// The first and the last key of what answers; 0 and 0: nothing.
    std::pair<uint32_t, uint32_t> answer(uint32_t key, uint64_t now = 1) const {
        const auto number = table.lookup({&key, 1}, now);
        if (!number) {
            return {0, 0};
        }
        const Element element = table.element(*number);
        return {element.low[0], element.high[0]};
    }

    Shape shape;
    Memory memory;
    Table table;
};
using Ends = std::pair<uint32_t, uint32_t>;

TEST(SetsOverlaps, TheNextAnswersWhenOneHasExpired) {
    Overlapping set(true);
    EXPECT_EQ(set.add(0x0a000000, 8), std::nullopt);
    EXPECT_EQ(set.add(0x0a010200, 24, 100), std::nullopt);
    EXPECT_EQ(set.add(0x0a010000, 16, 200), std::nullopt) << "between the two";
    EXPECT_EQ(set.answer(0x0a010203), Ends(0x0a010200, 0x0a0102ff));
    EXPECT_EQ(set.answer(0x0a010203, 100), Ends(0x0a010000, 0x0a01ffff));
    EXPECT_EQ(set.answer(0x0a010303), Ends(0x0a010000, 0x0a01ffff));
    EXPECT_EQ(set.answer(0x0a010203, 200), Ends(0x0a000000, 0x0affffff));
    EXPECT_EQ(set.answer(0x0a020000), Ends(0x0a000000, 0x0affffff));
    EXPECT_EQ(set.remove(0x0a010000, 16), std::nullopt);
    EXPECT_EQ(set.answer(0x0a010203, 100), Ends(0x0a000000, 0x0affffff));
    EXPECT_EQ(set.remove(0x0a000000, 8), std::nullopt);
    EXPECT_EQ(set.answer(0x0a010203), Ends(0x0a010200, 0x0a0102ff));
    EXPECT_EQ(set.answer(0x0a010203, 100), Ends(0, 0));
    EXPECT_EQ(set.answer(0x0a010303), Ends(0, 0));
}

TEST(SetsOverlaps, ANinthOverAPointNeedsANewArray) {
    Overlapping set(true);
    for (unsigned length = 8; length < 16; ++length) {
        ASSERT_EQ(set.add(0x0a000000, length), std::nullopt) << length;
    }
    EXPECT_EQ(set.add(0x0a000000, 16), Problem::Rebuild);
    EXPECT_EQ(set.answer(0x0a000001), Ends(0x0a000000, 0x0a01ffff)) << "nothing has changed";
    EXPECT_EQ(set.remove(0x0a000000, 8), std::nullopt);
    EXPECT_EQ(set.add(0x0a000000, 16), std::nullopt);
    EXPECT_EQ(set.answer(0x0a000001), Ends(0x0a000000, 0x0a00ffff));
}

/// Around one element: whatever is put over it and taken away, no page is lost.
TEST(SetsOverlaps, PagesComeBack) {
    for (const bool has_timeout : {false, true}) {
        Overlapping set(has_timeout);
        ASSERT_EQ(set.add(0x0a010203, 32), std::nullopt);
        ASSERT_EQ(set.add(0x0a000000, 8), std::nullopt);
        ASSERT_EQ(set.remove(0x0a000000, 8), std::nullopt);
        const uint32_t pages = set.table.statistics().pages_used;
        for (int round = 0; round < 100; ++round) {
            for (const unsigned length : {8U, 24U, 16U, 12U}) {
                ASSERT_EQ(set.add(0x0a010203 & ~(UINT32_MAX >> length), length), std::nullopt);
            }
            for (const unsigned length : {16U, 8U, 12U, 24U}) {
                ASSERT_EQ(set.remove(0x0a010203 & ~(UINT32_MAX >> length), length), std::nullopt);
            }
            ASSERT_EQ(set.table.statistics().pages_used, pages) << "round " << round;
        }
        EXPECT_EQ(set.answer(0x0a010203), Ends(0x0a010203, 0x0a010203));
        EXPECT_EQ(set.answer(0x0a010204), Ends(0, 0));
    }
}

/// All of them are hidden by narrower ones, and found all the same.
TEST(SetsOverlaps, WhatNobodySeesIsThere) {
    Overlapping set(false);
    ASSERT_EQ(set.add(0x0a000000, 30), std::nullopt);
    for (uint32_t i = 0; i < 4; ++i) {
        ASSERT_EQ(set.add(0x0a000000 + i, 32), std::nullopt);
    }
    EXPECT_EQ(set.answer(0x0a000002), Ends(0x0a000002, 0x0a000002));
    EXPECT_EQ(set.add(0x0a000000, 30), Problem::Exists);
    EXPECT_EQ(set.add(0x0a000000, 31), std::nullopt);
    EXPECT_EQ(set.remove(0x0a000001, 32), std::nullopt);
    EXPECT_EQ(set.answer(0x0a000001), Ends(0x0a000000, 0x0a000001));
    EXPECT_EQ(set.remove(0x0a000000, 31), std::nullopt);
    EXPECT_EQ(set.answer(0x0a000001), Ends(0x0a000000, 0x0a000003));
    EXPECT_EQ(set.remove(0x0a000000, 31), Problem::Missing);
}

} // namespace
} // namespace xdpc::sets
