// Compiles a checked policy for tests, loads it, and holds it against the reference evaluator.
#pragma once

#include "compiler/base/bytes.h"
#include "compiler/codegen/codegen_client.h"
#include "compiler/compile.h"
#include "compiler/metadata.h"
#include "compiler/parse/parse.h"
#include "compiler/passes/passes.h"
#include "compiler/policy/check.h"
#include "compiler/policy/evaluate.h"
#include "runtime/load.h"
#include "tests/harness/policy_builder.h"
#include "tests/harness/random_frame.h"
#include "tests/harness/random_policy.h"

#include <array>
#include <bpf/bpf.h>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace xdpc::codegen_test {

using Frames = std::vector<std::vector<uint8_t>>;

inline std::string text_of_lines(size_t lines) {
    std::string text;
    for (size_t i = 0; i < lines; ++i) {
        text += "# line " + std::to_string(i + 1) + "\n";
    }
    return text;
}

struct Built {
    ir::Program program;
    Artifact artifact;
    std::string error; // empty if it was built
};

struct BuildOptions {
    CodegenOptions codegen;
    bool passes = true;
    PlanOptions plan;
};

inline Built build(const Policy& policy, const Sources& sources, const BuildOptions& options = {}) {
    Built built;
    built.program = ir::flatten(policy);
    if (options.passes) {
        optimize(built.program);
    }
    Diagnostics diagnostics;
    PlanOptions plan_as = options.plan;
    if (plan_as.rules_in_program == 0) { // all these tests may be run with programs that are cut
        plan_as.rules_in_program = plan_options().rules_in_program;
    }
    const auto plan = choose(built.program, plan_as, diagnostics);
    if (!plan) {
        built.error = "the plan refuses";
        return built;
    }
    built.artifact = describe(policy, sources, options.codegen);
    auto object =
        generate_isolated({policy, built.program, *plan, sources, options.codegen}, CodegenForm::Object);
    if (!object) {
        built.error = object.error().message;
        return built;
    }
    if (const char* keep = std::getenv("XDPC_KEEP_OBJECT")) {
        FILE* file = fopen(keep, "wb");
        fwrite(object->data(), 1, object->size(), file);
        fclose(file);
    }
    built.artifact.object = std::move(*object);
    return built;
}

/// A policy as text that is right; nothing if it is not.
inline std::optional<Policy> policy_of(const std::string& text) {
    Sources sources;
    Diagnostics diagnostics;
    const ast::File file = parse(sources.get(sources.add("generated.xdp", text)), diagnostics);
    return check(file, sources, diagnostics);
}

inline std::string tail_of(const rt::LoadError& error) {
    std::string text = error.error.message;
    if (error.refusal) {
        text += " " + error.refusal->reason;
        for (const std::string& line : error.refusal->log_tail) {
            text += "\n" + line;
        }
    }
    return text;
}

/// What the surroundings of a packet are for both engines.
inline void set_control(xdpc_test_control& control, const State& state, const PacketView& view) {
    control.now_ns = test_clock_begin_ns + state.elapsed_ns;
    control.wall_ns = test_epoch_ns + state.elapsed_ns;
    control.seed = state.seed;
    control.packet = state.packets;
    control.ifindex = view.ifindex;
    control.rxqueue = view.rxqueue;
    control.cpu = view.cpu;
    rt::pack_name(view.iifname, control.iifname_hi, control.iifname_lo);
}

/// How many elements of a dynamic set have not expired.
inline size_t count_elements(const rt::Loaded& loaded, const LiveSet& set, uint64_t now_ns) {
    const int hash = loaded.map_fd(fmt::format("set{}", set.id.value));
    std::array<uint32_t, XDPC_MAX_KEY_WORDS> key{};
    xdpc_dynamic element{};
    size_t count = 0;
    for (int more = bpf_map_get_next_key(hash, nullptr, key.data()); more == 0;
         more = bpf_map_get_next_key(hash, key.data(), key.data())) {
        const bool found = bpf_map_lookup_elem(hash, key.data(), &element) == 0;
        count += found && (element.expires_ns == 0 || now_ns < element.expires_ns) ? 1 : 0;
    }
    return count;
}

