// Whole files into memory: what cannot be read is told, never thrown; bytes as hex digits.
#include "compiler/base/bytes.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace xdpc::test {
namespace {

TEST(Bytes, HexHasTwoDigitsAByte) {
    const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
    EXPECT_EQ(hex_text(bytes), "000fa0ff");
    EXPECT_EQ(hex_text({}), "");
}

TEST(Bytes, ReadsAllOfAFile) {
    const auto text = read_bytes(XDPC_SOURCE_DIR "/examples/rules/edge.xdp", 1 << 20);
    ASSERT_TRUE(text);
    struct stat info{};
    ASSERT_EQ(stat(XDPC_SOURCE_DIR "/examples/rules/edge.xdp", &info), 0);
    EXPECT_EQ(text->size(), static_cast<size_t>(info.st_size));
}

TEST(Bytes, SaysWhyAFileIsNotRead) {
    const auto message = [](const char* path, size_t limit) {
        const auto bytes = read_bytes(path, limit);
        return bytes ? std::string("read") : bytes.error().message;
    };
    EXPECT_EQ(message("/nonexistent", 1), "cannot read `/nonexistent`: No such file or directory");
    EXPECT_EQ(message("/proc", 1), "cannot read `/proc`: it is a directory");
    EXPECT_EQ(message("/dev/zero", size_t{1} << 20), "`/dev/zero` is larger than 1 MiB");
    EXPECT_EQ(message("/proc/self/mem", 1 << 20), "cannot read `/proc/self/mem`: Input/output error");
}

} // namespace
} // namespace xdpc::test
