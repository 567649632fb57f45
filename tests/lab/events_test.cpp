// `xdpc capture` on real traffic: what is captured, by whom it was decided, what tshark makes of the file.
#include "compiler/packet/build.h"
#include "tests/lab/load.h"
#include "tests/lab/sockets.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

namespace xdpc::lab {
namespace {

constexpr const char* policy = R"(chain ingress {
    policy drop
    web: udp dport 80 pass
    dns: udp dport 53 drop
}
)";

/// A command that runs in the lab's inner namespace while the test goes on.
class Background {
public:
    Background(const Lab& lab, std::vector<std::string> arguments) {
        thread_ = std::thread([this, &lab, arguments = std::move(arguments)] { ran_ = lab.xdpc(arguments); });
    }
    Background(const Background&) = delete;
    Background& operator=(const Background&) = delete;
    ~Background() { (void)wait(); }
    const Ran& wait() {
        if (thread_.joinable())
            thread_.join();
        return ran_;
    }

private:
    Ran ran_;
    std::thread thread_;
};

/// Waits until the file has bytes: the capture is under way.
bool begun(const std::string& file) {
    std::error_code error;
    for (int i = 0; i < 500; ++i) {
        if (std::filesystem::file_size(file, error) > 0 && !error)
            return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
}

void send(const Lab& lab, uint16_t port, int times, size_t size = 30) {
    lab.outside().run([&] {
        for (int i = 0; i < times; ++i)
            udp_send(Lab::inner4, port, size);
    });
}

/// The values of fields of each packet, as tshark prints them.
std::vector<std::string> tshark(const std::string& file, const std::vector<std::string>& fields) {
    std::vector<std::string> command = {"tshark", "-n", "-r", file, "-T", "fields", "-E", "separator=|"};
    for (const std::string& field : fields) {
        command.emplace_back("-e");
        command.push_back(field);
    }
    const Ran ran = run(command);
    EXPECT_EQ(ran.status, 0) << ran.err;
    std::vector<std::string> lines;
    std::istringstream text(ran.out);
    for (std::string line; std::getline(text, line);)
        lines.push_back(line);
    return lines;
}

TEST(LabEvents, TsharkShowsRuleVerdictAndInterface) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const std::string file = lab.file("") + ".pcapng";
    Background capture(lab, {"capture", "-i", Lab::iface, "-w", file, "--count", "5", "--json"});
    ASSERT_TRUE(begun(file));
    send(lab, 80, 2);
    send(lab, 53, 2, 1400);
    send(lab, 99, 1);
    const Ran& ran = capture.wait();
    EXPECT_EQ(ran.status, 0) << ran.err;
    const auto summary = nlohmann::json::parse(ran.out, nullptr, false);
    EXPECT_EQ(summary["captured"], 5) << ran.out;
    EXPECT_EQ(summary["lost"], 0) << ran.out;
    EXPECT_EQ(tshark(file, {"frame.comment", "frame.verdict.ebpf_xdp", "frame.interface_name", "frame.len",
                            "frame.cap_len", "udp.dstport"}),
              (std::vector<std::string>{"rule web verdict pass|2|xdpc-in|72|72|80",
                                        "rule web verdict pass|2|xdpc-in|72|72|80",
                                        "rule dns verdict drop|1|xdpc-in|1442|1442|53",
                                        "rule dns verdict drop|1|xdpc-in|1442|1442|53",
                                        "rule policy verdict drop|1|xdpc-in|72|72|99"}));
}

