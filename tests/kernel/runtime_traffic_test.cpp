// A policy is replaced again and again while frames arrive: each frame is decided and counted by exactly one
// policy, none passes undecided.
#include "tests/kernel/runtime_support.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace xdpc::rt::test {
namespace {

/// Sends frames of kind 0 until told to stop; gives their number.
class Sender {
public:
    explicit Sender(const harness::Netns& netns)
        : thread_([this, &netns] {
              netns.enter();
              harness::FrameSocket socket("v1");
              auto frame = frame_of_kind(0);
              while (!stop_)
                  sent_ += socket.send(frame) ? 1U : 0U;
          }) {}
    ~Sender() { finish(); }
    uint64_t finish() {
        stop_ = true;
        if (thread_.joinable())
            thread_.join();
        return sent_;
    }
    [[nodiscard]] uint64_t sent() const { return sent_; }

private:
    std::atomic<bool> stop_{false};
    std::atomic<uint64_t> sent_{0};
    std::thread thread_;
};

/// Counts frames that get past XDP: none may.
class Leaks {
public:
    explicit Leaks(const harness::Netns& netns)
        : thread_([this, &netns] {
              netns.enter();
              harness::FrameSocket socket("v0");
              while (!stop_)
                  leaked_ += is_ours(socket.receive(50)) ? 1U : 0U;
          }) {}
    ~Leaks() { finish(); }
    uint64_t finish() {
        stop_ = true;
        if (thread_.joinable())
            thread_.join();
        return leaked_;
    }

private:
    static bool is_ours(const std::vector<uint8_t>& frame) {
        return frame.size() > 14 && frame[12] == 0x88 && frame[13] == 0xb5;
    }
    std::atomic<bool> stop_{false};
    std::atomic<uint64_t> leaked_{0};
    std::thread thread_;
};

/// Frames that veth dropped for a full ring: before XDP. Newer kernels tell the sender instead.
uint64_t transmit_drops(const std::string& iface) {
    std::ifstream table("/proc/thread-self/net/dev");
    std::string line;
    while (std::getline(table, line)) {
        size_t colon = line.find(':');
        if (colon == std::string::npos ||
            line.substr(line.find_first_not_of(' '), colon - line.find_first_not_of(' ')) != iface)
            continue;
        std::istringstream fields(line.substr(colon + 1));
        uint64_t value = 0;
        for (int column = 0; column < 12; column++) // 8 of receiving, then bytes, packets, errors, drops
            fields >> value;
        return value;
    }
    ADD_FAILURE() << "no statistics of " << iface;
    return 0;
}

void replace_under_load(const harness::Netns& here, const harness::Netns& there, Mode mode) {
    here.run([&] { must(apply(forward_policy(), {"v0"}, {.mode = mode})); });
    Leaks leaks(here);
    Sender sender(there);
    here.run([] {
        for (int i = 0; i < 20; i++)
            must(apply(i % 2 == 0 ? reversed_policy() : forward_policy(), {"v0"}, {}));
    });
    uint64_t sent = sender.finish();
    usleep(100'000);
    EXPECT_GT(sent, 1000U);
    EXPECT_EQ(leaks.finish(), 0U);
    uint64_t dropped = 0;
    there.run([&] { dropped = transmit_drops("v1"); });
    here.run([&] {
        uint64_t counted = packets_of("v0", "zero");
        EXPECT_LE(counted, sent);
        EXPECT_LE(sent - counted, dropped) << "sent " << sent << ", counted " << counted;
        must(detach("v0"));
    });
}

TEST_F(Pair, ReplacementUnderLoadLosesAndLeaksNothing) {
    replace_under_load(here, there, Mode::Native);
}

TEST_F(Pair, ReplacementUnderLoadInGenericMode) {
    replace_under_load(here, there, Mode::Generic);
}

/// Applies in a child that is killed after so many microseconds, wherever it is then.
void apply_and_kill(const harness::Netns& netns, const Artifact& artifact, unsigned microseconds) {
    pid_t child = fork();
    if (child == 0) {
        netns.enter();
        (void)apply(artifact, {"v0"}, {});
        _exit(0);
    }
    usleep(microseconds);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
}

TEST_F(Pair, KillsAtAnyMomentUnderLoadLoseAndLeakNothing) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    Leaks leaks(here);
    Sender sender(there);
    const auto begun = std::chrono::steady_clock::now();
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    const std::chrono::microseconds took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begun);
    const auto latest =
        std::max<unsigned>(40'000, 2 * static_cast<unsigned>(took.count())); // emulated machines are slow
    unsigned replaced = 0;
    uint32_t program = 0;
    std::mt19937 random(1);
    for (int i = 0; i < 80; i++) {
        apply_and_kill(here, i % 2 == 0 ? reversed_policy() : forward_policy(), random() % latest);
        here.run([&] {
            uint32_t now = running_program("v0");
            ASSERT_NE(now, 0U);
            replaced += now != program ? 1 : 0;
            program = now;
        });
    }
    uint64_t sent = sender.finish();
    usleep(100'000);
    EXPECT_EQ(leaks.finish(), 0U);
    EXPECT_GT(replaced, 3U) << "no kill came late enough to test anything";
    EXPECT_LT(replaced, 80U) << "no kill came early enough to test anything";
    uint64_t dropped = 0;
    there.run([&] { dropped = transmit_drops("v1"); });
    here.run([&] {
        uint64_t counted = packets_of("v0", "zero");
        EXPECT_LE(counted, sent);
        EXPECT_LE(sent - counted, dropped) << "sent " << sent << ", counted " << counted;
        EXPECT_EQ(pins().size(), 9U);
        must(detach("v0"));
    });
    EXPECT_TRUE(pins().empty());
    EXPECT_TRUE(locks().empty());
}

} // namespace
} // namespace xdpc::rt::test
