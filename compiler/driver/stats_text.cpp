#include "compiler/driver/stats_text.h"

#include "compiler/base/set_kinds.h"
#include "compiler/driver/output.h"
#include "compiler/driver/set_text.h"

#include <algorithm>

namespace xdpc::driver {

namespace {

/// Of the keys that a limit is nearest to refusing, or refuses.
constexpr size_t shown_keys = 3;

using Rows = std::vector<std::vector<std::string>>;

/// A table behind an empty line, without the columns that no row fills; "" without rows.
std::string section(std::vector<Column> columns, Rows rows) {
    if (rows.empty()) {
        return {};
    }
    for (size_t i = columns.size(); i-- > 0;) {
        if (std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return row[i].empty(); })) {
            columns.erase(columns.begin() + static_cast<ptrdiff_t>(i));
            for (auto& row : rows) {
                row.erase(row.begin() + static_cast<ptrdiff_t>(i));
            }
        }
    }
    return "\n" + table(columns, rows);
}

std::string number(uint64_t value) {
    return fmt::format("{}", value);
}

std::string limits_text(const std::vector<rt::LimitStats>& limits) {
    Rows rows;
    std::string keys;
    for (const rt::LimitStats& stats : limits) {
        const ArtifactLimit& limit = stats.limit;
        const bool keyed = !limit.key.empty();
        rows.push_back({limit.display, number(stats.within), number(stats.beyond),
                        fmt::format("{} of {}{}", stats.left, stats.most, limit.bytes ? " bytes" : ""),
                        keyed ? fmt::format("{} of {}", stats.busy, limit.size) : "",
                        keyed ? number(stats.no_room) : "", keyed ? bytes_text(stats.memory) : "",
                        limit.text});
        if (stats.busiest.empty()) {
            continue;
        }
        keys += fmt::format("{}: fewest left:", limit.display);
        for (size_t i = 0; i < std::min(shown_keys, stats.busiest.size()); ++i) {
            keys += fmt::format("{} {} ({})", i == 0 ? "" : ",",
                                key_text(limit.key, stats.busiest[i].key, stats.busiest[i].key),
                                stats.busiest[i].left);
        }
        keys += "\n";
    }
    return section({{"LIMIT"},
                    {"WITHIN", true},
                    {"BEYOND", true},
                    {"LEFT", true},
                    {"KEYS", true},
                    {"NO ROOM", true},
                    {"MEMORY", true},
                    {"TEXT"}},
                   std::move(rows)) +
           keys;
}

} // namespace

std::string sets_text(const std::vector<rt::SetStats>& sets) {
    Rows rows;
    for (const rt::SetStats& stats : sets) {
        const ArtifactSet& set = stats.set;
        rows.push_back({set.name, type_text(set), set.kind, fmt::format("{} of {}", stats.elements, set.size),
                        set.timeout_ns != 0 ? fmt::format("{}s", set.timeout_ns / 1'000'000'000U)
                        : set.has_timeout   ? "each"
                                            : "",
                        bytes_text(stats.memory), stats.hits ? number(stats.hits->packets) : "",
                        stats.hits ? number(stats.hits->bytes) : "",
                        set_kind_of(set.kind) == SetKind::Dynamic ? number(stats.no_room) : ""});
    }
    return section({{"SET"},
                    {"TYPE"},
                    {"KIND"},
                    {"ELEMENTS", true},
                    {"TIMEOUT", true},
                    {"MEMORY", true},
                    {"PACKETS", true},
                    {"BYTES", true},
                    {"NO ROOM", true}},
                   std::move(rows));
}

std::string state_text(const rt::StateStats& state) {
    std::string text = limits_text(state.limits);
    Rows rows;
    for (const rt::QuotaStats& stats : state.quotas) {
        rows.push_back({stats.quota.display, bytes_text(stats.used), bytes_text(stats.quota.bytes),
                        stats.over() ? "over" : ""});
    }
    text += section({{"QUOTA"}, {"USED", true}, {"OF", true}, {"STATE"}}, std::move(rows));
    rows.clear();
    for (const rt::NamedCount& counter : state.counters) {
        rows.push_back({counter.name, number(counter.count.packets), number(counter.count.bytes)});
    }
    text += section({{"COUNTER"}, {"PACKETS", true}, {"BYTES", true}}, std::move(rows));
    text += sets_text(state.sets);
    rows.clear();
    for (const rt::ListenerStats& listener : state.listeners) {
        rows.push_back(
            {number(listener.place), listener.packets ? "capture" : "monitor", number(listener.lost)});
    }
    return text + section({{"LISTENER"}, {"WHAT"}, {"LOST", true}}, std::move(rows));
}

namespace {

using driver::to_json; // of sets

Json to_json(const rt::LimitStats& stats) {
    const ArtifactLimit& limit = stats.limit;
    Json out = {{"limit", limit.display},    {"named", !limit.name.empty()},
                {"text", limit.text},        {"within", stats.within},
                {"beyond", stats.beyond},    {"unit", limit.bytes ? "bytes" : "packets"},
                {"tokens_left", stats.left}, {"tokens_most", stats.most}};
    if (limit.key.empty()) {
        return out;
    }
    out["keys"] = {{"size", limit.size},       {"held", stats.keys},           {"busy", stats.busy},
                   {"no_room", stats.no_room}, {"memory_bytes", stats.memory}, {"busiest", Json::array()}};
    for (const rt::LimitStats::Bucket& bucket : stats.busiest) {
        out["keys"]["busiest"].push_back(
            {{"key", key_text(limit.key, bucket.key, bucket.key)}, {"tokens_left", bucket.left}});
    }
    return out;
}

Json to_json(const rt::QuotaStats& stats) {
    return {{"quota", stats.quota.display},
            {"named", !stats.quota.name.empty()},
            {"used", stats.used},
            {"bytes", stats.quota.bytes},
            {"over", stats.over()}};
}
Json to_json(const rt::NamedCount& counter) {
    return {{"counter", counter.name}, {"packets", counter.count.packets}, {"bytes", counter.count.bytes}};
}
Json to_json(const rt::ListenerStats& listener) {
    return {{"place", listener.place},
            {"statements", listener.statements},
            {"packets", listener.packets},
            {"lost", listener.lost}};
}

template<class T> Json array_of(const std::vector<T>& all) {
    Json out = Json::array();
    for (const T& one : all) {
        out.push_back(to_json(one));
    }
    return out;
}

} // namespace

Json to_json(const rt::SetStats& stats) {
    const ArtifactSet& set = stats.set;
    Json out = {{"set", set.name},
                {"type", type_text(set)},
                {"kind", set.kind},
                {"map", set.is_map()},
                {"elements", stats.elements},
                {"size", set.size},
                {"memory_bytes", stats.memory},
                {"no_room", stats.no_room}};
    if (set.has_timeout) {
        out["timeout_ms"] = set.timeout_ns / 1'000'000U;
    }
    if (stats.hits) {
        out["packets"] = stats.hits->packets;
        out["bytes"] = stats.hits->bytes;
    }
    return out;
}

Json to_json(const rt::StateStats& state) {
    return {{"limits", array_of(state.limits)},
            {"quotas", array_of(state.quotas)},
            {"counters", array_of(state.counters)},
            {"sets", array_of(state.sets)},
            {"listeners", array_of(state.listeners)}};
}

} // namespace xdpc::driver