TEST(LabEvents, RuleVerdictFilterAndSnapChoose) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    struct Case {
        std::vector<std::string> arguments;
        std::vector<std::string> wanted;
    };
    const Case cases[] = {
        {{"--rule", "dns"}, {"rule dns verdict drop|1442|1442"}},
        {{"--rule", "policy"}, {"rule policy verdict drop|72|72"}},
        {{"--verdict", "pass", "--snap", "40"}, {"rule web verdict pass|72|40"}},
        {{"--filter", "udp port 99 or greater 1000"},
         {"rule dns verdict drop|1442|1442", "rule policy verdict drop|72|72"}},
    };
    for (const Case& each : cases) {
        const std::string file = lab.file("") + ".pcapng";
        std::vector<std::string> arguments = {"capture", "-i", Lab::iface, "-w", file, "--duration", "2s"};
        arguments.insert(arguments.end(), each.arguments.begin(), each.arguments.end());
        Background capture(lab, arguments);
        ASSERT_TRUE(begun(file));
        send(lab, 80, 1);
        send(lab, 53, 1, 1400);
        send(lab, 99, 1);
        EXPECT_EQ(capture.wait().status, 0) << capture.wait().err;
        EXPECT_EQ(tshark(file, {"frame.comment", "frame.len", "frame.cap_len"}), each.wanted)
            << each.arguments[1];
    }
}

TEST(LabEvents, SeveralListenAndAnApplyInterruptsNone) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const std::string all = lab.file("") + ".pcapng", one = lab.file("") + ".pcapng";
    Background first(lab, {"capture", "-i", Lab::iface, "-w", all, "--count", "40", "--duration", "30s"});
    Background second(
        lab, {"capture", "-i", Lab::iface, "-w", one, "--rule", "dns", "--count", "20", "--duration", "30s"});
    ASSERT_TRUE(begun(all) && begun(one));
    send(lab, 80, 10);
    send(lab, 53, 10);
    // The same rules in another order: other numbers and slots.
    ASSERT_EQ(lab.apply("chain ingress {\n policy drop\n new: udp dport 7 drop\n dns: udp dport 53 pass\n"
                        " web: udp dport 80 drop\n}\n")
                  .status,
              0);
    send(lab, 53, 10);
    send(lab, 80, 10);
    EXPECT_EQ(first.wait().status, 0) << first.wait().err;
    EXPECT_EQ(second.wait().status, 0) << second.wait().err;
    const auto count = [](const std::vector<std::string>& lines, const std::string& wanted) {
        return std::count(lines.begin(), lines.end(), wanted);
    };
    const auto everything = tshark(all, {"frame.comment"});
    for (const char* wanted :
         {"rule web verdict pass", "rule dns verdict drop", "rule dns verdict pass", "rule web verdict drop"})
        EXPECT_EQ(count(everything, wanted), 10) << wanted;
    const auto chosen = tshark(one, {"frame.comment"});
    EXPECT_EQ(count(chosen, "rule dns verdict drop"), 10);
    EXPECT_EQ(count(chosen, "rule dns verdict pass"), 10);
}

/// A capture of all, which gets the signal once its file has begun and `meanwhile` is done.
std::vector<std::string> signalled(const std::string& signal, const std::string& file) {
    return {"sh", "-c",
            "\"$0\" capture -i " + std::string(Lab::iface) +
                " -w \"$1\" & until [ -s \"$1\" ]; do sleep 0.05; done; "
                "until [ -e \"$1.go\" ]; do sleep 0.05; done; kill -" +
                signal + " $!; wait $!",
            xdpc_path(), file};
}

TEST(LabEvents, InterruptedItEndsTheFileAndSaysSo) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const std::string file = lab.file("") + ".pcapng";
    std::thread traffic([&] {
        EXPECT_TRUE(begun(file));
        send(lab, 80, 3);
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        std::ofstream(file + ".go") << "now";
    });
    Ran ran;
    lab.inside().run([&] { ran = run(signalled("INT", file)); });
    traffic.join();
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.err.find("3 packets captured, 0 lost"), std::string::npos) << ran.err;
    const auto frames = packet::read_pcap(file);
    ASSERT_TRUE(frames) << frames.error().message;
    EXPECT_EQ(frames->size(), 3U);
}

TEST(LabEvents, AKilledListenerGivesItsPlaceBack) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    for (int i = 0; i < 6; ++i) { // more often than there are places
        const std::string file = lab.file("") + ".pcapng";
        std::ofstream(file + ".go") << "now";
        lab.inside().run([&] { EXPECT_EQ(run(signalled("KILL", file)).status, 128 + SIGKILL); });
    }
}

