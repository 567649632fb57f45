// The look-up in the kernel: what the verifier says of it for every kind and width, and that it finds what a
// model says, while sets are changed under it.
#include "tests/sets/kernel_set.h"
#include "tests/unit/sets_support.h"

#include <atomic>
#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <memory>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace xdpc::sets {
namespace {

using Parts = std::vector<uint16_t>;

/// Programs run with RCU held, which this waits for.
void wait_for_programs() {
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

std::unique_ptr<KernelSet> loaded(const std::string& program, const Shape& shape,
                                  const std::vector<std::pair<std::string, uint32_t>>& sizes = {}) {
    auto set = KernelSet::load(program, shape, sizes);
    if (!set) {
        ADD_FAILURE() << set.error().message;
        return nullptr;
    }
    return std::move(*set);
}

std::string program_of(const Shape& shape) {
    const char* kind = shape.kind == Kind::Hash       ? "hash_"
                       : shape.kind == Kind::Interval ? "interval_"
                                                      : "tuples_";
    return kind + std::to_string(words_of(shape));
}

class KernelSets : public testing::TestWithParam<std::tuple<Kind, Parts>> {};

/// Adds, removes, and lets elements expire; the program finds what the model finds.
TEST_P(KernelSets, FindWhatTheModelFinds) {
    const auto& [kind, parts] = GetParam();
    for (const bool rich : {false, true}) {
        const Shape shape{.kind = kind,
                          .parts = parts,
                          .size = 2000,
                          .has_timeout = rich,
                          .has_counter = rich,
                          .is_map = rich,
                          .auto_merge = rich && kind == Kind::Tuples};
        const auto set = loaded(program_of(shape), shape);
        ASSERT_TRUE(set);
        Table table = Table::create(set->memory(), shape, [] {});
        Model model(shape);
        Random random(shape, 7);
        uint64_t now = 1000;
        for (int round = 0; round < 3; round++) {
            for (int i = 0; i < 600; i++) {
                auto [low, high] = random.element();
                ModelElement e{.low = low, .high = high, .order = ++model.orders, .comment = {}};
                e.expires = rich && random.draw(2) ? now + 1 + random.draw(200) : 0;
                e.value = rich ? static_cast<uint32_t>(random.draw(100)) : 0;
                if (table.add({.low = e.low, .high = e.high, .expires_ns = e.expires, .value = e.value},
                              now)) {
                    model.elements.push_back(e);
                }
            }
            const size_t gone = model.elements.size() / 4;
            for (size_t i = 0; i < gone; i++) {
                const size_t at = random.draw(model.elements.size());
                if (Model::alive(model.elements[at], now)) {
                    ASSERT_TRUE(table.remove(model.elements[at].low, model.elements[at].high, now));
                    model.elements.erase(model.elements.begin() + static_cast<ptrdiff_t>(at));
                }
            }
            now += 100;
            model.sweep(now);
            std::vector<uint32_t> keys;
            std::vector<Words> each;
            for (int i = 0; i < 4000; i++) {
                each.push_back(random.draw(4) == 0
                                   ? random.key()
                                   : random.near(model.elements[random.draw(model.elements.size())], model));
                keys.insert(keys.end(), each.back().begin(), each.back().end());
            }
            set->set_keys(keys, words_of(shape));
            ASSERT_GE(set->run(now, 100), 0);
            uint64_t hits = 0;
            for (size_t i = 0; i < each.size(); i++) {
                const ModelElement* expected = model.lookup(each[i], now);
                const Found found = set->found()[i];
                ASSERT_EQ(found.element != 0, expected != nullptr) << testing::PrintToString(each[i]);
                hits += expected ? 1 : 0;
                if (expected) {
                    EXPECT_EQ(found.value, expected->value);
                    EXPECT_EQ(table.element(found.element).low, expected->low);
                }
            }
            EXPECT_GT(hits, 1000U);
            if (rich) {
                uint64_t bytes = 0;
                table.list([&](const Element& e) {
                    bytes += e.bytes;
                    return true;
                });
                EXPECT_GE(bytes, hits * 100);
            }
        }
    }
}
INSTANTIATE_TEST_SUITE_P(Hash, KernelSets,
                         testing::Combine(testing::Values(Kind::Hash),
                                          testing::Values(Parts{16}, Parts{32}, Parts{48}, Parts{96},
                                                          Parts{128}, Parts{128, 16}, Parts{128, 128},
                                                          Parts{128, 128, 128, 128})));
INSTANTIATE_TEST_SUITE_P(Interval, KernelSets,
                         testing::Combine(testing::Values(Kind::Interval),
                                          testing::Values(Parts{16}, Parts{32}, Parts{48}, Parts{96},
                                                          Parts{128})));
INSTANTIATE_TEST_SUITE_P(Tuples, KernelSets,
                         testing::Combine(testing::Values(Kind::Tuples),
                                          testing::Values(Parts{32, 16}, Parts{32, 16, 8}, Parts{128, 16},
                                                          Parts{128, 128, 128, 128})));

/// Random prefixes: the kernel's trie and the set say the same of random keys, while others come and go.
TEST(KernelSetsBesideTheTrie, FindTheSame) {
    const Shape shape{.kind = Kind::Interval, .parts = {32}, .size = 20000, .auto_merge = true};
    const auto set = loaded("interval_1", shape);
    const auto trie = loaded("lpm4", shape, {{"kernel_lpm4", 20000}});
    ASSERT_TRUE(set && trie);
    Table table = Table::create(set->memory(), shape, wait_for_programs);
    std::mt19937_64 engine(3);
    std::vector<std::pair<uint32_t, unsigned>> others;
    const int fd = trie->map_fd("kernel_lpm4");
    for (int i = 0; i < 15000; i++) {
        const unsigned length = 8 + engine() % 25;
        const uint32_t high = length == 32 ? 0 : UINT32_MAX >> length;
        const bool other = i % 3 == 0; // in 127/8 alone
        const uint32_t address = other ? 0x7f000000 | (static_cast<uint32_t>(engine()) & 0xffffff)
                                       : static_cast<uint32_t>(engine());
        if ((address >> 24 == 0x7f) != other) {
            continue;
        }
        const uint32_t low = address & ~high;
        const std::array<uint32_t, 2> key{length, __builtin_bswap32(low)};
        const uint32_t one = 1;
        if (other) {
            others.emplace_back(low, low | high);
        } else {
            const uint32_t end = low | high;
            (void)table.add({.low = {&low, 1}, .high = {&end, 1}}, 0);
            ASSERT_EQ(bpf_map_update_elem(fd, key.data(), &one, BPF_ANY), 0);
        }
    }
    std::atomic<bool> done{false};
    std::atomic<uint64_t> changes{0};
    std::thread writer([&] {
        for (size_t i = 0; !done; i = (i + 1) % others.size()) {
            const uint32_t low = others[i].first;
            const uint32_t high = others[i].second;
            if (!table.add({.low = {&low, 1}, .high = {&high, 1}}, 0)) {
                (void)table.remove({&low, 1}, {&high, 1}, 0);
            }
            changes++;
        }
    });
    uint64_t wrong = 0;
    for (int round = 0; round < 16; round++) {
        std::vector<uint32_t> keys(most_keys);
        for (uint32_t& key : keys) {
            do {
                key = static_cast<uint32_t>(engine());
            } while (key >> 24 == 0x7f);
        }
        set->set_keys(keys, 1);
        trie->set_keys(keys, 1);
        EXPECT_GE(set->run(0), 0);
        EXPECT_GE(trie->run(0), 0);
        for (size_t i = 0; i < keys.size(); i++) {
            wrong += (set->found()[i].element != 0) != (trie->found()[i].element != 0) ? 1 : 0;
        }
    }
    done = true;
    writer.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_GT(changes, 100U);
}

TEST(KernelSetsReplaced, AtOnce) {
    const Shape shape{.kind = Kind::Hash, .parts = {32}, .size = 100};
    const auto set = loaded("hash_1", shape);
    ASSERT_TRUE(set);
    const std::vector<uint32_t> keys{1, 2};
    Table first = Table::create(set->memory(), shape, [] {});
    ASSERT_TRUE(first.add({.low = {keys.data(), 1}}, 0));
    set->set_keys(keys, 1);
    set->run(0);
    EXPECT_NE(set->found()[0].element, 0U);
    EXPECT_EQ(set->found()[1].element, 0U);
    auto memory = set->replace();
    ASSERT_TRUE(memory);
    Table second = Table::create(*memory, shape, [] {});
    ASSERT_TRUE(second.build(std::vector<NewElement>{{.low = {keys.data() + 1, 1}}}, 0));
    set->run(0);
    EXPECT_EQ(set->found()[0].element, 0U);
    EXPECT_NE(set->found()[1].element, 0U);
}

} // namespace
} // namespace xdpc::sets
