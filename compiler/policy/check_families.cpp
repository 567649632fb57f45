// `saddr` and `daddr` without a family: what is asked of IPv4 and of IPv6.
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

bool any_family(const std::vector<ResolvedKey>& keys) {
    return std::any_of(keys.begin(), keys.end(), [](const auto& key) { return key.other.has_value(); });
}

Variant variant_of(const std::vector<ResolvedKey>& keys, bool ip6) {
    Variant variant{ip6, {}, {}};
    for (const ResolvedKey& key : keys) {
        variant.keys.push_back(ip6 && key.other ? *key.other : key.key);
        variant.slots.push_back(slot_of_family(key, ip6));
    }
    return variant;
}

bool is_of_family(const std::vector<ResolvedKey>& keys, const Variant& variant, const SetEntry& set) {
    for (size_t i = 0; i < keys.size(); ++i) {
        const bool either = set.inet_parts.contains(i);
        if (either && variant.slots[i].type != variant.slots[*set.inet_parts.begin()].type) {
            return false; // an element has addresses of one family
        }
        if (!either && keys[i].other && set.slots[i].type != variant.slots[i].type) {
            return false;
        }
    }
    return true;
}

bool is_of_one_family(Context& context, const SetEntry& set, size_t boxes, Span span) {
    if (boxes > 0 || set.inet_parts.size() < 2) {
        return true;
    }
    context.report(Diag::MisplacedValue, span, "an element with addresses of both families");
    return false;
}

std::vector<Variant> variants_of(const std::vector<ResolvedKey>& keys, const SetEntry* set) {
    std::vector<Variant> variants;
    for (const bool ip6 : {false, true}) {
        Variant variant = variant_of(keys, ip6);
        const bool asked = !ip6 || any_family(keys);
        if (asked && (set == nullptr || is_of_family(keys, variant, *set))) {
            variants.push_back(std::move(variant));
        }
    }
    return variants;
}

namespace {

/// That a packet has all keys of one of the tuples.
Condition presence(const std::vector<std::vector<Key>>& tuples, Span span) {
    AnyOf any;
    for (const std::vector<Key>& keys : tuples) {
        Box all;
        for (const Key& key : keys) {
            all.push_back({0, max_of_width(width_of(key.source))});
        }
        any.parts.push_back({span, Test{keys, {std::move(all)}, false, span, "an address"}});
    }
    return {span, std::move(any)};
}

} // namespace

void ask_for_families(Rule& rule, std::vector<Condition> needed, const std::vector<std::vector<Key>>& tuples,
                      Span span) {
    for (Condition& need : needed) {
        rule.statements.emplace_back(MatchStatement{std::move(need)});
    }
    if (tuples.size() > 1) {
        rule.statements.emplace_back(MatchStatement{presence(tuples, span)});
    }
}

} // namespace xdpc::checking
