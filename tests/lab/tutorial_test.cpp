// The tasks of xdp-tutorial with real traffic, by examples/rules/tutorial.xdp.
#include "compiler/packet/build.h"
#include "tests/harness/recipe_text.h"
#include "tests/lab/lab.h"

#include <fstream>
#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

using test::layer;

std::string tutorial() {
    std::ifstream in(XDPC_SOURCE_DIR "/examples/rules/tutorial.xdp");
    return {std::istreambuf_iterator<char>(in), {}};
}

packet::Frame built(std::vector<packet::LayerSpec> layers) {
    packet::Recipe recipe;
    recipe.layers = std::move(layers);
    return packet::build(recipe);
}

/// Sends frames from outside.
void send(const Lab& lab, const std::vector<packet::Frame>& frames) {
    lab.outside().run([&] {
        const harness::FrameSocket socket(Lab::peer);
        for (const packet::Frame& frame : frames)
            EXPECT_TRUE(socket.send(frame));
    });
}

TEST(LabTutorial, BadPacketsAreAbortedAndCounted) {
    Lab lab;
    ASSERT_EQ(lab.apply(tutorial()).status, 0);
    send(lab, {built({layer("ip", {{"length", 4}}), layer("udp")}), built({layer("udp", {{"length", 3}})}),
               built({layer("udp")})});
    EXPECT_EQ(lab.counts()["bad"].packets, 2U);
    EXPECT_EQ(lab.counts()["four"].packets, 1U);
}

TEST(LabTutorial, EverySecondPingIsLost) {
    Lab lab;
    ASSERT_EQ(lab.apply(tutorial()).status, 0);
    lab.outside().run([&] {
        for (const char* host : {Lab::inner4, Lab::inner6}) {
            const Ran ping = run({"ping", "-c", "6", "-i", "0.05", "-W", "1", host});
            EXPECT_NE(ping.out.find("6 packets transmitted, 3 received"), std::string::npos) << ping.out;
        }
    });
    EXPECT_EQ(lab.counts()["odd"].packets, 3U);
    EXPECT_EQ(lab.counts()["odd6"].packets, 3U);
}

TEST(LabTutorial, TheOutermostTagIsTakenOff) {
    Lab lab;
    ASSERT_EQ(lab.apply(tutorial()).status, 0);
    const std::string text = "long enough that no frame is padded, with a tag or without";
    const packet::Frame plain = built({layer("udp", {{"dport", 8}}), test::payload(text)});
    lab.inside().run([&] {
        const harness::FrameSocket socket(Lab::iface);
        send(lab, {built({layer("vlan", {{"id", 7}}), layer("udp", {{"dport", 9}}), test::payload(text)})});
        EXPECT_EQ(socket.receive(2000), plain);
    });
}

/// The other end's program sees the tag; sockets are given frames without.
TEST(LabTutorial, ATagIsPutOn) {
    Lab lab;
    const std::string watch =
        lab.file("chain ingress {\n policy drop\n tagged: vlan id 7 vlan pcp 3 udp sport 9 pass\n}\n");
    lab.outside().run([&] {
        const Ran ran = run({xdpc_path(), "apply", watch, "-i", Lab::peer, "--mode", "native"});
        ASSERT_EQ(ran.status, 0) << ran.err;
    });
    ASSERT_EQ(
        lab.apply("chain ingress {\n policy pass\n udp dport 9 vlan push id 7 pcp 3 reflect\n}\n").status, 0);
    send(lab, {built({layer("udp", {{"dport", 9}})})});
    lab.outside().run([&] {
        const Ran stats = run({xdpc_path(), "stats", "-i", Lab::peer});
        EXPECT_NE(stats.out.find("tagged"), std::string::npos) << stats.out;
        EXPECT_EQ(run({xdpc_path(), "detach", "-i", Lab::peer}).status, 0);
    });
}

} // namespace
} // namespace xdpc::lab
