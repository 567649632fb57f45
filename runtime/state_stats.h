// What limits, quotas, counters with a name, live sets and listeners of a policy have come to: for `stats`.
#pragma once

#include "compiler/artifact.h"
#include "runtime/load.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::rt {

struct Generation;
struct StateRecord;

struct LimitStats {
    ArtifactLimit limit;
    uint64_t within = 0, beyond = 0; // packets
    uint64_t no_room = 0;            // packets whose key found the table full
    // Tokens are packets, or bytes. Of a limit per key: of the key that has fewest.
    uint64_t left = 0;
    uint64_t most = 0; // in a full bucket
    struct Bucket {
        std::vector<uint32_t> key; // words, as STATE.md says
        uint64_t left = 0;
    };
    // Per key only.
    uint64_t keys = 0;           // in the table, those with a full bucket too
    uint64_t busy = 0;           // with a bucket that is not full
    uint64_t memory = 0;         // bytes
    std::vector<Bucket> busiest; // those with the fewest tokens, at most max_busiest
};
constexpr size_t max_busiest = 10;

struct QuotaStats {
    ArtifactQuota quota;
    uint64_t used = 0; // bytes
    [[nodiscard]] bool over() const { return used > quota.bytes; }
};

struct NamedCount {
    std::string name;
    SlotCount count;
};

struct SetStats {
    ArtifactSet set;
    uint64_t elements = 0;         // not expired
    uint64_t no_room = 0;          // what rules could not add
    uint64_t memory = 0;           // bytes
    std::optional<SlotCount> hits; // of the elements that are there, where they count
};

struct ListenerStats {
    uint32_t place = 0;
    bool statements = false; // listens to `log` and `sample`
    bool packets = false;    // to decided packets
    uint64_t lost = 0;       // events that found its buffer full
};

struct StateStats {
    std::vector<LimitStats> limits;
    std::vector<QuotaStats> quotas;
    std::vector<NamedCount> counters;
    std::vector<SetStats> sets; // of `inet_addr`: two of one name
    std::vector<ListenerStats> listeners;
};

/// Of the generation with this metadata, whose counters have come to `totals`. The interface's lock must be
/// held, or another command may be changing its sets.
Result<StateStats> read_state_stats(const Generation& generation, const Artifact& metadata,
                                    const std::vector<SlotCount>& totals);

/// Of one set of the generation with this record.
Result<SetStats> read_set_stats(const Generation& generation, const StateRecord& record, uint32_t set);

} // namespace xdpc::rt