TEST(LabEvents, TooManyListenersAreToldOfTheOthers) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    std::vector<std::unique_ptr<Background>> listeners;
    for (int i = 0; i < 4; ++i) {
        const std::string file = lab.file("") + ".pcapng";
        listeners.push_back(std::make_unique<Background>(
            lab, std::vector<std::string>{"capture", "-i", Lab::iface, "-w", file, "--duration", "5s"}));
        ASSERT_TRUE(begun(file));
    }
    const Ran refused = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null"});
    EXPECT_EQ(refused.status, 3);
    EXPECT_NE(refused.err.find("4 listeners"), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("process "), std::string::npos) << refused.err;
}

TEST(LabEvents, MistakesAreTold) {
    Lab lab;
    const Ran none = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null"});
    EXPECT_EQ(none.status, 3);
    EXPECT_NE(none.err.find("no policy is applied"), std::string::npos) << none.err;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const Ran typo = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null", "--rule", "webb"});
    EXPECT_EQ(typo.status, 2);
    EXPECT_NE(typo.err.find("did you mean `web`"), std::string::npos) << typo.err;
    const Ran filter = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null", "--filter", "udp prot 5"});
    EXPECT_EQ(filter.status, 2);
    EXPECT_NE(filter.err.find("is no filter"), std::string::npos) << filter.err;
    const Ran verdict = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null", "--verdict", "maybe"});
    EXPECT_EQ(verdict.status, 2);
    const Ran full = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/no/such/file"});
    EXPECT_EQ(full.status, 3);
    ASSERT_EQ(
        lab.apply("options capture off\nchain ingress { policy drop; web: udp dport 80 pass }\n").status, 0);
    const Ran off = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null"});
    EXPECT_EQ(off.status, 3);
    EXPECT_NE(off.err.find("options capture off"), std::string::npos) << off.err;
}

/// Instructions of the program on the interface.
uint64_t instructions(const Lab& lab) {
    const Ran ran = run({"bpftool", "-j", "prog", "show", "id", std::to_string(lab.attached_id())});
    const auto shown = nlohmann::json::parse(ran.out, nullptr, false);
    EXPECT_TRUE(shown.contains("bytes_xlated")) << ran.out << ran.err;
    return shown["bytes_xlated"].get<uint64_t>() / 8;
}

TEST(LabEvents, HooksAreInTheProgramOnlyWhileSomebodyCaptures) {
    Lab lab;
    ASSERT_EQ(lab.apply("options capture off\n" + std::string(policy)).status, 0);
    const uint64_t off = instructions(lab);
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_EQ(instructions(lab), off);
    const uint32_t silent = lab.attached_id();
    const std::string all = lab.file("") + ".pcapng", one = lab.file("") + ".pcapng";
    Background first(lab, {"capture", "-i", Lab::iface, "-w", all, "--count", "1"});
    Background second(lab, {"capture", "-i", Lab::iface, "-w", one, "--count", "8"});
    ASSERT_TRUE(begun(all) && begun(one));
    EXPECT_GT(instructions(lab), off);
    EXPECT_NE(lab.attached_id(), silent);
    send(lab, 53, 1);
    EXPECT_EQ(first.wait().status, 0) << first.wait().err;
    EXPECT_GT(instructions(lab), off) << "the other still listens";
    ASSERT_EQ(lab.apply(policy).status, 0);
    EXPECT_GT(instructions(lab), off) << "and to the next generation";
    send(lab, 53, 7);
    EXPECT_EQ(second.wait().status, 0) << second.wait().err;
    EXPECT_EQ(instructions(lab), off);
    EXPECT_EQ(lab.counts().at("dns").packets, 8U) << "both forms count in the same maps";
}

TEST(LabEvents, HooksOfAKilledCaptureGoWithTheNextCommand) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const uint64_t silent = instructions(lab);
    const uint32_t id = lab.attached_id();
    const std::string file = lab.file("") + ".pcapng";
    std::ofstream(file + ".go") << "now";
    lab.inside().run([&] { EXPECT_EQ(run(signalled("KILL", file)).status, 128 + SIGKILL); });
    EXPECT_GT(instructions(lab), silent);
    send(lab, 80, 3);
    std::this_thread::sleep_for(std::chrono::milliseconds(3200)); // it might only be slow
    EXPECT_EQ(lab.counts().at("web").packets, 3U);
    EXPECT_EQ(instructions(lab), silent);
    EXPECT_EQ(lab.attached_id(), id);
}

