// Linked into the test programs that load BPF programs or make network namespaces: without root all their
// tests are skipped, which ctest counts and `./xdpc.sh test` lists.
#include <gtest/gtest.h>
#include <unistd.h>

namespace xdpc::harness {
namespace {

class NeedsRoot : public testing::Environment {
    void SetUp() override {
        if (geteuid() != 0) {
            GTEST_SKIP() << "[  SKIPPED ] needs root"; // the words ctest counts by
        }
    }
};

[[maybe_unused]] const testing::Environment* const needs_root =
    testing::AddGlobalTestEnvironment(new NeedsRoot);

} // namespace
} // namespace xdpc::harness
