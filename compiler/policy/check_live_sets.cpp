// Live sets and maps: what they are declared as, and the elements that stand in the policy.
#include "compiler/policy/check_live_sets.h"
#include "compiler/base/overloaded.h"
#include "compiler/policy/scalars.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

std::string_view text_of(const ast::Value& value) {
    if (const auto* word = std::get_if<ast::Word>(&value.node)) {
        return word->text;
    }
    if (const auto* quoted = std::get_if<ast::Quoted>(&value.node)) {
        return quoted->text;
    }
    return {};
}

/// What a map's elements may map to without leading into a chain.
std::vector<Verdict> plain_verdicts() {
    return {Pass{}, Drop{}, Abort{}, Tx{}, Return{}, Continue{}};
}

LiveSet::Kind kind_of(const SetEntry& set, const SetTraits& traits) {
    if (traits.dynamic != nullptr) {
        return LiveSet::Kind::Dynamic;
    }
    if (traits.interval == nullptr) {
        return LiveSet::Kind::Hash;
    }
    return set.slots.size() == 1 ? LiveSet::Kind::Interval : LiveSet::Kind::Tuples;
}

bool read_size(Context& context, const ast::ElementAttribute& option, uint32_t& size) {
    if (!option.value) {
        return false;
    }
    const auto number = read_single(context, *option.value, {TypeId::Integer, 64, "size", false});
    if (number && (*number == 0 || *number > max_live_size)) {
        context.report(Diag::NumberOutOfRange, option.value->span, "size", static_cast<uint64_t>(*number), 1,
                       max_live_size);
        return false;
    }
    size = static_cast<uint32_t>(number.value_or(1));
    return number.has_value();
}

/// What a map's elements may lead to.
bool take_mapped_type(Context& context, const SetEntry& set, LiveSet& live) {
    if (set.to_verdicts()) {
        live.verdicts = plain_verdicts();
    }
    if (set.mapped && set.mapped->width > 32) {
        context
            .report(Diag::NotYetSupported, set.item->mapped_type->span,
                    fmt::format("a map to `{}` that changes", set.item->mapped_type->text))
            .with_hint("values of live maps have 32 bits at most; `flags constant` takes any");
        return false;
    }
    if (set.mapped) {
        live.mapped = {set.mapped->type, set.mapped->width};
    }
    live.objects = set.objects;
    if (!set.objects.empty()) {
        for (const auto& [name, object] : objects_of(context, set.objects)) {
            if (!object.broken && (set.objects != "limit" || may_be_mapped_to(context, {object.id}))) {
                live.object_ids.push_back(object.id);
            }
        }
        std::sort(live.object_ids.begin(), live.object_ids.end());
    }
    return true;
}

/// Without name, family and key.
std::optional<LiveSet> declared(Context& context, SetEntry& set, const SetTraits& traits) {
    LiveSet live;
    live.name = set.item->name.text;
    live.span = set.item->name.span;
    live.kind = kind_of(set, traits);
    live.is_map = set.item->is_map;
    live.size = default_live_size;
    live.has_timeout = traits.timeout_flag != nullptr || traits.timeout != nullptr;
    live.has_counter = traits.counter != nullptr;
    live.auto_merge = traits.auto_merge != nullptr;
    if (live.is_map && !take_mapped_type(context, set, live)) {
        return {};
    }
    if (traits.size != nullptr && !read_size(context, *traits.size, live.size)) {
        return {};
    }
    if (traits.timeout != nullptr && traits.timeout->value) {
        live.timeout_ns = read_time(context, text_of(*traits.timeout->value), traits.timeout->value->span);
        if (!live.timeout_ns) {
            return {};
        }
    }
    return live;
}

bool create(Context& context, SetEntry& set, const SetTraits& traits) {
    const auto live = declared(context, set, traits);
    if (!live) {
        return false;
    }
    for (size_t family = 0; family < set.families(); ++family) {
        LiveSet each = *live;
        each.id = {static_cast<uint32_t>(context.policy.sets.size())};
        for (const Slot& slot : slots_of_family(set, family)) {
            each.parts.push_back({slot.type, slot.width});
        }
        if (!set.inet_parts.empty()) {
            each.family = family == 0 ? 4 : 6;
        }
        if (each.key_words() > max_key_words) {
            context.report(Diag::KeyTooWide, set.item->name.span, each.key_words(), max_key_words);
            return false;
        }
        set.live[family] = each.id;
        context.policy.sets.push_back(std::move(each));
    }
    return true;
}

bool read_attributes(Context& context, const SetEntry& set, const ast::Element& element,
                     ElementAttributes& to) {
    bool fine = true;
    for (const ast::ElementAttribute& attribute : element.attributes) {
        const std::string_view value = attribute.value ? text_of(*attribute.value) : std::string_view();
        const Span span = attribute.value ? attribute.value->span : attribute.name.span;
        fine = read_attribute(context, set, attribute.name.text, value, span, to) && fine;
    }
    return fine;
}

