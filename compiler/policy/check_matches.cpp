// Matches and groups as conditions.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

const char* sign_of(ast::Relation relation) {
    switch (relation) {
    case ast::Relation::Implied:
    case ast::Relation::Exists:
    case ast::Relation::Missing:
    case ast::Relation::True:
        return "";
    case ast::Relation::Eq:
        return "==";
    case ast::Relation::Ne:
        return "!=";
    case ast::Relation::Lt:
        return "<";
    case ast::Relation::Le:
        return "<=";
    case ast::Relation::Gt:
        return ">";
    case ast::Relation::Ge:
        return ">=";
    }
    return "";
}

std::string wanted_of(const Context& context, ast::Relation relation, Span value) {
    const std::string sign = sign_of(relation);
    return sign + (sign.empty() ? "" : " ") + shown(context, value);
}

/// `exthdr frag exists`, `meta vlan missing`, `meta malformed`.
std::optional<Condition> check_existence(Context& context, const ast::Match& match, Span span) {
    if (match.keys.size() != 1) {
        context.report(Diag::MisplacedValue, span, "a concatenation");
        return {};
    }
    const auto key = resolve(context, match.keys[0], nullptr, 0);
    if (!key) {
        return {};
    }
    if (key->slot.type != TypeId::Boolean || key->other) {
        const bool asked = match.relation != ast::Relation::True;
        const char* word = match.relation == ast::Relation::Missing ? "missing" : "exists";
        if (!asked) {
            context.report(Diag::MisplacedValue, key->span, "`" + key->slot.name + "` without a value");
            return {};
        }
        Diagnostic& diagnostic = context.report(Diag::ExistsOfField, span, word, key->slot.name);
        if (const auto* field = std::get_if<FieldKey>(&key->key.source)) {
            diagnostic.with_hint(fmt::format("`{} {}`", info(info(field->field).header).keyword, word));
        }
        return {};
    }
    const u128 value = match.relation == ast::Relation::Missing ? 0 : 1;
    Test test{{key->key}, {{{value, value}}}, false, span, value == 1 ? "exists" : "missing"};
    return Condition{span, std::move(test)};
}

/// Turns the one box of `< 5` into what it means.
bool apply_order(Context& context, ast::Relation relation, const ResolvedKey& key, uint16_t width,
                 const ast::Value& value, std::vector<Box>& boxes) {
    const bool single = boxes.size() == 1 && boxes[0].size() == 1 && boxes[0][0].lo == boxes[0][0].hi;
    if (!single) {
        context.report(Diag::RelationNeedsOne, value.span, sign_of(relation));
        return false;
    }
    const u128 number = boxes[0][0].lo;
    const u128 most = max_of_width(width);
    const bool below = relation == ast::Relation::Lt || relation == ast::Relation::Le;
    const bool strict = relation == ast::Relation::Lt || relation == ast::Relation::Gt;
    if (strict && number == (below ? 0 : most)) {
        context.report(Diag::NothingBeyond, value.span, key.slot.name, below ? "below" : "above",
                       format_value(key.slot.type, number));
        return false;
    }
    boxes[0][0] = below ? Interval{0, number - (strict ? 1 : 0)} : Interval{number + (strict ? 1 : 0), most};
    return true;
}

bool is_order(ast::Relation relation) {
    return relation == ast::Relation::Lt || relation == ast::Relation::Le || relation == ast::Relation::Gt ||
           relation == ast::Relation::Ge;
}

/// A value that no masked key can have is a mistake, not a match.
bool check_masks(Context& context, const Variant& variant, const std::vector<Box>& boxes, Span span) {
    for (size_t i = 0; i < variant.keys.size(); ++i) {
        const u128 mask = variant.keys[i].mask;
        for (const Box& box : boxes) {
            const bool single = box[i].lo == box[i].hi;
            if (single && (box[i].lo & ~mask) != 0) {
                context.report(Diag::OutsideMask, span, format_value(variant.slots[i].type, box[i].lo),
                               format_value(variant.slots[i].type, mask));
                return false;
            }
        }
    }
    return true;
}

/// The boxes of the right-hand side for one family; from a set or from values as written.
bool boxes_of(Context& context, const ast::Match& match, const std::vector<ResolvedKey>& keys,
              const Variant& variant, SetEntry* set, std::vector<Box>& boxes) {
    if (set == nullptr) {
        return read_boxes(context, *match.value, variant.slots, boxes);
    }
    if (!is_of_family(keys, variant, *set)) {
        return true;
    }
    boxes = set->entries[family_of(*set, variant.slots)].boxes;
    return spend(context, boxes.size(), match.value->span);
}

