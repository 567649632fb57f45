// `xdpc set replace` of sets that rules write and of sets of both families: packets meet the old or the new
// set.
#include "tests/lab/live_set.h"
#include "tests/lab/sockets.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>
#include <tuple>

namespace xdpc::lab {
namespace {

TEST(ReplaceSets, OfASetThatRulesWrite) {
    Lab lab;
    ASSERT_EQ(lab.apply(R"(
        set seen { type inet_service; flags dynamic, timeout; counter; size 6; timeout 1h; elements = { 1000 } }
        chain ingress {
            policy pass
            udp dport 2000-2999 add @seen { udp dport }
            udp dport @seen drop
        }
    )")
                  .status,
              0);
    EXPECT_FALSE(passes(lab, 1000));
    EXPECT_FALSE(passes(lab, 2001)) << "added by the packet itself";
    const Ran ran = take(lab, "replace", "seen", "1000 timeout 5m\n1001\n1002\n");
    ASSERT_EQ(ran.status, 0) << ran.err;
    EXPECT_NE(ran.out.find("3 elements: 2 added, 1 were there, 1 removed"), std::string::npos) << ran.out;
    EXPECT_EQ(names(lab, "seen"), "1000 1001 1002");
    EXPECT_EQ(elements(lab, "seen").at("1000")["packets"], 1);
    EXPECT_EQ(elements(lab, "seen").at("1000")["origin"], "live");
    EXPECT_LE(elements(lab, "seen").at("1000")["remaining_ms"], 300'000);
    EXPECT_FALSE(passes(lab, 1001));
    EXPECT_FALSE(passes(lab, 2001)) << "rules go on adding";
    EXPECT_EQ(names(lab, "seen"), "1000 1001 1002 2001");

    const Ran full = take(lab, "replace", "seen", "1000\n1\n2\n3\n4\n");
    EXPECT_EQ(full.status, 1);
    EXPECT_NE(full.err.find(":4:1: 3 finds no room"), std::string::npos) << full.err;
    EXPECT_EQ(names(lab, "seen"), "1000 1001 1002 2001");
    EXPECT_TRUE(passes(lab, 1)) << "it was put in for nothing";
    for (int i = 0; i < 3; ++i) { // places are used again
        ASSERT_EQ(take(lab, "replace", "seen", "2011\n2012\n").status, 0);
        ASSERT_EQ(take(lab, "replace", "seen", "2021\n2022\n2023\n").status, 0);
    }
    EXPECT_EQ(names(lab, "seen"), "2021 2022 2023");
    const Ran listed = set(lab, {"list", "--json"});
    const Ran stats = lab.xdpc({"stats", "-i", Lab::iface, "--json"});
    EXPECT_EQ(nlohmann::json::parse(listed.out)["sets"],
              nlohmann::json::parse(stats.out)["interfaces"][0]["sets"])
        << listed.out << stats.out;
}

std::string commented(const std::string& elements, const std::string& size = "6") {
    return "set seen { type inet_service; flags dynamic; size " + size + "; elements = { " + elements +
           " } }\nchain ingress {\n policy pass\n udp dport 1 delete @seen { udp sport }\n"
           "udp dport 2 add @seen { udp sport }\n udp dport @seen drop\n}\n";
}
/// "1000 (file's), 1001", those with a comment.
std::string comments(const Lab& lab) {
    std::string out;
    for (const auto& [name, element] : elements(lab, "seen"))
        out += (out.empty() ? "" : ", ") + name +
               (element.contains("comment") ? " (" + element["comment"].get<std::string>() + ")" : "");
    return out;
}

TEST(ReplaceSets, CommentsGoWithElementsThatRulesWrite) {
    Lab lab;
    ASSERT_EQ(lab.apply(commented("1000 comment \"file's\", 1001")).status, 0);
    ASSERT_EQ(set(lab, {"add", "seen", "1002", "--comment", "by hand"}).status, 0);
    EXPECT_EQ(comments(lab), "1000 (file's), 1001, 1002 (by hand)");
    ASSERT_EQ(set(lab, {"del", "seen", "1002"}).status, 0);
    ASSERT_EQ(set(lab, {"add", "seen", "1002"}).status, 0);
    EXPECT_EQ(comments(lab), "1000 (file's), 1001, 1002");
    ASSERT_EQ(take(lab, "load", "seen", "1002 comment \"too late\"\n1003 comment \"loaded\"\n").status, 0);
    EXPECT_EQ(comments(lab), "1000 (file's), 1001, 1002, 1003 (loaded)");
    // The file's follow the file, live ones go on, in a table of another size too.
    ASSERT_EQ(lab.apply(commented("1000 comment \"anew\", 1001 comment \"now\"")).status, 0);
    EXPECT_EQ(comments(lab), "1000 (anew), 1001 (now), 1002, 1003 (loaded)");
    ASSERT_EQ(lab.apply(commented("1000", "9")).status, 0);
    EXPECT_EQ(comments(lab), "1000, 1002, 1003 (loaded)");
    ASSERT_EQ(take(lab, "replace", "seen", "1002 comment \"given\"\n1003\n1004 comment \"new\"\n").status, 0);
    EXPECT_EQ(comments(lab), "1002 (given), 1003, 1004 (new)");
    ASSERT_EQ(set(lab, {"flush", "seen"}).status, 0);
    for (int round = 0; round < 20; ++round) { // more than there is room for, if none were forgotten
        for (int port = 0; port < 9; ++port)
            ASSERT_EQ(
                set(lab, {"add", "seen", std::to_string(2000 + round * 9 + port), "--comment", "x"}).status,
                0);
        ASSERT_EQ(set(lab, {"flush", "seen"}).status, 0);
    }
}

/// A set of addresses that holds the IPv4 one of the inner end, and then in one go the IPv6 one.
std::string both_families(const std::string& flags) {
    return "set where { type inet_addr; " + flags + R"( counter; size 4; elements = { 10.99.0.2 } }
        chain ingress {
            policy pass
            caught: udp dport 7777 daddr @where drop
            let: udp dport 7777 pass
        }
    )";
}
class BothFamilies : public testing::TestWithParam<const char*> {};

TEST_P(BothFamilies, AreReplacedAtOnce) {
    Lab lab;
    ASSERT_EQ(lab.apply(both_families(GetParam())).status, 0);
    size_t pairs = 0;
    for (int i = 0; i < 8; ++i) {
        std::atomic<bool> done = false;
        std::thread traffic([&] {
            lab.outside().run([&] {
                for (int after = 0; after < 20; after += done ? 1 : 0, ++pairs) {
                    udp_send(Lab::inner4, 7777);
                    udp_send(Lab::inner6, 7777);
                    std::this_thread::sleep_for(std::chrono::microseconds(100));
                }
            });
        });
        EXPECT_EQ(take(lab, "replace", "where", "fd99::2\n").status, 0);
        done = true;
        traffic.join();
        ASSERT_EQ(take(lab, "replace", "where", "10.99.0.2\n").status, 0);
    }
    const Counts counts = lab.counts();
    EXPECT_EQ(counts.at("caught").packets + counts.at("let").packets, 2 * pairs);
    // Whoever is let through by IPv4 has met the new set, and is not by IPv6 any more.
    EXPECT_LE(counts.at("let").packets, pairs);
    EXPECT_GE(counts.at("let").packets + 8, pairs);
}
INSTANTIATE_TEST_SUITE_P(Kinds, BothFamilies,
                         testing::Values("", "flags interval;", "flags dynamic;",
                                         "flags dynamic, timeout; timeout 1h;"));

bool reaches(const Lab& lab, const char* address) {
    bool reached = false;
    lab.inside().run([&] {
        Socket socket = udp_server(7777);
        lab.outside().run([&] { udp_send(address, 7777); });
        reached = udp_drain(socket, 50) == 1;
    });
    return reached;
}

class KilledReplaceOfBoth : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(KilledReplaceOfBoth, LeavesTheOldOrTheNewSet) {
    const auto [flags, at] = GetParam();
    Lab lab;
    ASSERT_EQ(lab.apply(both_families(flags)).status, 0);
    const std::string next = "fd99::2\n";
    EXPECT_EQ(take(lab, "replace", "where", next, {std::string("XDPC_TEST_STEP=") + at + ":kill"}).status,
              128 + 9);
    const bool is_new = reaches(lab, Lab::inner4);
    EXPECT_NE(reaches(lab, Lab::inner6), is_new) << "neither the old nor the new set";
    const std::string now = names(lab, "where"); // repairs
    EXPECT_TRUE(now == "10.99.0.2" || now == "fd99::2") << now;
    EXPECT_EQ(reaches(lab, Lab::inner4), now == "fd99::2");
    EXPECT_EQ(reaches(lab, Lab::inner6), now != "fd99::2");
    ASSERT_EQ(take(lab, "replace", "where", next).status, 0);
    EXPECT_EQ(names(lab, "where"), "fd99::2");
    const Ran again = lab.xdpc({"apply", lab.file(both_families(flags)), "-i", Lab::iface, "--json"});
    ASSERT_EQ(again.status, 0) << again.err;
    const auto sets = nlohmann::json::parse(again.out)["interfaces"][0]["sets"];
    ASSERT_EQ(sets.size(), 2U);
    EXPECT_EQ(sets[0]["family"], 4);
    EXPECT_EQ(sets[0]["added"], 1);
    EXPECT_EQ(sets[1]["live"], 1);
    EXPECT_EQ(names(lab, "where"), "10.99.0.2 fd99::2");
    EXPECT_FALSE(reaches(lab, Lab::inner6));
}
INSTANTIATE_TEST_SUITE_P(Arrays, KilledReplaceOfBoth,
                         testing::Combine(testing::Values(""), testing::Values("set-put-beside", "set-turn",
                                                                               "set-put", "set-rename")));
INSTANTIATE_TEST_SUITE_P(Dynamic, KilledReplaceOfBoth,
                         testing::Combine(testing::Values("flags dynamic;"),
                                          testing::Values("set-stage", "set-put-beside", "set-turn",
                                                          "set-renew")));

} // namespace
} // namespace xdpc::lab
