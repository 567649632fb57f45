// The only contract between compiler and runtime: an ELF object and what one needs to know to load it and to
// name what it counts. Plain data. `xdpc build` writes it (the ELF object with the rest as JSON in its
// section `.xdpc`, which other loaders skip); `xdpc apply F.o` reads it.
#pragma once

#include "compiler/base/result.h"
#include "compiler/base/set_elements.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xdpc {

/// A rule or a chain's policy: what can decide a packet, and what it counts.
struct Decider {
    bool is_policy = false;
    std::string name;    // a rule's label, may be empty; for a policy the chain's name
    std::string display; // "ssh", "edge.xdp:12", "policy"
    std::string chain;
    std::string text; // canonical text of the rule; "policy drop"
    std::string comment;
    std::string file;
    uint32_t line = 0;
    uint32_t column = 0;
    std::string verdict;              // "drop", "jump web", "" if none or several
    std::optional<uint32_t> slot;     // end counter
    std::optional<uint32_t> mid_slot; // `counter` statement
    bool operator==(const Decider&) const = default;
};

/// A live set or map as the runtime has to know it: xdpc::LiveSet without what only the compiler needs.
struct ArtifactSet {
    std::string name;
    uint8_t family = 0; // 4 or 6 of `inet_addr`
    std::string kind;   // "hash", "interval", "tuples", "dynamic": runtime/STATE.md
    std::vector<std::pair<std::string, uint16_t>> parts; // type as nft names it, bits
    uint32_t size = 0;
    bool has_timeout = false, has_counter = false, auto_merge = false;
    uint64_t timeout_ns = 0; // of elements without their own; 0: none
    std::string maps_to;     // of a map: "verdict", "value", "limit", "quota" or "counter"; else ""
    std::vector<std::string>
        names; // what elements are mapped to by index: "drop", "jump ssh", a limit's name
    std::optional<std::pair<std::string, uint16_t>> value; // of a map to values: type, bits
    bool operator==(const ArtifactSet&) const = default;
    [[nodiscard]] bool is_map() const { return !maps_to.empty(); }
};
struct ArtifactLimit {
    std::string name;    // of a named one
    std::string display; // "flood"
    std::string text;    // "rate over 200/second burst 400 per ip saddr size 65536"
    std::vector<std::pair<std::string, uint16_t>> key; // of `per`: type, bits
    uint32_t size = 0;
    uint64_t capacity_ns = 0, cost_ns = 0; // cost of a packet, or of a byte << cost_shift
    uint32_t cost_shift = 0;
    bool bytes = false;
    bool operator==(const ArtifactLimit&) const = default;
};
struct ArtifactQuota {
    std::string name, display;
    uint64_t bytes = 0, used = 0;
    bool operator==(const ArtifactQuota&) const = default;
};
struct ArtifactCounter { // a named one
    std::string name;
    uint32_t slot = 0;
    bool operator==(const ArtifactCounter&) const = default;
};
struct ArtifactLog {
    uint32_t decider = 0;
    std::string prefix;
    bool operator==(const ArtifactLog&) const = default;
};

struct Artifact {
    static constexpr uint32_t current_version = 5;
    uint32_t version = current_version;
    std::vector<uint8_t> object;   // ELF, EM_BPF; one XDP program, `xdpc`
    std::string policy;            // path of the policy
    std::string source_digest;     // of all sources, hex
    std::vector<Decider> deciders; // by DeciderId
    uint32_t slots = 0;            // max_entries of map `counters`
    bool reads_tags = false;       // looks at VLAN tags: rx-vlan offload would hide them
    bool instrumented = false;     // has `.data.test`
    bool captures = true;          // decided packets can be captured
    std::string kernel;            // oldest it targets: "6.1"
    // Path and text of the policy and what it includes, first the policy; for `trace -i`. May be empty.
    std::vector<std::pair<std::string, std::string>> sources;
    std::vector<ArtifactSet> sets;     // by SetId
    std::vector<SetElements> elements; // by SetId; not in the JSON: a section of their own
    std::vector<ArtifactLimit> limits; // by LimitId
    std::vector<ArtifactQuota> quotas; // by QuotaId
    std::vector<ArtifactCounter> counters;
    std::vector<ArtifactLog> logs;       // by LogStatement::index
    std::vector<std::string> interfaces; // that packets are redirected to, by place in the map `devices`
    bool answers = false;                // sends packets back (`tx`)
    bool routes = false;                 // sends packets by the kernel's routes
    std::string
        by_table; // the first statement that names a routing table: "edge.xdp:12: route table 7"; or ""
};

/// Longer files are not read.
constexpr size_t max_object_bytes = size_t{256} << 20;

/// Reads the sections `.xdpc` and `.xdpc.elements` of an ELF object; refuses what is not ours, damaged or of
/// another version.
Result<Artifact> read_artifact(std::vector<uint8_t> object);
/// The object with sections `.xdpc` and, where there are sets, `.xdpc.elements`: what `xdpc build` writes. Of
/// the object as code generation gives it, which has neither.
Result<std::vector<uint8_t>> complete_object(const Artifact& artifact);
/// The JSON text that goes into `.xdpc` (all but `object`).
std::string artifact_metadata(const Artifact& artifact);
/// Its inverse; `object` stays empty.
Result<Artifact> parse_artifact_metadata(std::string_view json);

} // namespace xdpc
