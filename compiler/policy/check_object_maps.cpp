// `limit name KEYS map TABLE`, and the same of quotas and counters.
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

/// Nothing after an error was reported.
std::optional<Statement> ask_object(Context& context, const std::string& kind, uint32_t id, Span span) {
    if (kind == "quota") {
        return QuotaStatement{{id}, context.policy.quota({id}).over, span};
    }
    if (kind == "counter") {
        return NamedCountStatement{{id}};
    }
    if (!may_be_mapped_to(context, {id})) {
        report_unmappable(context, {id}, span);
        return {};
    }
    return LimitStatement{{id}, context.policy.limit({id}).over, span};
}

/// The statement that picks, and those it picks from.
bool add_pick(Context& context, const std::string& kind, const KeyedMap& map, PickStatement pick,
              Rule& rule) {
    std::vector<uint32_t> ids;
    const auto place_of = [&](u128 value) {
        const auto id = static_cast<uint32_t>(value);
        const auto found = std::find(ids.begin(), ids.end(), id);
        const auto place = static_cast<uint32_t>(found - ids.begin());
        if (found == ids.end()) {
            ids.push_back(id);
        }
        return place;
    };
    for (const auto& [box, value] : map.entries) {
        pick.entries.emplace_back(box, place_of(value));
    }
    if (map.live) { // all that the map may lead to, in its order
        ids = context.policy.set(*map.live).object_ids;
        pick.live = map.live;
    }
    if (map.otherwise) {
        pick.otherwise = place_of(*map.otherwise);
    }
    pick.keys = map.keys;
    pick.count = static_cast<uint32_t>(ids.size());
    const Span span = pick.span;
    rule.statements.emplace_back(std::move(pick));
    for (const uint32_t id : ids) {
        auto asked = ask_object(context, kind, id, span);
        if (!asked) {
            return false;
        }
        rule.statements.push_back(std::move(*asked));
    }
    return true;
}

} // namespace

bool may_be_mapped_to(const Context& context, LimitId limit) {
    const Limit& to = context.policy.limit(limit);
    return !context.limits.find(to.name)->second.ip6 && needed_tests(to.keys, to.span).empty();
}

void report_unmappable(Context& context, LimitId limit, Span span) {
    context
        .report(Diag::NotYetSupported, span,
                "a map to `" + context.policy.limit(limit).name + "`, a limit per such keys")
        .with_hint("limits per keys of one header may be mapped to, `per ip saddr`");
}

MapReader object_reader(Context& context, const std::string& kind) {
    const auto element = [&context, kind](const ast::Element& element) -> std::optional<u128> {
        const auto* value = std::get_if<ast::Value>(&element.mapped);
        const auto* word = value != nullptr ? std::get_if<ast::Word>(&value->node) : nullptr;
        const auto* quoted = value != nullptr ? std::get_if<ast::Quoted>(&value->node) : nullptr;
        if (word == nullptr && quoted == nullptr) {
            context
                .report(Diag::MisplacedValue, value != nullptr ? value->span : element.span,
                        "an element without the name of a " + kind)
                .with_hint("`KEY : \"NAME\"`");
            return {};
        }
        const ast::Name name{word != nullptr ? word->text : quoted->text, value->span};
        const ObjectEntry* found = use_object(context, kind, name);
        return found != nullptr ? std::optional(u128{found->id}) : std::nullopt;
    };
    const auto takes = [&context, kind](const SetEntry& map, Span span) {
        if (map.objects != kind) {
            const std::string is = map.to_verdicts() ? "verdicts"
                                   : map.mapped      ? "values"
                                                     : "a " + map.objects;
            context.report(Diag::MisplacedValue, span, "a map to " + is)
                .with_hint("`type … : " + kind + "` declares one to names of them");
        }
        return map.objects == kind;
    };
    const auto text = [&context, kind](u128 value) {
        for (const auto& [name, entry] : objects_of(context, kind)) {
            if (entry.id == value) {
                return name;
            }
        }
        return std::string();
    };
    return {kind, element, takes, text};
}

bool read_object_map(Context& context, const std::string& kind, const ast::ObjectMap& map, Span span,
                     Rule& rule) {
    const std::vector<KeyedMap> maps = read_map(context, map.keys, map.table, object_reader(context, kind));
    if (maps.empty()) {
        return false;
    }
    std::vector<std::vector<Key>> tuples;
    for (const KeyedMap& each : maps) {
        tuples.push_back(each.keys);
    }
    ask_for_families(rule, needed_tests(tuples[0], span), tuples, span);
    return std::all_of(maps.begin(), maps.end(), [&](const KeyedMap& each) {
        PickStatement pick;
        pick.span = span;
        pick.may_lack = maps.size() > 1;
        return add_pick(context, kind, each, std::move(pick), rule);
    });
}

} // namespace xdpc::checking