std::optional<Condition> check_variant(Context& context, const ast::Match& match,
                                       const std::vector<ResolvedKey>& keys, Variant variant, SetEntry* set,
                                       Span span) {
    const bool negated = match.relation == ast::Relation::Ne;
    std::vector<Box> boxes;
    if (set != nullptr && set->live[0] && is_of_family(keys, variant, *set)) {
        return live_test(*set, std::move(variant.keys), variant.slots, negated, span,
                         shown(context, match.value->span));
    }
    if (!boxes_of(context, match, keys, variant, set, boxes)) {
        return {};
    }
    if (boxes.empty() && !set && !any_family(keys)) {
        context.report(Diag::EmptyValue, match.value->span, "`" + shown(context, match.value->span) + "`",
                       keys[0].slot.name);
        return {};
    }
    if (is_order(match.relation) && !boxes.empty() &&
        !apply_order(context, match.relation, keys[0], variant.slots[0].width, *match.value, boxes)) {
        return {};
    }
    if (!check_masks(context, variant, boxes, match.value->span)) {
        return {};
    }
    TestParts parts{std::move(variant.keys), std::move(boxes), negated, span,
                    wanted_of(context, match.relation, match.value->span)};
    if (parts.boxes.empty() && negated) { // all that have the field
        Box all;
        for (const Slot& slot : variant.slots) {
            all.push_back({0, max_of_width(slot.width)});
        }
        parts.boxes.push_back(std::move(all));
        parts.negated = false;
    }
    return make_test(std::move(parts));
}

std::optional<Condition> check_values(Context& context, const ast::Match& match,
                                      const std::vector<ResolvedKey>& keys, Span span) {
    SetEntry* set = nullptr;
    if (const auto* reference = std::get_if<ast::SetRef>(&match.value->node)) {
        set = use_set(context, reference->name, false, keys);
        if (set == nullptr) {
            return {};
        }
    }
    if (is_order(match.relation) && (set != nullptr || keys.size() != 1)) {
        context.report(Diag::RelationNeedsOne, match.value->span, sign_of(match.relation));
        return {};
    }
    auto ip4 = check_variant(context, match, keys, variant_of(keys, false), set, span);
    if (!any_family(keys) || !ip4) {
        return ip4;
    }
    auto ip6 = check_variant(context, match, keys, variant_of(keys, true), set, span);
    if (!ip6) {
        return {};
    }
    auto has_none = [](const Condition& condition) {
        const auto* test = std::get_if<Test>(&condition.node);
        return test != nullptr && test->boxes.empty();
    };
    if (has_none(*ip4) && has_none(*ip6) && set == nullptr) {
        context.report(Diag::EmptyValue, match.value->span, "`" + shown(context, match.value->span) + "`",
                       keys[0].slot.name);
        return {};
    }
    if (has_none(*ip4) || has_none(*ip6)) {
        return has_none(*ip4) ? std::move(ip6) : std::move(ip4);
    }
    AnyOf either;
    either.parts.push_back(std::move(*ip4));
    either.parts.push_back(std::move(*ip6));
    return Condition{span, std::move(either)};
}

/// Everything in the group's alternative as one condition.
std::optional<Condition> check_alternative(Context& context, const std::vector<ast::Statement>& statements,
                                           Span span) {
    AllOf all;
    bool fine = true;
    for (const ast::Statement& statement : statements) {
        std::optional<Condition> part;
        if (const auto* match = std::get_if<ast::Match>(&statement.node)) {
            part = check_match(context, *match, statement.span);
        } else if (const auto* group = std::get_if<ast::Group>(&statement.node)) {
            part = check_group(context, *group, statement.span);
        } else if (const auto* other = std::get_if<ast::OtherStatement>(&statement.node)) {
            context.report(Diag::NotYetSupported, statement.span, "`" + other->keyword.text + "`");
        } else if (!std::holds_alternative<ast::ErrorStatement>(statement.node)) {
            context.report(Diag::MisplacedValue, statement.span, "`" + shown(context, statement.span) + "`");
        }
        if (part) {
            all.parts.push_back(std::move(*part));
        } else {
            fine = false;
        }
    }
    if (!fine) {
        return {};
    }
    if (all.parts.size() == 1) {
        return std::move(all.parts[0]);
    }
    return Condition{span, std::move(all)};
}

} // namespace

std::optional<Condition> check_match(Context& context, const ast::Match& match, Span span) {
    const bool asks = match.relation == ast::Relation::Exists || match.relation == ast::Relation::Missing ||
                      match.relation == ast::Relation::True;
    if (asks) {
        return check_existence(context, match, span);
    }
    const auto keys = resolve_all(context, match.keys, match.value ? &*match.value : nullptr);
    if (!keys) {
        return {};
    }
    if (!match.value) {
        context.report(Diag::MisplacedValue, span, "`" + (*keys)[0].slot.name + "` without a value");
        return {};
    }
    if (keys->size() == 1) {
        if (auto flags = check_flags(context, match, (*keys)[0], span)) {
            return std::move(*flags);
        }
    }
    return check_values(context, match, *keys, span);
}

std::optional<Condition> check_group(Context& context, const ast::Group& group, Span span) {
    AnyOf any;
    bool fine = true;
    for (const auto& alternative : group.alternatives) {
        auto part = check_alternative(context, alternative, span);
        fine = part.has_value() && fine;
        if (part) {
            any.parts.push_back(std::move(*part));
        }
    }
    if (!fine || any.parts.empty()) {
        return {};
    }
    Condition result{span, AllOf{}};
    if (any.parts.size() == 1) {
        result.node = std::move(any.parts[0].node);
    } else {
        result.node = std::move(any);
    }
    if (group.negated) {
        NotOf negation;
        negation.part.push_back(std::move(result));
        return Condition{span, std::move(negation)};
    }
    return result;
}

} // namespace xdpc::checking
