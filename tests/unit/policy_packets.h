// Packets through policies that are written as text, as time goes by.
#pragma once

#include "compiler/packet/build.h"
#include "compiler/policy/evaluate.h"
#include "tests/harness/tcp_frames.h"
#include "tests/unit/policy_check_helper.h"

namespace xdpc {

inline constexpr uint64_t second = 1'000'000'000;

/// A policy that is right, and packets through it.
class Bench {
public:
    explicit Bench(const std::string& text) : checked_(check_text(text)) {
        EXPECT_TRUE(checked_.policy) << checked_.rendered();
        state_.emplace(*checked_.policy);
    }
    Outcome send(std::span<const uint8_t> frame) {
        PacketView view;
        view.frame = frame;
        return evaluate(*checked_.policy, *state_, view);
    }
    /// "pass by r"
    std::string say(std::span<const uint8_t> frame) {
        const Outcome outcome = send(frame);
        return std::string(name_of(outcome.action)) + " by " + display_of(*checked_.policy, outcome.decider);
    }
    TraceStep trace_first(std::span<const uint8_t> frame) {
        PacketView view;
        view.frame = frame;
        Trace trace;
        evaluate(*checked_.policy, *state_, view, &trace);
        return trace.steps.front();
    }
    void advance(uint64_t ns) { state_->elapsed_ns += ns; }
    State& state() { return *state_; }
    const Policy& policy() { return *checked_.policy; }

private:
    Checked checked_;
    std::optional<State> state_;
};

/// An IPv4 TCP frame from this source.
inline packet::Frame frame_from(uint32_t source, size_t payload = 0) {
    return test::tcp_frame(source, 80, 54 + payload);
}

inline std::string ingress(const std::string& rules, const std::string& before = "") {
    return before + "\nchain ingress {\n policy drop\n" + rules + "\n}\n";
}

} // namespace xdpc
