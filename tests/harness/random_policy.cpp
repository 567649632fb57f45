#include "tests/harness/random_policy.h"

#include "compiler/policy/evaluate.h"
#include "tests/harness/random_limits.h"
#include "tests/harness/random_rewrites.h"
#include "tests/harness/random_routes.h"
#include "tests/harness/random_sets.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace xdpc::test {

namespace {

using Frames = std::vector<std::vector<uint8_t>>;

class Generator {
public:
    Generator(Rng& rng, const Frames& samples, const RandomPolicyOptions& options)
        : rng_(rng), samples_(samples), options_(options) {}
    Policy run();

private:
    KeySource source();
    Key key();
    u128 value(const Key& key);
    Interval interval(const Key& key);
    Box box(const std::vector<Key>& keys);
    std::vector<Key> keys();
    Test test();
    Condition condition(unsigned depth);
    Verdict verdict(uint32_t chain, bool terminal_only);
    VmapStatement vmap(uint32_t chain);
    Rule rule(uint32_t chain);
    void live_set();
    template<class Fits> std::optional<SetId> some_set(Fits fits);
    void lead_to_live_map(RewriteStatement& rewrite);
    Condition set_test(SetId set);
    std::optional<Statement> update();
    std::optional<Statement> live_vmap(uint32_t chain);

