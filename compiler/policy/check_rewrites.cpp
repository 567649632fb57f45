// Statements that change the packet.
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

using packet::Operation;

/// The field that is set; nothing after an error was reported.
std::optional<FieldId> writable(Context& context, const ast::Selector& selector) {
    const auto key = resolve(context, selector, nullptr, 0);
    if (!key) {
        return {};
    }
    const std::string& name = key->slot.name;
    if (key->other) {
        context.report(Diag::NotWritable, selector.span, name)
            .with_hint(fmt::format("write `ip {0} set` or `ip6 {0} set`", name));
        return {};
    }
    const auto* field = std::get_if<FieldKey>(&key->key.source);
    if (field == nullptr || key->key.mask != ~u128{0}) {
        context.report(Diag::NotYetSupported, selector.span, "`" + shown(context, selector.span) + " set`");
        return {};
    }
    if (info(field->field).access == Access::RO) {
        const std::string_view part = info(field->field).name;
        const bool follows = part == "checksum" || part == "length";
        context.report(Diag::NotWritable, selector.span, name)
            .with_hint(follows ? "it is kept right where another field is set"
                               : "grammar/FIELDS.md says which fields can be");
        return {};
    }
    return field->field;
}

/// What the field is read from: a key that it has room for.
std::optional<Key> source_of(Context& context, const ast::Selector& selector, const Slot& slot) {
    const auto from = resolve(context, selector, nullptr, 0);
    if (!from) {
        return {};
    }
    if (from->slot.width > slot.width) {
        context.report(Diag::SetTooWide, selector.span, from->slot.name, from->slot.width, slot.width,
                       slot.name);
        return {};
    }
    return live_keys({from->key}).front();
}

bool read_operations(Context& context, const ast::SetStatement& set, const Slot& slot,
                     packet::SetField& field) {
    for (const ast::SetOperation& operation : set.operations) {
        const Operation::Op op = *packet::operation_of(operation.op.text); // the parser takes no others
        const bool shifts = op == Operation::Op::Shl || op == Operation::Op::Shr;
        const Slot number_slot = shifts ? Slot{TypeId::Integer, 8, slot.name, false} : slot;
        const auto number = read_single(context, operation.number, number_slot);
        if (!number) {
            return false;
        }
        field.operations.push_back({op, *number});
    }
    return true;
}

/// `FIELD set KEYS map TABLE`
bool read_mapped(Context& context, const ast::SetStatement& set, FieldId field, const Slot& slot, Span span,
                 Rule& rule) {
    std::vector<KeyedMap> maps = read_map(context, set.keys, *set.value, value_reader(context, slot));
    if (maps.empty()) {
        return false;
    }
    std::vector<std::vector<Key>> tuples;
    for (const KeyedMap& map : maps) {
        tuples.push_back(map.keys);
    }
    std::vector<Key> needing = maps[0].keys;
    needing.push_back({FieldKey{field}});
    ask_for_families(rule, needed_tests(needing, span), tuples, span);
    for (KeyedMap& map : maps) {
        packet::SetField what;
        what.field = field;
        what.from_key = true;
        RewriteStatement statement{std::move(what), std::move(map.keys), span};
        statement.map = {std::move(map.entries), map.otherwise, map.live};
        statement.may_lack = maps.size() > 1;
        rule.statements.emplace_back(std::move(statement));
    }
    return true;
}

} // namespace

void add_set_field(packet::SetField set, std::vector<Key> from, Span span, Rule& rule) {
    std::vector<Key> needing = from;
    needing.push_back({FieldKey{set.field}});
    for (Condition& needed : needed_tests(needing, span)) {
        rule.statements.emplace_back(MatchStatement{std::move(needed)});
    }
    rule.statements.emplace_back(RewriteStatement{std::move(set), std::move(from), span});
}

bool read_set(Context& context, const ast::SetStatement& set, Span span, Rule& rule) {
    const auto field = writable(context, set.field);
    if (!field) {
        return false;
    }
    const KeySource source = FieldKey{*field};
    const Slot slot{type_of(source), width_of(source), name_of(source), false};
    packet::SetField what;
    what.field = *field;
    if (!set.keys.empty()) {
        return read_mapped(context, set, *field, slot, span, rule);
    }
    std::vector<Key> from;
    if (set.from) {
        const auto key = source_of(context, *set.from, slot);
        if (!key || !read_operations(context, set, slot, what)) {
            return false;
        }
        what.from_key = true;
        from = {*key};
    } else if (set.value) {
        const auto number = read_single(context, *set.value, slot);
        if (!number) {
            return false;
        }
        what.number = *number;
    }
    add_set_field(std::move(what), std::move(from), span, rule);
    return true;
}

