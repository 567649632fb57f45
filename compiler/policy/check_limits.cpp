// Limits, quotas, named counters, logs and samples.
#include "codegen-templates/abi.h"
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"
#include "compiler/policy/limits.h"
#include "compiler/policy/scalars.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

constexpr uint64_t max_bytes = uint64_t{1} << 62U;
constexpr uint64_t max_prefix = 127; // nft's too
constexpr uint64_t max_snap = 65535;
constexpr uint64_t default_burst = 5;      // packets; nft's
constexpr const char* ip6_suffix = " ip6"; // of what displays a limit

bool in_range(Context& context, Span span, std::string_view what, const std::string& is, bool fits,
              const std::string& least, const std::string& most) {
    if (!fits) {
        context.report(Diag::NumberOutOfRange, span, what, is, least, most);
    }
    return fits;
}
bool in_range(Context& context, Span span, std::string_view what, uint64_t value, uint64_t least,
              uint64_t most) {
    return in_range(context, span, what, fmt::format("{}", value), least <= value && value <= most,
                    fmt::format("{}", least), fmt::format("{}", most));
}

/// Bytes, or nothing if they are more than anything here may have.
std::optional<uint64_t> bytes_of(const ast::Amount& amount) {
    const unsigned shift = amount.unit.text == "mbytes" ? 20 : amount.unit.text == "kbytes" ? 10 : 0;
    const u128 bytes = u128{amount.number} << shift;
    return bytes > max_bytes ? std::nullopt : std::optional(static_cast<uint64_t>(bytes));
}

/// A number that did not fit 64 bits was reported by the parser and read as 0.
bool unreadable(const Context& context, const ast::Amount& amount) {
    const std::string_view text = context.sources.text(amount.span);
    return amount.number == 0 && text.find_first_of("123456789") != std::string_view::npos;
}

bool read_bytes(Context& context, const ast::Amount& amount, std::string_view what, uint64_t least,
                uint64_t most, uint64_t& to) {
    if (unreadable(context, amount)) {
        return false;
    }
    const auto bytes = bytes_of(amount);
    to = bytes.value_or(0);
    return in_range(context, amount.span, what, shown(context, amount.span),
                    bytes && least <= *bytes && *bytes <= most, fmt::format("{} bytes", least),
                    bytes_text(most));
}

bool read_amount(Context& context, const ast::Rate& rate, Limit& limit) {
    limit.unit_ns = time_unit_ns(rate.time.text).value_or(limit.unit_ns);
    limit.bytes = !rate.amount.unit.text.empty();
    if (!limit.bytes) {
        limit.amount = rate.amount.number;
        return !unreadable(context, rate.amount) &&
               in_range(context, rate.amount.span, "the rate", limit.amount, 1, limit.unit_ns);
    }
    // A byte may cost so much that a frame's cost stays within 63 bits, and has to cost something.
    const u128 unit = u128{limit.unit_ns} << XDPC_BYTE_COST_SHIFT;
    const auto most = static_cast<uint64_t>(std::min(unit, u128{max_bytes}));
    return read_bytes(context, rate.amount, "the rate", least_bytes(limit.unit_ns), most, limit.amount);
}

bool read_burst(Context& context, const ast::Rate& rate, Limit& limit) {
    limit.burst = limit.bytes ? 0 : default_burst;
    bool fine = true;
    if (rate.burst) {
        const std::string& unit = rate.burst->unit.text;
        const bool of_bytes = unit.empty() ? limit.bytes : unit != "packets";
        if (of_bytes != limit.bytes) {
            context.report(Diag::BurstUnit, rate.burst->span, limit.bytes ? "bytes" : "packets",
                           of_bytes ? "bytes" : "packets");
            return false;
        }
        const u128 most = limit.bytes ? u128{max_capacity_ns} * limit.amount / limit.unit_ns - limit.amount
                                      : u128{max_capacity_ns} / limit_cost(limit);
        const auto bound = static_cast<uint64_t>(std::min(most, u128{max_bytes}));
        if (limit.bytes) {
            fine = read_bytes(context, *rate.burst, "the burst", 0, bound, limit.burst);
        } else {
            limit.burst = rate.burst->number;
            fine = !unreadable(context, *rate.burst) &&
                   in_range(context, rate.burst->span, "the burst", limit.burst, 1, bound);
        }
    }
    limit.capacity_ns = limit_capacity(limit).value_or(0);
    return fine;
}

