// `stats` and `show` of what lasts from packet to packet: as text, JSON, and for Prometheus.
#include "tests/cli/veth.h"

#include <map>
#include <optional>
#include <set>
#include <sstream>

namespace xdpc::cli {
namespace {

constexpr const char* policy_text = R"(
set seen { type ipv4_addr; flags dynamic, timeout; size 4; timeout 1h; counter }
set block { type inet_addr; flags interval; counter; elements = { 203.0.113.0/24, 2001:db8::/32 } }
limit shared { rate 1/hour burst 3 packets }
quota volume { over 100 bytes }
counter all { }

chain ingress {
    policy pass

    blocked: saddr @block drop
    tcp dport 22 counter name "all" continue
    flood: tcp dport 22 limit rate over 1/hour burst 2 packets per ip saddr size 8 drop
    seen: tcp dport 22 add @seen { ip saddr } continue
    tcp dport 22 quota name "volume" drop
    tcp dport 22 limit name "shared" pass; udp dport 9 pass
    own: tcp dport 22 limit rate 1 bytes/hour burst 1000 bytes quota over 1 mbytes pass
}
)";

/// One sample of the exposition format.
struct Sample {
    std::map<std::string, std::string> labels;
    uint64_t value = 0;
};

/// Reads the text exposition format as its specification says, and complains of whatever is not so.
class Exposition {
public:
    explicit Exposition(const std::string& text) {
        if (text.empty() || text.back() != '\n') {
            problem = "does not end with a line feed";
        }
        std::istringstream lines(text);
        for (std::string line; problem.empty() && std::getline(lines, line);) {
            if (!(line.starts_with("#") ? comment(line) : sample(line))) {
                problem = line;
            }
        }
    }
    /// The value of the sample with these labels among others.
    [[nodiscard]] std::optional<uint64_t> value(const std::string& name, const std::string& label,
                                                const std::string& is) const {
        const auto found = samples.find(name);
        if (found == samples.end()) {
            return {};
        }
        for (const Sample& each : found->second) {
            const auto has = each.labels.find(label);
            if (has != each.labels.end() && has->second == is) {
                return each.value;
            }
        }
        return {};
    }
    std::map<std::string, std::vector<Sample>> samples;
    std::map<std::string, std::string> types;
    std::string problem; // the line

private:
    static bool is_name(const std::string& text, const char* more) {
        return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) == 0 &&
               std::all_of(text.begin(), text.end(), [&](char c) {
                   return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr(more, c) != nullptr;
               });
    }
    bool comment(const std::string& line) {
        std::istringstream words(line);
        std::string sharp, what, name, rest;
        words >> sharp >> what >> name;
        std::getline(words >> std::ws, rest);
        if (what == "HELP") {
            help_ = name;
            return is_name(name, "_:") && !rest.empty() && helped_.insert(name).second;
        }
        family_ = name;
        // A family's samples stand together, behind HELP and TYPE.
        return what == "TYPE" && name == help_ && (rest == "counter" || rest == "gauge") &&
               (rest == "counter") == name.ends_with("_total") && types.emplace(name, rest).second;
    }
    bool sample(const std::string& line) {
        Sample read;
        size_t at = line.find('{');
        if (at == std::string::npos || line.substr(0, at) != family_) {
            return false;
        }
        for (++at; at < line.size() && line[at] != '}';) {
            const size_t equals = line.find("=\"", at);
            if (equals == std::string::npos || !is_name(line.substr(at, equals - at), "_")) {
                return false;
            }
            std::string value;
            const auto end = quoted(line, equals + 2, value);
            if (!end || !read.labels.emplace(line.substr(at, equals - at), value).second) {
                return false;
            }
            at = *end;
            if (at < line.size() && line[at] == ',') {
                ++at;
            }
        }
        const std::string number = at + 2 < line.size() ? line.substr(at + 2) : "";
        if (line.compare(at, 2, "} ") != 0 || number.find_first_not_of("0123456789") != std::string::npos ||
            number.empty() || !known_.emplace(family_, read.labels).second) {
            return false;
        }
        read.value = std::stoull(number);
        samples[family_].push_back(std::move(read));
        return true;
    }
    /// Behind the closing quote.
    static std::optional<size_t> quoted(const std::string& line, size_t at, std::string& value) {
        for (; at < line.size() && line[at] != '"'; ++at) {
            if (line[at] != '\\') {
                value += line[at];
                continue;
            }
            const char next = ++at < line.size() ? line[at] : 0;
            if (next != '\\' && next != '"' && next != 'n') {
                return {};
            }
            value += next == 'n' ? '\n' : next;
        }
        return at < line.size() ? std::optional(at + 1) : std::nullopt;
    }
    std::string help_, family_;
    std::set<std::string> helped_;
    std::set<std::pair<std::string, std::map<std::string, std::string>>> known_;
};

