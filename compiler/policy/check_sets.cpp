// Sets and maps: what they are declared as, the elements of constant ones, and what may be compared with
// them.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_live_sets.h"
#include "compiler/policy/scalars.h"

#include <algorithm>
#include <array>

namespace xdpc::checking {

namespace {

/// A flag or option, and where it is kept.
bool take_flag(const ast::Name& flag, SetTraits& traits) {
    if (flag.text == "constant") {
        traits.constant = &flag;
    } else if (flag.text == "interval") {
        traits.interval = &flag;
    } else if (flag.text == "timeout") {
        traits.timeout_flag = traits.live = &flag;
    } else if (flag.text == "dynamic") {
        traits.dynamic = traits.live = &flag;
    } else {
        return false;
    }
    return true;
}

bool take_option(const ast::ElementAttribute& option, SetTraits& traits) {
    const std::string& name = option.name.text;
    if (name == "size") {
        traits.size = &option;
    } else if (name == "timeout") {
        traits.timeout = &option;
        traits.live = &option.name;
    } else if (name == "counter") {
        traits.counter = traits.live = &option.name;
    } else if (name == "gc-interval") {
        traits.live = &option.name; // what has expired is collected as it is met
    } else if (name == "auto-merge") {
        traits.auto_merge = &option.name;
    } else {
        return name == "comment" || name == "policy";
    }
    return true;
}

/// Nothing after an error was reported.
std::optional<SetTraits> read_traits(Context& context, const ast::SetItem& item) {
    static const std::vector<std::string> flags = {"constant", "interval", "timeout", "dynamic"};
    static const std::vector<std::string> options = {"size",    "timeout", "gc-interval", "counter",
                                                     "comment", "policy",  "auto-merge"};
    SetTraits traits;
    bool fine = true;
    for (const ast::Name& flag : item.flags) {
        if (!take_flag(flag, traits)) {
            context.report(Diag::UnknownOption, flag.span, "flag", flag.text)
                .with_hint(did_you_mean(flag.text, flags));
            fine = false;
        }
    }
    for (const ast::ElementAttribute& option : item.options) {
        if (!take_option(option, traits)) {
            context.report(Diag::UnknownOption, option.name.span, "option", option.name.text)
                .with_hint(did_you_mean(option.name.text, options));
            fine = false;
        }
    }
    const ast::Name* against = traits.constant != nullptr  ? traits.live
                               : traits.dynamic != nullptr ? traits.interval
                                                           : nullptr;
    if (against != nullptr) {
        const ast::Name& first = traits.constant != nullptr ? *traits.constant : *traits.dynamic;
        context.report(Diag::TraitsExclude, against->span, against->text, first.text)
            .with_hint(traits.constant != nullptr ? "constant sets are compiled in; others are live"
                                                  : "rules add single values");
        fine = false;
    }
    return fine ? std::optional(traits) : std::nullopt;
}

bool read_map_element(Context& context, SetEntry& set, const ast::Element& element,
                      std::array<std::vector<Span>, 2>& spans) {
    const auto mapped = read_mapped(context, set, element);
    if (!mapped) {
        return false;
    }
    const auto& verdict = std::get<Verdict>(*mapped);
    if (std::holds_alternative<ast::Star>(element.key.node)) {
        set.otherwise = verdict;
        return true;
    }
    bool fine = true;
    for (size_t family = 0; family < set.families(); ++family) {
        SetEntries& entries = set.entries[family];
        fine = read_boxes(context, element.key, slots_of_family(set, family), entries.boxes) && fine;
        entries.verdicts.resize(entries.boxes.size(), verdict);
        spans[family].resize(entries.boxes.size(), element.key.span);
    }
    return fine;
}

bool read_values(Context& context, SetEntry& set, const ast::ListValue& list) {
    const MapReader reader = reader_of(context, set);
    for (size_t family = 0; family < set.families(); ++family) {
        ValueEntries entries;
        if (!read_map_elements(context, list, slots_of_family(set, family), reader, entries,
                               set.otherwise_value)) {
            return false;
        }
        for (auto& [box, value] : entries) {
            set.entries[family].boxes.push_back(std::move(box));
            set.entries[family].values.push_back(value);
        }
    }
    return true;
}

/// Whether no two entries contradict each other; reported.
bool no_conflicts(Context& context, const SetEntry& set, const SetEntries& from,
                  const std::vector<Span>& spans) {
    if (set.to_verdicts()) {
        std::vector<std::pair<Box, Verdict>> entries;
        for (size_t i = 0; i < from.boxes.size(); ++i) {
            entries.emplace_back(from.boxes[i], from.verdicts[i]);
        }
        return find_conflicts(context, entries, spans);
    }
    ValueEntries entries;
    for (size_t i = 0; i < from.boxes.size(); ++i) {
        entries.emplace_back(from.boxes[i], from.values[i]);
    }
    return find_conflicts(context, entries, spans, reader_of(context, set));
}

/// Whether each element of a constant set has addresses of one family; reported.
bool no_mixed_families(Context& context, const SetEntry& set) {
    const auto* list = std::get_if<ast::ListValue>(&set.item->elements->node);
    if (list == nullptr || set.inet_parts.size() < 2) {
        return true;
    }
    return std::all_of(list->elements.begin(), list->elements.end(), [&](const ast::Element& element) {
        std::vector<Box> boxes;
        const bool star = std::holds_alternative<ast::Star>(element.key.node);
        for (size_t family = 0; !star && family < set.families(); ++family) {
            if (!read_boxes(context, element.key, slots_of_family(set, family), boxes)) {
                return true; // reported
            }
        }
        return star || is_of_one_family(context, set, boxes.size(), element.key.span);
    });
}

bool read_elements(Context& context, SetEntry& set) {
    const ast::SetItem& item = *set.item;
    if (!item.elements) {
        return true;
    }
    if (!no_mixed_families(context, set)) {
        return false;
    }
    if (!item.is_map) {
        bool fine = true;
        for (size_t family = 0; family < set.families(); ++family) {
            fine = read_boxes(context, *item.elements, slots_of_family(set, family),
                              set.entries[family].boxes) &&
                   fine;
        }
        return fine;
    }
    const auto* list = std::get_if<ast::ListValue>(&item.elements->node);
    if (list == nullptr) {
        if (!std::holds_alternative<ast::ErrorValue>(item.elements->node)) {
            context.report(Diag::MisplacedValue, item.elements->span, "a value without a verdict");
        }
        return false;
    }
    if (!set.to_verdicts()) {
        return read_values(context, set, *list);
    }
    bool fine = true;
    std::array<std::vector<Span>, 2> spans;
    for (const ast::Element& element : list->elements) {
        fine = read_map_element(context, set, element, spans) && fine;
    }
    for (size_t family = 0; fine && family < 2; ++family) {
        fine = no_conflicts(context, set, set.entries[family], spans[family]);
    }
    return fine;
}

/// What the boxes are mapped to that were added last.
void map_rest(SetEntries& entries, const std::optional<Mapped>& mapped) {
    if (!mapped) {
        return;
    }
    std::visit(Overloaded{
                   [&](const Verdict& verdict) { entries.verdicts.resize(entries.boxes.size(), verdict); },
                   [&](u128 value) { entries.values.resize(entries.boxes.size(), value); },
               },
               *mapped);
}

/// Elements from the file of a constant set, behind those of the policy, which have no conflicts.
bool read_file(Context& context, SetEntry& set) {
    std::array<std::vector<Span>, 2> spans;
    SetFileTaker taker;
    taker.element = [&](FileElement& element) {
        if (!element.attributes.empty() && element.attributes[0].name != "comment") {
            const FileAttribute& attribute = element.attributes[0];
            context.report(Diag::TraitsExclude, attribute.span, attribute.name, "constant");
            return false;
        }
        for (size_t family = 0; family < set.families(); ++family) {
            SetEntries& entries = set.entries[family];
            spans[family].resize(entries.boxes.size(), set.item->name.span);
            entries.boxes.insert(entries.boxes.end(), element.boxes[family].begin(),
                                 element.boxes[family].end());
            spans[family].resize(entries.boxes.size(), element.span);
            map_rest(entries, element.mapped);
        }
        return true;
    };
    if (!read_set_file(context, set, taker)) {
        return false;
    }
    bool fine = true;
    for (size_t family = 0; fine && set.item->is_map && family < set.families(); ++family) {
        spans[family].resize(set.entries[family].boxes.size(), set.item->name.span);
        fine = no_conflicts(context, set, set.entries[family], spans[family]);
    }
    return fine;
}

bool check_size(Context& context, const SetEntry& set) {
    for (const ast::ElementAttribute& option : set.item->options) {
        if (option.name.text != "size" || !option.value) {
            continue;
        }
        const auto size = read_single(context, *option.value, {TypeId::Integer, 32, "size", false});
        const size_t elements = set.entries[0].boxes.size() + set.entries[1].boxes.size();
        if (size && elements > *size) {
            context.report(Diag::SetOverflow, option.value->span, set.item->name.text, elements,
                           static_cast<uint64_t>(*size));
            return false;
        }
        return size.has_value();
    }
    return true;
}

bool check_set(Context& context, SetEntry& set) {
    const auto traits = read_traits(context, *set.item);
    if (!traits || !read_type(context, set)) {
        return false;
    }
    if (traits->constant == nullptr) {
        return check_live_set(context, set, *traits);
    }
    if (!read_elements(context, set) || !read_file(context, set) || !check_size(context, set)) {
        return false;
    }
    if (!set.item->is_map) {
        normalize(set.entries[0].boxes);
        normalize(set.entries[1].boxes);
    }
    return true;
}

std::string describe(const SetEntry& set) {
    std::string text;
    for (size_t i = 0; i < set.slots.size(); ++i) {
        const Slot& slot = set.slots[i];
        text += text.empty() ? "" : " . ";
        text += set.inet_parts.contains(i)     ? "inet_addr"
                : slot.type == TypeId::Integer ? fmt::format("integers of {} bits", slot.width)
                                               : std::string(name_of(slot.type));
    }
    return text;
}

bool fits(const SetEntry& set, size_t part, const ResolvedKey& key) {
    const Slot& slot = set.slots[part];
    const bool address = key.slot.type == TypeId::Ipv4Addr || key.slot.type == TypeId::Ipv6Addr;
    if (set.inet_parts.contains(part)) {
        return address;
    }
    if (key.other) {
        return slot.type == TypeId::Ipv4Addr || slot.type == TypeId::Ipv6Addr;
    }
    const bool plain = slot.type == TypeId::Integer || key.slot.type == TypeId::Integer;
    return slot.width == key.slot.width && (slot.type == key.slot.type || plain);
}

} // namespace

/// The slots as they are for elements of one family.
std::vector<Slot> slots_of_family(const SetEntry& set, size_t family) {
    std::vector<Slot> slots = set.slots;
    for (const size_t part : set.inet_parts) {
        Slot& slot = slots[part];
        slot = {family == 0 ? TypeId::Ipv4Addr : TypeId::Ipv6Addr,
                static_cast<uint16_t>(family == 0 ? 32 : 128), slot.name, true};
    }
    return slots;
}

size_t family_of(const SetEntry& set, const std::vector<Slot>& slots) {
    return !set.inet_parts.empty() && slots[*set.inet_parts.begin()].type == TypeId::Ipv6Addr ? 1 : 0;
}

void check_sets(Context& context) {
    for (auto& [name, set] : context.sets) {
        set.broken = !check_set(context, set);
    }
}

SetEntry* use_set(Context& context, const ast::Name& name, std::optional<bool> want_map,
                  const std::vector<ResolvedKey>& keys) {
    auto found = context.sets.find(name.text);
    if (found == context.sets.end()) {
        std::string hint = did_you_mean_set(context, name.text);
        if (hint.empty() && context.defines.contains(name.text)) {
            hint = did_you_mean_define(context, name.text);
        }
        context.report(Diag::UndefinedSet, name.span, name.text).with_hint(std::move(hint));
        return nullptr;
    }
    SetEntry& set = found->second;
    set.used = true;
    if (set.broken) {
        return nullptr;
    }
    if (want_map && set.item->is_map != *want_map) {
        context
            .report(Diag::SetOrMap, name.span, name.text, *want_map ? "set" : "map",
                    *want_map ? "map" : "set")
            .with_hint(*want_map ? "" : "a map is looked up with `vmap @" + name.text + "`");
        return nullptr;
    }
    if (set.slots.size() != keys.size()) {
        context.report(Diag::ConcatParts, name.span, fmt::format("keys of {} parts", set.slots.size()),
                       fmt::format("{} parts", keys.size()));
        return nullptr;
    }
    for (size_t i = 0; i < keys.size(); ++i) {
        if (!fits(set, i, keys[i])) {
            const std::string is = keys[i].slot.type == TypeId::Integer
                                       ? fmt::format("an integer of {} bits", keys[i].slot.width)
                                       : std::string(name_of(keys[i].slot.type));
            context.report(Diag::WrongSetType, name.span, name.text, describe(set), keys[i].slot.name, is)
                .with_note(set.item->name.span, "the set is here");
            return nullptr;
        }
    }
    if (variants_of(keys, &set).empty()) {
        const std::vector<Slot> slots = variant_of(keys, false).slots;
        context
            .report(Diag::WrongSetType, name.span, name.text, describe(set), names_of(slots), "of one family")
            .with_note(set.item->name.span, "the set is here");
        return nullptr;
    }
    return &set;
}

} // namespace xdpc::checking
