// The statements of a rule.
#include "compiler/ast/print.h"
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

/// Present in every packet, so that `not` means what it seems to.
bool is_always_present(const KeySource& source) {
    return std::visit(Overloaded{
                          [](const FieldKey& key) { return info(key.field).header == HeaderId::Ether; },
                          [](const RawKey& key) {
                              return key.base == RawBase::Ll && key.bit_offset + key.bit_width <= 112;
                          },
                          [](const ExistsKey& key) {
                              const Layer layer = info(key.header).layer;
                              return layer != Layer::Extension && layer != Layer::Option &&
                                     key.header != HeaderId::Ah;
                          },
                          [](const MetaKey& key) {
                              return key.meta != MetaId::Protocol && key.meta != MetaId::L4proto &&
                                     key.meta != MetaId::Fragment;
                          },
                      },
                      source);
}

bool may_lack(const Condition& condition) {
    auto any = [](const std::vector<Condition>& parts) {
        return std::any_of(parts.begin(), parts.end(), may_lack);
    };
    return std::visit(Overloaded{
                          [](const Test& test) {
                              return !std::all_of(test.keys.begin(), test.keys.end(), [](const Key& key) {
                                  return is_always_present(key.source);
                              });
                          },
                          [](const SetTest& test) {
                              return !std::all_of(test.keys.begin(), test.keys.end(), [](const Key& key) {
                                  return is_always_present(key.source);
                              });
                          },
                          [&](const AllOf& all) { return any(all.parts); },
                          [&](const AnyOf& some) { return any(some.parts); },
                          [&](const NotOf& negation) { return any(negation.part); },
                      },
                      condition.node);
}

/// A `not ( )` that a packet can satisfy by lacking a field.
const Condition* find_open_not(const Condition& condition) {
    auto first = [](const std::vector<Condition>& parts) -> const Condition* {
        for (const Condition& part : parts) {
            if (const Condition* found = find_open_not(part)) {
                return found;
            }
        }
        return nullptr;
    };
    return std::visit(Overloaded{
                          [](const Test&) -> const Condition* { return nullptr; },
                          [](const SetTest&) -> const Condition* { return nullptr; },
                          [&](const AllOf& all) { return first(all.parts); },
                          [&](const AnyOf& some) { return first(some.parts); },
                          [&](const NotOf& negation) -> const Condition* {
                              return may_lack(negation.part[0]) ? &condition : nullptr;
                          },
                      },
                      condition.node);
}

using VerdictTest = bool (*)(const Verdict&);

bool can(const VmapStatement& vmap, VerdictTest wanted) {
    return (vmap.otherwise && wanted(*vmap.otherwise)) ||
           std::any_of(vmap.entries.begin(), vmap.entries.end(),
                       [&](const auto& entry) { return wanted(entry.second); });
}

bool can(const Policy& policy, const LiveVmapStatement& vmap, VerdictTest wanted) {
    const std::vector<Verdict>& verdicts = policy.set(vmap.map).verdicts;
    return (vmap.otherwise && wanted(*vmap.otherwise)) ||
           std::any_of(verdicts.begin(), verdicts.end(), wanted);
}

/// What a limit does where it has no room for a key.
bool can(const Limit& limit, VerdictTest wanted) {
    return !limit.keys.empty() && ((limit.on_full == Limit::OnFull::Drop && wanted(Drop{})) ||
                                   (limit.on_full == Limit::OnFull::Pass && wanted(Pass{})));
}

bool can(const Policy& policy, const Rule& rule, VerdictTest wanted) {
    return std::any_of(rule.statements.begin(), rule.statements.end(), [&](const Statement& statement) {
        const auto* verdict = std::get_if<VerdictStatement>(&statement);
        const auto* vmap = std::get_if<VmapStatement>(&statement);
        const auto* live = std::get_if<LiveVmapStatement>(&statement);
        const auto* limit = std::get_if<LimitStatement>(&statement);
        const auto* rewrite = std::get_if<RewriteStatement>(&statement);
        const bool routes = std::holds_alternative<RouteStatement>(statement);
        return (routes && (wanted(Pass{}) || wanted(Drop{}))) ||
               (rewrite != nullptr && packet::may_refuse(rewrite->what) && wanted(Drop{})) ||
               (verdict != nullptr && wanted(verdict->verdict)) || (vmap != nullptr && can(*vmap, wanted)) ||
               (live != nullptr && can(policy, *live, wanted)) ||
               (limit != nullptr && can(policy.limit(limit->limit), wanted));
    });
}