unsigned words_of(const std::vector<Key>& keys) {
    unsigned words = 0;
    for (const Key& key : keys) {
        words += (width_of(key.source) + 31U) / 32U;
    }
    return words;
}

/// A limit as it is written: that for IPv4, or any family, and of `per saddr` without one the keys for IPv6.
struct ReadLimit {
    Limit limit;
    std::vector<Key> ip6_keys;

    [[nodiscard]] std::optional<Limit> ip6() const {
        if (ip6_keys.empty()) {
            return {};
        }
        Limit other = limit;
        other.keys = ip6_keys;
        other.display += ip6_suffix;
        return other;
    }
};

bool read_per(Context& context, const ast::Rate& rate, ReadLimit& read) {
    if (rate.keys.empty()) {
        return true;
    }
    Limit& limit = read.limit;
    const Span span = join(rate.keys.front().span, rate.keys.back().span);
    const auto keys = resolve_all(context, rate.keys, nullptr);
    bool fine = keys.has_value();
    if (keys) {
        limit.keys = variant_of(*keys, false).keys;
        read.ip6_keys = any_family(*keys) ? variant_of(*keys, true).keys : std::vector<Key>{};
    }
    const unsigned words = std::max(words_of(limit.keys), words_of(read.ip6_keys));
    if (words > XDPC_MAX_KEY_WORDS) {
        context.report(Diag::KeyTooWide, span, words, unsigned{XDPC_MAX_KEY_WORDS});
        fine = false;
    }
    limit.on_full = rate.on_full.text == "pass"       ? Limit::OnFull::Pass
                    : rate.on_full.text == "continue" ? Limit::OnFull::Continue
                                                      : Limit::OnFull::Drop;
    if (!rate.size) {
        context.report(Diag::SizeMissing, span)
            .with_hint("`per … size 65536` has room for so many keys at a time");
        return false;
    }
    limit.size = static_cast<uint32_t>(rate.size->number);
    return !unreadable(context, *rate.size) &&
           in_range(context, rate.size->span, "the size", rate.size->number, 1, max_limit_size) && fine;
}

bool read_rate(Context& context, const ast::Rate& rate, ReadLimit& read) {
    Limit& limit = read.limit;
    limit.span = rate.span;
    limit.over = rate.over;
    // Where the rate is wrong, the burst cannot be judged.
    const bool fine = read_amount(context, rate, limit) && read_burst(context, rate, limit);
    return read_per(context, rate, read) && fine;
}

bool read_quota(Context& context, const ast::QuotaBytes& bytes, Quota& quota) {
    quota.span = bytes.span;
    quota.over = bytes.over;
    const bool fine = read_bytes(context, bytes.amount, "the quota", 0, max_bytes, quota.bytes);
    return (!bytes.used || read_bytes(context, *bytes.used, "what is used", 0, max_bytes, quota.used)) &&
           fine;
}

/// "flood", and "flood#2" for the second of its kind in a rule.
std::string display_in(const Rule& rule, size_t before) {
    return before == 0 ? rule.display : fmt::format("{}#{}", rule.display, before + 1);
}

template<class Of> size_t count_unnamed(const Rule& rule, Of unnamed) {
    return static_cast<size_t>(std::count_if(rule.statements.begin(), rule.statements.end(), unnamed));
}

LimitId add_to_policy(Context& context, Limit limit) {
    limit.id = {static_cast<uint32_t>(context.policy.limits.size())};
    context.policy.limits.push_back(std::move(limit));
    return context.policy.limits.back().id;
}

void add_limit(const Context& context, Rule& rule, LimitId id, std::optional<LimitId> ip6, Span span) {
    const Limit& limit = context.policy.limit(id);
    std::vector<std::vector<Key>> tuples = {limit.keys};
    if (ip6) {
        tuples.push_back(context.policy.limit(*ip6).keys);
    }
    ask_for_families(rule, needed_tests(limit.keys, span), tuples, span);
    rule.statements.emplace_back(LimitStatement{id, limit.over, span, ip6.has_value()});
    if (ip6) {
        rule.statements.emplace_back(LimitStatement{*ip6, limit.over, span, true});
    }
}

