// Random operations on sets of all kinds, widths and flags: the set, searched by the C that programs inline,
// and a model agree.
#include "tests/unit/sets_support.h"

namespace xdpc::sets {
namespace {

/// A set, its model, and what is done to both.
class Pair {
public:
    Pair(const Shape& shape, uint64_t seed)
        : shape_(shape), random_(shape, seed), model_(shape), memory_(std::make_unique<Memory>(shape)),
          table_(Table::create(memory_->span(), shape, grace())) {}

    void run(int steps) {
        for (int i = 0; i < steps && !testing::Test::HasFailure(); i++) {
            step();
            if (i % 16 == 0) {
                compare(20);
            }
        }
        compare(400);
        compare_lists();
    }
    uint64_t graces = 0;

private:
    Grace grace() {
        return [this] { graces++; };
    }
    void step() {
        now_ += random_.draw(8) == 0 ? random_.draw(40) : 0;
        switch (random_.draw(10)) {
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
            add();
            break;
        case 5:
        case 6:
        case 7:
        case 8:
            remove();
            break;
        default:
            if (random_.draw(60) == 0) {
                table_.flush();
                model_.elements.clear();
            } else if (random_.draw(30) == 0) {
                rebuild(nullptr);
            } else if (random_.draw(4) == 0) {
                table_.sweep(now_);
            } else {
                update();
            }
        }
    }
    std::pair<Words, Words> choose() {
        if (!model_.elements.empty() && random_.draw(2)) {
            const ModelElement& e = model_.elements[random_.draw(model_.elements.size())];
            return {e.low, e.high};
        }
        return random_.element();
    }
    void add() {
        auto [low, high] = random_.draw(12) == 0 ? choose() : random_.element();
        ModelElement e{.low = low, .high = high, .order = ++model_.orders, .comment = {}};
        if (shape_.has_timeout && random_.draw(2)) {
            e.expires = now_ + random_.draw(200);
        }
        e.value = shape_.is_map ? static_cast<uint32_t>(random_.draw(1000)) : 0;
        e.from_file = random_.draw(2) == 0;
        if (random_.draw(3) == 0) {
            e.comment = std::string(random_.draw(max_comment) + 1, static_cast<char>('a' + random_.draw(26)));
        }
        const bool dead = !Model::alive(e, now_);
        const NewElement fresh = as_new(e);
        auto added = table_.add(fresh, now_);
        if (!added && added.error().problem == Problem::Rebuild) {
            rebuilds++;
            rebuild(&e);
            return;
        }
        const ModelElement* same = model_.same(low, high, now_);
        if (same) {
            ASSERT_FALSE(added);
            EXPECT_EQ(added.error().problem, Problem::Exists);
            EXPECT_EQ(table_.element(added.error().other).low, same->low);
            return;
        }
        if (shape_.kind != Kind::Hash && !shape_.auto_merge && model_.overlapping(low, high, now_)) {
            ASSERT_FALSE(added);
            if (added.error().problem == Problem::Full) {
                return; // said before
            }
            ASSERT_EQ(added.error().problem, Problem::Overlaps);
            const Element other = table_.element(added.error().other);
            EXPECT_TRUE(
                model_.overlap(ModelElement{.low = other.low, .high = other.high, .comment = {}}, low, high));
            EXPECT_TRUE(model_.same(other.low, other.high, now_));
            return;
        }
        if (!added) {
            model_.sweep(now_);
            if (added.error().problem == Problem::Full) {
                EXPECT_GE(model_.elements.size(), shape_.size);
            } else {
                EXPECT_EQ(shape_.kind, Kind::Tuples);
                EXPECT_TRUE(added.error().problem == Problem::TooMany || shape_.auto_merge);
            }
            return;
        }
        std::erase_if(model_.elements, [&](const ModelElement& m) { return m.low == low && m.high == high; });
        model_.elements.push_back(e);
        EXPECT_EQ(table_.find(low, high, now_).has_value(), !dead);
    }
    void remove() {
        const auto [low, high] = choose();
        auto removed = table_.remove(low, high, now_);
        if (!removed && removed.error().problem == Problem::Rebuild) {
            rebuilds++;
            std::erase_if(model_.elements,
                          [&](const ModelElement& m) { return m.low == low && m.high == high; });
            rebuild(nullptr);
            return;
        }
        ModelElement* same = model_.same(low, high, now_);
        ASSERT_EQ(removed.has_value(), same != nullptr);
        if (same) {
            model_.elements.erase(model_.elements.begin() + (same - model_.elements.data()));
        } else {
            EXPECT_EQ(removed.error().problem, Problem::Missing);
        }
    }
    void update() {
        const auto [low, high] = choose();
        const auto number = table_.find(low, high, now_);
        ModelElement* same = model_.same(low, high, now_);
        ASSERT_EQ(number.has_value(), same != nullptr);
        if (!same) {
            return;
        }
        if (shape_.has_timeout) {
            same->expires = random_.draw(3) ? now_ + random_.draw(300) : 0;
            table_.set_timeout(*number, 1, same->expires);
        }
        if (shape_.is_map) {
            same->value = static_cast<uint32_t>(random_.draw(1000));
            table_.set_value(*number, same->value);
        }
    }
    NewElement as_new(const ModelElement& e) const {
        return {.low = e.low,
                .high = shape_.kind == Kind::Hash ? std::span<const uint32_t>() : e.high,
                .expires_ns = e.expires,
                .value = e.value,
                .from_file = e.from_file,
                .comment = e.comment};
    }
    /// As a replace does: another array, from the model's elements and one more.
    void rebuild(const ModelElement* more) {
        model_.sweep(now_);
        std::vector<NewElement> elements;
        const bool copy = random_.draw(2) == 0;
        const std::vector<Element> there = live_elements(table_, now_);
        if (copy && !more && there.size() == model_.elements.size() && shape_.kind == Kind::Hash) {
            for (const Element& element : there) {
                elements.push_back(sets::as_new(element));
            }
        } else {
            for (const ModelElement& e : model_.elements) {
                elements.push_back(as_new(e));
            }
        }
        if (more && Model::alive(*more, now_)) {
            elements.push_back(as_new(*more));
        }
        auto memory = std::make_unique<Memory>(shape_);
        Table table = Table::create(memory->span(), shape_, grace());
        if (auto built = table.build(elements, now_); !built) {
            EXPECT_TRUE(more) << describe(built.error(), shape_);
            // too many over one point, or the one that is new
            EXPECT_TRUE(built.error().problem == Problem::TooMany ||
                        built.error().index + 1 == elements.size());
            return;
        }
        memory_ = std::move(memory);
        table_ = std::move(table);
        if (more && Model::alive(*more, now_)) {
            model_.elements.push_back(*more);
        }
    }
    void compare(int keys) {
        for (int i = 0; i < keys; i++) {
            Words key = random_.key();
            if (!model_.elements.empty() && random_.draw(4)) {
                key = random_.near(model_.elements[random_.draw(model_.elements.size())], model_);
            }
            const auto found = table_.lookup(key, now_);
            const ModelElement* expected = model_.lookup(key, now_);
            ASSERT_EQ(found.has_value(), expected != nullptr) << "key " << testing::PrintToString(key);
            if (expected && (shape_.is_map || shape_.has_timeout || shape_.has_counter)) {
                const Element element = table_.element(*found);
                EXPECT_EQ(element.low, expected->low);
                EXPECT_EQ(element.high, expected->high);
                EXPECT_EQ(element.value, expected->value);
            }
        }
    }
    void compare_lists() {
        model_.sweep(now_);
        size_t count = 0;
        table_.list([&](const Element& e) {
            if (e.expired(now_)) {
                return true;
            }
            count++;
            const ModelElement* same = model_.same(e.low, e.high, now_);
            EXPECT_TRUE(same);
            if (same) {
                EXPECT_EQ(e.comment, same->comment);
                EXPECT_EQ(e.from_file, same->from_file);
                EXPECT_EQ(e.expires_ns, same->expires);
            }
            return true;
        });
        EXPECT_EQ(count, model_.elements.size());
        EXPECT_GE(table_.statistics().used, count);
    }

