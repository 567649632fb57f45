#include "runtime/event_maps.h"

#include <bpf/bpf.h>
#include <map>

namespace xdpc::rt {

namespace {

struct EventMap {
    const char* name; // in the object
    const char* pin;
    bool shared;
};
constexpr EventMap event_maps[] = {
    {".data.capture", "capture", true},
    {"rings", "rings", true},
    {"logs", "logs", false},
    {"saved_frame", "saved_frame", false}, // programs without hooks do not hold it
};

/// The `log` statements of each decider, in their order.
std::map<uint32_t, std::vector<uint32_t>> logs_by_decider(const Artifact& policy) {
    std::map<uint32_t, std::vector<uint32_t>> logs;
    for (uint32_t i = 0; i < policy.logs.size(); i++)
        logs[policy.logs[i].decider].push_back(i);
    return logs;
}

} // namespace

SharedMaps::SharedMaps(const std::optional<Generation>& live) {
    for (const EventMap& map : event_maps) {
        if (!live || !map.shared)
            continue;
        Fd fd = open_pin(live->path + "/" + map.pin);
        if (fd.valid())
            maps_.emplace_back(map.name, std::move(fd));
    }
}

std::vector<std::pair<std::string, int>> SharedMaps::by_name() const {
    std::vector<std::pair<std::string, int>> all;
    for (const auto& [name, fd] : maps_)
        all.emplace_back(name, fd.get());
    return all;
}

Result<void> pin_event_maps(const Loaded& loaded, const Generation& generation) {
    for (const EventMap& map : event_maps) {
        const int fd = loaded.map_fd(map.name);
        if (fd < 0)
            continue;
        if (auto pinned = pin(fd, generation.path + "/" + map.pin); !pinned)
            return pinned;
    }
    return {};
}

void carry_log_times(const Generation& from, const Artifact& old_policy, const Loaded& to) {
    const Artifact& policy = to.artifact();
    const Fd old_times = open_pin(from.path + "/logs");
    const int times = to.map_fd("logs");
    if (!old_times.valid() || times < 0)
        return;
    auto old_logs = logs_by_decider(old_policy);
    auto logs = logs_by_decider(policy);
    const auto matches = match_deciders(old_policy.deciders, policy.deciders);
    for (uint32_t decider = 0; decider < matches.size(); decider++) {
        if (!matches[decider])
            continue;
        const auto& old_places = old_logs[static_cast<uint32_t>(*matches[decider])];
        const auto& places = logs[decider];
        for (size_t i = 0; i < std::min(old_places.size(), places.size()); i++) {
            uint64_t last = 0;
            if (bpf_map_lookup_elem(old_times.get(), &old_places[i], &last) == 0)
                (void)bpf_map_update_elem(times, &places[i], &last, BPF_ANY);
        }
    }
}

} // namespace xdpc::rt
