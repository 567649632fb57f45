// What rules ask of live sets, and what they change in them.
#include "compiler/policy/check_live_sets.h"

namespace xdpc::checking {

namespace {

/// Reports why no rule can change the set; true if one can.
bool can_change(Context& context, const SetEntry& set, const ast::Name& name) {
    std::string why;
    if (set.item->is_map) {
        why = "a map";
    } else if (!set.live[0]) {
        why = "constant";
    } else if (context.policy.set(*set.live[0]).has_intervals()) {
        why = "a set of intervals";
    } else {
        return true;
    }
    context.report(Diag::RulesCannotChange, name.span, name.text, why)
        .with_note(set.item->name.span, "declared here");
    return false;
}

std::optional<uint64_t> read_timeout(Context& context, const ast::UpdateStatement& update,
                                     const LiveSet& set) {
    const ast::Value& value = *update.timeout;
    if (update.op == ast::UpdateStatement::Op::Delete) {
        context.report(Diag::MisplacedValue, value.span, "a timeout").with_hint("`delete @set { KEY }`");
        return {};
    }
    if (!set.has_timeout) {
        context.report(Diag::NeedsTrait, value.span, "`timeout`", "flags timeout", set.name)
            .with_note(set.span, "declared here");
        return {};
    }
    const auto* word = std::get_if<ast::Word>(&value.node);
    return read_time(context, word != nullptr ? std::string_view(word->text) : shown(context, value.span),
                     value.span);
}

UpdateSetStatement::Op op_of(ast::UpdateStatement::Op op) {
    switch (op) {
    case ast::UpdateStatement::Op::Add:
        return UpdateSetStatement::Op::Add;
    case ast::UpdateStatement::Op::Update:
        return UpdateSetStatement::Op::Update;
    case ast::UpdateStatement::Op::Delete:
        return UpdateSetStatement::Op::Delete;
    }
    return UpdateSetStatement::Op::Add;
}

} // namespace

std::vector<Key> live_keys(std::vector<Key> keys) {
    for (Key& key : keys) {
        const auto* field = std::get_if<FieldKey>(&key.source);
        if (field != nullptr && field->field == FieldId::EtherType) {
            key.source = MetaKey{MetaId::Protocol};
        }
    }
    return keys;
}

Condition live_test(const SetEntry& set, std::vector<Key> keys, const std::vector<Slot>& slots, bool negated,
                    Span span, std::string wanted) {
    AllOf all{needed_tests(keys, span)};
    Condition test{span, SetTest{live_keys(std::move(keys)), *set.live[family_of(set, slots)], negated, span,
                                 std::move(wanted)}};
    if (all.parts.empty()) {
        return test;
    }
    all.parts.push_back(std::move(test));
    return {span, std::move(all)};
}

bool read_update(Context& context, const ast::UpdateStatement& update, Span span, Rule& rule) {
    const auto keys = resolve_all(context, update.keys, nullptr);
    if (!keys) {
        return false;
    }
    SetEntry* set = use_set(context, update.set, {}, *keys);
    if (set == nullptr || !can_change(context, *set, update.set)) {
        return false;
    }
    const std::vector<Variant> variants = variants_of(*keys, set);
    std::vector<UpdateSetStatement> statements;
    std::vector<std::vector<Key>> tuples;
    for (const Variant& variant : variants) {
        LiveSet& live = context.policy.sets[set->live[family_of(*set, variant.slots)]->value];
        live.kind = LiveSet::Kind::Dynamic;
        UpdateSetStatement& statement = statements.emplace_back();
        statement.op = op_of(update.op);
        statement.span = span;
        statement.set = live.id;
        statement.keys = live_keys(variant.keys);
        tuples.push_back(statement.keys);
        statement.may_lack = variants.size() > 1;
        if (update.timeout) {
            statement.timeout_ns = read_timeout(context, update, live);
            if (!statement.timeout_ns) {
                return false;
            }
        }
    }
    ask_for_families(rule, needed_tests(variants[0].keys, span), tuples, span);
    for (UpdateSetStatement& statement : statements) {
        rule.statements.emplace_back(std::move(statement));
    }
    return true;
}

} // namespace xdpc::checking
