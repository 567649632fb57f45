// A veth pair between two network namespaces of a test's own, and `xdpc` run at its end `in`.
#pragma once

#include "tests/cli/command.h"
#include "tests/harness/netns.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace xdpc::cli {

using Json = nlohmann::json;

/// A TCP SYN to port 22 of 192.0.2.2 as a whole frame of 60 bytes.
inline std::vector<uint8_t> syn_from(std::array<uint8_t, 4> address) {
    std::vector<uint8_t> frame(60, 0);
    const uint8_t head[] = {0x02, 0,    0, 0,  0, 2,  0x02, 0, 0, 0, 0, 1, 0x08, 0x00, 0x45, 0x00, 0x00,
                            0x28, 0,    0, 0,  0, 64, 6,    0, 0, 0, 0, 0, 0,    192,  0,    2,    2,
                            0x9c, 0x40, 0, 22, 0, 0,  0,    0, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff};
    std::copy(std::begin(head), std::end(head), frame.begin());
    std::copy(address.begin(), address.end(), frame.begin() + 26);
    return frame;
}

class OnVeth : public testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(is_root()) << "needs root";
        harness::make_veth(outside_, "out", inside_, "in");
    }
    void TearDown() override { in({"detach", "-i", "in"}); }
    Ran in(std::vector<std::string> words, std::vector<std::string> environment = {}) {
        Command command;
        command.words = std::move(words);
        command.environment = std::move(environment);
        command.netns = inside_.name();
        return run(command);
    }
    Json json(std::vector<std::string> words) {
        words.emplace_back("--json");
        const Ran ran = in(std::move(words));
        EXPECT_EQ(ran.code, 0) << ran.both();
        return Json::parse(ran.out);
    }
    void send_syns(int count, std::array<uint8_t, 4> from = {192, 0, 2, 1}) {
        outside_.run([&] {
            const harness::FrameSocket socket("out");
            for (int i = 0; i < count; ++i) {
                ASSERT_TRUE(socket.send(syn_from(from)));
            }
        });
    }
    harness::Netns outside_{"out"};
    harness::Netns inside_{"in"};
    Folder folder_;
};

} // namespace xdpc::cli
