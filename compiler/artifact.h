// The only contract between compiler and runtime: an ELF object and what one needs to know to load it and to
// name what it counts. Plain data. `xdpc build` writes it (the ELF object with the rest as JSON in its
// section `.xdpc`, which other loaders skip); `xdpc apply F.o` reads it.
#pragma once

#include "compiler/base/result.h"

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

struct Artifact {
    static constexpr uint32_t current_version = 1;
    uint32_t version = current_version;
    std::vector<uint8_t> object;   // ELF, EM_BPF; one XDP program, `xdpc`
    std::string policy;            // path of the policy
    std::string source_digest;     // of all sources, hex
    std::vector<Decider> deciders; // by DeciderId
    uint32_t slots = 0;            // max_entries of map `counters`
    bool reads_tags = false;       // looks at VLAN tags: rx-vlan offload would hide them
    bool instrumented = false;     // has `.data.test`
    std::string kernel;            // oldest it targets: "6.1"
    // Path and text of the policy and what it includes, first the policy; for `trace -i`. May be empty.
    std::vector<std::pair<std::string, std::string>> sources;
};

/// Longer files are not read.
constexpr size_t max_object_bytes = size_t{256} << 20;

/// The object with `.xdpc` inside is what `emit` makes; these give and take its bytes.
/// Reads the section `.xdpc` of an ELF object; refuses what is not ours, damaged or of another version.
Result<Artifact> read_artifact(std::vector<uint8_t> object);
/// The JSON text that goes into `.xdpc` (all but `object`).
std::string artifact_metadata(const Artifact& artifact);
/// Its inverse; `object` stays empty.
Result<Artifact> parse_artifact_metadata(std::string_view json);

} // namespace xdpc
