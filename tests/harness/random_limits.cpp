#include "tests/harness/random_limits.h"

#include "compiler/policy/limits.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::test {

namespace {

bool shares(Rng& rng, bool any) {
    return any && chance(rng, 35);
}

Statement limit(Rng& rng, Policy& policy, const Rule& rule, std::vector<Key> keys) {
    const bool over = chance(rng, 50);
    if (shares(rng, !policy.limits.empty())) {
        return LimitStatement{pick(rng, policy.limits).id, over, {}, chance(rng, 25)};
    }
    Limit made;
    made.id = {static_cast<uint32_t>(policy.limits.size())};
    made.display = fmt::format("{}#{}", rule.display, made.id.value);
    made.bytes = chance(rng, 40);
    made.unit_ns = chance(rng, 80) ? 1'000'000'000 : 60'000'000'000;
    made.amount = made.bytes ? 450 + below(rng, 2000) : 1 + below(rng, 6);
    if (made.bytes && chance(rng, 20)) { // a byte costs more than fits with its fraction
        made.amount = 1 + below(rng, 7);
    }
    made.burst = made.bytes ? below(rng, 600) : 1 + below(rng, 4);
    made.capacity_ns = limit_capacity(made).value();
    if (chance(rng, 60)) {
        made.keys = std::move(keys);
        made.size = static_cast<uint32_t>(1 + below(rng, chance(rng, 70) ? 4 : 100));
        made.on_full = static_cast<Limit::OnFull>(below(rng, 3));
    }
    policy.limits.push_back(std::move(made));
    return LimitStatement{policy.limits.back().id, over, {}, chance(rng, 25)};
}

Statement quota(Rng& rng, Policy& policy, const Rule& rule) {
    const bool over = chance(rng, 50);
    if (shares(rng, !policy.quotas.empty())) {
        return QuotaStatement{pick(rng, policy.quotas).id, over, {}};
    }
    Quota made;
    made.id = {static_cast<uint32_t>(policy.quotas.size())};
    made.display = fmt::format("{}#{}", rule.display, made.id.value);
    made.bytes = below(rng, 3000);
    made.used = chance(rng, 30) ? below(rng, 1000) : 0;
    policy.quotas.push_back(made);
    return QuotaStatement{made.id, over, {}};
}

Statement named_counter(Rng& rng, Policy& policy) {
    if (!shares(rng, !policy.counters.empty())) {
        const NamedCounterId id{static_cast<uint32_t>(policy.counters.size())};
        policy.counters.push_back({id, fmt::format("counter{}", id.value), {}});
    }
    return NamedCountStatement{pick(rng, policy.counters).id};
}

} // namespace

Statement random_meter(Rng& rng, Policy& policy, const Rule& rule, std::vector<Key> keys) {
    const uint64_t kind = below(rng, 10);
    if (kind < 5) {
        return limit(rng, policy, rule, std::move(keys));
    }
    if (kind < 7) {
        return quota(rng, policy, rule);
    }
    if (kind == 7) {
        return named_counter(rng, policy);
    }
    return random_event(rng, policy);
}

Statement random_event(Rng& rng, Policy& policy) {
    if (chance(rng, 50)) {
        LogStatement log;
        log.prefix = "random";
        log.every_ns = below(rng, 4) * 500'000'000;
        log.index = policy.log_places++;
        return log;
    }
    return SampleStatement{static_cast<uint32_t>(1 + below(rng, 4)),
                           static_cast<uint32_t>(below(rng, 200)),
                           policy.random_places++,
                           {}};
}

std::string random_objects_text() {
    return "limit l0 { rate 2/second burst 3 packets }\n"
           "limit l1 { rate over 600 bytes/second burst 100 bytes per ip saddr size 3 on full continue }\n"
           "limit l2 { rate 3/minute per ip6 saddr & ffff:ffff:: . th dport size 5 on full pass }\n"
           "quota q0 { over 900 bytes }\nquota q1 { 2 kbytes used 5 bytes }\ncounter c0 { }\ncounter c1 { "
           "}\n";
}

std::string random_meter_text(Rng& rng, const std::vector<std::string>& keys) {
    static const std::vector<std::string> on_full{"", "", " on full drop", " on full pass",
                                                  " on full continue"};
    const std::string over = chance(rng, 50) ? "over " : "";
    switch (below(rng, 10)) {
    case 0:
        return fmt::format("limit name l{}", below(rng, 3));
    case 1:
        return fmt::format("quota name \"q{}\"", below(rng, 2));
    case 2:
        return fmt::format("counter name c{}", below(rng, 2));
    case 3:
        return fmt::format("quota {}{} bytes used {} bytes", over, below(rng, 5000), below(rng, 500));
    case 4:
        return fmt::format("log prefix \"a log\" every {}ms", below(rng, 4) * 500);
    case 5:
        return fmt::format("sample 1/{} snap {}", 1 + below(rng, 4), below(rng, 200));
    case 6:
        return fmt::format("limit rate {}{} bytes/second burst {} bytes", over, 100 + below(rng, 2000),
                           below(rng, 600));
    default:
        std::string text =
            fmt::format("limit rate {}{}/second burst {}", over, 1 + below(rng, 6), 1 + below(rng, 4));
        return chance(rng, 30) ? text
                               : fmt::format("{} per {} size {}{}", text, pick(rng, keys), 1 + below(rng, 6),
                                             pick(rng, on_full));
    }
}

bool may_end_when_full(const Policy& policy, const Rule& rule) {
    return std::any_of(rule.statements.begin(), rule.statements.end(), [&](const Statement& statement) {
        const auto* limit = std::get_if<LimitStatement>(&statement);
        return limit != nullptr && !policy.limit(limit->limit).keys.empty() &&
               policy.limit(limit->limit).on_full != Limit::OnFull::Continue;
    });
}

} // namespace xdpc::test
