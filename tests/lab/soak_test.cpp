// Many applies under traffic, of policies that share all kinds of state: no packet is lost or counted twice,
// no element, no time, no token, no byte of a quota is lost. XDPC_SOAK_APPLIES says how many
// (`./xdpc.sh soak-applies`).
#include "tests/lab/live_set.h"
#include "tests/lab/load.h"
#include "tests/lab/sockets.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>

namespace xdpc::lab {
namespace {

using Json = nlohmann::json;
using std::chrono::steady_clock;

constexpr uint16_t first_port = 5000;
constexpr size_t ports = 5; // open, closed, limited, metered, listed
constexpr uint32_t sources = 10'000, limited_sources = 1000, burst = 20, in_file = 5000, live = 5000;
constexpr uint64_t quota_bytes = 1U << 20, frame_bytes = 60;
constexpr uint32_t seen_net = 0x0a320000, file_net = 0x0a3c0000, live_net = 0x0a3d0000,
                   stream_net = 0x0a400000, brief_net = 0x0a410000, own_net = 0x0a460000,
                   strange_net = 0x0a500000; // 10.50.0.0, …

std::string address(uint32_t net, uint32_t number) {
    const uint32_t all = net + number;
    return std::to_string(all >> 24) + "." + std::to_string(all >> 16 & 255) + "." +
           std::to_string(all >> 8 & 255) + "." + std::to_string(all & 255);
}

/// Two that decide the same, with other code, other counters' places, other elements in the file, and a mark
/// of their own: `by_0` or `by_1`.
std::string policy(unsigned variant) {
    const unsigned mine = variant % 2;
    std::string text = "counter all { }\nquota budget { " + std::to_string(quota_bytes >> 20) +
                       " mbytes }\nset listed {\n    type ipv4_addr\n    flags timeout\n    counter\n"
                       "    size 30000\n    timeout 3h\n    elements = { " +
                       address(own_net, mine);
    for (uint32_t i = 0; i < in_file; ++i)
        text += ", " + address(file_net, i);
    text += " }\n}\nset seen { type ipv4_addr; flags dynamic, timeout; size 20000; timeout 2h; }\n"
            "chain ingress {\n    policy drop\n";
    for (unsigned i = 0; i < 3 * mine; ++i)
        text += "    extra" + std::to_string(i) + ": tcp dport " + std::to_string(100 + i) + " pass\n";
    for (unsigned i = 0; i < 2; ++i) // the other's mark keeps its count, and takes none
        text += "    by_" + std::to_string(i) + ": " + (i == mine ? "ip protocol udp" : "tcp dport 1") +
                " counter continue\n";
    return text + "    counter name \"all\" continue\n"
                  "    open: udp dport 5000 add @seen { ip saddr } pass\n"
                  "    full: udp dport 5000 drop\n"
                  "    closed: udp dport 5001 drop\n"
                  "    limited: udp dport 5002 limit rate 1/week burst 20 per ip saddr size 1024 pass\n"
                  "    beyond: udp dport 5002 drop\n"
                  "    within: udp dport 5003 quota name \"budget\" pass\n"
                  "    over: udp dport 5003 drop\n"
                  "    listed: udp dport 5004 ip saddr @listed pass\n"
                  "    unlisted: udp dport 5004 drop\n"
                  "}\n";
}

/// Port by port in turn, each with sources of its own in turn; the last has as many strangers as listed ones.
std::vector<packet::Frame> make_frames() {
    std::vector<packet::Frame> frames;
    for (uint32_t i = 0; i < 2 * sources; ++i) {
        const uint32_t listed = i % 2 != 0        ? strange_net + i
                                : i / 2 < in_file ? file_net + i / 2
                                                  : live_net + i / 2 - in_file;
        for (uint32_t source : {seen_net + i % sources, seen_net + i % sources,
                                seen_net + i % limited_sources, seen_net + i % sources, listed})
            frames.push_back(datagram(static_cast<uint16_t>(first_port + frames.size() % ports), source));
    }
    return frames;
}

struct Element {
    double earliest = 0,
           latest = 0; // when it expires, seconds of the steady clock: as exact as lists can tell
    uint64_t packets = 0;
};
constexpr double tick = 0.1; // seconds: programs look at the coarse clock
using Elements = std::map<std::string, Element>;

double seconds() {
    return std::chrono::duration<double>(steady_clock::now().time_since_epoch()).count();
}

Elements elements_of(const Lab& lab, const std::string& name) {
    const double begun = seconds();
    const Ran ran = set(lab, {"list", name, "--json"});
    const double ended = seconds();
    EXPECT_EQ(ran.status, 0) << ran.err;
    Elements found;
    const Json document = Json::parse(ran.out, nullptr, false);
    for (const Json& one : document["elements"]) {
        const double remaining = one.at("remaining_ms").get<double>() / 1000;
        found[one["element"]] = {begun + remaining, ended + remaining, one.value("packets", uint64_t{0})};
    }
    return found;
}

/// Packets at counters with a name, and bytes of quotas.
std::map<std::string, uint64_t> named_counts(const Lab& lab) {
    const Ran ran = lab.xdpc({"stats", "-i", Lab::iface, "--json"});
    std::map<std::string, uint64_t> counts;
    const Json document = Json::parse(ran.out, nullptr, false);
    const Json& policy = document.at("interfaces").at(0);
    for (const Json& counter : policy.at("counters"))
        counts[counter.at("counter")] = counter.at("packets");
    for (const Json& quota : policy.at("quotas"))
        counts[quota.at("quota")] = quota.at("used");
    return counts;
}

/// What an element was given, by where its address came from.
double hours_of(const std::string& name) {
    const std::string net = name.substr(0, 6);
    return net == "10.60." || net == "10.70." ? 3 : net == "10.64." || net == "10.65." ? 1 : 2;
}

/// Every element expires as long after it was put in as it was told, somewhere between `start` and now.
void expect_times(const Elements& elements, double start) {
    size_t wrong = 0;
    for (const auto& [name, element] : elements) {
        const double given = 3600 * hours_of(name);
        wrong += element.latest - given < start - tick || element.earliest - given > seconds() + tick ? 1 : 0;
    }
    EXPECT_EQ(wrong, 0U);
}

/// What was there is there still, as long as before, having counted no less. `now` learns what was known of
/// its times, so that small errors would add up.
void expect_kept(const Elements& before, Elements& now) {
    size_t missing = 0, moved = 0, fewer = 0;
    for (const auto& [name, element] : before) {
        const auto same = now.find(name);
        missing += same == now.end() && name.substr(0, 6) != "10.65." ? 1 : 0;
        if (same == now.end())
            continue;
        Element& after = same->second;
        after.earliest = std::max(after.earliest, element.earliest);
        after.latest = std::min(after.latest, element.latest);
        moved += after.latest < after.earliest - tick ? 1 : 0;
        fewer += after.packets < element.packets ? 1 : 0;
    }
    EXPECT_EQ(missing, 0U);
    EXPECT_EQ(moved, 0U);
    EXPECT_EQ(fewer, 0U);
}

class LabSoak : public testing::Test {
protected:
    Lab lab;
    const double start = seconds();
    std::atomic<bool> applying = true, sending = true;
    uint64_t sent = 0, refused = 0;
    uint64_t received[ports] = {};
    uint32_t added = 0; // by the stream of single elements; each fifth, of 10.65.0.0/16, is taken out again

