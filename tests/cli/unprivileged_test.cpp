// What needs no privilege works without: check, fmt, emit, build, test with the reference engine, trace.
#include "tests/cli/command.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace xdpc::cli {
namespace {

const std::string edge = XDPC_SOURCE_DIR "/examples/rules/edge.xdp";

/// The tree may lie where nobody may look; what the test needs is copied beside.
class Unprivileged : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(is_root()) << "needs root to become nobody";
        Command copy;
        copy.program = "/bin/cp";
        copy.words = {XDPC_BINARY_DIR "/xdpc", folder_.path("xdpc")};
        ASSERT_EQ(run(copy).code, 0);
        copy.program = "/bin/sh";
        copy.words = {"-c", "cp " XDPC_BINARY_DIR "/libxdpc*.so " + folder_.path()};
        ASSERT_EQ(run(copy).code, 0);
        folder_.write("lists/bogons.xdp", read(XDPC_SOURCE_DIR "/examples/rules/lists/bogons.xdp"));
        policy_ = folder_.write("edge.xdp", read(edge));
        chmod(folder_.path().c_str(), 0777);
    }
    Ran as_nobody(std::vector<std::string> words) {
        Command command;
        command.program = folder_.path("xdpc");
        command.words = std::move(words);
        command.as_nobody = true;
        return run(command);
    }
    Folder folder_;
    std::string policy_;
};

TEST_F(Unprivileged, WhatNeedsNoKernel) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"check", policy_},
                                               {"fmt", "--check", policy_},
                                               {"emit", policy_, "--as", "plan"},
                                               {"emit", policy_, "--as", "llvm"},
                                               {"build", policy_, "-o", folder_.path("edge.o")},
                                               {"test", policy_, "--engine", "reference"},
                                               {"trace", policy_, "tcp dport 80"},
                                               {"features"}}) {
        const Ran ran = as_nobody(words);
        EXPECT_EQ(ran.code, 0) << words[0] << ran.both();
    }
}

TEST_F(Unprivileged, TestFallsBackToTheReferenceEngineAndSaysSo) {
    const Ran ran = as_nobody({"test", policy_});
    EXPECT_EQ(ran.code, 0) << ran.both();
    EXPECT_NE(ran.err.find("reference engine only"), std::string::npos) << ran.err;
}

TEST_F(Unprivileged, WhatNeedsTheKernelIsRefusedWithAHint) {
    for (const std::vector<std::string>& words :
         std::vector<std::vector<std::string>>{{"test", policy_, "--engine", "kernel"},
                                               {"test", policy_, "--engine", "both"},
                                               {"check", policy_, "--verify"},
                                               {"apply", policy_, "-i", "lo"}}) {
        const Ran ran = as_nobody(words);
        EXPECT_EQ(ran.code, 3) << words[0] << ran.both();
        EXPECT_NE(ran.err.find("error:"), std::string::npos) << ran.err;
    }
}

} // namespace
} // namespace xdpc::cli