/// Whether asking counts in an element of a live set.
bool counts(const Policy& policy, const Condition& condition) {
    const auto any = [&](const std::vector<Condition>& parts) {
        return std::any_of(parts.begin(), parts.end(),
                           [&](const Condition& part) { return counts(policy, part); });
    };
    return std::visit(Overloaded{
                          [](const Test&) { return false; },
                          [&](const SetTest& test) { return policy.set(test.set).has_counter; },
                          [&](const AllOf& all) { return any(all.parts); },
                          [&](const AnyOf& some) { return any(some.parts); },
                          [&](const NotOf& negation) { return any(negation.part); },
                      },
                      condition.node);
}

void warn_of_not(Context& context, const Rule& rule) {
    if (!can(context.policy, rule,
             [](const Verdict& verdict) { return std::holds_alternative<Pass>(verdict); })) {
        return;
    }
    for (const Statement& statement : rule.statements) {
        const auto* match = std::get_if<MatchStatement>(&statement);
        if (match == nullptr) {
            continue;
        }
        if (const Condition* open = find_open_not(match->condition)) {
            context.report(Diag::NotLeadsToPass, open->span)
                .with_hint("`FIELD != VALUE` is false where the field is absent");
        }
    }
}

struct RuleReader {
    Context& context;
    Rule& rule;
    bool ended = false; // a verdict was read, nothing behind it runs
    bool gave_verdict = false;
    bool has_effect = false; // besides a verdict
    bool fine = true;        // nothing wrong so far
    bool nocount = false;