bool read_element(Context& context, SetEntry& set, LiveElements& elements, const ast::Element& element) {
    std::optional<Mapped> mapped;
    if (set.item->is_map) {
        mapped = read_mapped(context, set, element);
        if (!mapped) {
            return false;
        }
        if (std::holds_alternative<ast::Star>(element.key.node)) {
            std::visit(Overloaded{
                           [&](const Verdict& verdict) { set.otherwise = verdict; },
                           [&](u128 value) { set.otherwise_value = value; },
                       },
                       *mapped);
            return true;
        }
    } else if (!std::holds_alternative<std::monostate>(element.mapped)) {
        context.report(Diag::MisplacedValue, element.span, "an element with a verdict or value");
        return false;
    }
    ElementAttributes attributes;
    bool fine = read_attributes(context, set, element, attributes);
    size_t found = 0;
    for (size_t family = 0; family < set.families(); ++family) {
        std::vector<Box> boxes;
        fine = read_boxes(context, element.key, slots_of_family(set, family), boxes) && fine;
        found += boxes.size();
        fine = fine && elements.add(family, boxes, element.key.span, attributes, mapped);
    }
    return fine && is_of_one_family(context, set, found, element.key.span);
}

bool read_elements(Context& context, SetEntry& set, LiveElements& elements) {
    if (!set.item->elements) {
        return true;
    }
    const ast::Value& value = behind_defines(context, *set.item->elements);
    bool fine = true;
    if (const auto* list = std::get_if<ast::ListValue>(&value.node)) {
        for (const ast::Element& element : list->elements) {
            fine = read_element(context, set, elements, element) && fine;
        }
        return fine;
    }
    if (std::holds_alternative<ast::ErrorValue>(value.node)) {
        return false;
    }
    ast::Element only;
    only.span = value.span;
    only.key = value;
    return read_element(context, set, elements, only);
}

} // namespace

std::optional<uint32_t> LiveElements::number_of(LiveSet& set, const Mapped& mapped, Span span) const {
    if (const auto* verdict = std::get_if<Verdict>(&mapped)) {
        const auto found = std::find(set.verdicts.begin(), set.verdicts.end(), *verdict);
        const auto index = static_cast<uint32_t>(found - set.verdicts.begin());
        if (found == set.verdicts.end()) {
            set.verdicts.push_back(*verdict);
        }
        return index;
    }
    const auto value = static_cast<uint32_t>(std::get<u128>(mapped));
    if (set.mapped) {
        return value;
    }
    const auto found = std::find(set.object_ids.begin(), set.object_ids.end(), value);
    if (found == set.object_ids.end()) {
        report_unmappable(context_, {value}, span);
        return {};
    }
    return static_cast<uint32_t>(found - set.object_ids.begin());
}

std::string LiveElements::mapped_text(const LiveSet& set, uint32_t number) const {
    if (set.mapped) {
        return format_value(set.mapped->type, number);
    }
    return set.objects.empty() ? name_of(set.verdicts[number], context_.policy)
                               : object_reader(context_, set.objects).text(set.object_ids[number]);
}

SetFileTaker file_taker(Context& context, const SetEntry& set, LiveElements& elements) {
    const bool plain =
        set.item->is_map ? false : set.slots.size() == 1 && set.slots[0].type == TypeId::Ipv4Addr;
    SetFileTaker taker;
    taker.element = [&](FileElement& element) {
        ElementAttributes attributes;
        bool fine = true;
        for (const FileAttribute& each : element.attributes) {
            fine = read_attribute(context, set, each.name, each.value, each.span, attributes) && fine;
        }
        for (size_t family = 0; fine && family < set.families(); ++family) {
            fine = elements.add(family, element.boxes[family], element.span, attributes, element.mapped);
        }
        return fine;
    };
    if (plain) {
        taker.plain = [&](std::string_view line, Span span) { return elements.add_plain_ip(line, span); };
    }
    return taker;
}

std::optional<uint64_t> read_time(Context& context, std::string_view text, Span span) {
    const auto ns = read_duration(text);
    if (!ns || *ns == 0) {
        context.report(Diag::WrongBytes, span, text.substr(0, 80), "a duration as `10s` or `1h30m`");
        return {};
    }
    return ns;
}

bool read_attribute(Context& context, const SetEntry& set, std::string_view name, std::string_view value,
                    Span span, ElementAttributes& to) {
    const LiveSet& live = context.policy.set(*set.live[0]);
    if (name == "comment") {
        if (value.size() > max_comment) {
            context.report(Diag::WrongBytes, span, std::string(value.substr(0, 40)) + "…",
                           fmt::format("a comment of at most {} bytes", max_comment));
            return false;
        }
        to.comment = value;
        return true;
    }
    if (name == "counter") {
        if (!live.has_counter) {
            context.report(Diag::NeedsTrait, span, "`counter` of an element", "counter", live.name);
        }
        return live.has_counter;
    }
    if (!live.has_timeout) {
        context.report(Diag::NeedsTrait, span, fmt::format("`{}` of an element", name), "flags timeout",
                       live.name);
        return false;
    }
    const auto ns = read_time(context, value, span);
    if (ns && name == "timeout") {
        to.timeout_ns = ns;
    }
    return ns.has_value();
}

bool check_live_set(Context& context, SetEntry& set, const SetTraits& traits) {
    if (!create(context, set, traits)) {
        return false;
    }
    LiveElements elements(context, set);
    return read_elements(context, set, elements) &&
           read_set_file(context, set, file_taker(context, set, elements)) && elements.finish(traits);
}

} // namespace xdpc::checking