class ApplyStats : public OnVeth {
protected:
    /// Of the only interface.
    Json first(std::vector<std::string> words) { return json(std::move(words))["interfaces"][0]; }
    void apply(const std::string& text) {
        // A name that every format has to escape.
        const Ran applied = in({"apply", folder_.write("a \"b\\c.xdp", text), "-i", "in"});
        ASSERT_EQ(applied.code, 0) << applied.both();
    }
    /// What policy_text makes of five SYNs from one address and one each from five others.
    void send_all() {
        send_syns(5);
        for (uint8_t i = 1; i <= 5; ++i) {
            send_syns(1, {10, 0, 0, i});
        }
        send_syns(2, {203, 0, 113, 7});
    }
    static Json named(const Json& all, const char* key, const std::string& name) {
        for (const Json& each : all) {
            if (each[key] == name) {
                return each;
            }
        }
        return {};
    }
    /// What both generations have to say after send_all().
    void expect_state(const Json& stats) {
        const Json flood = named(stats["limits"], "limit", "flood");
        EXPECT_EQ(flood["within"], 2 + 5);
        EXPECT_EQ(flood["beyond"], 3);
        EXPECT_EQ(flood["tokens_left"], 0);
        EXPECT_EQ(flood["tokens_most"], 2);
        EXPECT_EQ(flood["keys"]["busy"], 6);
        EXPECT_EQ(flood["keys"]["size"], 8);
        EXPECT_EQ(flood["keys"]["no_room"], 0);
        EXPECT_GT(flood["keys"]["memory_bytes"], 0);
        EXPECT_EQ(flood["keys"]["busiest"].size(), 6U);
        EXPECT_EQ(flood["keys"]["busiest"][0], (Json{{"key", "192.0.2.1"}, {"tokens_left", 0}}));
        EXPECT_EQ(flood["keys"]["busiest"][1]["tokens_left"], 1);
        // Four found room in the set; of these the second frame of 60 bytes is over the quota.
        const Json shared = named(stats["limits"], "limit", "shared");
        EXPECT_EQ(shared["within"], 1);
        EXPECT_EQ(shared["beyond"], 0);
        EXPECT_EQ(shared["tokens_left"], 2);
        EXPECT_TRUE(shared["named"]);
        EXPECT_FALSE(shared.contains("keys"));
        const Json own = named(stats["limits"], "limit", "own");
        EXPECT_EQ(own["unit"], "bytes");
        EXPECT_EQ(own["tokens_left"], 1001);
        const Json volume = named(stats["quotas"], "quota", "volume");
        EXPECT_EQ(volume["used"], 7 * 60);
        EXPECT_EQ(volume["bytes"], 100);
        EXPECT_TRUE(volume["over"]);
        EXPECT_FALSE(named(stats["quotas"], "quota", "own")["over"]);
        EXPECT_EQ(named(stats["counters"], "counter", "all"),
                  (Json{{"counter", "all"}, {"packets", 10}, {"bytes", 600}}));
        const Json seen = named(stats["sets"], "set", "seen");
        EXPECT_EQ(seen["elements"], 4);
        EXPECT_EQ(seen["size"], 4);
        EXPECT_EQ(seen["no_room"], 2);
        EXPECT_EQ(seen["timeout_ms"], 3'600'000);
        EXPECT_EQ(seen["packets"], 0);
        const Json block = named(stats["sets"], "set", "block");
        EXPECT_EQ(block["elements"], 1);
        EXPECT_EQ(block["packets"], 2);
        EXPECT_EQ(block["bytes"], 120);
    }
};

