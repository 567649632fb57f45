#include "tests/kernel/runtime_support.h"

#include "runtime/internal.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <ctime>
#include <fstream>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xdpc::rt::test {
namespace {

TEST(RuntimeLoad, MayLoadAsRoot) {
    EXPECT_TRUE(may_load());
}

/// Runs `check` in a child; its result is the child's success.
bool in_child(const std::function<bool()>& check) {
    pid_t child = fork();
    if (child == 0)
        _exit(check() ? 0 : 1);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(RuntimeLoad, OthersMayNotAndAreToldSo) {
    constexpr uid_t nobody = 65534;
    EXPECT_TRUE(in_child([] { return setresuid(nobody, nobody, nobody) == 0 && !may_load(); }));
    EXPECT_TRUE(in_child([] {
        if (setresuid(nobody, nobody, nobody) != 0)
            return false;
        auto refused = load(forward_policy());
        return !refused && !refused.error().refusal &&
               refused.error().error.hint.find("root") != std::string::npos;
    }));
}

TEST_F(Pair, WhereBpffsIsHiddenNothingIsAppliedOrCalledForeign) {
    here.run([] { must(apply(forward_policy(), {"v0"}, {})); });
    EXPECT_TRUE(in_child([this] {
        here.enter();
        // What `ip netns exec` does.
        if (unshare(CLONE_NEWNS) != 0 || mount("", "/", "none", MS_SLAVE | MS_REC, nullptr) != 0 ||
            mount("none", "/sys", "sysfs", 0, nullptr) != 0)
            return false;
        auto hints = [](const auto& result) {
            return !result && result.error().hint.find("nsenter") != std::string::npos;
        };
        auto applied = apply(forward_policy(), {"v0"}, {});
        return !applied && applied.error().error.hint.find("nsenter") != std::string::npos && hints(show()) &&
               hints(stats("v0")) && hints(detach("v0"));
    }));
    here.run([] { EXPECT_TRUE(must(detach("v0"))); });
}

TEST(RuntimeLoad, ReportSaysWhatTheKernelMadeOfIt) {
    Loaded loaded = must(load(forward_policy(), {{"v0"}, true}));
    const VerifierReport& report = loaded.report();
    EXPECT_EQ(report.program, "xdpc");
    EXPECT_GT(report.instructions, 20U);
    EXPECT_GE(report.processed_instructions, 20U);
    EXPECT_GE(report.stack_bytes, 4U);
    EXPECT_GT(report.load_ms, 0);
    ASSERT_EQ(report.maps.size(), 2U);
    const auto& counters = report.maps[0].name == "counters" ? report.maps[0] : report.maps[1];
    EXPECT_EQ(counters.name, "counters");
    EXPECT_EQ(counters.type, "percpu_array");
    EXPECT_EQ(counters.entries, 5U);
    EXPECT_GE(counters.bytes, 5 * sizeof(xdpc_counter));
    EXPECT_GT(report.memory_bytes, counters.bytes);
    EXPECT_GT(loaded.program_id(), 0U);
    EXPECT_EQ(loaded.map_fd("nothing"), -1);
}

TEST(RuntimeLoad, CountersOfAnotherShapeAreNotRead) {
    struct Shape {
        bpf_map_type type;
        uint32_t value_size, entries;
    };
    // Larger values would be written beyond what was allocated for ours.
    for (const Shape& shape : {Shape{BPF_MAP_TYPE_PERCPU_ARRAY, 4096, 5},
                               Shape{BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(xdpc_counter), 4},
                               Shape{BPF_MAP_TYPE_ARRAY, sizeof(xdpc_counter), 5}}) {
        Fd map(bpf_map_create(shape.type, "counters", sizeof(uint32_t), shape.value_size, shape.entries,
                              nullptr));
        ASSERT_TRUE(map.valid());
        EXPECT_FALSE(read_counters(map.get(), 5)) << shape.value_size;
        EXPECT_FALSE(clear_counters(map.get(), 5)) << shape.value_size;
    }
}

TEST(RuntimeLoad, RunsCountAndClear) {
    Loaded loaded = must(load(forward_policy()));
    EXPECT_EQ(must(test_run(loaded, frame_of_kind(2, 100))).action, 1U);
    auto other = frame_of_kind(0);
    other[12] = 0;
    RunResult passed = must(test_run(loaded, other, 3));
    EXPECT_EQ(passed.action, 2U);
    EXPECT_EQ(passed.frame, other);
    auto counts = must(read_counters(loaded.map_fd("counters"), 5));
    EXPECT_EQ(counts[2].packets, 1U);
    EXPECT_EQ(counts[2].bytes, 100U);
    EXPECT_EQ(counts[4].packets, 3U);
    EXPECT_EQ(counts[0].packets, 0U);
    must(clear_counters(loaded.map_fd("counters"), 5).map([] { return true; }));
    for (const SlotCount& count : must(read_counters(loaded.map_fd("counters"), 5)))
        EXPECT_EQ(count.packets + count.bytes, 0U);
}

TEST(RuntimeLoad, ShortFramesAreAnErrorAndLongOnesRun) {
    Loaded loaded = must(load(forward_policy()));
    auto refused = test_run(loaded, std::vector<uint8_t>(13));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("14 bytes"), std::string::npos);
    EXPECT_TRUE(test_run(loaded, std::vector<uint8_t>(14)));
    EXPECT_TRUE(test_run(loaded, std::vector<uint8_t>(2000)));
}

TEST(RuntimeLoad, RefusalNamesTheLine) {
    Artifact artifact = forward_policy();
    artifact.object = object("refused");
    std::ifstream source(XDPC_BPF_SOURCE); // older kernels give a line's text alone
    artifact.sources = {{"somewhere/count.bpf.c", {std::istreambuf_iterator<char>(source), {}}}};
    for (bool measure : {false, true}) {
        auto loaded = load(artifact, {{}, measure});
        ASSERT_FALSE(loaded);
        ASSERT_TRUE(loaded.error().refusal);
        const Refusal& refusal = *loaded.error().refusal;
        EXPECT_NE(refusal.reason.find("invalid access to packet"), std::string::npos) << refusal.reason;
        EXPECT_EQ(refusal.file, "somewhere/count.bpf.c");
        EXPECT_GT(refusal.line, 0U);
        ASSERT_FALSE(refusal.log_tail.empty());
        EXPECT_TRUE(std::any_of(refusal.log_tail.begin(), refusal.log_tail.end(), [](const auto& line) {
            return line.find("read before the length is known") != std::string::npos;
        }));
    }
}

TEST(RuntimeLoad, RefusalOfKernelsThatGiveOnlyTheText) {
    Artifact artifact;
    artifact.sources = {{"a/edge.xdp", "chain ingress {\n    tcp dport 22 drop\n}\n"}};
    std::string log =
        "0: R1=ctx() R10=fp0\n; tcp dport 22 drop\n17: (71) r1 = *(u8 *)(r1 +12)\n"
        "R1 invalid mem access 'scalar'\nprocessed 16 insns (limit 1000000) max_states_per_insn 0\n";
    Refusal refusal = refusal_from_log(log, artifact);
    EXPECT_EQ(refusal.file, "a/edge.xdp");
    EXPECT_EQ(refusal.line, 2U);
    EXPECT_EQ(refusal.reason, "R1 invalid mem access 'scalar'");
    EXPECT_EQ(stack_depth_from_log("verification time 9 usec\nstack depth 16+8\nprocessed 1 insns"), 24U);
    EXPECT_EQ(refusal_from_log("", artifact).line, 0U);
    for (const char* said : {"invalid func unknown#208", "unknown func bpf_ktime_get_tai_ns#208"}) {
        refusal = refusal_from_log(
            "; late: meta hour > 22 drop @ office.xdp:7\n12: (85) call bpf_ktime_get_tai_ns#208\n" +
                std::string(said) + "\nprocessed 12 insns (limit 1000000)\n",
            artifact);
        EXPECT_EQ(refusal.reason, "this kernel lacks `bpf_ktime_get_tai_ns`, which came with Linux 6.1");
        EXPECT_EQ(refusal.line, 7U);
    }
}

TEST(RuntimeLoad, BindsInterfaceAndClocks) {
    Artifact artifact = forward_policy();
    artifact.object = object("probe");
    Loaded loaded = must(load(artifact, {{"abcdefghij"}, false}));
    must(test_run(loaded, frame_of_kind(0)));
    xdpc_bind seen{};
    uint32_t key = 0;
    ASSERT_EQ(bpf_map_lookup_elem(loaded.map_fd("probe"), &key, &seen), 0);
    EXPECT_EQ(seen.iifname_hi, 0x6162636465666768ULL);
    EXPECT_EQ(seen.iifname_lo, 0x696a000000000000ULL);
    timespec tai{};
    clock_gettime(CLOCK_TAI, &tai);
    int64_t wall = tai.tv_sec + seen.wall_offset_ns / 1'000'000'000;
    EXPECT_LE(std::abs(wall - time(nullptr)), 1);
    EXPECT_LE(std::abs(seen.utc_offset_s), 14 * 3600);
}

TEST(RuntimeLoad, TestAreaIsSharedWithTheProgram) {
    EXPECT_EQ(must(load(forward_policy())).test_area(), nullptr);
    Artifact artifact = forward_policy();
    artifact.object = object("instrumented");
    artifact.instrumented = true;
    Loaded loaded = must(load(artifact));
    xdpc_test_area* area = loaded.test_area();
    ASSERT_NE(area, nullptr);
    EXPECT_EQ(area->control.seed, 1U);
    area->control.seed = 40;
    must(test_run(loaded, frame_of_kind(2)));
    EXPECT_EQ(area->result.ran, 1U);
    EXPECT_EQ(area->result.decider, 42U);
    auto refused = apply(artifact, {"lo"}, {});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().error.message.find("made for tests"), std::string::npos);
}

TEST(RuntimeLoad, GarbageIsAnError) {
    Artifact artifact = forward_policy();
    artifact.object = {1, 2, 3};
    EXPECT_FALSE(load(artifact));
    artifact.object.clear();
    EXPECT_FALSE(load(artifact));
    auto good = object("count");
    for (size_t size : {good.size() / 4, good.size() / 2}) {
        artifact.object.assign(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
        auto loaded = load(artifact);
        ASSERT_FALSE(loaded);
        EXPECT_FALSE(loaded.error().error.message.empty());
    }
}

} // namespace
} // namespace xdpc::rt::test
