// What a compiled program is besides its decisions: lines of the policy on its instructions, sections other
// loaders skip, lists of any length, and failures that stay failures.
#include "tests/kernel/codegen_support.h"

#include "runtime/probe.h"

#include <chrono>
#include <sys/utsname.h>

namespace xdpc::codegen_test {
namespace {

Span line_span(const Sources& sources, uint32_t line) {
    const uint32_t begin = sources.get({0}).line_starts[line - 1];
    return {{0}, begin, begin + 6};
}

/// Rules on one line each that drop what `rules` ports of 10.0.0.0/8 send.
Policy list_of(size_t rules, const Sources& sources) {
    test::PolicyBuilder builder(Pass{});
    for (size_t i = 0; i < rules; ++i) {
        const Span span = line_span(sources, static_cast<uint32_t>(i + 1));
        Condition address = test::field(FieldId::IpSaddr, 0x0a000000 + i);
        Condition port = test::field(FieldId::TcpDport, 1 + i % 60000);
        address.span = port.span = span;
        std::get<xdpc::Test>(address.node).span = std::get<xdpc::Test>(port.node).span = span;
        builder.rule({test::match(std::move(address)), test::match(std::move(port)), test::verdict(Drop{})});
    }
    Policy policy = builder.get();
    for (size_t i = 0; i < rules; ++i) {
        policy.rules[i].span = line_span(sources, static_cast<uint32_t>(i + 1));
    }
    policy.chains[0].policy_span = policy.chains[0].span = line_span(sources, 1);
    return policy;
}

std::vector<uint8_t> tcp_frame(uint32_t saddr, uint16_t dport) {
    std::vector<uint8_t> frame(60);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[17] = 46;
    frame[22] = 64;
    frame[23] = 6;
    for (int i = 0; i < 4; ++i) {
        frame[26 + i] = static_cast<uint8_t>(saddr >> (24 - 8 * i));
    }
    frame[36] = static_cast<uint8_t>(dport >> 8);
    frame[37] = static_cast<uint8_t>(dport);
    frame[46] = 0x50;
    return frame;
}

/// First, middle and last rule decide theirs, near misses are left to the policy.
Frames probes(size_t rules) {
    Frames frames;
    for (const size_t i : {size_t{0}, rules / 2, rules - 1}) {
        const auto address = static_cast<uint32_t>(0x0a000000 + i);
        const auto port = static_cast<uint16_t>(1 + i % 60000);
        frames.push_back(tcp_frame(address, port));
        frames.push_back(tcp_frame(address, port + 1));
        frames.push_back(tcp_frame(address ^ 0x01000000, port));
    }
    return frames;
}

class CodegenLists : public ::testing::TestWithParam<size_t> {};

TEST_P(CodegenLists, LoadAndDecide) {
    const size_t rules = GetParam();
    Sources sources;
    sources.add("list.xdp", text_of_lines(rules + 1));
    const Policy policy = list_of(rules, sources);
    BuildOptions options;
    options.codegen.instrument = true;
    const auto begin = std::chrono::steady_clock::now();
    const Built built = build(policy, sources, options);
    const auto compiled = std::chrono::steady_clock::now();
    ASSERT_EQ(built.error, "");
    const auto loaded = rt::load(built.artifact);
    ASSERT_TRUE(loaded) << tail_of(loaded.error());
    const auto end = std::chrono::steady_clock::now();
    size_t decided = 0;
    EXPECT_EQ(difference(policy, built, *loaded, probes(rules), &decided), "");
    EXPECT_EQ(decided, 3U);
    const auto ms = [](auto from, auto to) { return std::chrono::duration<double, std::milli>(to - from); };
    fmt::print("{} rules: compiled in {:.1f} ms, loaded in {:.1f} ms\n", rules, ms(begin, compiled).count(),
               ms(compiled, end).count());
}

INSTANTIATE_TEST_SUITE_P(Sizes, CodegenLists, ::testing::Values(1, 10, 100, 300, 1000, 3000, 10'000));

TEST(CodegenProgram, NotInstrumentedItHasNoTestArea) {
    Sources sources;
    sources.add("list.xdp", text_of_lines(4));
    const Policy policy = list_of(3, sources);
    const Built built = build(policy, sources);
    ASSERT_EQ(built.error, "");
    const auto loaded = rt::load(built.artifact);
    ASSERT_TRUE(loaded) << tail_of(loaded.error());
    EXPECT_EQ(loaded->test_area(), nullptr);
    const auto run = rt::test_run(*loaded, tcp_frame(0x0a000001, 2));
    ASSERT_TRUE(run);
    EXPECT_EQ(run->action, 1U);
    const auto counts = rt::read_counters(loaded->map_fd("counters"), built.artifact.slots);
    ASSERT_TRUE(counts);
    EXPECT_EQ((*counts)[1].packets, 1U);
    EXPECT_EQ((*counts)[1].bytes, 60U);
    EXPECT_EQ((*counts)[0].packets, 0U);
}

TEST(CodegenProgram, TheObjectCarriesItsMetadata) {
    Sources sources;
    sources.add("list.xdp", text_of_lines(4));
    const Built built = build(list_of(3, sources), sources);
    ASSERT_EQ(built.error, "");
    const auto object = complete_object(built.artifact);
    ASSERT_TRUE(object);
    const auto read = read_artifact(*object);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->deciders, built.artifact.deciders);
    EXPECT_EQ(read->slots, built.artifact.slots);
    EXPECT_EQ(read->sources, built.artifact.sources);
}

TEST(CodegenProgram, ABrokenRuleIsRefusedAtItsLine) {
    Sources sources;
    sources.add("list.xdp", text_of_lines(6));
    BuildOptions options;
    options.codegen.break_rule = "r3";
    const Built built = build(list_of(5, sources), sources, options);
    ASSERT_EQ(built.error, "");
    const auto loaded = rt::load(built.artifact);
    ASSERT_FALSE(loaded);
    ASSERT_TRUE(loaded.error().refusal) << loaded.error().error.message;
    EXPECT_EQ(loaded.error().refusal->line, 4U);
    EXPECT_EQ(loaded.error().refusal->file, "list.xdp");
    EXPECT_NE(loaded.error().refusal->reason.find("invalid access to packet"), std::string::npos)
        << loaded.error().refusal->reason;
}

bool kernel_is_from(unsigned major, unsigned minor) {
    utsname name{};
    unsigned here[2] = {};
    return uname(&name) == 0 && std::sscanf(name.release, "%u.%u", here, here + 1) == 2 &&
           std::pair(here[0], here[1]) >= std::pair(major, minor);
}

TEST(CodegenProgram, NewerCpuLoadsWhereTheKernelSaysSo) {
    EXPECT_EQ(rt::runs_cpu_v4(), kernel_is_from(6, 6));
    Sources sources;
    sources.add("list.xdp", text_of_lines(6));
    BuildOptions options;
    options.codegen.cpu = "v4";
    options.codegen.instrument = true;
    const Policy policy = list_of(5, sources);
    const Built built = build(policy, sources, options);
    ASSERT_EQ(built.error, "");
    const auto loaded = rt::load(built.artifact);
    if (rt::runs_cpu_v4()) {
        ASSERT_TRUE(loaded) << tail_of(loaded.error());
        EXPECT_EQ(difference(policy, built, *loaded, probes(5)), "");
    } else {
        ASSERT_FALSE(loaded);
    }
}

/// Shared between rules, 80 masked values would need more stack than there is.
TEST(CodegenProgram, ManyMasksFitTheStack) {
    test::PolicyBuilder builder(Pass{});
    for (const u128 value : {1, 2}) {
        for (u128 mask = 0; mask < 80; ++mask) {
            builder.rule({test::match(test::one(FieldKey{FieldId::IpSaddr},
                                                {{0x0a000000 + value * 256, 0x0a000000 + value * 256}}, false,
                                                0xffffff00 | mask)),
                          test::match(test::field(FieldId::TcpDport, mask + 1)), test::verdict(Drop{})});
        }
    }
    const Frames frames = {tcp_frame(0x0a000100, 80), tcp_frame(0x0a000280, 1), tcp_frame(0x0a000201, 1),
                           tcp_frame(0x0a00017f, 2), tcp_frame(0x0a000300, 3)};
    size_t decided = 0;
    EXPECT_EQ(check_policy(builder.get(), frames, {}, &decided), "");
    EXPECT_GE(decided, 3U);
}

std::string text_of(const Policy& policy, const Sources& sources, CodegenForm form) {
    ir::Program program = ir::flatten(policy);
    Diagnostics diagnostics;
    const auto plan = choose(program, {}, diagnostics);
    const CodegenOptions options;
    const auto bytes = generate_isolated({policy, program, *plan, sources, options}, form);
    return bytes ? std::string(bytes->begin(), bytes->end()) : bytes.error().message;
}

TEST(CodegenProgram, PrintsLlvmAndAssemblyWithLines) {
    Sources sources;
    sources.add("list.xdp", text_of_lines(4));
    const Policy policy = list_of(3, sources);
    const std::string llvm = text_of(policy, sources, CodegenForm::LlvmIr);
    EXPECT_NE(llvm.find("define i32 @xdpc(ptr"), std::string::npos);
    EXPECT_NE(llvm.find("!DILocation(line: 2"), std::string::npos);
    const std::string assembly = text_of(policy, sources, CodegenForm::Assembly);
    EXPECT_NE(assembly.find("list.xdp"), std::string::npos);
    EXPECT_NE(assembly.find("# line 2"), std::string::npos); // the text of the policy, for BTF
}

TEST(CodegenProgram, ACrashOfTheCodeGeneratorIsAnError) {
    Sources sources;
    sources.add("list.xdp", text_of_lines(4));
    const Policy policy = list_of(3, sources);
    ir::Program program = ir::flatten(policy);
    Plan plan; // without strategies or places for chains: the child dies, this process does not
    program.chains[0].rules[0].steps.push_back(
        {ir::Guard{{ir::Lookup{{{0}}, {~u128{0}}, {99}, false}, {}}}, {}});
    const CodegenOptions options;
    const auto bytes = generate_isolated({policy, program, plan, sources, options}, CodegenForm::Object);
    ASSERT_FALSE(bytes);
    EXPECT_NE(bytes.error().message.find("code generator"), std::string::npos) << bytes.error().message;
}

} // namespace
} // namespace xdpc::codegen_test
