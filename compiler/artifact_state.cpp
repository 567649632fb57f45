// State in an Artifact's JSON. Reading trusts nothing: what the runtime indexes and sizes by is bounded here.
#include "codegen-templates/abi.h"
#include "compiler/artifact_json.h"
#include "compiler/base/map_targets.h"
#include "compiler/base/set_kinds.h"
#include "runtime/sets/layout.h"

#include <algorithm>

namespace xdpc {

namespace {

using Parts = std::vector<std::pair<std::string, uint16_t>>;

Json parts_json(const Parts& parts) {
    Json out = Json::array();
    for (const auto& [type, bits] : parts) {
        out.push_back({{"type", type}, {"bits", bits}});
    }
    return out;
}

/// Calls `use(reader, json)` for each object of an array.
template<class Use> void each(const Json& array, const char* name, std::string& problem, Use use) {
    for (const Json& entry : array) {
        if (!entry.is_object()) {
            problem = fmt::format("`{}` holds what is no object", name);
        } else if (problem.empty()) {
            Reader reader(entry, problem);
            use(reader);
        }
        if (!problem.empty()) {
            return;
        }
    }
}

Parts read_parts(Reader& reader, const char* name, std::string& problem) {
    Parts parts;
    uint32_t words = 0;
    if (const Json* array = reader.array(name)) {
        each(*array, name, problem, [&](Reader& part) {
            auto& [type, bits] = parts.emplace_back();
            part.read("type", type);
            part.read("bits", bits);
            if (bits == 0 || bits > 128) {
                part.complain("bits", "is out of range");
            }
            words += (bits + 31U) / 32;
        });
    }
    if (words > XDPC_MAX_KEY_WORDS) {
        reader.complain(name, "is too wide a key");
    }
    return parts;
}

void read_mapped(Reader& reader, ArtifactSet& set, std::string& problem) {
    reader.read("maps_to", set.maps_to);
    if (set.is_map() && !is_map_target(set.maps_to)) {
        reader.complain("maps_to", "is not known");
    }
    if (const Json* names = reader.array("names")) {
        for (const Json& name : *names) {
            if (name.is_string()) {
                set.names.push_back(name.get<std::string>());
            } else {
                reader.complain("names", "holds what is no text");
            }
        }
    }
    const auto value = read_parts(reader, "value", problem);
    if (value.size() != (set.maps_to == to_value ? 1U : 0U) || (!value.empty() && value[0].second > 32)) {
        reader.complain("value", "does not fit what the set maps to");
    } else if (!value.empty()) {
        set.value = value[0];
    }
}

ArtifactSet read_set(Reader& reader, std::string& problem) {
    ArtifactSet set;
    reader.read("name", set.name);
    reader.read("family", set.family);
    reader.read("kind", set.kind);
    set.parts = read_parts(reader, "parts", problem);
    reader.read("size", set.size);
    reader.read("has_timeout", set.has_timeout);
    reader.read("has_counter", set.has_counter);
    reader.read("auto_merge", set.auto_merge);
    reader.read("timeout_ns", set.timeout_ns);
    read_mapped(reader, set, problem);
    const auto kind = set_kind_of(set.kind);
    const bool fits = kind == SetKind::Interval ? set.parts.size() == 1
                      : kind == SetKind::Tuples ? set.parts.size() >= 2
                                                : !set.parts.empty();
    if (!kind || !fits) {
        reader.complain("kind", "does not fit the set");
    }
    if (set.size == 0 || set.size > sets::max_size) {
        reader.complain("size", "is out of range");
    }
    return set;
}

ArtifactLimit read_limit(Reader& reader, std::string& problem) {
    ArtifactLimit limit;
    reader.read("name", limit.name);
    reader.read("display", limit.display);
    reader.read("text", limit.text);
    limit.key = read_parts(reader, "key", problem);
    reader.read("size", limit.size);
    reader.read("capacity_ns", limit.capacity_ns);
    reader.read("cost_ns", limit.cost_ns);
    reader.read("cost_shift", limit.cost_shift);
    reader.read("bytes", limit.bytes);
    if (limit.cost_shift > XDPC_BYTE_COST_SHIFT) {
        reader.complain("cost_shift", "is out of range");
    }
    if (!limit.key.empty() && limit.size == 0) {
        reader.complain("size", "is out of range");
    }
    return limit;
}

Json to_json(const ArtifactSet& set) {
    return {{"name", set.name},
            {"family", set.family},
            {"kind", set.kind},
            {"parts", parts_json(set.parts)},
            {"size", set.size},
            {"has_timeout", set.has_timeout},
            {"has_counter", set.has_counter},
            {"auto_merge", set.auto_merge},
            {"timeout_ns", set.timeout_ns},
            {"maps_to", set.maps_to},
            {"names", set.names},
            {"value", parts_json(set.value ? std::vector{*set.value} : decltype(set.parts){})}};
}

Json to_json(const ArtifactLimit& limit) {
    return {{"name", limit.name},       {"display", limit.display},
            {"text", limit.text},       {"key", parts_json(limit.key)},
            {"size", limit.size},       {"capacity_ns", limit.capacity_ns},
            {"cost_ns", limit.cost_ns}, {"cost_shift", limit.cost_shift},
            {"bytes", limit.bytes}};
}

Json to_json(const ArtifactQuota& quota) {
    return {{"name", quota.name}, {"display", quota.display}, {"bytes", quota.bytes}, {"used", quota.used}};
}
Json to_json(const ArtifactCounter& counter) {
    return {{"name", counter.name}, {"slot", counter.slot}};
}
Json to_json(const ArtifactLog& log) {
    return {{"decider", log.decider}, {"prefix", log.prefix}};
}

template<class T> Json array_json(const std::vector<T>& values) {
    Json out = Json::array();
    for (const T& value : values) {
        out.push_back(to_json(value));
    }
    return out;
}

} // namespace

void write_state(Json& json, const Artifact& artifact) {
    json["sets"] = array_json(artifact.sets);
    json["limits"] = array_json(artifact.limits);
    json["quotas"] = array_json(artifact.quotas);
    json["counters"] = array_json(artifact.counters);
    json["logs"] = array_json(artifact.logs);
    Json interfaces = Json::array();
    for (const std::string& name : artifact.interfaces) {
        interfaces.push_back(Json{{"name", name}});
    }
    json["interfaces"] = std::move(interfaces);
}

void read_state(const Json& json, Artifact& artifact, std::string& problem) {
    Reader reader(json, problem);
    if (const Json* sets = reader.array("sets")) {
        each(*sets, "sets", problem,
             [&](Reader& entry) { artifact.sets.push_back(read_set(entry, problem)); });
    }
    if (const Json* limits = reader.array("limits")) {
        each(*limits, "limits", problem,
             [&](Reader& entry) { artifact.limits.push_back(read_limit(entry, problem)); });
    }
    if (const Json* quotas = reader.array("quotas")) {
        each(*quotas, "quotas", problem, [&](Reader& entry) {
            ArtifactQuota& quota = artifact.quotas.emplace_back();
            entry.read("name", quota.name);
            entry.read("display", quota.display);
            entry.read("bytes", quota.bytes);
            entry.read("used", quota.used);
        });
    }
    if (const Json* counters = reader.array("counters")) {
        each(*counters, "counters", problem, [&](Reader& entry) {
            ArtifactCounter& counter = artifact.counters.emplace_back();
            entry.read("name", counter.name);
            entry.read("slot", counter.slot);
            if (counter.slot >= artifact.slots) {
                entry.complain("slot", "is beyond the counters");
            }
        });
    }
    if (const Json* logs = reader.array("logs")) {
        each(*logs, "logs", problem, [&](Reader& entry) {
            ArtifactLog& log = artifact.logs.emplace_back();
            entry.read("decider", log.decider);
            entry.read("prefix", log.prefix);
        });
    }
    if (const Json* interfaces = reader.array("interfaces")) {
        each(*interfaces, "interfaces", problem,
             [&](Reader& entry) { entry.read("name", artifact.interfaces.emplace_back()); });
    }
    artifact.elements.resize(artifact.sets.size());
}

} // namespace xdpc