    Rng& rng_;
    const Frames& samples_;
    const RandomPolicyOptions& options_;
    Policy policy_;
    uint32_t chains_ = 1;
    bool rewrites_ = false;
    std::vector<std::vector<Key>> set_keys_; // by SetId
};

KeySource Generator::source() {
    static const std::vector<FieldId> common{
        FieldId::IpSaddr,  FieldId::IpDaddr,  FieldId::TcpDport, FieldId::TcpSport, FieldId::TcpFlags,
        FieldId::UdpDport, FieldId::ThDport,  FieldId::Ip6Saddr, FieldId::Ip6Daddr, FieldId::IpTtl,
        FieldId::VlanId,   FieldId::IcmpType, FieldId::IpDscp,   FieldId::EtherType};
    const uint64_t kind = below(rng_, 100);
    if (kind < 50) {
        return FieldKey{pick(rng_, common)};
    }
    if (kind < 70) {
        return FieldKey{static_cast<FieldId>(below(rng_, all_fields().size()))};
    }
    if (kind < 78) {
        const auto width = static_cast<uint16_t>(1 + below(rng_, chance(rng_, 80) ? 32 : 128));
        return RawKey{static_cast<RawBase>(below(rng_, 4)), static_cast<uint32_t>(below(rng_, 200)), width};
    }
    if (kind < 86) {
        return ExistsKey{static_cast<HeaderId>(below(rng_, all_headers().size()))};
    }
    const auto meta = static_cast<MetaId>(below(rng_, all_metas().size()));
    const bool clock = meta == MetaId::Time || meta == MetaId::Day || meta == MetaId::Hour ||
                       meta == MetaId::Random || meta == MetaId::Cpu || meta == MetaId::Rxqueue;
    if (clock && !options_.clocks) {
        return MetaKey{MetaId::Protocol};
    }
    return MetaKey{meta, meta == MetaId::Random ? policy_.random_places++ : 0};
}

Key Generator::key() {
    Key result{source()};
    const u128 full = max_of_width(width_of(result.source));
    if (chance(rng_, 20)) {
        const auto bits = static_cast<unsigned>(below(rng_, width_of(result.source) + 1U));
        const u128 low = max_of_width(bits);
        result.mask = chance(rng_, 40)   ? full & ~low
                      : chance(rng_, 50) ? low
                                         : (u128{rng_()} << 64 | rng_()) & full;
    }
    return result;
}

u128 Generator::value(const Key& key) {
    const u128 full = max_of_width(width_of(key.source));
    const Policy empty;
    const State state(empty);
    for (int tries = 0; tries < 12 && chance(rng_, 95); ++tries) {
        PacketView view;
        view.frame = pick(rng_, samples_);
        if (const auto found = read_key(key.source, view, state)) {
            const u128 near = *found + (chance(rng_, 10) ? 1 : 0) - (chance(rng_, 10) ? 1 : 0);
            return near & key.mask & full;
        }
    }
    return (u128{rng_()} << 64 | rng_()) & full;
}

Interval Generator::interval(const Key& key) {
    const u128 lo = value(key);
    if (chance(rng_, 70)) {
        return {lo, lo};
    }
    const u128 hi = value(key);
    return {std::min(lo, hi), std::max(lo, hi)};
}

Box Generator::box(const std::vector<Key>& keys) {
    Box result;
    for (const Key& key : keys) {
        const bool any = keys.size() > 1 && chance(rng_, 10);
        result.push_back(any ? Interval{0, max_of_width(width_of(key.source))} : interval(key));
    }
    return result;
}

std::vector<Key> Generator::keys() {
    std::vector<Key> result{key()};
    while (result.size() < 3 && chance(rng_, 15)) {
        result.push_back(key());
    }
    return result;
}

Test Generator::test() {
    Test result;
    result.keys = keys();
    result.negated = chance(rng_, 25);
    const size_t count = chance(rng_, 60) ? 1 : below(rng_, options_.max_set + 1);
    if (result.keys.size() > 1) {
        for (size_t i = 0; i < count; ++i) {
            result.boxes.push_back(box(result.keys));
        }
        return result;
    }
    std::vector<Interval> intervals;
    for (size_t i = 0; i < count; ++i) {
        intervals.push_back(interval(result.keys.front()));
    }
    const IntervalSet values = IntervalSet::of(std::move(intervals));
    for (const Interval& each : values.intervals()) {
        result.boxes.push_back({each});
    }
    return result;
}

void Generator::live_set() {
    const std::vector<Key> keys = this->keys();
    const SetId id{static_cast<uint32_t>(policy_.sets.size())};
    policy_.sets.push_back(random_live_set(rng_, id, keys, [&](const Key& key) { return interval(key); }));
    set_keys_.push_back(keys);
    while (policy_.counters.size() < policy_.sets.back().object_ids.size()) {
        const NamedCounterId counter{static_cast<uint32_t>(policy_.counters.size())};
        policy_.counters.push_back({counter, fmt::format("n{}", counter.value), {}});
    }
}

template<class Fits> std::optional<SetId> Generator::some_set(Fits fits) {
    for (int tries = 0; !policy_.sets.empty() && tries < 4; ++tries) {
        const LiveSet& set = pick(rng_, policy_.sets);
        if (fits(set)) {
            return set.id;
        }
    }
    return {};
}

bool is_plain(const LiveSet& set) {
    return !set.is_map;
}

void Generator::lead_to_live_map(RewriteStatement& rewrite) {
    if (!rewrite.map || !chance(rng_, 50)) {
        return;
    }
    const uint16_t width = info(std::get<packet::SetField>(rewrite.what).field).bit_width;
    const auto map = some_set([&](const LiveSet& set) { return set.mapped && set.mapped->width <= width; });
    if (map) {
        rewrite.keys = set_keys_[map->value];
        rewrite.map->entries.clear();
        rewrite.map->live = map;
    }
}

Condition Generator::set_test(SetId set) {
    return {{}, SetTest{set_keys_[set.value], set, chance(rng_, 25), {}, "@" + policy_.set(set).name}};
}

std::optional<Statement> Generator::update() {
    const auto set = some_set(is_plain);
    if (!set || policy_.set(*set).kind != LiveSet::Kind::Dynamic) {
        return {};
    }
    UpdateSetStatement result;
    using Op = UpdateSetStatement::Op;
    result.op = chance(rng_, 20) ? Op::Delete : chance(rng_, 50) ? Op::Add : Op::Update;
    result.set = *set;
    result.keys = set_keys_[set->value];
    result.may_lack = chance(rng_, 25);
    if (policy_.set(*set).has_timeout && result.op != UpdateSetStatement::Op::Delete && chance(rng_, 50)) {
        result.timeout_ns = (1 + below(rng_, 8)) * 600'000'000;
    }
    return result;
}

std::optional<Statement> Generator::live_vmap(uint32_t chain) {
    const auto map = some_set([](const LiveSet& set) { return !set.verdicts.empty(); });
    if (!map) {
        return {};
    }
    LiveVmapStatement result{set_keys_[map->value], *map, {}, {}, chance(rng_, 25)};
    if (chance(rng_, 40)) {
        result.otherwise = verdict(chain, false);
    }
    return result;
}

Condition Generator::condition(unsigned depth) {
    const uint64_t kind = depth == 0 ? 0 : below(rng_, 10);
    if (const auto set = chance(rng_, policy_.sets.empty() ? 0 : 20) ? some_set(is_plain) : std::nullopt) {
        return set_test(*set);
    }
    if (kind < 6) {
        return {{}, test()};
    }
    if (kind == 9) {
        return {{}, NotOf{{condition(depth - 1)}}};
    }
    std::vector<Condition> parts;
    for (uint64_t i = below(rng_, 4); i-- > 0;) {
        parts.push_back(condition(depth - 1));
    }
    return kind < 8 ? Condition{{}, AllOf{std::move(parts)}} : Condition{{}, AnyOf{std::move(parts)}};
}

/// Jumps lead to later chains only, so that there are no loops.
Verdict Generator::verdict(uint32_t chain, bool terminal_only) {
    const bool last = chain + 1 >= chains_;
    const uint64_t kind = below(rng_, terminal_only ? 8 : 16);
    if (kind < 3) {
        return xdpc::Pass{};
    }
    if (kind < 6) {
        return Drop{};
    }
    if (kind < 8) {
        const bool redirects = !terminal_only && chance(rng_, 60);
        return kind != 6   ? Verdict{Abort{}}
               : redirects ? Verdict{Redirect{{chance(rng_, 50) ? 0U : 1U}}}
                           : Verdict{Tx{}};
    }
    if (kind < 10 || last) {
        return kind % 2 == 0 ? Verdict{Return{}} : Verdict{Continue{}};
    }
    const ChainId target{chain + 1 + static_cast<uint32_t>(below(rng_, chains_ - chain - 1))};
    return kind < 14 ? Verdict{Jump{target}} : Verdict{Goto{target}};
}

VmapStatement Generator::vmap(uint32_t chain) {
    VmapStatement result;
    result.keys = keys();
    result.may_lack = chance(rng_, 25);
    for (uint64_t i = below(rng_, chance(rng_, 70) ? 5 : options_.max_set); i-- > 0;) {
        result.entries.emplace_back(box(result.keys), verdict(chain, false));
    }
    if (chance(rng_, 40)) {
        result.otherwise = verdict(chain, false);
    }
    return result;
}

Rule Generator::rule(uint32_t chain) {
    Rule result;
    result.chain = {chain};
    result.id = {static_cast<uint32_t>(policy_.rules.size())};
    result.name = result.display = fmt::format("r{}", result.id.value);
    const bool at_once = !policy_.sets.empty() && chance(rng_, 25); // changes a set before any match
    if (auto change = at_once ? update() : std::nullopt) {
        result.statements.push_back(std::move(*change));
    }
    const auto meter = [&](unsigned percent) {
        if (!options_.meters || !chance(rng_, percent)) {
            return;
        }
        uint64_t choices = chance(rng_, 20) ? 1 + below(rng_, 3) : 0;
        if (choices > 0) {
            const auto keys = this->keys();
            const auto live = some_set([](const LiveSet& set) { return !set.objects.empty(); });
            choices = live ? policy_.set(*live).object_ids.size() : choices;
            PickStatement pick =
                random_pick(rng_, keys, static_cast<uint32_t>(choices), [&] { return box(keys); });
            if (live) {
                pick.live = live;
                pick.keys = set_keys_[live->value];
                pick.entries.clear();
            }
            result.statements.emplace_back(std::move(pick));
        }
        for (uint64_t i = 0; i < std::max<uint64_t>(choices, 1); ++i) {
            result.statements.push_back(random_meter(rng_, policy_, result, keys()));
        }
    };
    meter(15);
    if (options_.meters && chance(rng_, 15)) { // told of every packet that comes by
        result.statements.push_back(random_event(rng_, policy_));
    }
    for (uint64_t i = chance(rng_, options_.routes > 0 ? 50 : 88) ? 1 + below(rng_, 3) : 0; i-- > 0;) {
        result.statements.push_back(MatchStatement{condition(2)});
        meter(30);
        if (chance(rng_, 15)) {
            result.statements.push_back(CountStatement{});
            result.counts_mid = true;
        }
    }
    bool may_refuse = false;
    while (rewrites_ && chance(rng_, 35)) {
        RewriteStatement added = random_rewrite(rng_, key());
        if (const auto keys = this->keys(); chance(rng_, 15)) {
            map_values(rng_, added, keys, [&] { return box(keys); });
            added.may_lack = added.map && chance(rng_, 25);
            lead_to_live_map(added);
        }
        may_refuse = may_refuse || packet::may_refuse(added.what);
        result.statements.emplace_back(std::move(added));
        if (chance(rng_, 20)) {
            result.statements.push_back(MatchStatement{condition(1)});
        }
    }
    while (!policy_.sets.empty() && chance(rng_, 30)) {
        if (auto change = update()) {
            result.statements.push_back(std::move(*change));
        }
        if (chance(rng_, 30)) {
            result.statements.push_back(MatchStatement{condition(1)});
        }
    }
    const bool by_map = chance(rng_, 20);
    // What follows a map is reached by `continue`, and where its keys are absent and may be.
    for (bool again = by_map; again; again = chance(rng_, 30)) {
        auto live = chance(rng_, policy_.sets.empty() ? 0 : 50) ? live_vmap(chain) : std::nullopt;
        result.statements.push_back(live ? std::move(*live) : Statement(vmap(chain)));
    }
    const bool routes = options_.routes > 0 && chance(rng_, options_.routes);
    if (routes) {
        result.statements.push_back(random_route(rng_));
    } else if (!by_map && chance(rng_, 90)) {
        result.statements.push_back(VerdictStatement{verdict(chain, false)});
    }
    const auto* verdict =
        std::get_if<VerdictStatement>(result.statements.empty() ? nullptr : &result.statements.back());
    const bool decides = by_map || may_refuse || routes || (verdict && is_terminal(verdict->verdict)) ||
                         may_end_when_full(policy_, result);
    result.counts = decides && chance(rng_, 90);
    return result;
}

Policy Generator::run() {
    chains_ = 1 + static_cast<uint32_t>(below(rng_, options_.max_chains + 1));
    policy_.path = "random";
    policy_.entry = {0};
    policy_.interfaces = {{"eth1", {}}, {"eth2", {}}};
    rewrites_ = options_.rewrites && chance(rng_, 25);
    for (uint64_t i = options_.max_live == 0 ? 0 : 1 + below(rng_, options_.max_live); i-- > 0;) {
        live_set();
    }
    for (uint32_t id = 0; id < chains_; ++id) {
        Chain chain;
        chain.id = {id};
        chain.name = id == 0 ? "ingress" : fmt::format("c{}", id);
        for (uint64_t i = below(rng_, options_.max_rules + 1); i-- > 0;) {
            chain.rules.push_back({static_cast<uint32_t>(policy_.rules.size())});
            policy_.rules.push_back(rule(id));
        }
        if (id == 0 || chance(rng_, 20)) {
            chain.policy = verdict(id, true);
            chain.counts_policy = chance(rng_, 90);
        }
        policy_.chains.push_back(std::move(chain));
    }
    return std::move(policy_);
}

} // namespace

Policy random_policy(Rng& rng, const Frames& samples, const RandomPolicyOptions& options) {
    return Generator(rng, samples, options).run();
}

} // namespace xdpc::test