TEST_F(ApplyStats, StateIsToldAndCarriedOver) {
    apply(policy_text);
    send_all();
    expect_state(first({"stats", "-i", "in"}));
    apply(std::string(policy_text) + "chain spare { drop }\n");
    Json stats = first({"stats", "-i", "in"});
    EXPECT_EQ(stats["generation"], 2);
    expect_state(stats);
    send_syns(1, {203, 0, 113, 7});
    EXPECT_EQ(named(first({"stats", "-i", "in"})["sets"], "set", "block")["packets"], 3);
}

TEST_F(ApplyStats, TextIsOneScreen) {
    apply(policy_text);
    send_all();
    const Ran text = in({"stats", "-i", "in"});
    ASSERT_EQ(text.code, 0) << text.both();
    for (const char* part :
         {"0 of 2", "2 of 3", "6 of 8", "flood: fewest left: 192.0.2.1 (0), ", "420 B", "4 of 4", "3600s",
          "\nLIMIT ", "\nQUOTA ", "\nCOUNTER ", "\nSET ", "rate over 1/hour burst 2 packets per ip saddr"}) {
        EXPECT_NE(text.out.find(part), std::string::npos) << part << "\n" << text.out;
    }
    EXPECT_EQ(text.out.find("LISTENER"), std::string::npos) << text.out;
    EXPECT_LE(std::count(text.out.begin(), text.out.end(), '\n'), 36) << text.out;
    // What there is none of takes no line.
    apply("chain ingress { policy pass; tcp dport 23 drop }\n");
    const Ran plain = in({"stats", "-i", "in"});
    EXPECT_EQ(plain.out.find("LIMIT"), std::string::npos) << plain.out;
    EXPECT_EQ(plain.out.find("SET"), std::string::npos) << plain.out;
}

TEST_F(ApplyStats, PrometheusReadsIt) {
    apply(policy_text);
    send_all();
    const Ran ran = in({"stats", "-i", "in", "--prometheus"});
    ASSERT_EQ(ran.code, 0) << ran.both();
    const Exposition read(ran.out);
    ASSERT_EQ(read.problem, "") << ran.out;
    EXPECT_EQ(read.value("xdpc_limit_beyond_packets_total", "limit", "flood"), 3U);
    EXPECT_EQ(read.value("xdpc_limit_within_packets_total", "limit", "shared"), 1U);
    EXPECT_EQ(read.value("xdpc_limit_tokens", "limit", "shared"), 2U);
    EXPECT_EQ(read.value("xdpc_limit_keys_busy", "limit", "flood"), 6U);
    EXPECT_FALSE(read.value("xdpc_limit_keys_busy", "limit", "shared"));
    EXPECT_EQ(read.value("xdpc_quota_over", "quota", "volume"), 1U);
    EXPECT_EQ(read.value("xdpc_quota_used_bytes", "quota", "volume"), 420U);
    EXPECT_EQ(read.value("xdpc_named_counter_packets_total", "counter", "all"), 10U);
    EXPECT_EQ(read.value("xdpc_set_elements", "set", "seen"), 4U);
    EXPECT_EQ(read.value("xdpc_set_no_room_total", "set", "seen"), 2U);
    EXPECT_EQ(read.value("xdpc_set_element_packets", "family", "ip"), 2U);
    EXPECT_EQ(read.value("xdpc_set_element_packets", "family", "ip6"), 0U);
    EXPECT_EQ(read.value("xdpc_rule_packets_total", "rule", "a \"b\\c.xdp:15"), 6U) << ran.out;
    EXPECT_EQ(read.types.at("xdpc_limit_tokens"), "gauge");
}

TEST_F(ApplyStats, ShowNamesWhatThereIs) {
    apply(policy_text);
    const Json shown = first({"show"});
    EXPECT_EQ(shown["sets"], (Json{"block", "seen"})) << shown;
    EXPECT_EQ(shown["limits"], (Json{"shared", "flood", "own"})) << shown;
    EXPECT_EQ(shown["quotas"], (Json{"volume", "own"}));
    EXPECT_EQ(shown["counters"], (Json{"all"}));
    const Ran text = in({"show"});
    EXPECT_NE(text.out.find("limits shared, flood, own; quotas volume, own; counters all"), std::string::npos)
        << text.out;
}

} // namespace
} // namespace xdpc::cli
