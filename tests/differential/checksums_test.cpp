// Checksums of what goes out, judged by a decoder that knows nothing of this project: random rules that
// change packets, packets whose checksums are right, and tshark's word on every frame that the kernel made of
// them. XDPC_CHECKSUM_PAIRS=20000 for a long run.
#include "compiler/compile.h"
#include "compiler/driver/test_engine.h"
#include "compiler/packet/build.h"
#include "compiler/packet/pcapng.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "tests/differential/differential.h"
#include "tests/harness/random_frame.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace xdpc::test {
namespace {

constexpr size_t frames_each = 40; // packets of a policy

using Texts = std::vector<std::string>;

std::string address4(Rng& rng) {
    return fmt::format("10.{}.{}.{}", below(rng, 3), below(rng, 256), 1 + below(rng, 250));
}
std::string address6(Rng& rng) {
    return fmt::format("2001:db8:{:x}::{:x}", below(rng, 3), 1 + below(rng, 65535));
}

/// The layers of a packet, as tests write them; the builder computes its checksums.
std::string packet(Rng& rng) {
    const bool ip6 = chance(rng, 45);
    const auto hops = 2 + below(rng, 250);
    std::string text = chance(rng, 15) ? fmt::format("vlan id {} / ", 1 + below(rng, 4000)) : "";
    text += ip6 ? fmt::format("ip6 saddr {} daddr {} hoplimit {}", address6(rng), address6(rng), hops)
                : fmt::format("ip saddr {} daddr {} ttl {} id {}", address4(rng), address4(rng), hops,
                              below(rng, 65536));
    text += chance(rng, 20) ? fmt::format(" dscp {}", below(rng, 64)) : "";
    const auto port = [&] { return 20000 + below(rng, 20000); };
    switch (below(rng, 5)) {
    case 0:
        text += fmt::format(" / udp sport {} dport {}", port(), port());
        break;
    case 1:
        text += fmt::format(" / {} type echo-request id {} sequence {}", ip6 ? "icmpv6" : "icmp",
                            below(rng, 65536), below(rng, 65536));
        break;
    default:
        text +=
            fmt::format(" / tcp sport {} dport {} sequence {} flags {}", port(), port(), below(rng, 1U << 31),
                        chance(rng, 60) ? "syn option maxseg size 1460" : "ack,psh");
    }
    return text + (chance(rng, 70) ? fmt::format(" / payload {} bytes", below(rng, 400)) : "");
}

/// A statement that goes on.
std::string change(Rng& rng) {
    const std::string four = address4(rng), six = address6(rng);
    const auto number = below(rng, 65536);
    const Texts all = {
        "ip ttl set ip ttl - 1",
        "ip6 hoplimit set ip6 hoplimit - 1",
        fmt::format("ip dscp set {}", below(rng, 64)),
        fmt::format("ip6 dscp set {}", below(rng, 64)),
        "ip saddr set " + four,
        "ip daddr set ip daddr & 0.0.255.255 | 10.0.0.0",
        "ip6 daddr set " + six,
        fmt::format("th dport set {}", 20000 + number % 20000),
        fmt::format("tcp window set {}", number),
        fmt::format("tcp sequence set tcp sequence + {}", number),
        fmt::format("icmp id set {}", number),
        fmt::format("icmpv6 sequence set {}", number),
        fmt::format("tcp option maxseg size set {}", 500 + number % 1000),
        fmt::format("vlan push id {}", 1 + number % 4000),
        "vlan pop",
        "snat to " + four,
        fmt::format("dnat to {}:{}", four, 20000 + number % 20000),
        fmt::format("snat to [{}]:{}", six, 20000 + number % 20000),
        "dnat to 10.9.0.0/16",
        fmt::format("encap ipip from {} to {} ttl 9", address4(rng), four),
        fmt::format("encap 4in6 from {} to {}", address6(rng), six),
        fmt::format("encap 6in4 from {} to {}", address4(rng), four),
        fmt::format("encap ip6ip6 from {} to {}", address6(rng), six),
        fmt::format("encap gre from {} to {} mtu 576 reject", address4(rng), four),
        fmt::format("encap gue from {} to {}", address6(rng), six),
        fmt::format("encap vxlan vni 7 from {} to {}", address4(rng), four),
        "decap",
    };
    return pick(rng, all);
}

std::string policy_text(Rng& rng) {
    const Texts ends = {"reflect",
                        "reply echo",
                        "reject with tcp reset",
                        "reject with icmpx port-unreachable",
                        "reject with icmp host-unreachable",
                        "route",
                        "route",
                        "tx"};
    std::string text = "chain ingress {\n    policy pass\n";
    for (uint64_t i = 1 + below(rng, 3); i-- > 0;) {
        text += "    " + change(rng) + "\n";
    }
    if (chance(rng, 60)) {
        text += fmt::format("    {}\n", pick(rng, ends));
    }
    text += "}\ntest \"t\" {\n    given route 0.0.0.0/0 via out ether 02:00:00:00:00:09\n"
            "    given route ::/0 via out ether 02:00:00:00:00:09\n";
    for (size_t i = 0; i < frames_each; ++i) {
        text += "    send " + packet(rng) + "\n";
    }
    return text + "}\n";
}

struct Checked {
    Sources sources;
    std::optional<Policy> policy;
};

void check_text(const std::string& text, Checked& out) {
    Diagnostics diagnostics;
    const FileId file = out.sources.add("random.xdp", text);
    out.policy = check(parse_with_includes(file, out.sources, diagnostics), out.sources, diagnostics);
    ASSERT_TRUE(out.policy) << text << render(diagnostics, out.sources);
}

/// What the kernel makes of each packet, which has to be what the evaluator does; those that it changed go to
/// `capture`.
void run_policy(const std::string& text, std::ofstream& capture, std::vector<std::string>& made) {
    Checked checked;
    check_text(text, checked);
    ASSERT_TRUE(checked.policy);
    Diagnostics diagnostics;
    const Policy& policy = *checked.policy;
    auto compiled =
        compile(policy, checked.sources, diagnostics, {.instrument = true, .cpu = "v3", .break_rule = ""});
    ASSERT_TRUE(compiled && *compiled) << text;
    auto loaded = rt::load((*compiled)->artifact);
    ASSERT_TRUE(loaded) << text << text_of(loaded.error());
    std::optional<rt::PrivateNetwork> network;
    const TestCase& test = policy.tests.front();
    ASSERT_TRUE(driver::enter_network(*loaded, test.network, network)) << text;
    State state(policy);
    state.network = &test.network;
    for (const TestStep& step : test.steps) {
        const auto& send = std::get<Send>(step.node);
        const auto frame = packet::frames(send.packet).front();
        driver::Surroundings around;
        around.packet = state.packets;
        const Outcome wanted = evaluate(policy, state, driver::view_of(frame, around));
        const auto actual = driver::run_in_kernel(*loaded, frame, around);
        ASSERT_TRUE(actual) << actual.error().message;
        ASSERT_EQ(actual->outcome, wanted) << text << send.text;
        if (wanted.frame && wanted.action != Action::Drop) {
            packet::CapturedFrame captured;
            captured.bytes = actual->frame;
            captured.length = static_cast<uint32_t>(actual->frame.size());
            capture << packet::pcapng_frame(captured);
            made.push_back(text.substr(0, text.find("test")) + send.text);
        }
    }
}

/// What tshark says of the checksums of each frame, inner ones too: 0 bad, 1 good, 2 not looked at, 3 none.
std::vector<std::string> judged(const std::string& file) {
    const std::string command =
        "tshark -n -r " + file +
        " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE"
        " -o udp.ignore_ipv6_zero_checksum:TRUE -o ip.defragment:FALSE -T fields -E occurrence=a -E "
        "separator=';'"
        " -e frame.number -e ip.checksum.status -e tcp.checksum.status -e udp.checksum.status"
        " -e icmp.checksum.status -e icmpv6.checksum.status 2>/dev/null";
    std::vector<std::string> lines;
    FILE* pipe = popen(command.c_str(), "r");
    char line[4096];
    while (pipe != nullptr && fgets(line, sizeof line, pipe) != nullptr) {
        lines.emplace_back(line);
    }
    EXPECT_EQ(pipe == nullptr ? -1 : pclose(pipe), 0) << command;
    return lines;
}

TEST(Checksums, OfWhatGoesOutAreRightByTshark) {
    const char* wanted = std::getenv("XDPC_CHECKSUM_PAIRS");
    const size_t pairs = wanted != nullptr ? std::strtoul(wanted, nullptr, 10) : 1200;
    char file[] = "/tmp/xdpc-checksums-XXXXXX";
    close(mkstemp(file));
    std::vector<std::string> made;
    {
        std::ofstream capture(file, std::ios::binary);
        capture << packet::pcapng_begin("checksums_test", "out", 65535);
        for (uint64_t seed = 1; seed * frames_each <= pairs; ++seed) {
            Rng rng(seed);
            ASSERT_NO_FATAL_FAILURE(run_policy(policy_text(rng), capture, made));
        }
    }
    const std::vector<std::string> lines = judged(file);
    ASSERT_EQ(lines.size(), made.size());
    size_t good = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
        const std::string statuses = lines[i].substr(lines[i].find(';'));
        good += static_cast<size_t>(std::count(statuses.begin(), statuses.end(), '1'));
        EXPECT_EQ(statuses.find('0'), std::string::npos)
            << "frame " << i + 1 << " of " << file << ": " << lines[i] << made[i];
    }
    EXPECT_GT(made.size(), pairs / 3); // rules change packets
    EXPECT_GT(good, made.size());      // and most have more than one checksum
    if (!HasFailure()) {
        unlink(file);
    }
}

} // namespace
} // namespace xdpc::test
