// Captures of every kind that libpcap reads, made byte by byte.
#include "compiler/packet/build.h"

#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace xdpc::packet {
namespace {

class Bytes {
public:
    explicit Bytes(bool big_endian) : big_endian_(big_endian) {}
    Bytes& number(uint32_t value, unsigned size) {
        for (unsigned i = 0; i < size; ++i) {
            text_ += static_cast<char>(value >> 8 * (big_endian_ ? size - 1 - i : i));
        }
        return *this;
    }
    Bytes& frame(const Frame& frame) {
        text_.append(frame.begin(), frame.end());
        return *this;
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    bool big_endian_;
    std::string text_;
};

const Frame first = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
const Frame second = {9, 8, 7, 6};

std::string classic(bool big_endian, uint32_t magic, uint32_t link_type = 1) {
    Bytes b(big_endian);
    b.number(magic, 4).number(2, 2).number(4, 2).number(0, 4).number(0, 4).number(65535, 4).number(link_type,
                                                                                                   4);
    for (const Frame& frame : {first, second}) {
        const auto size = static_cast<uint32_t>(frame.size());
        b.number(1, 4).number(2, 4).number(size, 4).number(size, 4).frame(frame);
    }
    return b.text();
}

std::string next_generation() {
    Bytes b(false);
    b.number(0x0a0d0d0a, 4).number(28, 4).number(0x1a2b3c4d, 4).number(1, 2).number(0, 2);
    b.number(~0U, 4).number(~0U, 4).number(28, 4);
    b.number(1, 4).number(20, 4).number(1, 2).number(0, 2).number(65535, 4).number(20, 4);
    for (const Frame& frame : {first, second}) {
        const auto size = static_cast<uint32_t>(frame.size());
        b.number(6, 4).number(32 + size, 4).number(0, 4).number(0, 4).number(0, 4);
        b.number(size, 4).number(size, 4).frame(frame).number(32 + size, 4);
    }
    return b.text();
}

class ReadPcap : public testing::Test {
protected:
    std::string write(const std::string& text) {
        path_ = testing::TempDir() + "xdpc-pcap-test-" + std::to_string(getpid());
        std::ofstream(path_, std::ios::binary) << text;
        return path_;
    }
    void TearDown() override { unlink(path_.c_str()); }
    std::string path_;
};

TEST_F(ReadPcap, EveryFormat) {
    for (const std::string& text :
         {classic(false, 0xa1b2c3d4), classic(true, 0xa1b2c3d4), classic(false, 0xa1b23c4d),
          classic(true, 0xa1b23c4d), next_generation()}) {
        const auto frames = read_pcap(write(text));
        ASSERT_TRUE(frames) << frames.error().message;
        EXPECT_EQ(*frames, (std::vector<Frame>{first, second}));
    }
}

TEST_F(ReadPcap, RefusesOtherLinks) {
    const auto frames = read_pcap(write(classic(false, 0xa1b2c3d4, 101)));
    ASSERT_FALSE(frames);
    EXPECT_NE(frames.error().message.find("not Ethernet"), std::string::npos) << frames.error().message;
}

TEST_F(ReadPcap, RefusesWhatIsNoCapture) {
    EXPECT_FALSE(read_pcap(write("hello, this is not a capture at all")));
    EXPECT_FALSE(read_pcap(write("")));
    EXPECT_FALSE(read_pcap(path_ + "-missing"));
}

TEST_F(ReadPcap, RefusesCutFiles) {
    const std::string text = classic(false, 0xa1b2c3d4);
    EXPECT_FALSE(read_pcap(write(text.substr(0, text.size() - 2))));
}

} // namespace
} // namespace xdpc::packet
