#include "compiler/metadata.h"

#include "compiler/base/map_targets.h"
#include "compiler/base/overloaded.h"
#include "compiler/base/set_kinds.h"
#include "compiler/digest.h"
#include "compiler/policy/limits.h"

#include <algorithm>

namespace xdpc {

namespace {

/// Larger policies (sets read from files) go without their texts.
constexpr size_t max_source_bytes = size_t{1} << 20;

bool reads_tags(const KeySource& source) {
    const auto of_tag = [](HeaderId header) { return info(header).layer == Layer::Tag; };
    return std::visit(
        Overloaded{
            // The checker leaves `ether type` as a field only where the value names a tag.
            [&](const FieldKey& k) { return of_tag(info(k.field).header) || k.field == FieldId::EtherType; },
            [](const RawKey& k) { // from the outer EtherType on
                return k.base == RawBase::Ll && uint64_t{k.bit_offset} + k.bit_width > 96;
            },
            [&](const ExistsKey& k) { return of_tag(k.header); },
            [](const MetaKey& k) { return k.meta == MetaId::VlanTagged; },
        },
        source);
}

bool reads_tags(const std::vector<Key>& keys) {
    for (const Key& key : keys) {
        if (reads_tags(key.source)) {
            return true;
        }
    }
    return false;
}

bool reads_tags(const Condition& condition) {
    const auto any = [](const std::vector<Condition>& parts) {
        for (const Condition& part : parts) {
            if (reads_tags(part)) {
                return true;
            }
        }
        return false;
    };
    return std::visit(Overloaded{
                          [](const Test& test) { return reads_tags(test.keys); },
                          [](const SetTest& test) { return reads_tags(test.keys); },
                          [&](const AllOf& all) { return any(all.parts); },
                          [&](const AnyOf& alternatives) { return any(alternatives.parts); },
                          [&](const NotOf& negation) { return any(negation.part); },
                      },
                      condition.node);
}

bool reads_tags(const Statement& statement, const Policy& policy) {
    return std::visit(Overloaded{
                          [](const MatchStatement& match) { return reads_tags(match.condition); },
                          [](const CountStatement&) { return false; },
                          [](const VerdictStatement&) { return false; },
                          [](const VmapStatement& vmap) { return reads_tags(vmap.keys); },
                          [](const LiveVmapStatement& vmap) { return reads_tags(vmap.keys); },
                          [&](const LimitStatement& s) { return reads_tags(policy.limit(s.limit).keys); },
                          [](const QuotaStatement&) { return false; },
                          [](const NamedCountStatement&) { return false; },
                          [](const UpdateSetStatement& update) { return reads_tags(update.keys); },
                          [](const LogStatement&) { return false; },
                          [](const SampleStatement&) { return false; },
                          [](const RewriteStatement& rewrite) { return reads_tags(rewrite.keys); },
                          [](const RouteStatement&) { return true; }, // frames with tags are the stack's
                          [](const PickStatement& pick) { return reads_tags(pick.keys); },
                      },
                      statement);
}

/// Whether the statement may send packets back. To a live map an element may come that does; who adds it is
/// not warned.
bool answers(const Statement& statement) {
    if (const auto* verdict = std::get_if<VerdictStatement>(&statement)) {
        return std::holds_alternative<Tx>(verdict->verdict);
    }
    const auto* vmap = std::get_if<VmapStatement>(&statement);
    return vmap != nullptr && ((vmap->otherwise && std::holds_alternative<Tx>(*vmap->otherwise)) ||
                               std::any_of(vmap->entries.begin(), vmap->entries.end(), [](const auto& entry) {
                                   return std::holds_alternative<Tx>(entry.second);
                               }));
}

void add_route(Artifact& artifact, const Statement& statement, const Sources& sources) {
    const auto* route = std::get_if<RouteStatement>(&statement);
    if (route == nullptr) {
        return;
    }
    artifact.routes = true;
    if (route->table && artifact.by_table.empty()) {
        const bool written = route->span.file.value < sources.size(); // else a policy built by hand
        artifact.by_table = (written ? sources.where(route->span) + ": " : "") + text_of(*route);
    }
}

/// "" if the rule has none or several.
std::string verdict_of(const Rule& rule, const Policy& policy) {
    std::string verdict;
    for (const Statement& statement : rule.statements) {
        if (std::holds_alternative<VmapStatement>(statement) ||
            std::holds_alternative<LiveVmapStatement>(statement)) {
            return {};
        }
        if (const auto* last = std::get_if<VerdictStatement>(&statement)) {
            verdict = name_of(last->verdict, policy);
        }
    }
    return verdict;
}

std::optional<uint32_t> number(const std::optional<ir::SlotId>& slot) {
    return slot ? std::optional(slot->value) : std::nullopt;
}

void place(Decider& decider, Span span, const Sources& sources) {
    if (span.file.value >= sources.size()) { // a policy built by hand
        return;
    }
    const Position position = sources.position(span);
    decider.file = sources.get(span.file).path;
    decider.line = position.line;
    decider.column = position.column;
}

Decider describe(const Rule& rule, const Policy& policy, const ir::SlotPlan& slots, const Sources& sources) {
    Decider decider;
    const DeciderId id = decider_of(policy, rule.id);
    decider.name = rule.name;
    decider.display = display_of(policy, id);
    decider.chain = policy.chain(rule.chain).name;
    decider.text = rule.text;
    decider.comment = rule.comment;
    decider.verdict = verdict_of(rule, policy);
    decider.slot = number(slots.end[id.value]);
    decider.mid_slot = number(slots.mid[rule.id.value]);
    place(decider, rule.span, sources);
    return decider;
}

Decider describe(const Chain& chain, const Policy& policy, const ir::SlotPlan& slots,
                 const Sources& sources) {
    Decider decider;
    const DeciderId id = decider_of(policy, chain.id);
    decider.is_policy = true;
    decider.name = chain.name;
    decider.display = display_of(policy, id);
    decider.chain = chain.name;
    if (chain.policy) {
        decider.verdict = name_of(*chain.policy, policy);
        decider.text = "policy " + decider.verdict;
    }
    decider.slot = number(slots.end[id.value]);
    place(decider, chain.policy ? chain.policy_span : chain.span, sources);
    return decider;
}

ArtifactSet describe(const LiveSet& set, const Policy& policy) {
    ArtifactSet out;
    out.name = set.name;
    out.family = set.family;
    out.kind = name_of(set.kind);
    for (const SetPart& part : set.parts) {
        out.parts.emplace_back(name_of(part.type), part.width);
    }
    out.size = set.size;
    out.has_timeout = set.has_timeout;
    out.has_counter = set.has_counter;
    out.auto_merge = set.auto_merge;
    out.timeout_ns = set.timeout_ns.value_or(0);
    if (!set.is_map) {
        return out;
    }
    out.maps_to = map_target(set.mapped.has_value(), set.objects);
    for (const Verdict& verdict : set.verdicts) {
        out.names.push_back(name_of(verdict, policy));
    }
    for (const uint32_t id : set.object_ids) {
        out.names.push_back(set.objects == "limit"   ? policy.limits[id].name
                            : set.objects == "quota" ? policy.quotas[id].name
                                                     : policy.counters[id].name);
    }
    if (set.mapped) {
        out.value.emplace(name_of(set.mapped->type), set.mapped->width);
    }
    return out;
}

ArtifactLimit describe(const Limit& limit) {
    ArtifactLimit out;
    out.name = limit.name;
    out.display = limit.display;
    out.text = text_of(limit);
    for (const Key& key : limit.keys) {
        out.key.emplace_back(name_of(type_of(key.source)), width_of(key.source));
    }
    out.size = limit.size;
    out.capacity_ns = limit.capacity_ns;
    out.cost_ns = limit_cost(limit);
    out.cost_shift = limit_cost_shift(limit);
    out.bytes = limit.bytes;
    return out;
}

/// What rules share, and what they say to user space.
void add_state(Artifact& artifact, const Policy& policy, const ir::SlotPlan& slots) {
    for (const LiveSet& set : policy.sets) {
        artifact.sets.push_back(describe(set, policy));
        artifact.elements.push_back(set.elements);
    }
    for (const Limit& limit : policy.limits) {
        artifact.limits.push_back(describe(limit));
    }
    for (const Quota& quota : policy.quotas) {
        artifact.quotas.push_back({quota.name, quota.display, quota.bytes, quota.used});
    }
    for (const NamedCounter& counter : policy.counters) {
        artifact.counters.push_back({counter.name, slots.named[counter.id.value].value});
    }
    for (const NamedInterface& iface : policy.interfaces) {
        artifact.interfaces.push_back(iface.name);
    }
    artifact.logs.resize(policy.log_places);
    for (const Rule& rule : policy.rules) {
        for (const Statement& statement : rule.statements) {
            if (const auto* log = std::get_if<LogStatement>(&statement)) {
                artifact.logs[log->index] = {rule.id.value, log->prefix};
            }
        }
    }
}

void add_sources(Artifact& artifact, const Sources& sources) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < sources.size(); ++i) {
        bytes += sources.get(FileId{i}).text.size();
    }
    if (bytes > max_source_bytes) {
        return;
    }
    for (uint32_t i = 0; i < sources.size(); ++i) {
        const Source& source = sources.get(FileId{i});
        artifact.sources.emplace_back(source.path, source.text);
    }
}

} // namespace

Artifact describe(const Policy& policy, const Sources& sources, const CodegenOptions& options) {
    const ir::SlotPlan slots = ir::assign_slots(policy);
    Artifact artifact;
    artifact.policy = policy.path;
    artifact.source_digest = digest_of(sources);
    artifact.slots = slots.slots;
    artifact.instrumented = options.instrument;
    artifact.captures = policy.options.capture && !options.instrument;
    artifact.kernel = options.cpu == "v4" ? "6.6" : "6.1";
    for (const Rule& rule : policy.rules) {
        artifact.deciders.push_back(describe(rule, policy, slots, sources));
        for (const Statement& statement : rule.statements) {
            artifact.reads_tags = artifact.reads_tags || reads_tags(statement, policy);
            artifact.answers = artifact.answers || answers(statement);
            add_route(artifact, statement, sources);
        }
    }
    for (const Chain& chain : policy.chains) {
        artifact.deciders.push_back(describe(chain, policy, slots, sources));
        artifact.answers = artifact.answers || (chain.policy && std::holds_alternative<Tx>(*chain.policy));
    }
    add_state(artifact, policy, slots);
    add_sources(artifact, sources);
    return artifact;
}

} // namespace xdpc
