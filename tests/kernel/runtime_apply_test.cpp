#include "tests/kernel/runtime_support.h"

#include <map>

namespace xdpc::rt::test {
namespace {

using Kind = RuleChange::Kind;

TEST_F(Pair, AppliedIsShownCountsAndIsTakenOff) {
    auto pins_before = pins();
    auto locks_before = locks();
    here.run([] {
        auto reports = must(apply(forward_policy(), {"v0"}, {}));
        ASSERT_EQ(reports.size(), 1U);
        EXPECT_EQ(reports[0].iface, "v0");
        EXPECT_EQ(reports[0].mode, Mode::Native);
        EXPECT_FALSE(reports[0].replaced);
        EXPECT_EQ(reports[0].generation, 1U);
        EXPECT_EQ(reports[0].program_id, running_program("v0"));
        EXPECT_EQ(reports[0].notes, std::vector<std::string>{});
        for (const RuleChange& change : reports[0].changes)
            EXPECT_EQ(change.kind, Kind::Added);
    });
    send(0, 3);
    send(2, 5);
    here.run([] {
        EXPECT_EQ(packets_of("v0", "zero"), 3U);
        EXPECT_EQ(packets_of("v0", "kind 2 drop"), 5U);
        EXPECT_EQ(packets_of("v0", "one"), 0U);
        Stats all = must(stats("v0"));
        EXPECT_EQ(all.total.packets, 8U);
        EXPECT_EQ(all.total.bytes, 8U * 60);
        auto shown = must(show());
        ASSERT_EQ(shown.size(), 1U);
        EXPECT_TRUE(shown[0].ours);
        EXPECT_EQ(shown[0].iface, "v0");
        EXPECT_EQ(shown[0].policy, "policies/count.xdp");
        EXPECT_EQ(shown[0].source_digest, "digest of count");
        EXPECT_EQ(shown[0].generation, 1U);
        EXPECT_LE(std::abs(static_cast<int64_t>(shown[0].applied_at) - time(nullptr)), 10);
        Artifact metadata = must(attached_metadata("v0"));
        EXPECT_EQ(metadata.deciders, forward_policy().deciders);
        EXPECT_EQ(metadata.sources, forward_policy().sources);
        EXPECT_TRUE(must(detach("v0")));
        EXPECT_EQ(running_program("v0"), 0U);
        EXPECT_FALSE(must(detach("v0")));
        EXPECT_TRUE(must(show()).empty());
        auto gone = stats("v0");
        ASSERT_FALSE(gone);
        EXPECT_NE(gone.error().message.find("no policy is applied"), std::string::npos);
    });
    EXPECT_EQ(pins(), pins_before);
    EXPECT_EQ(locks(), locks_before);
}

TEST_F(Pair, ReplacementCarriesCountersOfRulesThatStay) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    for (uint8_t kind = 0; kind < 4; kind++)
        send(kind, kind + 1U);
    here.run([] {
        auto report = must(apply(reversed_policy(), {"v0"}, {}))[0];
        EXPECT_TRUE(report.replaced);
        EXPECT_EQ(report.generation, 2U);
        EXPECT_EQ(report.program_id, running_program("v0"));
        std::map<std::string, Kind> kinds;
        for (const RuleChange& change : report.changes)
            kinds[change.rule] = change.kind;
        EXPECT_EQ(kinds["one"], Kind::Removed);
        EXPECT_EQ(kinds["other"], Kind::Added);
        EXPECT_EQ(kinds["zero"], Kind::Changed);
        EXPECT_EQ(kinds["policy"], Kind::Kept);
        EXPECT_EQ(kinds["three"], Kind::Moved);
        EXPECT_EQ(kinds["test.xdp:1"], Kind::Moved);
        EXPECT_EQ(packets_of("v0", "zero"), 1U);
        EXPECT_EQ(packets_of("v0", "kind 2 drop"), 3U);
        EXPECT_EQ(packets_of("v0", "three"), 4U);
        EXPECT_EQ(packets_of("v0", "other"), 0U);
    });
    send(0, 10);
    send(1, 7);
    here.run([] {
        EXPECT_EQ(packets_of("v0", "zero"), 11U);
        EXPECT_EQ(packets_of("v0", "other"), 7U);
        // Carried twice, and `one`, who comes back, starts anew.
        EXPECT_EQ(must(apply(forward_policy(), {"v0"}, {}))[0].generation, 3U);
        EXPECT_EQ(packets_of("v0", "zero"), 11U);
        EXPECT_EQ(packets_of("v0", "three"), 4U);
        EXPECT_EQ(packets_of("v0", "one"), 0U);
        EXPECT_TRUE(must(detach("v0")));
        // Applied after a detach, all start anew.
        must(apply(forward_policy(), {"v0"}, {}));
        EXPECT_EQ(packets_of("v0", "zero"), 0U);
        must(detach("v0"));
    });
}

TEST_F(Pair, ReplacementCarriesCountersWithAName) {
    auto before = forward_policy(), after = reversed_policy();
    before.counters = {{"gone", 0}, {"all", 1}}; // the place of rule `one`, which has no successor
    after.counters = {{"new", 3}, {"all", 2}};   // the place of rule `other`, which is new
    here.run([&] { must(apply(before, {"v0"}, {})); });
    send(1, 5);
    here.run([&] {
        must(apply(after, {"v0"}, {}));
        EXPECT_EQ(packets_of("v0", "other"), 5U);
        must(detach("v0"));
    });
}

TEST_F(Pair, DryRunTouchesNothing) {
    auto look = [this] {
        std::pair<uint32_t, std::vector<uint64_t>> seen;
        here.run([&] {
            seen.first = running_program("v0");
            if (seen.first != 0) {
                for (const auto& count : must(stats("v0")).deciders)
                    seen.second.push_back(count.end->packets);
            }
        });
        return seen;
    };
    for (bool applied : {false, true}) {
        if (applied)
            here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
        send(1, 2);
        auto before = look();
        auto pins_before = pins();
        auto locks_before = locks();
        auto descriptors_before = open_descriptors();
        here.run([applied] {
            auto report = must(dry_run(reversed_policy(), {"v0"}, {}))[0];
            EXPECT_EQ(report.replaced, applied);
            EXPECT_GT(report.verifier.instructions, 0U);
            EXPECT_GT(report.verifier.stack_bytes, 0U);
            size_t added = 0;
            for (const RuleChange& change : report.changes)
                added += change.kind == Kind::Added ? 1 : 0;
            EXPECT_EQ(added, applied ? 1U : 5U);
        });
        EXPECT_EQ(look(), before);
        EXPECT_EQ(pins(), pins_before);
        EXPECT_EQ(locks(), locks_before);
        // With no descriptor, pin or attachment of it left, the kernel drops a program.
        EXPECT_EQ(open_descriptors(), descriptors_before);
    }
    here.run([] { must(detach("v0")); });
}

TEST_F(Pair, RefusedProgramLeavesTheOldOne) {
    Artifact broken = reversed_policy();
    broken.object = object("refused");
    here.run([&] {
        auto first = apply(broken, {"v0"}, {});
        ASSERT_FALSE(first);
        EXPECT_TRUE(first.error().refusal);
        EXPECT_EQ(running_program("v0"), 0U);
        auto id = must(apply(forward_policy(), {"v0"}, {}))[0].program_id;
        auto pins_before = pins();
        EXPECT_FALSE(apply(broken, {"v0"}, {}));
        EXPECT_FALSE(dry_run(broken, {"v0"}, {}));
        EXPECT_EQ(running_program("v0"), id);
        EXPECT_EQ(pins(), pins_before);
        must(detach("v0"));
    });
}

TEST_F(Pair, RenamedInterfaceKeepsItsPolicy) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    harness::shell("ip -n " + here.name() + " link set v0 down && ip -n " + here.name() +
                   " link set v0 name w.0 && ip -n " + here.name() + " link set w.0 up");
    send(3, 2);
    here.run([] {
        EXPECT_EQ(packets_of("w.0", "three"), 2U);
        EXPECT_TRUE(must(apply(forward_policy(), {"w.0"}, {}))[0].replaced);
        EXPECT_EQ(packets_of("w.0", "three"), 2U);
        EXPECT_TRUE(must(detach("w.0")));
        must(apply(forward_policy(), {"w.0"}, {}));
        EXPECT_TRUE(must(detach("w.0")));
    });
}

TEST_F(Pair, PinsOfDeletedInterfacesAndNamespacesAreCleanedUp) {
    auto pins_before = pins();
    auto locks_before = locks();
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    there.run([] { must(apply(forward_policy(), {"v1"}, {})); });
    EXPECT_NE(pins(), pins_before);
    harness::shell("ip -n " + here.name() + " link del v0");
    here.run([] { EXPECT_TRUE(must(show()).empty()); });
    EXPECT_EQ(pins(), pins_before);
    EXPECT_EQ(locks(), locks_before);
}

} // namespace
} // namespace xdpc::rt::test
