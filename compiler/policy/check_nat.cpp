// `snat to` and `dnat to`: the fields that they set. Nothing is remembered of a packet, so what goes back
// needs a rule of its own.
#include "compiler/policy/check_context.h"

#include <bit>

namespace xdpc::checking {

namespace {

struct Target {
    FieldId field;
    Interval addresses; // one, or a prefix
};

/// Of the one family that the value has addresses of; nothing after an error was reported.
std::optional<Target> target_of(Context& context, const ast::Value& value, bool source) {
    const FieldId fields[] = {source ? FieldId::IpSaddr : FieldId::IpDaddr,
                              source ? FieldId::Ip6Saddr : FieldId::Ip6Daddr};
    std::vector<Target> found;
    for (const FieldId field : fields) {
        const KeySource key = FieldKey{field};
        std::vector<Interval> read;
        if (!read_slot(context, value, {type_of(key), width_of(key), name_of(key), true}, read)) {
            return {};
        }
        for (const Interval& each : read) {
            found.push_back({field, each});
        }
    }
    if (found.size() != 1) {
        context.report(Diag::MisplacedValue, value.span, "`" + shown(context, value.span) + "`")
            .with_hint("one address, or one prefix whose hosts keep their numbers");
        return {};
    }
    return found.front();
}

/// An address becomes that, one of many that of the prefix with its own last bits.
std::optional<packet::SetField> set_of(Context& context, const Target& target, Span span) {
    using Op = packet::Operation::Op;
    const auto& [low, high] = target.addresses;
    packet::SetField set;
    set.field = target.field;
    if (low == high) {
        set.number = low;
        return set;
    }
    const u128 hosts = low ^ high;
    if ((hosts & (hosts + 1)) != 0 || (low & hosts) != 0) {
        context.report(Diag::NotYetSupported, span, "a range of addresses that is no prefix");
        return {};
    }
    set.from_key = true;
    set.operations = {{Op::And, hosts}, {Op::Or, low}};
    return set;
}

} // namespace

bool read_nat(Context& context, const ast::NatStatement& nat, Span span, Rule& rule) {
    if (nat.port) { // first: a packet without ports stays as it is
        const FieldId field = nat.source ? FieldId::ThSport : FieldId::ThDport;
        const KeySource key = FieldKey{field};
        const auto port = read_single(context, *nat.port, {type_of(key), width_of(key), name_of(key), false});
        if (!port) {
            return false;
        }
        packet::SetField set;
        set.field = field;
        set.number = *port;
        add_set_field(std::move(set), {}, span, rule);
    }
    if (nat.address) {
        const auto target = target_of(context, *nat.address, nat.source);
        auto set = target ? set_of(context, *target, nat.address->span) : std::nullopt;
        if (!set) {
            return false;
        }
        const auto from = set->from_key ? std::vector<Key>{{FieldKey{set->field}}} : std::vector<Key>();
        add_set_field(std::move(*set), from, span, rule);
    }
    return true;
}

} // namespace xdpc::checking
