#include "compiler/policy/evaluate_limits.h"

#include "compiler/policy/limits.h"

#include <algorithm>

namespace xdpc {

namespace {

/// Tells at most `snap` bytes of the frame.
void add(Meters& meters, Event::Kind kind, uint32_t index, size_t snap, const Moment& moment) {
    if (meters.events.size() < Meters::max_events) {
        const auto told = moment.frame.first(std::min(snap, moment.frame.size()));
        meters.events.push_back(
            {kind, moment.rule, index, moment.now_ns, moment.frame.size(), {told.begin(), told.end()}});
    } else {
        ++meters.lost_events;
    }
}

/// Whether the bucket has the tokens; then they are taken.
bool take(const Limit& limit, uint64_t& full_at, const Moment& moment) {
    const uint64_t wanted = std::max(full_at, moment.now_ns) + limit_cost_of(limit, moment.frame.size());
    if (wanted - moment.now_ns > limit.capacity_ns) {
        return false;
    }
    full_at = wanted;
    return true;
}

} // namespace

Meters::Meters(const Policy& policy)
    : limits(policy.limits.size()), used(policy.quotas.size()), last_log(policy.log_places) {
    for (size_t i = 0; i < limits.size(); ++i) {
        if (!policy.limits[i].keys.empty()) {
            limits[i].buckets.emplace(policy.limits[i].size);
        }
    }
    for (size_t i = 0; i < used.size(); ++i) {
        used[i] = policy.quotas[i].used;
    }
}

LimitAnswer ask_limit(const Limit& limit, LimitState& state, const Tuple& key, const Moment& moment) {
    uint64_t* full_at = &state.full_at;
    if (state.buckets) {
        full_at = state.buckets->put(key, [&](uint64_t time) { return time <= moment.now_ns; });
    }
    if (full_at == nullptr) {
        ++state.overflows;
        return LimitAnswer::Full;
    }
    const bool within = take(limit, *full_at, moment);
    ++(within ? state.within : state.beyond);
    return within ? LimitAnswer::Within : LimitAnswer::Beyond;
}

uint64_t tokens_left(const Limit& limit, const LimitState& state, const Tuple& key, uint64_t now_ns) {
    const uint64_t* bucket = state.buckets ? state.buckets->find(key) : &state.full_at;
    const uint64_t full_at = std::max(bucket != nullptr ? *bucket : 0, now_ns);
    const uint64_t left_ns = limit.capacity_ns - std::min(full_at - now_ns, limit.capacity_ns);
    const u128 left = u128{left_ns} << limit_cost_shift(limit);
    return static_cast<uint64_t>(left / std::max<uint64_t>(limit_cost(limit), 1));
}

std::optional<Verdict> verdict_on_full(const Limit& limit) {
    switch (limit.on_full) {
    case Limit::OnFull::Drop:
        return Drop{};
    case Limit::OnFull::Pass:
        return Pass{};
    case Limit::OnFull::Continue:
        break;
    }
    return {};
}

bool ask_quota(const Quota& quota, uint64_t& used, const Moment& moment) {
    used += moment.frame.size();
    return used > quota.bytes;
}

void run_log(Meters& meters, uint32_t index, uint64_t every_ns, const Moment& moment) {
    std::optional<uint64_t>& last = meters.last_log[index];
    if (last && moment.now_ns - *last < every_ns) {
        return;
    }
    last = moment.now_ns;
    add(meters, Event::Kind::Log, index, Meters::log_snap, moment);
}

void run_sample(Meters& meters, uint32_t one_in, uint32_t snap, uint32_t draw, const Moment& moment) {
    if (draw % one_in == 0) {
        add(meters, Event::Kind::Sample, 0, snap, moment);
    }
}

} // namespace xdpc
