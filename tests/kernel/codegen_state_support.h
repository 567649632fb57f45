// Policies with state built by hand, and one packet after the other through the compiled program.
#pragma once

#include "tests/harness/tcp_frames.h"
#include "tests/kernel/codegen_support.h"

#include <bpf/bpf.h>

namespace xdpc::codegen_test {

inline constexpr uint64_t second_ns = 1'000'000'000;

inline std::vector<uint8_t> frame_from(uint32_t saddr, uint16_t dport = 80, size_t bytes = 60) {
    return test::tcp_frame(saddr, dport, bytes);
}
/// From 2000::LAST.
inline std::vector<uint8_t> frame6_from(uint8_t last, uint16_t dport = 80) {
    return test::tcp6_frame(0x20000000, last, dport);
}

inline Limit packets_per_second(uint64_t amount, uint64_t burst, std::vector<Key> keys = {},
                                uint32_t size = 0) {
    Limit limit;
    limit.amount = amount;
    limit.burst = burst;
    limit.capacity_ns = limit.unit_ns / amount * burst;
    limit.keys = std::move(keys);
    limit.size = size;
    return limit;
}
inline LiveSet dynamic_set(std::vector<Key> keys, uint32_t size, std::optional<uint64_t> timeout_ns = {}) {
    LiveSet set;
    set.kind = LiveSet::Kind::Dynamic;
    set.size = size;
    set.timeout_ns = timeout_ns;
    set.has_timeout = true;
    for (const Key& key : keys) {
        set.parts.push_back({TypeId::Integer, width_of(key.source)});
    }
    return set;
}
inline Statement limited(uint32_t limit, bool over = false) {
    return LimitStatement{{limit}, over, {}};
}
inline Statement quota(uint32_t quota, bool over = false) {
    return QuotaStatement{{quota}, over, {}};
}
inline Statement in_set(std::vector<Key> keys, uint32_t set, bool negated = false) {
    return MatchStatement{{{}, SetTest{std::move(keys), {set}, negated, {}, {}}}};
}

/// How the rules are laid out.
enum class Layout : uint8_t { Specialised, Shared, Segments };
inline BuildOptions options_of(Layout layout) {
    BuildOptions options;
    options.codegen.instrument = true;
    if (layout != Layout::Specialised) {
        options.plan.max_specialised = 0;
    }
    if (layout == Layout::Segments) {
        options.plan.max_function_instructions = 300;
    }
    return options;
}

/// A program in the kernel, with a clock.
class Program {
public:
    Program(const Policy& policy, Layout layout) : policy_(policy), state_(policy) {
        Sources sources;
        sources.add("test.xdp", text_of_lines(10));
        built_ = build(policy_, sources, options_of(layout));
        if (built_.error.empty()) {
            auto loaded = rt::load(built_.artifact);
            if (loaded) {
                loaded_.emplace(std::move(*loaded));
            } else {
                built_.error = tail_of(loaded.error());
            }
        }
    }
    [[nodiscard]] const std::string& error() const { return built_.error; }
    [[nodiscard]] const rt::Loaded& loaded() const { return *loaded_; }
    void at(uint64_t ns) { state_.elapsed_ns = ns; }
    void advance(uint64_t ns) { state_.elapsed_ns += ns; }
    /// "pass r0", "drop policy".
    std::string send(const std::vector<uint8_t>& frame) {
        PacketView view;
        view.frame = frame;
        set_control(loaded_->test_area()->control, state_, view);
        loaded_->test_area()->result = {};
        const auto run = rt::test_run(*loaded_, frame);
        ++state_.packets;
        if (!run) {
            return run.error().message;
        }
        const xdpc_test_result got = loaded_->test_area()->result;
        return fmt::format("{} {}", name_of(static_cast<Action>(run->action)),
                           display_of(policy_, {got.decider}));
    }
    /// How many of `count` such packets end so.
    size_t count(const std::vector<uint8_t>& frame, size_t count, const std::string& outcome) {
        size_t result = 0;
        for (size_t i = 0; i < count; ++i) {
            result += send(frame) == outcome ? 1 : 0;
        }
        return result;
    }
    template<class Value> Value entry(const std::string& map, const void* key) {
        Value value{};
        EXPECT_EQ(bpf_map_lookup_elem(loaded_->map_fd(map), key, &value), 0) << map;
        return value;
    }
    template<class Value> Value at_index(const std::string& map, uint32_t index) {
        return entry<Value>(map, &index);
    }
    bool has(const std::string& map, const std::vector<uint32_t>& key) {
        std::array<uint8_t, 256> value{};
        return bpf_map_lookup_elem(loaded_->map_fd(map), key.data(), value.data()) == 0;
    }

private:
    Policy policy_;
    State state_;
    Built built_;
    std::optional<rt::Loaded> loaded_;
};

} // namespace xdpc::codegen_test