void report_empty(Context& context, const ast::Name& name, std::string_view kind, std::string_view lacks) {
    context.report(Diag::ObjectEmpty, name.span, kind, name.text, lacks);
}

} // namespace

std::map<std::string, ObjectEntry>& objects_of(Context& context, std::string_view kind) {
    return kind == "limit" ? context.limits : kind == "quota" ? context.quotas : context.counters;
}

const ObjectEntry* use_object(Context& context, std::string_view kind, const ast::Name& name) {
    std::map<std::string, ObjectEntry>& objects = objects_of(context, kind);
    const auto found = objects.find(name.text);
    if (found != objects.end()) {
        found->second.used = true;
        return found->second.broken ? nullptr : &found->second;
    }
    std::vector<std::string> names;
    for (const auto& [known, entry] : objects) {
        names.push_back(known);
    }
    const std::string near = name.text.size() > 64 ? "" : nearest(name.text, names);
    if (!near.empty()) {
        objects.find(near)->second.used = true;
    }
    context.report(Diag::UndefinedObject, name.span, kind, name.text)
        .with_hint(near.empty() ? fmt::format("`{} {} {{ … }}` defines one", kind, name.text.substr(0, 40))
                                : fmt::format("did you mean `{}`?", near));
    return nullptr;
}

void check_objects(Context& context) {
    std::vector<Limit> for_ip6; // behind those that stand by their number
    for (const ast::LimitItem* item : context.limit_items) {
        ReadLimit read;
        read.limit.name = read.limit.display = item->name.text;
        const bool fine = item->rate && read_rate(context, *item->rate, read);
        if (!item->rate) {
            report_empty(context, item->name, "limit", "rate 10/second");
        }
        read.limit.span = item->name.span;
        context.limits.find(item->name.text)->second.broken = !fine;
        if (auto ip6 = read.ip6()) {
            for_ip6.push_back(std::move(*ip6));
        }
        add_to_policy(context, std::move(read.limit));
    }
    for (Limit& limit : for_ip6) {
        ObjectEntry& entry = context.limits.find(limit.name)->second;
        entry.ip6 = add_to_policy(context, std::move(limit)).value;
    }
    for (const ast::QuotaItem* item : context.quota_items) {
        Quota quota;
        quota.id = {static_cast<uint32_t>(context.policy.quotas.size())};
        quota.name = quota.display = item->name.text;
        const bool fine = item->bytes && read_quota(context, *item->bytes, quota);
        if (!item->bytes) {
            report_empty(context, item->name, "quota", "over 10 mbytes");
        }
        quota.span = item->name.span;
        context.quotas.find(quota.name)->second.broken = !fine;
        context.policy.quotas.push_back(std::move(quota));
    }
    for (const ast::CounterItem* item : context.counter_items) {
        const NamedCounterId id{static_cast<uint32_t>(context.policy.counters.size())};
        context.policy.counters.push_back({id, item->name.text, item->name.span});
    }
}

bool read_limit(Context& context, const ast::LimitStatement& node, Span span, Rule& rule) {
    if (const auto* map = std::get_if<ast::ObjectMap>(&node.what)) {
        return read_object_map(context, "limit", *map, span, rule);
    }
    if (const auto* name = std::get_if<ast::Name>(&node.what)) {
        const ObjectEntry* found = use_object(context, "limit", *name);
        if (found != nullptr) {
            add_limit(context, rule, {found->id},
                      found->ip6 ? std::optional(LimitId{*found->ip6}) : std::nullopt, span);
        }
        return found != nullptr;
    }
    ReadLimit read;
    if (!read_rate(context, std::get<ast::Rate>(node.what), read)) {
        return false;
    }
    const auto unnamed = [&](const Statement& statement) {
        const auto* other = std::get_if<LimitStatement>(&statement);
        return other != nullptr && context.policy.limit(other->limit).name.empty() &&
               !context.policy.limit(other->limit).display.ends_with(ip6_suffix);
    };
    read.limit.display = display_in(rule, count_unnamed(rule, unnamed));
    auto other = read.ip6();
    const LimitId id = add_to_policy(context, std::move(read.limit));
    const auto ip6 =
        other ? std::optional(add_to_policy(context, std::move(*other))) : std::optional<LimitId>();
    add_limit(context, rule, id, ip6, span);
    return true;
}

