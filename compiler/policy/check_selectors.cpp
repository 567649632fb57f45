// Left-hand sides of matches as keys.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"
#include "compiler/policy/scalars.h"

#include <algorithm>
#include <array>

namespace xdpc::checking {

namespace {

/// nft knows these; they have no meaning at XDP or are not built yet.
bool is_other_meta(std::string_view name) {
    static constexpr auto names = std::to_array<std::string_view>(
        {"mark",     "hash",    "priority",  "oif",     "oifname", "iiftype",  "oiftype", "skuid",
         "skgid",    "nftrace", "rtclassid", "ibrname", "obrname", "pkttype",  "cgroup",  "iifgroup",
         "oifgroup", "ipsec",   "iifkind",   "oifkind", "sdif",    "sdifname", "nfproto", "broute"});
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> header_names() {
    std::vector<std::string> names;
    for (const HeaderInfo& header : all_headers()) {
        names.emplace_back(header.keyword);
    }
    return names;
}

/// nft's other spellings of fields in the table.
std::pair<std::string, std::string> canonical(std::string header, std::string field) {
    if (header == "vlan" && field == "cfi") {
        return {header, "dei"};
    }
    static constexpr std::string_view sack = "tcp option sack";
    const bool numbered = header.size() == sack.size() + 1 && header.starts_with(sack) &&
                          header.back() >= '0' && header.back() <= '3';
    if (numbered) {
        const char number = header.back();
        header.pop_back();
        return {header, number == '0' ? field : field + number};
    }
    return {header == "tcp option mss" ? "tcp option maxseg" : header, field};
}

/// `tcp option 34`: the number of an option, whether the table has it or not.
std::optional<u128> option_number(std::string_view header) {
    for (const std::string_view prefix : {"tcp option ", "ip option "}) {
        if (header.starts_with(prefix)) {
            return read_number(header.substr(prefix.size()));
        }
    }
    return {};
}

/// The row of an option that is named by its number.
std::optional<HeaderId> find_option(std::string_view header, u128 number) {
    const auto& rows = all_headers();
    for (size_t i = 0; i < rows.size(); ++i) {
        const bool same_parent = header.starts_with(info(rows[i].parent).keyword);
        if (rows[i].layer == Layer::Option && same_parent && rows[i].guard == number) {
            return static_cast<HeaderId>(i);
        }
    }
    return {};
}

std::optional<KeySource> resolve_field(Context& context, const ast::FieldSelector& selector) {
    const auto [header_name, field_name] = canonical(selector.header.text, selector.field.text);
    const auto number = option_number(header_name);
    const auto header = number ? find_option(header_name, *number) : resolve_header(header_name);
    if (!header && number) {
        context.report(Diag::NotYetSupported, selector.header.span, "`" + selector.header.text + "`")
            .with_hint("options that have a name can be matched; grammar/FIELDS.md lists them");
        return {};
    }
    if (!header) {
        context.report(Diag::UnknownHeader, selector.header.span, selector.header.text)
            .with_hint(did_you_mean(header_name, header_names()));
        return {};
    }
    if (field_name.empty()) {
        if (*header == HeaderId::Vlan) {
            return MetaKey{MetaId::VlanTagged};
        }
        return ExistsKey{*header};
    }
    if (const auto field = find_field(*header, field_name)) {
        return FieldKey{*field};
    }
    std::vector<std::string> names;
    for (const FieldInfo& field : all_fields()) {
        if (field.header == *header) {
            names.emplace_back(field.name);
        }
    }
    const std::string near = did_you_mean(field_name, names);
    context.report(Diag::UnknownField, selector.field.span, selector.header.text, selector.field.text)
        .with_hint(near.empty() ? fmt::format("`{}` has {}", selector.header.text, fmt::join(names, ", "))
                                : near);
    return {};
}

/// Whether the part of `value` for this key names interfaces rather than giving indices.
bool names_interfaces(Context& context, const ast::Value& value, size_t part, unsigned depth = 0) {
    if (const auto* word = std::get_if<ast::Word>(&value.node)) {
        return !read_number(word->text);
    }
    if (std::holds_alternative<ast::Quoted>(value.node)) {
        return true;
    }
    if (const auto* list = std::get_if<ast::ListValue>(&value.node)) {
        return !list->elements.empty() && depth < max_nesting &&
               names_interfaces(context, list->elements[0].key, part, depth + 1);
    }
    if (const auto* concat = std::get_if<ast::ConcatValue>(&value.node)) {
        return part < concat->parts.size() && depth < max_nesting &&
               names_interfaces(context, concat->parts[part], 0, depth + 1);
    }
    if (const auto* reference = std::get_if<ast::DefineRef>(&value.node)) {
        auto found = context.defines.find(reference->name.text);
        return found != context.defines.end() && !found->second.broken && depth < max_nesting &&
               names_interfaces(context, found->second.define->value, part, depth + 1);
    }
    if (const auto* reference = std::get_if<ast::SetRef>(&value.node)) {
        auto found = context.sets.find(reference->name.text);
        return found != context.sets.end() && part < found->second.slots.size() &&
               found->second.slots[part].type == TypeId::IfaceName;
    }
    return false;
}

std::optional<KeySource> resolve_meta(Context& context, const ast::MetaSelector& selector,
                                      const ast::Value* value, size_t part) {
    const auto meta = find_meta(selector.name.text);
    if (!meta) {
        if (is_other_meta(selector.name.text)) {
            context.report(Diag::NotYetSupported, selector.name.span, "`meta " + selector.name.text + "`");
            return {};
        }
        std::vector<std::string> names;
        for (const MetaInfo& row : all_metas()) {
            names.emplace_back(row.name);
        }
        context.report(Diag::UnknownMeta, selector.name.span, selector.name.text)
            .with_hint(did_you_mean(selector.name.text, names));
        return {};
    }
    if (*meta == MetaId::Random) {
        return MetaKey{*meta, context.policy.random_places++};
    }
    if (*meta == MetaId::Iif && value != nullptr && names_interfaces(context, *value, part)) {
        return MetaKey{MetaId::Iifname};
    }
    return MetaKey{*meta};
}

std::optional<KeySource> resolve_raw(Context& context, const ast::RawSelector& selector, Span span) {
    static constexpr auto bases = std::to_array<std::pair<std::string_view, RawBase>>(
        {{"ll", RawBase::Ll}, {"nh", RawBase::Nh}, {"th", RawBase::Th}, {"ih", RawBase::Ih}});
    const auto base = std::find_if(bases.begin(), bases.end(),
                                   [&](const auto& row) { return row.first == selector.base.text; });
    const std::string text = fmt::format("@{},{},{}", selector.base.text, selector.offset, selector.length);
    if (base == bases.end()) {
        context.report(Diag::UnknownHeader, selector.base.span, "@" + selector.base.text)
            .with_hint("raw payload begins at `@ll`, `@nh`, `@th` or `@ih`");
        return {};
    }
    constexpr uint64_t frame_bits = 65535 * 8;
    if (selector.length < 1 || selector.length > 128) {
        context.report(Diag::RawOutOfRange, span, text, fmt::format("{} bits", selector.length))
            .with_hint("1 to 128 bits can be compared");
        return {};
    }
    if (selector.offset > frame_bits || selector.offset + selector.length > frame_bits) {
        context.report(Diag::RawOutOfRange, span, text, "beyond the longest frame");
        return {};
    }
    return RawKey{base->second, static_cast<uint32_t>(selector.offset),
                  static_cast<uint16_t>(selector.length)};
}

Slot slot_of(const KeySource& source) {
    return {type_of(source), width_of(source), name_of(source), false};
}

/// The one address of a family in a mask for both.
std::optional<u128> mask_of_family(Context& context, const ast::Value& mask, const ResolvedKey& key,
                                   bool ip6) {
    const Slot slot = slot_of_family(key, ip6);
    std::vector<Box> boxes;
    if (!read_boxes(context, mask, std::span(&slot, 1), boxes)) {
        return {};
    }
    if (boxes.size() != 1 || boxes[0][0].lo != boxes[0][0].hi) {
        context
            .report(Diag::WrongOperator, mask.span, "&",
                    "`" + key.slot.name + "` without one mask for each family")
            .with_hint("`" + key.slot.name + " & { 255.255.255.0, ffff:ffff:ffff:: }`, or `ip " +
                       key.slot.name + "`");
        return {};
    }
    return boxes[0][0].lo;
}

/// `& MASK` on the left-hand side.
bool apply_mask(Context& context, const ast::Selector& selector, ResolvedKey& key) {
    if (!selector.op) {
        return true;
    }
    if (*selector.op != ast::BinaryOp::And) {
        context.report(Diag::NotYetSupported, selector.span, "arithmetic on a field, other than `& MASK`,")
            .with_hint("compare `FIELD & MASK` with the value the bits have in their place");
        return false;
    }
    if (!selector.operand) {
        return false;
    }
    if (key.other) {
        const auto ip4 = mask_of_family(context, *selector.operand, key, false);
        const auto ip6 = ip4 ? mask_of_family(context, *selector.operand, key, true) : std::nullopt;
        key.key.mask = ip4.value_or(0);
        key.other->mask = ip6.value_or(0);
        return ip6.has_value();
    }
    const auto mask = read_single(context, *selector.operand, key.slot);
    key.key.mask = mask.value_or(0);
    return mask.has_value();
}

} // namespace

std::optional<HeaderId> resolve_header(std::string_view keyword) {
    static constexpr std::string_view prefix = "exthdr ";
    if (keyword.starts_with(prefix)) {
        const auto header = find_header(keyword.substr(prefix.size()));
        const bool extension = header && info(*header).layer == Layer::Extension;
        return extension ? header : std::nullopt;
    }
    return find_header(keyword);
}

std::optional<ResolvedKey> resolve(Context& context, const ast::Selector& selector, const ast::Value* value,
                                   size_t part) {
    ResolvedKey result;
    result.span = selector.span;
    std::optional<KeySource> source;
    if (const auto* field = std::get_if<ast::FieldSelector>(&selector.node)) {
        source = resolve_field(context, *field);
    } else if (const auto* meta = std::get_if<ast::MetaSelector>(&selector.node)) {
        source = resolve_meta(context, *meta, value, part);
    } else if (const auto* raw = std::get_if<ast::RawSelector>(&selector.node)) {
        source = resolve_raw(context, *raw, selector.span);
    } else {
        const std::string& name = std::get<ast::AddressSelector>(selector.node).name.text;
        const bool from = name == "saddr";
        source = FieldKey{from ? FieldId::IpSaddr : FieldId::IpDaddr};
        result.other = Key{FieldKey{from ? FieldId::Ip6Saddr : FieldId::Ip6Daddr}};
        result.slot.name = name;
    }
    if (!source) {
        return {};
    }
    result.key.source = *source;
    const std::string any_family_name = result.slot.name;
    result.slot = slot_of(*source);
    if (result.other) {
        result.slot.name = any_family_name;
        result.slot.skip_other_family = true;
    }
    return apply_mask(context, selector, result) ? std::optional(result) : std::nullopt;
}

std::optional<std::vector<ResolvedKey>>
resolve_all(Context& context, const std::vector<ast::Selector>& selectors, const ast::Value* value) {
    std::vector<ResolvedKey> keys;
    bool fine = !selectors.empty();
    for (size_t i = 0; i < selectors.size(); ++i) {
        auto key = resolve(context, selectors[i], value, i);
        fine = key.has_value() && fine;
        if (key) {
            keys.push_back(std::move(*key));
        }
    }
    return fine ? std::optional(std::move(keys)) : std::nullopt;
}

Slot slot_of_family(const ResolvedKey& key, bool ip6) {
    if (!key.other || !ip6) {
        return key.slot;
    }
    return {TypeId::Ipv6Addr, 128, key.slot.name, true};
}

} // namespace xdpc::checking
