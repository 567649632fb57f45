// The checked policy as text, for `xdpc emit --as policy`.
#include "compiler/base/overloaded.h"
#include "compiler/base/set_kinds.h"
#include "compiler/policy/check.h"
#include "compiler/policy/limits.h"

#include <array>
#include <fmt/format.h>

namespace xdpc {

namespace {

/// Longer lists are shown by their number of entries.
constexpr size_t most_boxes = 64;

std::string text_of(const Box& box, const std::vector<Key>& keys) {
    std::string text;
    for (size_t i = 0; i < box.size(); ++i) {
        const KeySource& source = keys[i].source;
        text += (text.empty() ? "" : " . ") + format_interval(type_of(source), box[i], width_of(source));
    }
    return text;
}

std::string text_of(const Test& test) {
    std::string list;
    for (size_t i = 0; i < test.boxes.size() && i < most_boxes; ++i) {
        list += (list.empty() ? "" : ", ") + text_of(test.boxes[i], test.keys);
    }
    if (test.boxes.size() > most_boxes) {
        list += fmt::format(", and {} more", test.boxes.size() - most_boxes);
    }
    const std::string set = test.boxes.size() == 1 ? list : "{ " + list + " }";
    return text_of(test.keys) + (test.negated ? " != " : " == ") + set;
}

std::string text_of(const Condition& condition);

std::string join_parts(const std::vector<Condition>& parts, std::string_view word, std::string_view none) {
    std::string text;
    for (const Condition& part : parts) {
        text += text.empty() ? "" : fmt::format(" {} ", word);
        text += text_of(part);
    }
    return text.empty() ? std::string(none) : "( " + text + " )";
}

std::string text_of(const Condition& condition) {
    return std::visit(Overloaded{
                          [](const Test& test) { return text_of(test); },
                          [](const SetTest& test) {
                              return text_of(test.keys) + (test.negated ? " not in " : " in ") + test.wanted;
                          },
                          [](const AllOf& all) { return join_parts(all.parts, "and", "true"); },
                          [](const AnyOf& any) { return join_parts(any.parts, "or", "false"); },
                          [](const NotOf& negation) { return "not ( " + text_of(negation.part[0]) + " )"; },
                      },
                      condition.node);
}

std::string text_of(const VmapStatement& vmap, const Policy& policy) {
    std::string list;
    for (size_t i = 0; i < vmap.entries.size() && i < most_boxes; ++i) {
        list += list.empty() ? "" : ", ";
        list += text_of(vmap.entries[i].first, vmap.keys) + " : " + name_of(vmap.entries[i].second, policy);
    }
    if (vmap.entries.size() > most_boxes) {
        list += fmt::format(", and {} more", vmap.entries.size() - most_boxes);
    }
    if (vmap.otherwise) {
        list += (list.empty() ? "* : " : ", * : ") + name_of(*vmap.otherwise, policy);
    }
    return text_of(vmap.keys) + " vmap { " + list + " }";
}

std::string map_text(const std::optional<SetId>& live, size_t entries, const Policy& policy) {
    return live ? "map @" + policy.set(*live).name : fmt::format("map of {}", entries);
}

std::string text_of(const Statement& statement, const Policy& policy) {
    return std::visit(
        Overloaded{
            [](const MatchStatement& match) { return "match " + text_of(match.condition); },
            [](const CountStatement&) { return std::string("count"); },
            [&](const VerdictStatement& verdict) { return name_of(verdict.verdict, policy); },
            [&](const VmapStatement& vmap) { return text_of(vmap, policy); },
            [&](const LiveVmapStatement& vmap) {
                return text_of(vmap.keys) + " vmap @" + policy.set(vmap.map).name +
                       (vmap.otherwise ? " else " + name_of(*vmap.otherwise, policy) : "");
            },
            [&](const LimitStatement& limit) {
                return fmt::format("limit {}{}", limit.over ? "over " : "",
                                   policy.limit(limit.limit).display);
            },
            [&](const QuotaStatement& quota) {
                return fmt::format("quota {}{}", quota.over ? "over " : "",
                                   policy.quota(quota.quota).display);
            },
            [&](const NamedCountStatement& count) {
                return "count " + policy.counters[count.counter.value].name;
            },
            [&](const UpdateSetStatement& update) {
                static constexpr std::array<const char*, 3> names = {"add", "update", "delete"};
                return fmt::format("{} @{} {{ {} }}", names[static_cast<size_t>(update.op)],
                                   policy.set(update.set).name, text_of(update.keys));
            },
            [&](const LogStatement& log) { return fmt::format("log \"{}\"", log.prefix); },
            [&](const SampleStatement& sample) {
                return fmt::format("sample 1/{} snap {}", sample.one_in, sample.snap);
            },
            [&](const RewriteStatement& rewrite) {
                std::string from = rewrite.keys.empty() ? "" : text_of(rewrite.keys);
                if (rewrite.map) {
                    from += " " + map_text(rewrite.map->live, rewrite.map->entries.size(), policy);
                }
                return packet::text_of(rewrite.what, from);
            },
            [](const RouteStatement& route) { return text_of(route); },
            [&](const PickStatement& pick) {
                return fmt::format("{} {} picks one of {}", text_of(pick.keys),
                                   map_text(pick.live, pick.entries.size(), policy), pick.count);
            },
        },
        statement);
}

std::string text_of(const LiveSet& set) {
    std::string key;
    for (const SetPart& part : set.parts) {
        key += (key.empty() ? "" : " . ") + std::string(name_of(part.type));
    }
    return fmt::format("{} {} {} of {} size {}{}{}{} elements {}\n", set.is_map ? "map" : "set", set.name,
                       name_of(set.kind), key, set.size, set.has_timeout ? " timeout" : "",
                       set.has_counter ? " counter" : "", set.auto_merge ? " auto-merge" : "",
                       set.elements.count);
}

std::string text_of(const Rule& rule, const Policy& policy) {
    std::string text = fmt::format("  rule {} {}{}{}\n", rule.id.value, rule.display,
                                   rule.counts ? " counts" : "", rule.counts_mid ? " counts-mid" : "");
    for (const Statement& statement : rule.statements) {
        text += "    " + text_of(statement, policy) + "\n";
    }
    return text;
}

} // namespace

std::string print(const Policy& policy) {
    std::string text = fmt::format("policy {}\n", policy.path);
    text += fmt::format("counters {}\n", policy.options.counters ? "on" : "off");
    text += policy.options.capture ? "" : "capture off\n";
    text += policy.options.optimize == Optimize::Speed  ? "optimize speed\n"
            : policy.options.optimize == Optimize::Size ? "optimize size\n"
                                                        : "";
    for (const LiveSet& set : policy.sets) {
        text += text_of(set);
    }
    for (const Chain& chain : policy.chains) {
        text += fmt::format("chain {} {}{}\n", chain.id.value, chain.name,
                            chain.id == policy.entry ? " entry" : "");
        for (const RuleId rule : chain.rules) {
            text += text_of(policy.rule(rule), policy);
        }
        text += fmt::format("  end {}{}\n", chain.policy ? name_of(*chain.policy, policy) : "return",
                            chain.counts_policy ? " counts" : "");
    }
    for (const TestCase& test : policy.tests) {
        text += fmt::format("test \"{}\" of {} steps\n", test.title, test.steps.size());
    }
    return text;
}

} // namespace xdpc