/// What a live set has come to; what differs, or nothing.
inline std::string set_difference(const rt::Loaded& loaded, const LiveSet& set, const State& state) {
    if (loaded.map_fd(fmt::format("set{}", set.id.value)) < 0) {
        return {}; // no rule is left that asks it
    }
    const uint64_t now = state.now_ns();
    const auto elements = state.sets[set.id.value].elements(set, now);
    if (set.kind == LiveSet::Kind::Dynamic && count_elements(loaded, set, now) != elements.size()) {
        return fmt::format("set {}: {} elements, evaluator {}", set.name, count_elements(loaded, set, now),
                           elements.size());
    }
    for (const auto& [box, wanted] : elements) {
        std::vector<uint32_t> low;
        std::vector<uint32_t> high;
        for (size_t i = 0; i < box.size(); ++i) {
            append_words(low, box[i].lo, set.parts[i].width);
            append_words(high, box[i].hi, set.parts[i].width);
        }
        const auto got = rt::find_element(loaded, set.id.value, low, high, now);
        if (!got || !*got) {
            return fmt::format("set {}: an element is missing: {:08x}", set.name, fmt::join(low, " "));
        }
        const bool counts_differ = set.has_counter && ((*got)->packets != wanted.count.packets ||
                                                       (*got)->bytes != wanted.count.bytes);
        if ((*got)->expires_ns != wanted.expires_ns || (*got)->value != wanted.value || counts_differ) {
            return fmt::format("set {}: {} packets, expires {}, value {}, evaluator {}, {}, {}", set.name,
                               (*got)->packets, (*got)->expires_ns, (*got)->value, wanted.count.packets,
                               wanted.expires_ns, wanted.value);
        }
    }
    return {};
}

/// Runs all frames on both engines; what differs first, or nothing.
inline std::string difference(const Policy& policy, const Built& built, const rt::Loaded& loaded,
                              const Frames& frames, size_t* decided = nullptr) {
    State state(policy);
    for (const auto& frame : frames) {
        PacketView view;
        view.frame = frame;
        view.iifname = "veth7";
        view.ifindex = 7;
        view.rxqueue = 3;
        view.cpu = 5;
        set_control(loaded.test_area()->control, state, view);
        loaded.test_area()->result = {};
        const auto run = rt::test_run(loaded, frame);
        if (!run) {
            return run.error().message;
        }
        const Outcome wanted = evaluate(policy, state, view);
        const xdpc_test_result got = loaded.test_area()->result;
        if (got.ran != 1 || run->action != static_cast<uint32_t>(wanted.action) ||
            got.action != run->action || got.decider != wanted.decider.value) {
            return fmt::format("{}: kernel {} by {}, evaluator {} by {}", hex_text(frame), run->action,
                               display_of(policy, {got.decider}), static_cast<int>(wanted.action),
                               display_of(policy, wanted.decider));
        }
        if (decided && wanted.decider.value < policy.rules.size()) {
            ++*decided;
        }
        // Hours and days go by; or, with state, less than what elements last.
        state.elapsed_ns += policy.has_state() ? 345'678'901 : 3'456'789'012'345;
    }
    const auto counts = rt::read_counters(loaded.map_fd("counters"), built.artifact.slots);
    const ir::SlotPlan slots = ir::assign_slots(policy);
    for (uint32_t i = 0; counts && i < slots.end.size(); ++i) {
        if (slots.end[i] && (*counts)[slots.end[i]->value].packets != state.end_counts[i].packets) {
            return "end counter of " + display_of(policy, {i});
        }
        if (slots.end[i] && (*counts)[slots.end[i]->value].bytes != state.end_counts[i].bytes) {
            return "bytes of end counter of " + display_of(policy, {i});
        }
    }
    for (uint32_t i = 0; counts && i < slots.mid.size(); ++i) {
        if (slots.mid[i] && (*counts)[slots.mid[i]->value].packets != state.mid_counts[i].packets) {
            return fmt::format("mid counter of {}: kernel {}, evaluator {}", display_of(policy, {i}),
                               (*counts)[slots.mid[i]->value].packets, state.mid_counts[i].packets);
        }
    }
    for (const LiveSet& set : policy.sets) {
        if (std::string differs = set_difference(loaded, set, state); !differs.empty()) {
            return differs;
        }
    }
    return {};
}

/// Builds, loads and compares; what went wrong, or nothing.
inline std::string check_policy(const Policy& policy, const Frames& frames, BuildOptions options = {},
                                size_t* decided = nullptr) {
    Sources sources;
    sources.add("test.xdp", text_of_lines(10));
    options.codegen.instrument = true;
    const Built built = build(policy, sources, options);
    if (!built.error.empty()) {
        return built.error;
    }
    const auto loaded = rt::load(built.artifact);
    if (!loaded) {
        return tail_of(loaded.error());
    }
    return difference(policy, built, *loaded, frames, decided);
}

/// No random policy may differ; every other one has live sets. `each` is given them all.
template<class F>
void check_random_policies(const BuildOptions& options, F each, test::RandomPolicyOptions what = {}) {
    constexpr uint64_t seeds = 60;
    constexpr size_t packets = 150;
    size_t decided = 0;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
        test::Rng rng(seed);
        const Frames frames = test::random_frames(rng, packets, 14);
        what.max_live = seed % 2 == 0 ? 3 : 0;
        const Policy policy = test::random_policy(rng, frames, what);
        each(policy);
        ASSERT_EQ(check_policy(policy, frames, options, &decided), "") << "seed " << seed;
    }
    EXPECT_GT(decided, seeds * packets / 5);
}

} // namespace xdpc::codegen_test