    void fill() {
        std::vector<std::string> words = {"add", "listed", "--timeout", "2h"};
        for (uint32_t i = 0; i < live; ++i)
            words.push_back(address(live_net, i));
        const Ran ran = set(lab, words);
        ASSERT_EQ(ran.status, 0) << ran.err;
    }

    void add_one_by_one() {
        for (; applying; ++added) {
            const bool brief = added % 5 == 0;
            const std::string element = address(brief ? brief_net : stream_net, added);
            const Ran add = set(lab, {"add", "listed", element, "--timeout", "1h"});
            EXPECT_EQ(add.status, 0) << add.err;
            if (brief) {
                const Ran del = set(lab, {"del", "listed", element});
                EXPECT_EQ(del.status, 0) << del.err;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    void receive(const std::vector<Socket>& sockets) {
        while (sending)
            for (size_t i = 0; i < ports; ++i)
                received[i] += udp_drain(sockets[i], 1);
        for (size_t i = 0; i < ports; ++i)
            received[i] += udp_drain(sockets[i], 200);
    }

    void send() {
        const std::vector<packet::Frame> frames = make_frames();
        lab.outside().run([&] {
            sent = send_load([&](uint64_t i) -> const packet::Frame& { return frames[i % frames.size()]; },
                             [&](uint64_t count) { return applying || count < 2 * frames.size(); },
                             std::chrono::microseconds(1000), refused);
        });
        sending = false;
    }

    /// Applies one and the other, and looks at all that lasts after each.
    void apply_often(unsigned applies) {
        Counts counts;
        Elements listed, seen;
        for (unsigned i = 1; i <= applies && !HasFailure(); ++i) {
            SCOPED_TRACE("apply " + std::to_string(i));
            const Ran ran = lab.apply(policy(i));
            EXPECT_EQ(ran.status, 0) << ran.err;
            const Counts now = lab.counts();
            for (const auto& [rule, count] : counts) {
                const auto same = now.find(rule);
                EXPECT_GE(same == now.end() ? 0 : same->second.packets, count.packets) << rule;
            }
            Elements listed_now = elements_of(lab, "listed"), seen_now = elements_of(lab, "seen");
            EXPECT_GE(listed_now.size(), in_file + live + 1);
            EXPECT_EQ(listed_now.count(address(own_net, i % 2)), 1U);
            listed.erase(address(own_net, 1 - i % 2));
            expect_times(listed_now, start);
            expect_times(seen_now, start);
            expect_kept(listed, listed_now);
            expect_kept(seen, seen_now);
            counts = now;
            listed = std::move(listed_now);
            seen = std::move(seen_now);
        }
        applying = false;
    }

    /// While the policy is replaced so often.
    void run_load(unsigned applies) {
        lab.inside().run([&] {
            std::vector<Socket> sockets;
            for (size_t i = 0; i < ports; ++i)
                sockets.push_back(udp_server(static_cast<uint16_t>(first_port + i)));
            std::thread receiver([&] { receive(sockets); });
            std::thread sender([&] { send(); });
            std::thread adder([&] { add_one_by_one(); });
            apply_often(applies);
            adder.join();
            sender.join();
            receiver.join();
        });
    }
};

TEST_F(LabSoak, AppliesUnderLoadLoseNothing) {
    const unsigned applies = wanted_applies(40);
    ASSERT_EQ(lab.apply(policy(0)).status, 0);
    fill();
    run_load(applies);
    const uint64_t dropped = driver_drops(lab, refused);
    Counts counts = lab.counts();
    auto marks = lab.mid_counts(); // packets that each of the two policies has met
    auto named = named_counts(lab);
    uint64_t decided = 0;
    for (const auto& [rule, count] : counts)
        decided += count.packets;
    std::printf("%u applies, %lu packets sent, %lu dropped by the device, %lu decided, %u elements added\n",
                applies, sent, dropped, decided, added);
    EXPECT_EQ(decided + dropped, sent);
    EXPECT_EQ(marks["by_0"] + marks["by_1"], decided);
    EXPECT_GT(std::min(marks["by_0"], marks["by_1"]), decided / 10);
    EXPECT_EQ(named["all"], decided);
    EXPECT_EQ(named["budget"], counts["within"].bytes + counts["over"].bytes);
    EXPECT_EQ(counts["policy"].packets, 0U);
    EXPECT_EQ(counts["full"].packets, 0U);
    const char* passing[ports] = {"open", nullptr, "limited", "within", "listed"};
    for (size_t i = 0; i < ports; ++i)
        EXPECT_EQ(received[i], passing[i] != nullptr ? counts[passing[i]].packets : 0) << first_port + i;
    EXPECT_EQ(counts["limited"].packets, limited_sources * burst);
    EXPECT_EQ(counts["within"].packets, quota_bytes / frame_bytes);
    uint64_t hits = 0;
    const Elements listed = elements_of(lab, "listed");
    for (const auto& [name, element] : listed)
        hits += element.packets;
    EXPECT_EQ(hits, counts["listed"].packets);
    EXPECT_EQ(listed.size(), in_file + live + 1 + added - (added + 4) / 5);
    EXPECT_EQ(elements_of(lab, "seen").size(), sources);
    EXPECT_LT(dropped, sent / 10);
}

} // namespace
} // namespace xdpc::lab