namespace {

/// What is unreachable, as codes of both families; nothing after an error was reported.
std::optional<packet::RejectIcmp> codes_of(Context& context, const ast::RejectStatement& reject) {
    struct Both {
        std::string_view name;
        uint8_t code4, code6;
    };
    static constexpr Both both[] = {{"port-unreachable", 3, 4},
                                    {"admin-prohibited", 13, 1},
                                    {"no-route", 0, 0},
                                    {"host-unreachable", 1, 3}};
    const std::string& name = reject.code.text.empty() ? std::string(both[0].name) : reject.code.text;
    packet::RejectIcmp codes;
    std::vector<std::string> names;
    if (reject.with.text == "icmpx" || reject.with.text.empty()) {
        for (const Both& row : both) {
            names.emplace_back(row.name);
            if (row.name == name) {
                codes = {row.code4, row.code6};
            }
        }
    } else {
        const bool ip6 = reject.with.text == "icmpv6";
        const TypeId type = ip6 ? TypeId::Icmpv6Code : TypeId::IcmpCode;
        for (const Symbol& symbol : all_symbols()) {
            const bool asks_size = symbol.type == TypeId::IcmpCode && symbol.value == 4; // frag-needed
            if (symbol.type != type || asks_size) {
                continue;
            }
            names.emplace_back(symbol.name);
            if (symbol.name == name) {
                (ip6 ? codes.code6 : codes.code4) = static_cast<uint8_t>(symbol.value);
            }
        }
    }
    if (!codes.code4 && !codes.code6) {
        const std::string near = did_you_mean(name, names);
        context.report(Diag::UnknownOption, reject.code.span, "code of `" + reject.with.text + "`", name)
            .with_hint(near.empty() ? fmt::format("one of {}", fmt::join(names, ", ")) : near);
        return {};
    }
    return codes;
}

Condition exists(HeaderId header, Span span) {
    return {span, Test{{{ExistsKey{header}}}, {{{1, 1}}}, false, span, "exists"}};
}

/// Whether the rule has a limit of its own.
bool is_limited(const Rule& rule) {
    return std::any_of(rule.statements.begin(), rule.statements.end(), [](const Statement& statement) {
        return std::holds_alternative<LimitStatement>(statement);
    });
}

} // namespace

std::optional<packet::Rewrite> read_reject(Context& context, const ast::RejectStatement& reject, Span span,
                                           Rule& rule) {
    std::optional<packet::Rewrite> what = packet::RejectTcp{};
    Condition asked = exists(HeaderId::Tcp, span);
    if (reject.with.text != "tcp reset") {
        const auto codes = codes_of(context, reject);
        if (!codes) {
            return {};
        }
        what = *codes;
        asked = exists(codes->code4 ? HeaderId::Ip : HeaderId::Ip6, span);
        if (codes->code4 && codes->code6) {
            asked = {span, AnyOf{{exists(HeaderId::Ip, span), exists(HeaderId::Ip6, span)}}};
        }
    }
    rule.statements.emplace_back(MatchStatement{std::move(asked)});
    if (!is_limited(rule)) {
        add_reject_limit(context, span, rule);
    }
    return what;
}

bool read_vlan_push(Context& context, const ast::VlanPushStatement& push, Span span, Rule& rule) {
    const auto id = read_single(context, push.id, {TypeId::Integer, 12, "vlan id", false});
    const auto pcp = push.pcp ? read_single(context, *push.pcp, {TypeId::Integer, 3, "vlan pcp", false})
                              : std::optional<u128>(0);
    const std::string& type = push.type.text;
    if (!type.empty() && type != "8021q" && type != "8021ad") {
        context.report(Diag::UnknownOption, push.type.span, "type of tag", type)
            .with_hint("`8021q` or `8021ad`");
        return false;
    }
    if (!id || !pcp) {
        return false;
    }
    packet::VlanPush what;
    what.tpid = push.type.text == "8021ad" ? 0x88a8 : 0x8100;
    what.tci = static_cast<uint16_t>(*pcp << 13 | *id);
    rule.statements.emplace_back(RewriteStatement{what, {}, span});
    return true;
}

} // namespace xdpc::checking
