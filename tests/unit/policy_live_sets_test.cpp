// Live sets as the reference evaluator has them: what is found, held to a plain search; what rules change.
#include "compiler/policy/evaluate.h"
#include "tests/harness/random_frame.h"
#include "tests/unit/policy_check_helper.h"

#include <cstdio>
#include <fstream>
#include <unistd.h>

namespace xdpc {
namespace {

constexpr uint64_t second = 1'000'000'000;

LiveSet set_of(LiveSet::Kind kind, std::vector<SetPart> parts) {
    LiveSet set;
    set.kind = kind;
    set.parts = std::move(parts);
    return set;
}
void add(LiveSet& set, const Box& box) {
    for (size_t i = 0; i < box.size(); ++i) {
        append_words(set.elements.words, box[i].lo, set.parts[i].width);
    }
    for (size_t i = 0; set.has_intervals() && i < box.size(); ++i) {
        append_words(set.elements.words, box[i].hi, set.parts[i].width);
    }
    ++set.elements.count;
}

bool within(const Tuple& tuple, const Box& box) {
    for (size_t i = 0; i < box.size(); ++i) {
        if (tuple[i] < box[i].lo || box[i].hi < tuple[i]) {
            return false;
        }
    }
    return true;
}

/// Which elements hold the tuple, and which of them answers, by the letter of STATE.md.
std::optional<uint32_t> plain_search(const LiveSet& set, const Tuple& tuple) {
    std::optional<uint32_t> best;
    u128 narrowest = 0;
    for (uint32_t i = 0; i < set.elements.count; ++i) {
        const Box box = set.box(i);
        u128 size = box[0].hi - box[0].lo;
        if (set.kind == LiveSet::Kind::Tuples) {
            size = 0;
            for (const Interval& part : box) {
                u128 power = 1;
                while (power < part.hi - part.lo + 1) {
                    power *= 2;
                    ++size;
                }
            }
        }
        if (within(tuple, box) && (!best || size <= narrowest)) {
            best = i;
            narrowest = size;
        }
    }
    return best;
}

TEST(LiveSets, WhatIsFoundIsWhatAPlainSearchFinds) {
    test::Rng rng(7);
    const std::vector<std::pair<LiveSet::Kind, std::vector<SetPart>>> shapes = {
        {LiveSet::Kind::Hash, {{TypeId::Ipv4Addr, 32}}},
        {LiveSet::Kind::Hash, {{TypeId::Ipv6Addr, 128}, {TypeId::InetService, 16}}},
        {LiveSet::Kind::Interval, {{TypeId::InetService, 16}}},
        {LiveSet::Kind::Interval, {{TypeId::Ipv6Addr, 128}}},
        {LiveSet::Kind::Tuples, {{TypeId::Ipv4Addr, 32}, {TypeId::InetService, 16}}},
    };
    size_t hits = 0;
    for (int round = 0; round < 100; ++round) {
        const auto& [kind, parts] = shapes[static_cast<size_t>(round) % shapes.size()];
        LiveSet set = set_of(kind, parts);
        set.is_map = true; // the value says which element answered
        const auto value = [&](uint16_t width) {
            const u128 small = test::below(rng, 40);
            return test::chance(rng, 10) ? max_of_width(width) - small : small;
        };
        std::set<std::vector<u128>> known;
        for (uint32_t i = 0; i < 1 + test::below(rng, 30); ++i) {
            Box box;
            std::vector<u128> ends;
            for (const SetPart& part : parts) {
                const u128 a = value(part.width);
                const u128 b = set.has_intervals() ? value(part.width) : a;
                box.push_back({std::min(a, b), std::max(a, b)});
                ends.insert(ends.end(), {box.back().lo, box.back().hi});
            }
            if (known.insert(ends).second) {
                set.elements.values.push_back(static_cast<uint32_t>(set.elements.count));
                add(set, box);
            }
        }
        const SetState state(set, 0);
        for (int i = 0; i < 200; ++i) {
            Tuple tuple;
            for (const SetPart& part : parts) {
                tuple.push_back(value(part.width));
            }
            const auto wanted = plain_search(set, tuple);
            const auto found = state.find(set, tuple, 0);
            ASSERT_EQ(found.has_value(), wanted.has_value()) << "round " << round;
            ASSERT_TRUE(!wanted || found->value == *wanted) << "round " << round;
            hits += found ? 1 : 0;
        }
    }
    EXPECT_GT(hits, 1000U);
}

TEST(LiveSets, TheNextWiderAnswersOnceTheNarrowestHasExpired) {
    LiveSet set = set_of(LiveSet::Kind::Interval, {{TypeId::InetService, 16}});
    set.has_timeout = set.auto_merge = true;
    add(set, {{0, 100}});
    add(set, {{10, 20}});
    set.elements.values = {0, 1};
    set.elements.extras.push_back({1, 5 * second, ""});
    const SetState state(set, second);
    EXPECT_EQ(state.find(set, {15}, 6 * second - 1)->value, 1U);
    EXPECT_EQ(state.find(set, {15}, 6 * second)->value, 0U);
    EXPECT_TRUE(state.element(set, {{10, 20}}, second));
    EXPECT_FALSE(state.element(set, {{10, 20}}, 6 * second));
    EXPECT_FALSE(state.element(set, {{10, 19}}, second));
}

TEST(LiveSets, AddLeavesAnElementUpdateRenewsIt) {
    using Op = UpdateSetStatement::Op;
    LiveSet set = set_of(LiveSet::Kind::Dynamic, {{TypeId::Ipv4Addr, 32}});
    set.size = 2;
    set.has_timeout = set.has_counter = true;
    set.timeout_ns = 10 * second;
    SetState state(set, 0);
    EXPECT_TRUE(state.update(set, Op::Add, {1}, {}, 0));
    state.count(set, {1}, 0, 60);
    EXPECT_TRUE(state.update(set, Op::Add, {1}, {}, 5 * second));
    EXPECT_EQ(state.find(set, {1}, 5 * second)->expires_ns, 10 * second);
    EXPECT_TRUE(state.update(set, Op::Update, {1}, 20 * second, 5 * second));
    EXPECT_EQ(state.find(set, {1}, 5 * second)->expires_ns, 25 * second);
    EXPECT_EQ(state.find(set, {1}, 5 * second)->count, (Count{1, 60}));
    EXPECT_TRUE(state.update(set, Op::Add, {2}, 1 * second, 5 * second));
    EXPECT_FALSE(state.update(set, Op::Update, {3}, {}, 5 * second)); // full
    EXPECT_TRUE(state.update(set, Op::Update, {3}, {}, 6 * second));  // 2 has expired
    EXPECT_TRUE(state.update(set, Op::Add, {1}, {}, 25 * second));    // begun anew in its place
    EXPECT_EQ(state.find(set, {1}, 25 * second)->count, Count{});
    EXPECT_TRUE(state.update(set, Op::Delete, {1}, {}, 25 * second));
    EXPECT_FALSE(state.find(set, {1}, 25 * second));
}

LiveSet only_set(const Checked& checked) {
    EXPECT_TRUE(checked.policy) << checked.rendered();
    return checked.policy && !checked.policy->sets.empty() ? checked.policy->sets[0] : LiveSet{};
}
Checked check_set(const std::string& body, const std::string& rule = "ip saddr @s drop") {
    return check_rule_text(rule, "set s {\n" + body + "\n}");
}

TEST(LiveSets, KindsFollowFromFlagsPartsAndRules) {
    using Kind = LiveSet::Kind;
    EXPECT_EQ(only_set(check_set("type ipv4_addr")).kind, Kind::Hash);
    EXPECT_EQ(only_set(check_set("type ipv4_addr; flags interval")).kind, Kind::Interval);
    EXPECT_EQ(only_set(check_set("type ipv4_addr; flags dynamic")).kind, Kind::Dynamic);
    EXPECT_EQ(only_set(check_set("type ipv4_addr", "update @s { ip saddr } drop")).kind, Kind::Dynamic);
    EXPECT_EQ(
        only_set(check_set("type ipv4_addr . inet_service; flags interval", "ip saddr . tcp dport @s drop"))
            .kind,
        Kind::Tuples);
}

TEST(LiveSets, ARuleThatOnlyCountsOrChangesHasAnEffect) {
    EXPECT_EQ(check_set("type ipv4_addr", "ip saddr @s").kinds(), (std::set<std::string>{"NoEffect"}));
    EXPECT_EQ(check_set("type ipv4_addr; counter", "ip saddr @s").kinds(), (std::set<std::string>{}));
    EXPECT_EQ(check_set("type ipv4_addr", "delete @s { ip saddr }").kinds(), (std::set<std::string>{}));
}

TEST(LiveSets, OneOfInetAddrIsTwo) {
    const Checked checked = check_set(
        "type inet_addr; flags interval\nelements = { 10.0.0.0/8, 2001:db8::/32, ::1 }", "saddr @s drop");
    ASSERT_TRUE(checked.policy) << checked.rendered();
    ASSERT_EQ(checked.policy->sets.size(), 2U);
    EXPECT_EQ(checked.policy->sets[0].family, 4);
    EXPECT_EQ(checked.policy->sets[0].elements.words, (std::vector<uint32_t>{0x0a000000, 0x0affffff}));
    EXPECT_EQ(checked.policy->sets[1].family, 6);
    EXPECT_EQ(checked.policy->sets[1].elements.count, 2U);
    EXPECT_EQ(checked.policy->sets[1].key_words(), 4U);
}

TEST(LiveSets, WhatIsWrittenTwiceIsThereOnce) {
    const Checked checked =
        check_set("type ipv4_addr; flags timeout\n"
                  "elements = { 1.1.1.1 timeout 5s, 2.2.2.2, 1.1.1.1 timeout 9s, 3.3.3.3 comment \"x\" }");
    const SetElements elements = only_set(checked).elements;
    EXPECT_EQ(elements.words, (std::vector<uint32_t>{0x01010101, 0x02020202, 0x03030303}));
    ASSERT_EQ(elements.extras.size(), 2U);
    EXPECT_EQ(elements.extras[0], (SetElements::Extra{0, 5 * second, ""}));
    EXPECT_EQ(elements.extras[1], (SetElements::Extra{2, 0, "x"}));
}

TEST(LiveSets, AFilesLinesAreElements) {
    char path[] = "/tmp/xdpc_live_sets_XXXXXX";
    const int fd = mkstemp(path);
    ASSERT_GE(fd, 0);
    close(fd);
    std::ofstream(path) << "# addresses\n192.0.2.0/24\n\n  203.0.113.7 timeout 10m comment \"a # b\"  # c\n"
                           "10.0.0.1,\n1.2.3.4-1.2.3.6\r\n198.51.100.1 counter packets 3 bytes 180";
    const Checked checked =
        check_set("type ipv4_addr; flags interval, timeout; counter\nfile \"" + std::string(path) + "\"");
    const LiveSet set = only_set(checked);
    ASSERT_EQ(set.elements.count, 5U);
    EXPECT_EQ(set.box(0), (Box{{0xc0000200, 0xc00002ff}}));
    EXPECT_EQ(set.box(1), (Box{{0xcb007107, 0xcb007107}}));
    EXPECT_EQ(set.box(3), (Box{{0x01020304, 0x01020306}}));
    EXPECT_EQ(set.box(4), (Box{{0xc6336401, 0xc6336401}}));
    ASSERT_EQ(set.elements.extras.size(), 1U);
    EXPECT_EQ(set.elements.extras[0], (SetElements::Extra{1, 600 * second, "a # b"}));

    std::ofstream(path) << "22 : jump a\n80 comment \"web\" : pass\n443 :drop\n";
    const Checked map =
        check_text("map m {\ntype inet_service : verdict\nfile \"" + std::string(path) +
                   "\"\n}\nchain ingress {\npolicy drop\ntcp dport vmap @m\n}\nchain a { drop }\n");
    const LiveSet ports = only_set(map);
    EXPECT_EQ(ports.elements.values, (std::vector<uint32_t>{6, 0, 1}));
    ASSERT_EQ(ports.verdicts.size(), 7U);
    EXPECT_EQ(name_of(ports.verdicts[6], *map.policy), "jump a");

    std::ofstream(path) << "1.2.3.4\n1.2.3\n1.2.3.4/99\n1.2.3.256\n";
    EXPECT_EQ(check_set("type ipv4_addr; flags interval\nfile \"" + std::string(path) + "\"").kinds(),
              (std::set<std::string>{"WrongValue", "PrefixLength"}));
    unlink(path);
}

/// Whether two elements overlap, by comparing each with each.
bool any_overlap(const std::vector<Box>& boxes) {
    for (size_t i = 0; i < boxes.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
            bool all = true;
            for (size_t part = 0; part < boxes[i].size(); ++part) {
                all = all && boxes[i][part].lo <= boxes[j][part].hi && boxes[j][part].lo <= boxes[i][part].hi;
            }
            if (all && boxes[i] != boxes[j]) {
                return true;
            }
        }
    }
    return false;
}

TEST(LiveSets, EveryOverlapIsFoundAndNoneThatIsNot) {
    test::Rng rng(11);
    size_t with = 0;
    for (int round = 0; round < 400; ++round) {
        std::vector<Box> boxes;
        std::string elements;
        for (uint64_t i = 2 + test::below(rng, 5); i-- > 0;) {
            Box box;
            std::string text;
            for (int part = 0; part < 2; ++part) {
                const uint64_t lo = test::below(rng, 40);
                const uint64_t hi = lo + test::below(rng, 12);
                box.push_back({lo, hi});
                text += fmt::format("{}{}-{}", part == 0 ? "" : " . ", lo, hi);
            }
            boxes.push_back(box);
            elements += text + ", ";
        }
        const Checked checked =
            check_set("type inet_service . inet_service; flags interval\nelements = { " + elements + "}",
                      "tcp sport . tcp dport @s drop");
        const bool wanted = any_overlap(boxes);
        ASSERT_EQ(checked.kinds().contains("OverlappingElements"), wanted) << elements << checked.rendered();
        with += wanted ? 1 : 0;
    }
    EXPECT_GT(with, 50U);
    EXPECT_LT(with, 350U);
}

} // namespace
} // namespace xdpc
