// kill -9 before each step of apply and detach: the old or the new program runs afterwards, never none where
// one ran; the next command repairs; nothing counted is lost.
#include "tests/kernel/runtime_support.h"

#include <csignal>
#include <sys/wait.h>
#include <unistd.h>

namespace xdpc::rt::test {
namespace {

/// Runs `command` in a child that is killed before the n-th time of the step; true if it came so far.
bool killed_at(const harness::Netns& netns, const std::string& step, unsigned nth,
               const std::function<void()>& command) {
    pid_t child = fork();
    if (child == 0) {
        netns.enter();
        unsigned seen = 0;
        set_step_hook([&](const char* name) {
            if (step == name && ++seen == nth)
                kill(getpid(), SIGKILL);
        });
        command();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/// A link's program is detached by deferred work after its holder's death.
uint32_t settled_program(const std::string& iface) {
    usleep(50'000);
    return running_program(iface);
}

class Kill : public Pair, public ::testing::WithParamInterface<const char*> {
protected:
    void SetUp() override {
        pins_before_ = pins();
        locks_before_ = locks();
    }
    void expect_nothing_left() const {
        EXPECT_EQ(pins(), pins_before_);
        EXPECT_EQ(locks(), locks_before_);
    }

private:
    std::set<std::string> pins_before_;
    std::set<std::string> locks_before_;
};

class KillFirstApply : public Kill {};
TEST_P(KillFirstApply, LeavesNothingOrThePolicy) {
    ASSERT_TRUE(killed_at(here, GetParam(), 1, [] { (void)apply(forward_policy(), {"v0"}, {}); }));
    here.run([] {
        EXPECT_EQ(settled_program("v0"), 0U);
        EXPECT_TRUE(must(show()).empty());
    });
    expect_nothing_left();
    // And after another kill, apply itself repairs.
    ASSERT_TRUE(killed_at(here, GetParam(), 1, [] { (void)apply(forward_policy(), {"v0"}, {}); }));
    here.run([] {
        settled_program("v0");
        auto report = must(apply(reversed_policy(), {"v0"}, {}))[0];
        EXPECT_EQ(report.generation, 1U);
        EXPECT_FALSE(report.replaced);
        EXPECT_TRUE(must(detach("v0")));
    });
    expect_nothing_left();
}
INSTANTIATE_TEST_SUITE_P(Steps, KillFirstApply,
                         ::testing::Values("load", "smoke", "pin", "attach", "pin-link"));

class KillReplace : public Kill {};
TEST_P(KillReplace, LeavesOldOrNewAndCountsAll) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    send(0, 3);
    send(2, 5);
    uint32_t old_program = 0;
    here.run([&] { old_program = running_program("v0"); });
    ASSERT_TRUE(killed_at(here, GetParam(), 1, [] { (void)apply(reversed_policy(), {"v0"}, {}); }));
    bool swapped = std::string(GetParam()) == "carry" || std::string(GetParam()) == "unpin";
    here.run([&] {
        uint32_t now = settled_program("v0");
        EXPECT_NE(now, 0U);
        EXPECT_EQ(now != old_program, swapped);
    });
    send(0, 4); // counted by whichever runs, before any repair
    here.run([&] {
        EXPECT_EQ(packets_of("v0", "zero"), 7U);
        EXPECT_EQ(packets_of("v0", "kind 2 drop"), 5U);
        auto shown = must(show());
        ASSERT_EQ(shown.size(), 1U);
        EXPECT_TRUE(shown[0].ours);
        EXPECT_EQ(shown[0].policy, swapped ? "policies/count_reversed.xdp" : "policies/count.xdp");
    });
    // One generation is left: its directory, four pins, and the link.
    auto mine = pins();
    EXPECT_EQ(
        std::count_if(mine.begin(), mine.end(), [](const auto& pin) { return pin.ends_with("/meta"); }),
        std::count_if(mine.begin(), mine.end(), [](const auto& pin) { return pin.ends_with("/link"); }));
    here.run([&] {
        auto report = must(apply(reversed_policy(), {"v0"}, {}))[0];
        EXPECT_TRUE(report.replaced);
        EXPECT_EQ(packets_of("v0", "zero"), 7U);
        EXPECT_EQ(packets_of("v0", "kind 2 drop"), 5U);
        must(detach("v0"));
    });
    expect_nothing_left();
}
INSTANTIATE_TEST_SUITE_P(Steps, KillReplace,
                         ::testing::Values("load", "smoke", "pin", "swap", "carry", "unpin"));

class KillDetach : public Kill {};
TEST_P(KillDetach, LeavesItRunningOrGone) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    send(0, 3);
    ASSERT_TRUE(killed_at(here, GetParam(), 1, [] { (void)detach("v0"); }));
    bool detached = std::string(GetParam()) == "unpin";
    here.run([&] {
        EXPECT_EQ(settled_program("v0") == 0, detached);
        if (!detached) {
            EXPECT_EQ(packets_of("v0", "zero"), 3U);
        }
        EXPECT_EQ(must(show()).size(), detached ? 0U : 1U);
        EXPECT_EQ(must(detach("v0")), !detached);
    });
    expect_nothing_left();
}
INSTANTIATE_TEST_SUITE_P(Steps, KillDetach, ::testing::Values("detach", "unpin"));

// Killed twice in a row: the second time after the repair of the first began to run.
TEST_F(Kill, KilledTwiceInARowKeepsTheCounts) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    send(3, 6);
    for (const char* step : {"carry", "unpin", "carry", "swap", "unpin"})
        ASSERT_TRUE(killed_at(here, step, 1, [] { (void)apply(reversed_policy(), {"v0"}, {}); }));
    send(3, 1);
    here.run([] {
        EXPECT_EQ(packets_of("v0", "three"), 7U);
        must(detach("v0"));
    });
    expect_nothing_left();
}

TEST_F(Kill, AHolderOfTheLockIsNamed) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    pid_t child = fork();
    if (child == 0) {
        here.enter();
        set_step_hook([](const char* name) {
            if (std::string(name) == "swap")
                raise(SIGSTOP);
        });
        (void)apply(reversed_policy(), {"v0"}, {});
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, WUNTRACED);
    ASSERT_TRUE(WIFSTOPPED(status));
    here.run([child] {
        auto refused = stats("v0");
        ASSERT_FALSE(refused);
        EXPECT_NE(refused.error().message.find("process " + std::to_string(child)), std::string::npos)
            << refused.error().message;
        kill(child, SIGCONT);
        int ended = 0;
        waitpid(child, &ended, 0);
        EXPECT_EQ(must(stats("v0")).status.generation, 2U);
        must(detach("v0"));
    });
    expect_nothing_left();
}

} // namespace
} // namespace xdpc::rt::test
