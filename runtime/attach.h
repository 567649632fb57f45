// From Loaded to an interface, and back: attach, atomic replacement with carried counters, detach, what runs
// where. The lock and pin protocol is specified in runtime/PROTOCOL.md.
#pragma once

#include "runtime/load.h"
#include "runtime/state_stats.h"

#include <functional>
#include <optional>

namespace xdpc::rt {

/// Writes an element of a set as people do. In sets of single values both ends are the same.
using ElementText = std::function<std::string(const ArtifactSet& set, std::span<const uint32_t> low,
                                              std::span<const uint32_t> high)>;

enum class Mode : uint8_t { Auto, Native, Generic, Offload };
const char* name_of(Mode mode);

/// What became of the elements of a set.
struct SetChange {
    std::string set;
    uint8_t family = 0;    // of `inet_addr`
    uint64_t elements = 0; // now
    uint64_t kept = 0;     // of the policy that ran, `live` of them added by `set add` or rules
    uint64_t live = 0;
    uint64_t added = 0; // by the new policy
    uint64_t removed = 0;
};

struct ApplyOptions {
    Mode mode = Mode::Auto;
    bool force = false;                        // replace a foreign program
    std::optional<bool> rxvlan = std::nullopt; // false: turn rx-vlan offload off where the policy reads tags
    bool reset_sets = false;                   // sets begin with what the policy says
    ElementText element_text = {};             // for messages
};

struct RuleChange {
    std::string rule; // display name
    std::string text;
    // Changed: the same name with another text; its counter is kept.
    enum class Kind : uint8_t { Added, Removed, Moved, Kept, Changed } kind;
};

struct ApplyReport {
    std::string iface;
    Mode mode = Mode::Native; // what it runs in
    bool replaced = false;    // an earlier policy of ours ran before
    uint32_t program_id = 0;
    uint32_t generation = 0;
    std::vector<RuleChange> changes; // against what ran before
    std::vector<SetChange> sets;
    std::vector<std::string> notes; // said aloud: fell back to generic, tags are stripped, …
    double load_ms = 0, attach_ms = 0;
    VerifierReport verifier;
};

/// Loads `artifact` for each interface and swaps it in on all or none. On failure everything is as it was.
/// `error.refusal` is set if the verifier refused.
tl::expected<std::vector<ApplyReport>, LoadError>
apply(const Artifact& artifact, const std::vector<std::string>& ifaces, const ApplyOptions& options);
/// The same without touching anything (the program is loaded, verified and dropped).
tl::expected<std::vector<ApplyReport>, LoadError>
dry_run(const Artifact& artifact, const std::vector<std::string>& ifaces, const ApplyOptions& options);

/// Takes the policy off; false if none of ours is there. A foreign program is an Error.
Result<bool> detach(const std::string& iface);

/// What runs on an interface of this network namespace.
struct Status {
    std::string iface;
    uint32_t ifindex = 0;
    bool ours = false;
    Mode mode = Mode::Native;
    uint32_t program_id = 0;
    std::string program_name; // of a foreign one, where the kernel tells
    std::string policy;       // path given to apply
    std::string source_digest;
    uint32_t generation = 0;
    uint64_t applied_at = 0; // seconds since 1970
    // Names of what lasts from packet to packet; limits and quotas without one go by their rule.
    std::vector<std::string> sets, limits, quotas, counters;
};
/// All interfaces with an XDP program. Also cleans up what a killed command left.
Result<std::vector<Status>> show();

struct DeciderCount {
    Decider decider;
    std::optional<SlotCount> end; // none: not counted
    std::optional<SlotCount> mid; // of a `counter` statement
};
struct Stats {
    Status status;
    std::vector<DeciderCount> deciders;
    SlotCount total; // of all end counters
    StateStats state;
};
/// Counters and state of the policy on `iface`, what was carried over included.
Result<Stats> stats(const std::string& iface);
/// The artifact's metadata (without object) of the policy on `iface`, for `trace -i`; with the policy's
/// source texts if they were stored.
Result<Artifact> attached_metadata(const std::string& iface);

/// Tests only: called with the name of each step of apply and detach before it is done ("load", "pin",
/// "attach", "swap", "carry", "unpin", …); lets a test kill the process there. Set from XDPC_TEST_STEP in the
/// driver.
void set_step_hook(std::function<void(const char*)> hook);

} // namespace xdpc::rt
