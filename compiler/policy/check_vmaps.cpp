// Verdict maps, anonymous and named.
#include "compiler/policy/check_context.h"

#include <algorithm>
#include <set>

namespace xdpc::checking {

namespace {

bool is_ether_type(const ResolvedKey& key) {
    const auto* field = std::get_if<FieldKey>(&key.key.source);
    return field != nullptr && field->field == FieldId::EtherType;
}

bool read_elements(Context& context, const ast::ListValue& list, std::span<const Slot> slots,
                   VmapStatement& result) {
    bool fine = true;
    std::vector<Span> spans;
    for (const ast::Element& element : list.elements) {
        const auto* mapped = std::get_if<ast::VerdictNode>(&element.mapped);
        if (mapped == nullptr) {
            context.report(Diag::MisplacedValue, element.span, "an element without a verdict")
                .with_hint("`KEY : VERDICT`");
            fine = false;
            continue;
        }
        const auto verdict = resolve_verdict(context, *mapped);
        std::vector<Box> boxes;
        const bool star = std::holds_alternative<ast::Star>(element.key.node);
        const bool read = star || read_boxes(context, element.key, slots, boxes);
        fine = verdict && read && fine;
        if (!verdict || !read) {
            continue;
        }
        if (star && result.otherwise) {
            context.report(Diag::ConflictingEntries, element.key.span, "*", "verdict");
            fine = false;
        }
        if (star) {
            result.otherwise = *verdict;
        }
        for (Box& box : boxes) {
            result.entries.emplace_back(std::move(box), *verdict);
            spans.push_back(element.key.span);
        }
    }
    return fine && find_conflicts(context, result.entries, spans);
}

/// Where a map on `ether type` names tags and other EtherTypes, both keys are looked at.
void settle_ether_type(const std::vector<ResolvedKey>& keys, VmapStatement& result) {
    for (size_t part = 0; part < keys.size(); ++part) {
        if (!is_ether_type(keys[part])) {
            continue;
        }
        auto is_tag = [&](const auto& entry) {
            const Interval& type = entry.first[part];
            return type.lo == type.hi && (type.lo == 0x8100 || type.lo == 0x88a8 || type.lo == 0x9100);
        };
        const bool all = std::all_of(result.entries.begin(), result.entries.end(), is_tag);
        const bool none = std::none_of(result.entries.begin(), result.entries.end(), is_tag);
        if (all && !result.otherwise) {
            continue; // the outermost type alone decides
        }
        if (none) {
            result.keys[part].source = MetaKey{MetaId::Protocol};
            continue;
        }
        result.keys.push_back({MetaKey{MetaId::Protocol}});
        const Interval any{0, max_of_width(16)};
        for (auto& entry : result.entries) {
            const Interval type = entry.first[part];
            const bool tag = is_tag(entry);
            entry.first[part] = tag ? type : any;
            entry.first.push_back(tag ? any : type);
        }
    }
}

void take_map(const SetEntry& map, const std::vector<Slot>& slots, VmapStatement& result) {
    const SetEntries& entries = map.entries[family_of(map, slots)];
    for (size_t i = 0; i < entries.boxes.size(); ++i) {
        result.entries.emplace_back(entries.boxes[i], entries.verdicts[i]);
    }
    result.otherwise = map.otherwise;
}

/// A named map's jumps become edges where it is used.
void lead_on(Context& context, const std::vector<Verdict>& verdicts, Span span) {
    std::set<ChainId> targets;
    for (const Verdict& verdict : verdicts) {
        if (const auto* jump = std::get_if<Jump>(&verdict)) {
            targets.insert(jump->chain);
        } else if (const auto* go = std::get_if<Goto>(&verdict)) {
            targets.insert(go->chain);
        }
    }
    for (const ChainId target : targets) {
        if (context.current_chain) {
            context.edges.push_back({*context.current_chain, target, span});
        }
    }
}

/// `vmap @name`, for the keys of one family.
std::optional<AnyVmap> take_variant(Context& context, const SetEntry& map, Variant variant,
                                    const std::vector<ResolvedKey>& keys, Span span) {
    VmapStatement result;
    result.span = span;
    std::vector<Verdict> verdicts;
    if (map.otherwise) {
        verdicts.push_back(*map.otherwise);
    }
    if (const auto& id = map.live[family_of(map, variant.slots)]) {
        const std::vector<Verdict>& of_elements = context.policy.set(*id).verdicts;
        verdicts.insert(verdicts.end(), of_elements.begin(), of_elements.end());
        lead_on(context, verdicts, span);
        return LiveVmapStatement{live_keys(std::move(variant.keys)), *id, map.otherwise, span};
    }
    take_map(map, variant.slots, result);
    result.keys = std::move(variant.keys);
    if (!spend(context, result.entries.size(), span)) {
        return {};
    }
    for (const auto& [box, verdict] : result.entries) {
        verdicts.push_back(verdict);
    }
    lead_on(context, verdicts, span);
    settle_ether_type(keys, result);
    return result;
}

std::vector<AnyVmap> take_named(Context& context, const ast::Name& name, const std::vector<ResolvedKey>& keys,
                                Span span) {
    std::vector<AnyVmap> maps;
    const SetEntry* map = use_set(context, name, true, keys);
    if (map == nullptr) {
        return {};
    }
    if (!map->to_verdicts()) {
        context
            .report(Diag::MisplacedValue, name.span,
                    "a map to " + (map->mapped ? "values" : "a " + map->objects))
            .with_hint("a `vmap` needs one to verdicts, `type … : verdict`");
        return {};
    }
    for (Variant& variant : variants_of(keys, map)) {
        auto read = take_variant(context, *map, std::move(variant), keys, span);
        if (!read) {
            return {};
        }
        maps.push_back(std::move(*read));
    }
    return maps;
}

/// Whether entries overlap that map to different ones of what they map to, whose texts `text` gives.
template<class Mapped, class Text>
bool no_conflicts(Context& context, const std::vector<std::pair<Box, Mapped>>& entries,
                  const std::vector<Span>& spans, std::string_view what, Text text) {
    std::vector<size_t> order(entries.size());
    for (size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    std::sort(order.begin(), order.end(),
              [&](size_t a, size_t b) { return entries[a].first[0].lo < entries[b].first[0].lo; });
    size_t widest = order.empty() ? 0 : order[0]; // of those before, the one that reaches furthest
    for (size_t n = 1; n < order.size(); ++n) {
        const Box& before = entries[widest].first;
        const Box& box = entries[order[n]].first;
        const bool overlaps = box.size() == 1 ? box[0].lo <= before[0].hi : box == before;
        if (overlaps && text(order[n]) != text(widest)) {
            const size_t later = std::max(order[n], widest);
            const size_t earlier = std::min(order[n], widest);
            context.report(Diag::ConflictingEntries, spans[later], shown(context, spans[later]), what)
                .with_note(spans[earlier], "this one: " + text(earlier));
            return false;
        }
        if (box.size() > 1 || box[0].hi > before[0].hi) {
            widest = order[n];
        }
    }
    return true;
}

} // namespace

bool find_conflicts(Context& context, const std::vector<std::pair<Box, Verdict>>& entries,
                    const std::vector<Span>& spans) {
    return no_conflicts(context, entries, spans, "verdict",
                        [&](size_t i) { return name_of(entries[i].second, context.policy); });
}

bool find_conflicts(Context& context, const ValueEntries& entries, const std::vector<Span>& spans,
                    const MapReader& reader) {
    return no_conflicts(context, entries, spans, reader.what,
                        [&](size_t i) { return reader.text(entries[i].second); });
}

const ast::Value& behind_defines(Context& context, const ast::Value& value) {
    const ast::Value* table = &value;
    for (unsigned depth = 0; depth < max_nesting; ++depth) {
        const auto* reference = std::get_if<ast::DefineRef>(&table->node);
        auto found =
            reference != nullptr ? context.defines.find(reference->name.text) : context.defines.end();
        if (found == context.defines.end() || found->second.broken) {
            break;
        }
        found->second.used = true;
        table = &found->second.define->value;
    }
    return *table;
}

namespace {

/// `vmap { … }`: for each family that it has elements for.
std::vector<AnyVmap> take_list(Context& context, const ast::ListValue& list,
                               const std::vector<ResolvedKey>& keys, Span span) {
    std::vector<AnyVmap> maps;
    std::vector<Variant> variants = variants_of(keys, nullptr);
    for (Variant& variant : variants) {
        VmapStatement map;
        map.keys = std::move(variant.keys);
        map.span = span;
        if (!read_elements(context, list, variant.slots, map)) {
            return {};
        }
        if (variants.size() > 1 && map.entries.empty() && !map.otherwise) {
            continue;
        }
        settle_ether_type(keys, map);
        maps.emplace_back(std::move(map));
    }
    if (maps.empty()) { // it has no elements, and never matches
        maps.emplace_back(VmapStatement{variant_of(keys, false).keys, {}, {}, span});
    }
    return maps;
}

} // namespace

std::vector<AnyVmap> check_vmap(Context& context, const ast::Vmap& vmap, Span span) {
    const auto keys = resolve_all(context, vmap.keys, &vmap.table);
    if (!keys) {
        return {};
    }
    const ast::Value& table = behind_defines(context, vmap.table);
    std::vector<AnyVmap> maps;
    if (const auto* list = std::get_if<ast::ListValue>(&table.node)) {
        maps = take_list(context, *list, *keys, span);
    } else if (const auto* reference = std::get_if<ast::SetRef>(&table.node)) {
        maps = take_named(context, reference->name, *keys, span);
    } else {
        const Variant variant = variant_of(*keys, false);
        std::vector<Box> ignored;
        if (read_boxes(context, table, variant.slots, ignored)) {
            context.report(Diag::MisplacedValue, table.span, "a value without a verdict")
                .with_hint("`vmap { KEY : VERDICT, … }`");
        }
    }
    for (AnyVmap& map : maps) {
        std::visit([&](auto& each) { each.may_lack = maps.size() > 1; }, map);
    }
    return maps;
}

} // namespace xdpc::checking
