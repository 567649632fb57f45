#include "codegen-templates/abi.h"
#include "compiler/policy/bounded_table.h"

#include <gtest/gtest.h>

namespace xdpc {
namespace {

struct Timed {
    uint64_t until = 0;
};
using Table = BoundedTable<Timed>;

/// Puts a key in until `until`; whether there was room.
bool put(Table& table, uint64_t key, uint64_t now, uint64_t until) {
    Timed* entry = table.put({key}, [now](const Timed& t) { return t.until <= now; });
    if (entry == nullptr) {
        return false;
    }
    entry->until = until;
    return true;
}

TEST(BoundedTable, probes_as_often_as_programs_do) {
    EXPECT_EQ(unsigned{Table::probes}, unsigned{XDPC_RING_PROBES});
}

TEST(BoundedTable, gives_up_nothing_that_lives) {
    Table table(4);
    for (uint64_t key = 0; key < 4; ++key) {
        EXPECT_TRUE(put(table, key, 0, 10 + key));
    }
    EXPECT_FALSE(put(table, 9, 9, 100));
    EXPECT_EQ(table.count(), 4U);
    EXPECT_TRUE(put(table, 9, 10, 100)); // 0 is free by now
    EXPECT_EQ(table.find({0}), nullptr);
    EXPECT_NE(table.find({1}), nullptr);
    EXPECT_EQ(table.find({9})->until, 100U);
}

TEST(BoundedTable, what_is_there_needs_no_room_free_or_not) {
    Table table(1);
    EXPECT_TRUE(put(table, 7, 0, 10));
    EXPECT_TRUE(put(table, 7, 5, 20));
    EXPECT_TRUE(put(table, 7, 30, 40));
    EXPECT_EQ(table.count(), 1U);
}

TEST(BoundedTable, looks_at_64_places_and_goes_on_from_there) {
    Table table(100);
    for (uint64_t key = 0; key < 100; ++key) {
        EXPECT_TRUE(put(table, key, 0, key == 70 ? 5 : 1000));
    }
    EXPECT_FALSE(put(table, 200, 10, 1000)); // places 0 to 63
    EXPECT_TRUE(put(table, 200, 10, 1000));  // 64 to 70
    EXPECT_EQ(table.find({70}), nullptr);
    EXPECT_FALSE(put(table, 201, 10, 1000));
}

TEST(BoundedTable, an_erased_entrys_place_is_met_again_when_the_cursor_comes_by) {
    Table table(3);
    for (uint64_t key = 0; key < 3; ++key) {
        EXPECT_TRUE(put(table, key, 0, 1000));
    }
    EXPECT_TRUE(table.erase({1}));
    EXPECT_FALSE(table.erase({1}));
    EXPECT_TRUE(put(table, 5, 0, 1000));
    EXPECT_FALSE(put(table, 6, 0, 1000));
    std::vector<uint64_t> keys;
    table.each([&](const Tuple& key, const Timed&) { keys.push_back(static_cast<uint64_t>(key.front())); });
    EXPECT_EQ(keys, (std::vector<uint64_t>{0, 5, 2}));
}

TEST(BoundedTable, a_copy_goes_its_own_way) {
    Table table(2);
    EXPECT_TRUE(put(table, 1, 0, 1000));
    Table copy = table;
    EXPECT_TRUE(put(copy, 2, 0, 1000));
    EXPECT_EQ(table.find({2}), nullptr);
    EXPECT_EQ(table.count(), 1U);
}

} // namespace
} // namespace xdpc
