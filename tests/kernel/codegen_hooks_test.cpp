// While nobody captures, a program is the one that `options capture off` makes.
#include "codegen_support.h"

#include "runtime/hooks.h"

#include <bpf/libbpf.h>

namespace xdpc {

using namespace codegen_test;

namespace {

/// As the kernel runs it, without addresses.
std::vector<uint64_t> instructions_of(const rt::Loaded& loaded) {
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    EXPECT_EQ(bpf_obj_get_info_by_fd(loaded.program_fd(), &info, &size), 0);
    std::vector<bpf_insn> code(info.xlated_prog_len / sizeof(bpf_insn));
    bpf_prog_info wanted{};
    wanted.xlated_prog_len = info.xlated_prog_len;
    wanted.xlated_prog_insns = reinterpret_cast<uint64_t>(code.data());
    size = sizeof wanted;
    EXPECT_EQ(bpf_obj_get_info_by_fd(loaded.program_fd(), &wanted, &size), 0);
    std::vector<uint64_t> words;
    for (size_t i = 0; i < code.size(); ++i) {
        if (code[i].code == rt::wide_load) {
            code[i].imm = code[i + 1].imm = 0;
        }
        uint64_t word = 0;
        std::memcpy(&word, &code[i], sizeof word);
        words.push_back(word);
    }
    return words;
}

rt::Loaded load(Policy policy, bool capture, bool hooks) {
    Sources sources;
    sources.add("hooks.xdp", text_of_lines(10));
    policy.options.capture = capture;
    const Built built = build(policy, sources);
    EXPECT_EQ(built.error, "");
    rt::LoadOptions options;
    options.hooks = hooks;
    auto loaded = rt::load(built.artifact, options);
    EXPECT_TRUE(loaded) << tail_of(loaded.error());
    return std::move(*loaded);
}

Policy rules_on_ports(bool count) {
    test::PolicyBuilder builder(Drop{});
    for (uint16_t port = 1; port < 6; ++port) {
        builder.rule({test::match(test::field(FieldId::UdpDport, port)), test::verdict(Pass{})});
        builder.rule({test::match(test::field(FieldId::TcpDport, port)), test::verdict(Abort{})});
    }
    Policy policy = builder.get();
    for (Rule& rule : policy.rules) {
        rule.counts = count;
    }
    return policy;
}

} // namespace

TEST(CodegenHooks, WhatNobodyListensToIsWhatCaptureOffMakes) {
    const Policy policy = rules_on_ports(true);
    const auto off = instructions_of(load(policy, false, false));
    EXPECT_EQ(instructions_of(load(policy, true, false)), off);
    EXPECT_GT(instructions_of(load(policy, true, true)).size(), off.size());
}

/// Ends without counters are not joined: the verdict and the return stand once more for each, on no packet's
/// way.
TEST(CodegenHooks, WithoutCountersTooNothingIsDoneForAHook) {
    const Policy policy = rules_on_ports(false);
    const size_t off = instructions_of(load(policy, false, false)).size();
    EXPECT_LE(instructions_of(load(policy, true, false)).size(), off + 2 * policy.rules.size());
}

/// LLVM may give other registers where it met a hook; that goes either way, and comes to nothing.
TEST(CodegenHooks, RandomProgramsGetNoLarger) {
    size_t off = 0;
    size_t silent = 0;
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        test::Rng rng(seed);
        Policy policy = test::random_policy(rng, test::random_frames(rng, 50, 14));
        for (Rule& rule : policy.rules) {
            rule.counts = true;
        }
        for (Chain& chain : policy.chains) {
            chain.counts_policy = true;
        }
        off += instructions_of(load(policy, false, false)).size();
        silent += instructions_of(load(policy, true, false)).size();
    }
    EXPECT_NEAR(static_cast<double>(silent) / static_cast<double>(off), 1, 0.005);
}

TEST(CodegenHooks, BothFormsDecideAlike) {
    for (uint64_t seed = 100; seed < 110; ++seed) {
        test::Rng rng(seed);
        const Frames frames = test::random_frames(rng, 100, 14);
        const Policy policy = test::random_policy(rng, frames);
        const rt::Loaded silent = load(policy, true, false);
        const rt::Loaded hooked = load(policy, true, true);
        for (const auto& frame : frames) {
            const auto a = rt::test_run(silent, frame);
            const auto b = rt::test_run(hooked, frame);
            ASSERT_TRUE(a && b);
            ASSERT_EQ(a->action, b->action) << "seed " << seed;
        }
    }
}

} // namespace xdpc
