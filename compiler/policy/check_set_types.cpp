// What sets and maps are declared to hold.
#include "compiler/base/map_targets.h"
#include "compiler/policy/check_context.h"

#include <array>

namespace xdpc::checking {

namespace {

/// Types of set keys that are no types of fields.
std::optional<Slot> special_type(std::string_view name) {
    static constexpr auto rows = std::to_array<std::pair<std::string_view, uint16_t>>({
        {"vlan_id", 12},
        {"vlan_pcp", 3},
        {"mark", 32},
    });
    for (const auto& [special, width] : rows) {
        if (name == special) {
            return Slot{TypeId::Integer, width, std::string(name), false};
        }
    }
    return {};
}

std::vector<std::string> type_names() {
    std::vector<std::string> names = {"inet_addr", "vlan_id", "vlan_pcp", "mark"};
    for (int i = 0; i <= static_cast<int>(TypeId::Fragment); ++i) {
        names.emplace_back(name_of(static_cast<TypeId>(i)));
    }
    return names;
}

std::optional<Slot> slot_of_type(Context& context, const ast::Name& name, SetEntry& set, size_t part) {
    if (name.text == "inet_addr") {
        set.inet_parts.insert(part);
        return Slot{TypeId::Ipv4Addr, 32, "@" + set.item->name.text, false};
    }
    auto special = special_type(name.text);
    const auto type = find_type(name.text);
    if (!special && type && width_of(*type) != 0) {
        special = Slot{*type, width_of(*type), "", false};
    }
    if (!special) {
        context.report(Diag::UnknownType, name.span, name.text)
            .with_hint(did_you_mean(name.text, type_names()));
        return {};
    }
    special->name = "@" + set.item->name.text;
    return special;
}

/// `type a : dscp`
bool read_mapped_type(Context& context, SetEntry& set) {
    const ast::Name& name = *set.item->mapped_type;
    if (is_object_kind(name.text)) {
        set.objects = name.text;
        return true;
    }
    const auto special = special_type(name.text);
    const auto type = find_type(name.text);
    if (!special && (!type || width_of(*type) == 0)) {
        context.report(Diag::UnknownType, name.span, name.text)
            .with_hint(did_you_mean(name.text, type_names()));
        return false;
    }
    set.mapped = special ? *special : Slot{*type, width_of(*type), "", false};
    set.mapped->name = "@" + set.item->name.text;
    return true;
}

} // namespace

bool read_type(Context& context, SetEntry& set) {
    const ast::SetItem& item = *set.item;
    if (item.key_type.empty()) {
        context.report(Diag::SetWithoutType, item.name.span, item.name.text)
            .with_hint("`type ipv4_addr`, or `typeof ip saddr`");
        return false;
    }
    for (size_t i = 0; i < item.key_type.size(); ++i) {
        if (const auto* name = std::get_if<ast::Name>(&item.key_type[i].node)) {
            auto slot = slot_of_type(context, *name, set, i);
            if (!slot) {
                return false;
            }
            set.slots.push_back(std::move(*slot));
            continue;
        }
        auto key = resolve(context, std::get<ast::Selector>(item.key_type[i].node), nullptr, i);
        if (!key) {
            return false;
        }
        if (key->other) {
            set.inet_parts.insert(i);
            key->slot.skip_other_family = false;
        }
        key->slot.name = "@" + item.name.text;
        set.slots.push_back(std::move(key->slot));
    }
    return !item.is_map || !item.mapped_type || item.mapped_type->text == to_verdict ||
           read_mapped_type(context, set);
}

} // namespace xdpc::checking
