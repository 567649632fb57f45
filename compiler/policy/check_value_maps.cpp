// Maps to values, anonymous and named: what a field is set to, which object is meant.
#include "compiler/policy/check_context.h"

namespace xdpc::checking {

MapReader value_reader(Context& context, const Slot& slot) {
    const auto element = [&context, slot](const ast::Element& element) -> std::optional<u128> {
        const auto* value = std::get_if<ast::Value>(&element.mapped);
        if (value == nullptr) {
            context.report(Diag::MisplacedValue, element.span, "an element without a value")
                .with_hint("`KEY : VALUE`");
            return {};
        }
        return read_single(context, *value, slot);
    };
    const auto takes = [&context, slot](const SetEntry& map, Span span) {
        if (!map.mapped) {
            context
                .report(Diag::MisplacedValue, span,
                        "a map to " + (map.to_verdicts() ? "verdicts" : "a " + map.objects))
                .with_hint(fmt::format("`type … : {}` declares one to values", name_of(slot.type)));
            return false;
        }
        const bool plain = map.mapped->type == TypeId::Integer || slot.type == TypeId::Integer;
        if ((map.mapped->type != slot.type && !plain) || map.mapped->width > slot.width) {
            context
                .report(Diag::WrongSetType, span, map.item->name.text, map.item->mapped_type->text, slot.name,
                        name_of(slot.type))
                .with_note(map.item->name.span, "the map is here");
            return false;
        }
        return true;
    };
    return {"value", element, takes, [slot](u128 value) { return format_value(slot.type, value); }};
}

MapReader reader_of(Context& context, const SetEntry& map) {
    return map.mapped ? value_reader(context, *map.mapped) : object_reader(context, map.objects);
}

std::optional<Mapped> read_mapped(Context& context, const SetEntry& map, const ast::Element& element) {
    if (!map.to_verdicts()) {
        return reader_of(context, map).element(element);
    }
    const auto* verdict = std::get_if<ast::VerdictNode>(&element.mapped);
    if (verdict == nullptr) {
        context.report(Diag::MisplacedValue, element.span, "an element without a verdict")
            .with_hint("`KEY : VERDICT`");
        return {};
    }
    return resolve_verdict(context, *verdict);
}

bool read_map_elements(Context& context, const ast::ListValue& list, std::span<const Slot> slots,
                       const MapReader& reader, ValueEntries& entries, std::optional<u128>& otherwise) {
    bool fine = true;
    bool had_star = false;
    std::vector<Span> spans;
    for (const ast::Element& element : list.elements) {
        const auto number = reader.element(element);
        const bool star = std::holds_alternative<ast::Star>(element.key.node);
        std::vector<Box> boxes;
        if (!number || (!star && !read_boxes(context, element.key, slots, boxes))) {
            fine = false;
            continue;
        }
        if (star && had_star) {
            context.report(Diag::ConflictingEntries, element.key.span, "*", reader.what);
            fine = false;
        }
        if (star) {
            had_star = true;
            otherwise = *number;
        }
        for (Box& box : boxes) {
            entries.emplace_back(std::move(box), *number);
            spans.push_back(element.key.span);
        }
    }
    return fine && find_conflicts(context, entries, spans, reader);
}

namespace {

std::vector<KeyedMap> take_list(Context& context, const ast::ListValue& list,
                                const std::vector<ResolvedKey>& keys, const MapReader& reader) {
    std::vector<KeyedMap> maps;
    std::vector<Variant> variants = variants_of(keys, nullptr);
    for (Variant& variant : variants) {
        KeyedMap map{live_keys(std::move(variant.keys)), {}, {}};
        if (!read_map_elements(context, list, variant.slots, reader, map.entries, map.otherwise)) {
            return {};
        }
        const bool asked = variants.size() == 1 || !map.entries.empty() || map.otherwise;
        if (asked || (maps.empty() && variant.ip6)) { // one that is empty never matches
            maps.push_back(std::move(map));
        }
    }
    return maps;
}

std::vector<KeyedMap> take_named(Context& context, const ast::Name& name,
                                 const std::vector<ResolvedKey>& keys, const MapReader& reader) {
    const SetEntry* set = use_set(context, name, true, keys);
    if (set == nullptr || !reader.takes(*set, name.span)) {
        return {};
    }
    std::vector<KeyedMap> maps;
    for (Variant& variant : variants_of(keys, set)) {
        const size_t family = family_of(*set, variant.slots);
        const SetEntries& entries = set->entries[family];
        if (!spend(context, entries.boxes.size(), name.span)) {
            return {};
        }
        KeyedMap& map = maps.emplace_back(KeyedMap{live_keys(std::move(variant.keys)), {}, {}});
        for (size_t i = 0; i < entries.boxes.size(); ++i) {
            map.entries.emplace_back(entries.boxes[i], entries.values[i]);
        }
        map.otherwise = set->otherwise_value;
        map.live = set->live[family];
    }
    return maps;
}

} // namespace

std::vector<KeyedMap> read_map(Context& context, const std::vector<ast::Selector>& selectors,
                               const ast::Value& written, const MapReader& reader) {
    const ast::Value& table = behind_defines(context, written);
    const auto keys = resolve_all(context, selectors, &table);
    if (!keys) {
        return {};
    }
    if (const auto* list = std::get_if<ast::ListValue>(&table.node)) {
        return take_list(context, *list, *keys, reader);
    }
    if (const auto* reference = std::get_if<ast::SetRef>(&table.node)) {
        return take_named(context, reference->name, *keys, reader);
    }
    context.report(Diag::MisplacedValue, table.span, "a value without what it is mapped to")
        .with_hint("`map { KEY : VALUE, … }`");
    return {};
}

} // namespace xdpc::checking
