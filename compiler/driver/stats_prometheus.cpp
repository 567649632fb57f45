// `stats --prometheus`: the text exposition format, version 0.0.4.
#include "compiler/driver/stats_text.h"

#include <functional>
#include <utility>

namespace xdpc::driver {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    }
    return out;
}

using Labels = std::vector<std::pair<const char*, std::string>>;
/// Called for each sample.
using Put = std::function<void(const Labels&, uint64_t)>;

struct Family {
    const char* name;
    const char* type;
    const char* help;
    void (*samples)(const rt::Stats&, const Put&);
};

template<bool mid, uint64_t rt::SlotCount::* value> void of_rules(const rt::Stats& stats, const Put& put) {
    for (const rt::DeciderCount& entry : stats.deciders) {
        const std::optional<rt::SlotCount>& count = mid ? entry.mid : entry.end;
        if (count) {
            put({{"chain", entry.decider.chain},
                 {"rule", entry.decider.display},
                 {"verdict", entry.decider.verdict}},
                (*count).*value);
        }
    }
}

template<auto value, bool keyed = false> void of_limits(const rt::Stats& stats, const Put& put) {
    for (const rt::LimitStats& limit : stats.state.limits) {
        if (!keyed || !limit.limit.key.empty()) {
            put({{"limit", limit.limit.display}, {"of", limit.limit.name.empty() ? "rule" : "policy"}},
                std::invoke(value, limit));
        }
    }
}

template<auto value> void of_quotas(const rt::Stats& stats, const Put& put) {
    for (const rt::QuotaStats& quota : stats.state.quotas) {
        put({{"quota", quota.quota.display}, {"of", quota.quota.name.empty() ? "rule" : "policy"}},
            std::invoke(value, quota));
    }
}

template<uint64_t rt::SlotCount::* value> void of_counters(const rt::Stats& stats, const Put& put) {
    for (const rt::NamedCount& counter : stats.state.counters) {
        put({{"counter", counter.name}}, counter.count.*value);
    }
}

Labels labels_of(const ArtifactSet& set) {
    Labels labels = {{"set", set.name}};
    if (set.family != 0) {
        labels.emplace_back("family", set.family == 4 ? "ip" : "ip6");
    }
    return labels;
}

template<auto value> void of_sets(const rt::Stats& stats, const Put& put) {
    for (const rt::SetStats& set : stats.state.sets) {
        put(labels_of(set.set), std::invoke(value, set));
    }
}

template<uint64_t rt::SlotCount::* value> void of_hits(const rt::Stats& stats, const Put& put) {
    for (const rt::SetStats& set : stats.state.sets) {
        if (set.hits) {
            put(labels_of(set.set), (*set.hits).*value);
        }
    }
}

void of_listeners(const rt::Stats& stats, const Put& put) {
    for (const rt::ListenerStats& listener : stats.state.listeners) {
        put({{"listener", fmt::format("{}", listener.place)}}, listener.lost);
    }
}

constexpr auto packets = &rt::SlotCount::packets;
constexpr auto bytes = &rt::SlotCount::bytes;

constexpr Family families[] = {
    {"xdpc_rule_packets_total", "counter", "Packets a rule or a chain's policy decided.",
     of_rules<false, packets>},
    {"xdpc_rule_bytes_total", "counter", "Bytes of them.", of_rules<false, bytes>},
    {"xdpc_counter_packets_total", "counter", "Packets that passed a rule's `counter` statement.",
     of_rules<true, packets>},
    {"xdpc_counter_bytes_total", "counter", "Bytes of them.", of_rules<true, bytes>},
    {"xdpc_named_counter_packets_total", "counter", "Packets that a counter with a name counted.",
     of_counters<packets>},
    {"xdpc_named_counter_bytes_total", "counter", "Bytes of them.", of_counters<bytes>},
    {"xdpc_limit_within_packets_total", "counter", "Packets within a limit.",
     of_limits<&rt::LimitStats::within>},
    {"xdpc_limit_beyond_packets_total", "counter", "Packets beyond a limit.",
     of_limits<&rt::LimitStats::beyond>},
    {"xdpc_limit_no_room_packets_total", "counter",
     "Packets whose key found the table of a limit per key full.", of_limits<&rt::LimitStats::no_room, true>},
    {"xdpc_limit_tokens", "gauge",
     "Packets or bytes that a limit has left; of a limit per key, that of the key with the fewest.",
     of_limits<&rt::LimitStats::left>},
    {"xdpc_limit_tokens_most", "gauge", "What a full bucket of a limit holds.",
     of_limits<&rt::LimitStats::most>},
    {"xdpc_limit_keys_busy", "gauge", "Keys of a limit per key whose bucket is not full.",
     of_limits<&rt::LimitStats::busy, true>},
    {"xdpc_limit_keys_size", "gauge", "Keys that the table of a limit has room for.",
     of_limits<[](const rt::LimitStats& s) -> uint64_t { return s.limit.size; }, true>},
    {"xdpc_limit_memory_bytes", "gauge", "Memory of the table of a limit per key.",
     of_limits<&rt::LimitStats::memory, true>},
    {"xdpc_quota_used_bytes", "gauge", "Bytes of a quota that are used.", of_quotas<&rt::QuotaStats::used>},
    {"xdpc_quota_bytes", "gauge", "Bytes of a quota.",
     of_quotas<[](const rt::QuotaStats& s) -> uint64_t { return s.quota.bytes; }>},
    {"xdpc_quota_over", "gauge", "1 where more than a quota is used.",
     of_quotas<[](const rt::QuotaStats& s) -> uint64_t { return s.over() ? 1 : 0; }>},
    {"xdpc_set_elements", "gauge", "Elements of a live set that have not expired.",
     of_sets<&rt::SetStats::elements>},
    {"xdpc_set_size", "gauge", "Elements that a live set has room for.",
     of_sets<[](const rt::SetStats& s) -> uint64_t { return s.set.size; }>},
    {"xdpc_set_memory_bytes", "gauge", "Memory of a live set.", of_sets<&rt::SetStats::memory>},
    {"xdpc_set_no_room_total", "counter", "What rules could not add to a live set, which was full.",
     of_sets<&rt::SetStats::no_room>},
    {"xdpc_set_element_packets", "gauge", "Packets that found an element, of the elements that are there.",
     of_hits<packets>},
    {"xdpc_set_element_bytes", "gauge", "Bytes of them.", of_hits<bytes>},
    {"xdpc_events_lost_total", "counter", "Events that found the buffer of a listener full.", of_listeners},
};

} // namespace

std::string prometheus(const std::vector<rt::Stats>& interfaces) {
    std::string out;
    for (const Family& family : families) {
        out +=
            fmt::format("# HELP {} {}\n# TYPE {} {}\n", family.name, family.help, family.name, family.type);
        for (const rt::Stats& stats : interfaces) {
            family.samples(stats, [&](const Labels& labels, uint64_t value) {
                out += fmt::format("{}{{interface=\"{}\"", family.name, escaped(stats.status.iface));
                for (const auto& [name, text] : labels) {
                    out += fmt::format(",{}=\"{}\"", name, escaped(text));
                }
                out += fmt::format("}} {}\n", value);
            });
        }
    }
    return out;
}

} // namespace xdpc::driver
