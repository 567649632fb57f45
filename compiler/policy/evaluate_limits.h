// Limits, quotas, logs and samples as the evaluator has them (runtime/STATE.md): what they keep from packet
// to packet, and what they say of one. Also for the interpreter of the IR.
#pragma once

#include "compiler/policy/bounded_table.h"
#include "compiler/policy/policy.h"

#include <span>

namespace xdpc {

/// What xdpc_limit and its buckets are to programs. Times in ns of the monotonic clock.
struct LimitState {
    uint64_t full_at = 0;                          // without `per`
    std::optional<BoundedTable<uint64_t>> buckets; // with `per`: when each will be full
    uint64_t within = 0;                           // packets
    uint64_t beyond = 0;
    uint64_t overflows = 0; // of the table
};

/// What user space would be told.
struct Event {
    enum class Kind : uint8_t { Log, Sample } kind = Kind::Log;
    RuleId rule;
    uint32_t index = 0; // of a log: LogStatement::index
    uint64_t time_ns = 0;
    uint64_t length = 0;        // of the frame
    std::vector<uint8_t> bytes; // the first of it, as it is then
    bool operator==(const Event&) const = default;
};

struct Meters {
    static constexpr size_t max_events = 65536;    // more are only counted
    static constexpr size_t log_snap = 128;        // bytes of the frame
    std::vector<LimitState> limits;                // by LimitId
    std::vector<uint64_t> used;                    // by QuotaId
    std::vector<std::optional<uint64_t>> last_log; // by LogStatement::index
    std::vector<Event> events;
    uint64_t lost_events = 0;

    explicit Meters(const Policy& policy);
};

/// The frame that is asked for, and when.
struct Moment {
    RuleId rule;
    uint64_t now_ns = 0;
    std::span<const uint8_t> frame;
};

enum class LimitAnswer : uint8_t { Within, Beyond, Full };
/// Takes the packet's tokens if they are there; `key` are the values of Limit::keys.
LimitAnswer ask_limit(const Limit& limit, LimitState& state, const Tuple& key, const Moment& moment);
/// Packets or bytes for which there are tokens now.
uint64_t tokens_left(const Limit& limit, const LimitState& state, const Tuple& key, uint64_t now_ns);
/// What a rule ends with where its limit has no room; nothing: without a verdict.
std::optional<Verdict> verdict_on_full(const Limit& limit);
/// Whether the quota is over with this frame.
bool ask_quota(const Quota& quota, uint64_t& used, const Moment& moment);
void run_log(Meters& meters, uint32_t index, uint64_t every_ns, const Moment& moment);
/// `draw` is the packet's.
void run_sample(Meters& meters, uint32_t one_in, uint32_t snap, uint32_t draw, const Moment& moment);

} // namespace xdpc
