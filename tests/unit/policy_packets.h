// Packets through policies that are written as text, as time goes by.
#pragma once

#include "compiler/packet/build.h"
#include "compiler/policy/evaluate.h"
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
    packet::Frame frame(54 + payload);
    frame[12] = 0x08;
    frame[14] = 0x45;
    const auto total = static_cast<uint16_t>(40 + payload);
    frame[16] = static_cast<uint8_t>(total >> 8U);
    frame[17] = static_cast<uint8_t>(total);
    frame[22] = 64;
    frame[23] = 6;
    for (unsigned i = 0; i < 4; ++i) {
        frame[26 + i] = static_cast<uint8_t>(source >> (24 - 8 * i));
    }
    frame[37] = 80;
    frame[46] = 0x50;
    return frame;
}

inline std::string ingress(const std::string& rules, const std::string& before = "") {
    return before + "\nchain ingress {\n policy drop\n" + rules + "\n}\n";
}

} // namespace xdpc
