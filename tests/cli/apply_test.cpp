// apply, stats, show, detach, trace -i on a veth pair of a namespace of its own.
#include "tests/cli/veth.h"

namespace xdpc::cli {
namespace {

constexpr const char* first = "chain ingress {\n"
                              "    policy pass\n"
                              "\n"
                              "    ssh: tcp dport 22 drop\n"
                              "    web: tcp dport { 80, 443 } pass\n"
                              "}\n";
constexpr const char* second = "chain ingress {\n"
                               "    policy pass\n"
                               "\n"
                               "    web: tcp dport { 80, 443 } pass\n"
                               "    ssh: tcp dport 22 drop\n"
                               "    dns: udp dport 53 pass\n"
                               "}\n";

class Apply : public OnVeth {
protected:
    static uint64_t packets_of(const Json& stats, const std::string& rule) {
        for (const Json& entry : stats["interfaces"][0]["rules"]) {
            if (entry["rule"] == rule) {
                return entry["packets"];
            }
        }
        return UINT64_MAX;
    }
};

TEST_F(Apply, TakesAPolicyFromAPipe) {
    Command command;
    command.program = "/bin/bash";
    command.words = {"-c", std::string(XDPC_BINARY_DIR "/xdpc apply <(cat ") + folder_.write("p.xdp", first) +
                               ") -i in --dry-run"};
    command.netns = inside_.name();
    const Ran ran = run(command);
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.out.find("2 rules"), std::string::npos) << ran.out;
}

TEST_F(Apply, CountsSwapsAndDetaches) {
    const std::string policy = folder_.write("p.xdp", first);
    const Ran applied = in({"apply", policy, "-i", "in", "--mode", "native"});
    ASSERT_EQ(applied.code, 0) << applied.both();
    EXPECT_NE(applied.out.find("attached in native mode"), std::string::npos) << applied.out;
    send_syns(5);
    Json stats = json({"stats", "-i", "in"});
    EXPECT_EQ(packets_of(stats, "ssh"), 5U);
    EXPECT_EQ(packets_of(stats, "web"), 0U);
    EXPECT_GE(stats["interfaces"][0]["total"]["packets"], 5U);

    folder_.write("p.xdp", second);
    const Ran swapped = in({"apply", policy, "-i", "in"});
    ASSERT_EQ(swapped.code, 0) << swapped.both();
    EXPECT_NE(swapped.out.find("1 added, 0 removed"), std::string::npos) << swapped.out;
    EXPECT_NE(swapped.out.find("dns"), std::string::npos) << swapped.out;
    stats = json({"stats", "-i", "in"});
    EXPECT_EQ(packets_of(stats, "ssh"), 5U) << "counters are carried over";
    EXPECT_EQ(stats["interfaces"][0]["generation"], 2);

    const Ran table = in({"stats", "-i", "in"});
    EXPECT_NE(table.out.find("ssh"), std::string::npos);
    EXPECT_NE(table.out.find("policy"), std::string::npos);
    EXPECT_NE(table.out.find("total"), std::string::npos);
    const Ran prometheus = in({"stats", "-i", "in", "--prometheus"});
    EXPECT_NE(prometheus.out.find("xdpc_rule_packets_total{interface=\"in\",chain=\"ingress\",rule=\"ssh\","
                                  "verdict=\"drop\"} 5\n"),
              std::string::npos)
        << prometheus.out;

    const Json shown = json({"show"});
    ASSERT_EQ(shown["interfaces"].size(), 1U);
    EXPECT_TRUE(shown["interfaces"][0]["ours"]);
    EXPECT_EQ(shown["interfaces"][0]["mode"], "native");
    const Ran traced = in({"trace", "-i", "in", "tcp dport 22"});
    EXPECT_EQ(traced.code, 0) << traced.both();
    EXPECT_NE(traced.out.find("drop by ssh"), std::string::npos) << traced.out;

    EXPECT_EQ(in({"detach", "-i", "in"}).code, 0);
    EXPECT_TRUE(json({"show"})["interfaces"].empty());
    EXPECT_EQ(in({"stats", "-i", "in"}).code, 3);
}

TEST_F(Apply, DryRunTouchesNothing) {
    const std::string policy = folder_.write("p.xdp", first);
    ASSERT_EQ(in({"apply", policy, "-i", "in"}).code, 0);
    send_syns(3);
    const Json before = json({"stats", "-i", "in"});
    folder_.write("p.xdp", second);
    const Ran dry = in({"apply", policy, "-i", "in", "--dry-run"});
    EXPECT_EQ(dry.code, 0) << dry.both();
    EXPECT_NE(dry.out.find("1 added"), std::string::npos) << dry.out;
    EXPECT_NE(dry.out.find("nothing was changed"), std::string::npos) << dry.out;
    EXPECT_EQ(json({"stats", "-i", "in"}), before);
}

TEST_F(Apply, ObjectNeedsNoCompiler) {
    const std::string policy = folder_.write("p.xdp", first);
    const std::string object = folder_.path("p.o");
    ASSERT_EQ(in({"build", policy, "-o", object}).code, 0);
    const Ran applied = in({"apply", object, "-i", "in"}, {"LD_DEBUG=files"});
    EXPECT_EQ(applied.code, 0) << applied.out;
    EXPECT_EQ(applied.err.find("LLVM"), std::string::npos);
    send_syns(2);
    EXPECT_EQ(packets_of(json({"stats", "-i", "in"}), "ssh"), 2U);
    // Damaged objects are refused, whatever is damaged.
    const std::string bytes = read(object);
    for (const size_t cut : {size_t{4}, size_t{64}, bytes.size() / 2, bytes.size() - 1}) {
        const Ran damaged = in({"apply", folder_.write("cut.o", bytes.substr(0, cut)), "-i", "in"});
        EXPECT_EQ(damaged.code, 3) << cut << damaged.both();
    }
}

TEST_F(Apply, AllInterfacesOrNone) {
    const std::string policy = folder_.write("p.xdp", first);
    const Ran ran = in({"apply", policy, "-i", "in", "nosuch0"});
    EXPECT_EQ(ran.code, 3);
    EXPECT_NE(ran.err.find("nosuch0"), std::string::npos) << ran.err;
    EXPECT_TRUE(json({"show"})["interfaces"].empty());
}

TEST_F(Apply, MistakesChangeNothing) {
    const std::string policy = folder_.write("p.xdp", first);
    ASSERT_EQ(in({"apply", policy, "-i", "in"}).code, 0);
    const Json before = json({"show"});
    folder_.write("p.xdp", "chain ingress { policy drop; tcp dprot 22 pass }\n");
    EXPECT_EQ(in({"apply", policy, "-i", "in"}).code, 1);
    EXPECT_EQ(json({"show"}), before);
}

TEST_F(Apply, KilledAtAnyStepLeavesOldOrNew) {
    const std::string policy = folder_.write("p.xdp", first);
    ASSERT_EQ(in({"apply", policy, "-i", "in"}).code, 0);
    folder_.write("p.xdp", second);
    const Ran killed = in({"apply", policy, "-i", "in"}, {"XDPC_TEST_STEP=swap:kill"});
    EXPECT_EQ(killed.code, 128 + 9) << killed.both();
    send_syns(1); // dropped by both
    const Json stats = json({"stats", "-i", "in"});
    EXPECT_EQ(packets_of(stats, "ssh"), 1U);
    EXPECT_EQ(in({"apply", policy, "-i", "in"}).code, 0);
}

TEST_F(Apply, VerifyReports) {
    const std::string policy = folder_.write("p.xdp", first);
    const Ran ran = in({"check", policy, "--verify"});
    EXPECT_EQ(ran.code, 0) << ran.both();
    for (const char* word :
         {"instructions", "processed by the verifier", "bytes of stack", "counters", "memory"}) {
        EXPECT_NE(ran.out.find(word), std::string::npos) << word << "\n" << ran.out;
    }
    const Json document = json({"check", policy, "--verify"});
    EXPECT_GT(document["files"][0]["verified"]["instructions"], 10);
    EXPECT_GT(document["files"][0]["verified"]["processed_instructions"], 10);
}

TEST_F(Apply, RefusalIsShownOnTheRulesLine) {
    const std::string policy = folder_.write("p.xdp", first);
    const Ran ran = in({"check", policy, "--verify"}, {"XDPC_TEST_BREAK_RULE=web"});
    EXPECT_EQ(ran.code, 1) << ran.both();
    EXPECT_NE(ran.err.find(policy + ":5:"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("web: tcp dport { 80, 443 } pass"), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("verifier"), std::string::npos) << ran.err;
}

/// What is cut into programs is told as such, and refused at the line whichever of them it is.
TEST_F(Apply, VerifyReportsAllPrograms) {
    const std::string policy = folder_.write("p.xdp", second);
    const std::string cut = "XDPC_TEST_PROGRAM_RULES=1";
    const Ran ran = in({"check", policy, "--verify"}, {cut});
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.out.find("program xdpc and "), std::string::npos) << ran.out;
    EXPECT_NE(ran.out.find("a packet meets at most "), std::string::npos) << ran.out;
    for (const auto& [rule, line] : {std::pair("web", ":4:"), std::pair("dns", ":6:")}) {
        const std::string broken = std::string("XDPC_TEST_BREAK_RULE=") + rule;
        const Ran refused = in({"check", policy, "--verify"}, {cut, broken});
        EXPECT_EQ(refused.code, 1) << refused.both();
        EXPECT_NE(refused.err.find(policy + line), std::string::npos) << refused.err;
    }
    ASSERT_EQ(in({"apply", policy, "-i", "in"}, {cut}).code, 0);
    send_syns(3);
    EXPECT_EQ(packets_of(json({"stats", "-i", "in"}), "ssh"), 3U);
}

} // namespace
} // namespace xdpc::cli