void add_reject_limit(Context& context, Span span, Rule& rule) {
    Limit limit;
    limit.display = rule.display;
    limit.amount = 1000;
    limit.burst = 100;
    limit.capacity_ns = limit_capacity(limit).value_or(0);
    limit.span = span;
    LimitStatement statement{add_to_policy(context, std::move(limit)), false, span};
    statement.drops = true;
    rule.statements.emplace_back(statement);
}

bool read_quota(Context& context, const ast::QuotaStatement& node, Span span, Rule& rule) {
    if (const auto* map = std::get_if<ast::ObjectMap>(&node.what)) {
        return read_object_map(context, "quota", *map, span, rule);
    }
    if (const auto* name = std::get_if<ast::Name>(&node.what)) {
        const ObjectEntry* found = use_object(context, "quota", *name);
        if (found != nullptr) {
            const QuotaId id{found->id};
            rule.statements.emplace_back(QuotaStatement{id, context.policy.quota(id).over, span});
        }
        return found != nullptr;
    }
    Quota quota;
    if (!read_quota(context, std::get<ast::QuotaBytes>(node.what), quota)) {
        return false;
    }
    quota.id = {static_cast<uint32_t>(context.policy.quotas.size())};
    quota.display = display_in(rule, count_unnamed(rule, [&](const Statement& statement) {
                                   const auto* other = std::get_if<QuotaStatement>(&statement);
                                   return other != nullptr && context.policy.quota(other->quota).name.empty();
                               }));
    rule.statements.emplace_back(QuotaStatement{quota.id, quota.over, span});
    context.policy.quotas.push_back(std::move(quota));
    return true;
}

bool read_named_counter(Context& context, const ast::NamedCounterStatement& node, Span span, Rule& rule) {
    if (const auto* map = std::get_if<ast::ObjectMap>(&node.what)) {
        return read_object_map(context, "counter", *map, span, rule);
    }
    const ObjectEntry* found = use_object(context, "counter", std::get<ast::Name>(node.what));
    if (found != nullptr) {
        rule.statements.emplace_back(NamedCountStatement{{found->id}});
    }
    return found != nullptr;
}

bool read_log(Context& context, const ast::LogStatement& node, Span span, Rule& rule) {
    LogStatement log;
    log.span = span;
    bool fine = true;
    if (node.prefix) {
        log.prefix = node.prefix->text;
        fine = in_range(context, node.prefix->span, "the length of the prefix", log.prefix.size(), 0,
                        max_prefix);
    }
    if (node.every) {
        const auto every = read_duration(node.every->text);
        if (!every) {
            context.report(Diag::WrongBytes, node.every->span, node.every->text,
                           "a duration as `10s` or `1h30m`");
        }
        fine = every.has_value() && fine;
        log.every_ns = every.value_or(0);
    }
    for (const ast::Name& ignored : node.ignored) {
        context.report(Diag::LogIgnored, ignored.span, ignored.text);
    }
    if (fine) {
        log.index = context.policy.log_places++;
        rule.statements.emplace_back(std::move(log));
    }
    return fine;
}

bool read_sample(Context& context, const ast::SampleStatement& node, Span span, Rule& rule) {
    SampleStatement sample;
    sample.span = span;
    bool fine = in_range(context, node.one.span, "what a sample begins with", node.one.number, 1, 1);
    fine = !unreadable(context, node.one_in) &&
           in_range(context, node.one_in.span, "the number of packets of which one is taken",
                    node.one_in.number, 1, UINT32_MAX) &&
           fine;
    sample.one_in = static_cast<uint32_t>(node.one_in.number);
    if (node.snap) {
        fine = !unreadable(context, *node.snap) &&
               in_range(context, node.snap->span, "the number of bytes", node.snap->number, 0, max_snap) &&
               fine;
        sample.snap = static_cast<uint32_t>(node.snap->number);
    }
    if (fine) {
        sample.occurrence = context.policy.random_places++;
        rule.statements.emplace_back(sample);
    }
    return fine;
}

} // namespace xdpc::checking