    bool read(const ast::Statement& statement) {
        return std::visit([&](const auto& node) { return one(node, statement.span); }, statement.node);
    }

private:
    bool reached(Span span) {
        if (ended) {
            context.report(Diag::AfterVerdict, span, shown(context, span))
                .with_hint("write the verdict last");
        }
        return !ended;
    }
    bool add(std::optional<Condition> condition) {
        if (condition) {
            has_effect = has_effect || counts(context.policy, *condition);
            rule.statements.emplace_back(MatchStatement{std::move(*condition)});
        }
        return condition.has_value();
    }
    bool one(const ast::Match& match, Span span) {
        const bool here = reached(span);
        return add(check_match(context, match, span)) && here;
    }
    bool one(const ast::Group& group, Span span) {
        const bool here = reached(span);
        return add(check_group(context, group, span)) && here;
    }
    bool one(const ast::Vmap& vmap, Span span) {
        const bool here = reached(span);
        std::vector<AnyVmap> maps = check_vmap(context, vmap, span);
        gave_verdict = true;
        ended = true;
        if (maps.empty()) {
            return false;
        }
        const auto goes_on = [](const Verdict& verdict) { return std::holds_alternative<Continue>(verdict); };
        std::vector<std::vector<Key>> tuples;
        for (const AnyVmap& map : maps) {
            std::visit([&](const auto& each) { tuples.push_back(each.keys); }, map);
            // To a live one an element may always come that says `continue`.
            const auto* plain = std::get_if<VmapStatement>(&map);
            ended = ended && plain != nullptr && !can(*plain, goes_on);
        }
        ask_for_families(rule, needed_tests(tuples[0], span), tuples, span);
        for (AnyVmap& map : maps) {
            std::visit([&](auto& each) { rule.statements.emplace_back(std::move(each)); }, map);
        }
        return here;
    }
    bool one(const ast::VerdictNode& node, Span span) {
        const bool here = reached(span);
        ended = true;
        gave_verdict = true;
        const auto verdict = resolve_verdict(context, node);
        if (verdict) {
            rule.statements.emplace_back(VerdictStatement{*verdict});
        }
        return verdict && here;
    }
    bool one(const ast::UpdateStatement& update, Span span) {
        return effect(span, [&] { return read_update(context, update, span, rule); });
    }
    bool one(const ast::CounterStatement&, Span span) {
        const bool here = reached(span);
        rule.statements.emplace_back(CountStatement{});
        rule.counts_mid = true;
        has_effect = true;
        return here;
    }
    bool one(const ast::LimitStatement& limit, Span span) {
        const bool here = reached(span);
        // One of a rule's own is asked for what follows; one with a name also for others.
        has_effect = has_effect || !std::holds_alternative<ast::Rate>(limit.what);
        return read_limit(context, limit, span, rule) && here;
    }
    bool one(const ast::QuotaStatement& quota, Span span) {
        return effect(span, [&] { return read_quota(context, quota, span, rule); });
    }
    bool one(const ast::NamedCounterStatement& counter, Span span) {
        return effect(span, [&] { return read_named_counter(context, counter, span, rule); });
    }
    bool one(const ast::LogStatement& log, Span span) {
        return effect(span, [&] { return read_log(context, log, span, rule); });
    }
    bool one(const ast::SampleStatement& sample, Span span) {
        return effect(span, [&] { return read_sample(context, sample, span, rule); });
    }
    bool one(const ast::SetStatement& set, Span span) {
        return effect(span, [&] { return read_set(context, set, span, rule); });
    }
    bool one(const ast::NatStatement& nat, Span span) {
        return effect(span, [&] { return read_nat(context, nat, span, rule); });
    }
    bool one(const ast::ReflectStatement&, Span span) { return answer(packet::Reflect{}, span); }
    bool one(const ast::ReplyStatement&, Span span) { return answer(packet::ReplyEcho{}, span); }
    bool one(const ast::RejectStatement& reject, Span span) {
        auto what = read_reject(context, reject, span, rule);
        return what ? answer(std::move(*what), span) : false;
    }
    bool one(const ast::VlanPushStatement& push, Span span) {
        return effect(span, [&] { return read_vlan_push(context, push, span, rule); });
    }
    bool one(const ast::VlanPopStatement&, Span span) {
        return effect(span, [&] {
            rule.statements.emplace_back(RewriteStatement{packet::VlanPop{}, {}, span});
            return true;
        });
    }
    bool one(const ast::EncapStatement& encap, Span span) {
        return effect(span, [&] { return read_encap(context, encap, span, rule); });
    }
    bool one(const ast::DecapStatement& decap, Span span) {
        return effect(span, [&] { return read_decap(context, decap, span, rule); });
    }
    bool one(const ast::RouteStatement& route, Span span) {
        const bool here = reached(span);
        ended = true;
        gave_verdict = true;
        return read_route(context, route, span, rule) && here;
    }
    /// A statement that does something by itself, and goes on; `read` adds it.
    template<class Read> bool effect(Span span, Read read) {
        const bool here = reached(span);
        has_effect = true;
        return read() && here;
    }
    /// Makes of the packet what goes back.
    bool answer(packet::Rewrite what, Span span) {
        const bool here = reached(span);
        rule.statements.emplace_back(RewriteStatement{std::move(what), {}, span});
        rule.statements.emplace_back(VerdictStatement{Tx{}});
        ended = true;
        gave_verdict = true;
        return here;
    }
    bool one(const ast::NocountStatement&, Span) {
        nocount = true;
        return true;
    }
    bool one(const ast::CommentStatement& comment, Span) {
        rule.comment = comment.text;
        return true;
    }
    bool one(const ast::OtherStatement& other, Span span) {
        context.report(Diag::NotYetSupported, span, "`" + other.keyword.text + "`");
        return false;
    }
    bool one(const ast::ErrorStatement&, Span) { return false; }
};

} // namespace

bool check_rule(Context& context, const ast::Rule& rule, Rule& result) {
    RuleReader reader{context, result};
    for (const ast::Statement& statement : rule.statements) {
        if (!reader.read(statement)) {
            reader.fine = false;
            mark_mentions(context, statement.span);
        }
    }
    result.text = ast::print(rule);
    result.counts =
        !reader.nocount && context.policy.options.counters && can(context.policy, result, is_terminal);
    if (!reader.fine) {
        return false;
    }
    if (!reader.gave_verdict && !reader.has_effect) {
        context.report(Diag::NoEffect, rule.span).with_hint("a rule ends with a verdict, or has a `counter`");
    }
    warn_of_not(context, result);
    find_contradictions(context, result);
    return true;
}

} // namespace xdpc::checking