    Shape shape_;
    Random random_;
    Model model_;
    uint64_t now_ = 1000;
    std::unique_ptr<Memory> memory_;
    Table table_;

public:
    uint64_t rebuilds = 0;
};

class RandomSets : public testing::TestWithParam<std::tuple<Kind, std::vector<uint16_t>, uint32_t>> {};

TEST_P(RandomSets, AgreeWithTheModel) {
    const auto& [kind, parts, size] = GetParam();
    for (uint32_t flags = 0; flags < 16; flags++) {
        const Shape shape{.kind = kind,
                          .parts = parts,
                          .size = size,
                          .has_timeout = (flags & 1) != 0,
                          .has_counter = (flags & 2) != 0,
                          .is_map = (flags & 4) != 0,
                          .auto_merge = (flags & 8) != 0};
        if (kind == Kind::Hash && shape.auto_merge) {
            continue;
        }
        SCOPED_TRACE("flags " + std::to_string(flags));
        Pair pair(shape, 1000 + flags);
        pair.run(1500);
        if (kind != Kind::Interval || !shape.has_timeout || !shape.auto_merge) {
            EXPECT_EQ(pair.rebuilds, 0U);
        }
        if (testing::Test::HasFailure()) {
            return;
        }
    }
}

using Parts = std::vector<uint16_t>;
INSTANTIATE_TEST_SUITE_P(Hash, RandomSets,
                         testing::Combine(testing::Values(Kind::Hash),
                                          testing::Values(Parts{8}, Parts{16}, Parts{32}, Parts{48},
                                                          Parts{128}, Parts{32, 16}, Parts{32, 32, 16},
                                                          Parts{128, 128, 16, 8}),
                                          testing::Values(3U, 200U)));
INSTANTIATE_TEST_SUITE_P(Interval, RandomSets,
                         testing::Combine(testing::Values(Kind::Interval),
                                          testing::Values(Parts{8}, Parts{16}, Parts{32}, Parts{48},
                                                          Parts{64}, Parts{96}, Parts{128}),
                                          testing::Values(3U, 40U, 400U)));
INSTANTIATE_TEST_SUITE_P(Tuples, RandomSets,
                         testing::Combine(testing::Values(Kind::Tuples),
                                          testing::Values(Parts{32, 16}, Parts{128, 16}, Parts{8, 32, 16},
                                                          Parts{48, 12}),
                                          testing::Values(3U, 100U)));

} // namespace
} // namespace xdpc::sets