TEST(LabEvents, KillsWhileHooksGoInLeaveAPolicyThatRuns) {
    for (const char* cut : {"XDPC_TEST_PROGRAM_RULES=0", "XDPC_TEST_PROGRAM_RULES=1"}) {
        Lab lab;
        ASSERT_EQ(lab.apply(policy, {cut}).status, 0);
        const uint32_t id = lab.attached_id();
        for (const char* at : {"hook", "unhook"}) {
            const Ran killed =
                lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null", "--duration", "100ms"},
                         {std::string("XDPC_TEST_STEP=") + at + ":kill"});
            EXPECT_EQ(killed.status, 128 + SIGKILL) << at << killed.err;
            send(lab, 80, 2);
            std::this_thread::sleep_for(std::chrono::milliseconds(3200));
            EXPECT_EQ(lab.xdpc({"stats", "-i", Lab::iface}).status, 0);
            EXPECT_EQ(lab.attached_id(), id) << at;
            const std::string file = lab.file("") + ".pcapng";
            Background capture(lab, {"capture", "-i", Lab::iface, "-w", file, "--count", "4"});
            ASSERT_TRUE(begun(file));
            send(lab, 53, 4);
            EXPECT_EQ(capture.wait().status, 0) << capture.wait().err;
            EXPECT_EQ(tshark(file, {"frame.comment"}).size(), 4U);
        }
        EXPECT_EQ(lab.counts().at("web").packets, 4U);
        EXPECT_EQ(lab.counts().at("dns").packets, 8U);
    }
}

TEST(LabEvents, HooksGoInAndOutUnderLoadAndNoPacketIsLost) {
    for (const char* cut : {"XDPC_TEST_PROGRAM_RULES=0", "XDPC_TEST_PROGRAM_RULES=1"}) {
        Lab lab;
        ASSERT_EQ(lab.apply(policy, {cut}).status, 0);
        std::atomic<bool> changing = true;
        uint64_t sent = 0, refused = 0;
        std::thread sender([&] {
            const packet::Frame frame = datagram(53);
            lab.outside().run([&] {
                sent = send_load([&](uint64_t) -> const packet::Frame& { return frame; },
                                 [&](uint64_t) { return changing.load(); }, std::chrono::microseconds(100),
                                 refused);
            });
        });
        for (int i = 0; i < 10; ++i) {
            const Ran ran = lab.xdpc({"capture", "-i", Lab::iface, "-w", "/dev/null", "--duration", "50ms"});
            EXPECT_EQ(ran.status, 0) << ran.err;
        }
        changing = false;
        sender.join();
        const uint64_t dropped = driver_drops(lab, refused);
        EXPECT_GT(sent, 1000U);
        const uint64_t counted = lab.counts().at("dns").packets;
        EXPECT_LE(counted, sent);
        EXPECT_LE(sent - counted, dropped) << "sent " << sent << ", counted " << counted;
    }
}

TEST(LabEvents, ADetachedPolicyEndsTheCapture) {
    Lab lab;
    ASSERT_EQ(lab.apply(policy).status, 0);
    const std::string file = lab.file("") + ".pcapng";
    Background capture(lab, {"capture", "-i", Lab::iface, "-w", file});
    ASSERT_TRUE(begun(file));
    send(lab, 80, 2);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ASSERT_EQ(lab.detach().status, 0);
    EXPECT_EQ(capture.wait().status, 3);
    EXPECT_NE(capture.wait().err.find("was taken off"), std::string::npos) << capture.wait().err;
    const auto frames = packet::read_pcap(file);
    ASSERT_TRUE(frames) << frames.error().message;
    EXPECT_EQ(frames->size(), 2U);
}

} // namespace
} // namespace xdpc::lab
