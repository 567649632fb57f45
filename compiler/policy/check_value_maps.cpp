// Maps to values, anonymous and named: what a field is set to.
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

bool read_value_elements(Context& context, const ast::ListValue& list, std::span<const Slot> slots,
                         const Slot& mapped, ValueEntries& entries, std::optional<u128>& otherwise) {
    bool fine = true;
    std::vector<Span> spans;
    for (const ast::Element& element : list.elements) {
        const auto* value = std::get_if<ast::Value>(&element.mapped);
        if (value == nullptr) {
            context.report(Diag::MisplacedValue, element.span, "an element without a value")
                .with_hint("`KEY : VALUE`");
            fine = false;
            continue;
        }
        const auto number = read_single(context, *value, mapped);
        const bool star = std::holds_alternative<ast::Star>(element.key.node);
        std::vector<Box> boxes;
        if (!number || (!star && !read_boxes(context, element.key, slots, boxes))) {
            fine = false;
            continue;
        }
        if (star) {
            otherwise = *number;
        }
        for (Box& box : boxes) {
            entries.emplace_back(std::move(box), *number);
            spans.push_back(element.key.span);
        }
    }
    return fine && find_conflicts(context, entries, spans);
}

namespace {

/// Whether the field can take what the map has.
bool can_hold(Context& context, const SetEntry& map, const Slot& slot, Span span) {
    if (!map.mapped) {
        context.report(Diag::MisplacedValue, span, "a map to verdicts")
            .with_hint(fmt::format("`type … : {}` declares one to values", name_of(slot.type)));
        return false;
    }
    const bool plain = map.mapped->type == TypeId::Integer || slot.type == TypeId::Integer;
    if (map.mapped->type != slot.type && !(plain && map.mapped->width <= slot.width)) {
        context
            .report(Diag::WrongSetType, span, map.item->name.text, map.item->mapped_type->text, slot.name,
                    name_of(slot.type))
            .with_note(map.item->name.span, "the map is here");
        return false;
    }
    return true;
}

bool take_named(Context& context, const ast::Name& name, const std::vector<ResolvedKey>& keys,
                const Slot& slot, RewriteStatement& statement) {
    const SetEntry* map = use_set(context, name, true, keys);
    if (map == nullptr || !can_hold(context, *map, slot, name.span)) {
        return false;
    }
    const Variant variant = variants_of(keys, map).front();
    const SetEntries& entries = map->entries[family_of(*map, variant.slots)];
    if (!spend(context, entries.boxes.size(), name.span)) {
        return false;
    }
    for (size_t i = 0; i < entries.boxes.size(); ++i) {
        statement.map->entries.emplace_back(entries.boxes[i], entries.values[i]);
    }
    statement.map->otherwise = map->otherwise_value;
    return true;
}

} // namespace

bool read_value_map(Context& context, const ast::SetStatement& set, const Slot& slot,
                    RewriteStatement& statement) {
    const ast::Value& table = behind_defines(context, *set.value);
    const auto keys = resolve_all(context, set.keys, &table);
    if (!keys) {
        return false;
    }
    const Variant variant = variant_of(*keys, false);
    statement.keys = live_keys(variant.keys);
    statement.map.emplace();
    if (const auto* list = std::get_if<ast::ListValue>(&table.node)) {
        return read_value_elements(context, *list, variant.slots, slot, statement.map->entries,
                                   statement.map->otherwise);
    }
    if (const auto* reference = std::get_if<ast::SetRef>(&table.node)) {
        return take_named(context, reference->name, *keys, slot, statement);
    }
    context.report(Diag::MisplacedValue, table.span, "a value without what it is mapped to")
        .with_hint("`map { KEY : VALUE, … }`");
    return false;
}

} // namespace xdpc::checking
