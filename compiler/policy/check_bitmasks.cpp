// `tcp flags` without `&`: nft's reading of flags as a bitmask.
#include "compiler/policy/check_context.h"

namespace xdpc::checking {

namespace {

Condition masked(const ResolvedKey& key, u128 mask, Interval values, bool negated, Span span,
                 std::string wanted) {
    Key part = key.key;
    part.mask = mask;
    return {span, Test{{part}, {{values}}, negated, span, std::move(wanted)}};
}

/// `syn / syn,ack`: of these flags, exactly those.
std::optional<Condition> check_slash(Context& context, const ast::Match& match, const ast::SlashValue& slash,
                                     const ResolvedKey& key, Span span) {
    const auto flags = read_single(context, *slash.left, key.slot);
    const auto mask = read_single(context, *slash.right, key.slot);
    if (!flags || !mask) {
        return {};
    }
    if ((*flags & ~*mask) != 0) {
        context.report(Diag::OutsideMask, match.value->span, format_value(key.slot.type, *flags),
                       format_value(key.slot.type, *mask));
        return {};
    }
    const bool negated = match.relation == ast::Relation::Ne;
    return masked(key, *mask, {*flags, *flags}, negated, span,
                  (negated ? "!= " : "") + shown(context, match.value->span));
}

/// `! syn,ack`: the `!` is the list's, though it stands at its first flag.
const ast::NotValue* negation_of(const Context& context, const ast::Value& value) {
    const auto* comma = std::get_if<ast::CommaValue>(&value.node);
    const ast::Value& first = comma != nullptr && !comma->parts.empty() ? comma->parts[0] : value;
    const auto* negation = std::get_if<ast::NotValue>(&first.node);
    return negation != nullptr && context.sources.text(first.span).starts_with("!") ? negation : nullptr;
}

/// The flags of `value`, less the `!` that is dealt with.
std::optional<u128> flags_of(Context& context, const ast::Value& value, const ast::NotValue* negation,
                             const Slot& slot) {
    if (negation == nullptr) {
        return read_single(context, value, slot);
    }
    auto flags = read_single(context, *negation->operand, slot);
    const auto* comma = std::get_if<ast::CommaValue>(&value.node);
    for (size_t i = 1; comma != nullptr && i < comma->parts.size(); ++i) {
        const auto more = read_single(context, comma->parts[i], slot);
        flags = flags && more ? std::optional(*flags | *more) : std::nullopt;
    }
    return flags;
}

/// `syn,ack`: any of these; `! syn`: none of them.
std::optional<Condition> check_any(Context& context, const ast::Match& match, const ast::Value& value,
                                   const ResolvedKey& key, Span span) {
    const ast::NotValue* negation = negation_of(context, value);
    const auto flags = flags_of(context, value, negation, key.slot);
    if (!flags) {
        return {};
    }
    const std::string text = shown(context, match.value->span);
    if (*flags == 0) {
        context.report(Diag::EmptyValue, match.value->span, "`" + text + "`", key.slot.name)
            .with_hint("without flags: `tcp flags == 0`");
        return {};
    }
    const u128 lowest = *flags & (~*flags + 1);
    const Interval values = negation != nullptr ? Interval{0, 0} : Interval{lowest, *flags};
    return masked(key, *flags, values, false, span, negation != nullptr ? text : "any of " + text);
}

} // namespace

std::optional<std::optional<Condition>> check_flags(Context& context, const ast::Match& match,
                                                    const ResolvedKey& key, Span span) {
    const bool plain = key.slot.type == TypeId::TcpFlag && key.key.mask == Key{}.mask;
    if (!plain) {
        return {};
    }
    const ast::Value& value = behind_defines(context, *match.value);
    const bool equality = match.relation == ast::Relation::Implied || match.relation == ast::Relation::Eq ||
                          match.relation == ast::Relation::Ne;
    if (const auto* slash = std::get_if<ast::SlashValue>(&value.node); slash != nullptr && equality) {
        return check_slash(context, match, *slash, key, span);
    }
    const bool one = !std::holds_alternative<ast::ListValue>(value.node) &&
                     !std::holds_alternative<ast::SetRef>(value.node) &&
                     !std::holds_alternative<ast::RangeValue>(value.node) &&
                     !std::holds_alternative<ast::DefineRef>(value.node) &&
                     !std::holds_alternative<ast::ErrorValue>(value.node);
    if (match.relation == ast::Relation::Implied && one) {
        return check_any(context, match, value, key, span);
    }
    return {};
}

} // namespace xdpc::checking
