#include "compiler/base/overloaded.h"
#include "compiler/ir/disjoint.h"
#include "compiler/ir/ir.h"

#include <map>
#include <unordered_map>

namespace xdpc::ir {

namespace {

/// Tuples of at most so many boxes become comparisons of their own; more share one table.
constexpr size_t few_boxes = 4;

uint64_t pack(const KeySource& source) {
    return std::visit(
        Overloaded{
            [](const FieldKey& k) { return static_cast<uint64_t>(k.field); },
            [](const RawKey& k) {
                return uint64_t{1} << 60 | static_cast<uint64_t>(k.base) << 48 |
                       uint64_t{k.bit_offset} << 16 | k.bit_width;
            },
            [](const ExistsKey& k) { return uint64_t{2} << 60 | static_cast<uint64_t>(k.header); },
            [](const MetaKey& k) {
                return uint64_t{3} << 60 | static_cast<uint64_t>(k.meta) << 32 | k.occurrence;
            },
        },
        source);
}

class Flattener {
public:
    explicit Flattener(const Policy& policy) : policy_(policy), slots_(assign_slots(policy)) {}
    Program run();

private:
    KeyId key(const KeySource& source);
    u128 mask_of(const Key& key) const { return key.mask & max_of_width(width_of(key.source)); }
    void keys_of(const std::vector<Key>& keys, std::vector<KeyId>& ids, std::vector<u128>& masks);
    Cond condition(const Condition& condition);
    Cond test(const Test& test);
    Cond single(const Test& test);
    Cond boxes(const Test& test);
    TableId table(const std::vector<Key>& keys, std::vector<Table::Entry> entries);
    Dispatch dispatch(const VmapStatement& vmap);
    RewriteStep rewrite(const RewriteStatement& statement);
    Pick pick(const PickStatement& statement);
    Rule rule(const xdpc::Rule& rule);

    const Policy& policy_;
    SlotPlan slots_;
    Program program_;
    std::unordered_map<uint64_t, KeyId> known_keys_;
};

KeyId Flattener::key(const KeySource& source) {
    const auto [found, added] =
        known_keys_.try_emplace(pack(source), KeyId{static_cast<uint32_t>(program_.keys.size())});
    if (added) {
        program_.keys.push_back(source);
    }
    return found->second;
}

void Flattener::keys_of(const std::vector<Key>& keys, std::vector<KeyId>& ids, std::vector<u128>& masks) {
    for (const Key& part : keys) {
        ids.push_back(key(part.source));
        masks.push_back(mask_of(part));
    }
}

Cond Flattener::condition(const Condition& condition) {
    return std::visit(Overloaded{
                          [&](const Test& t) { return test(t); },
                          [&](const SetTest& t) {
                              SetLookup lookup;
                              keys_of(t.keys, lookup.keys, lookup.masks);
                              lookup.set = t.set;
                              lookup.negated = t.negated;
                              lookup.counts = policy_.set(t.set).has_counter;
                              return Cond{std::move(lookup), t.span};
                          },
                          [&](const AllOf& all) {
                              And result;
                              for (const Condition& part : all.parts) {
                                  result.parts.push_back(this->condition(part));
                              }
                              return Cond{std::move(result), condition.span};
                          },
                          [&](const AnyOf& any) {
                              Or result;
                              for (const Condition& part : any.parts) {
                                  result.parts.push_back(this->condition(part));
                              }
                              return Cond{std::move(result), condition.span};
                          },
                          [&](const NotOf& negation) {
                              Not result;
                              result.part.push_back(this->condition(negation.part.front()));
                              return Cond{std::move(result), condition.span};
                          },
                      },
                      condition.node);
}

Cond Flattener::test(const Test& test) {
    if (test.keys.empty()) { // an empty tuple lies in any box
        const bool holds = test.boxes.empty() == test.negated;
        return holds ? Cond{And{}, test.span} : Cond{Or{}, test.span};
    }
    return test.keys.size() == 1 ? single(test) : boxes(test);
}

Cond Flattener::single(const Test& test) {
    std::vector<Interval> intervals;
    for (const Box& box : test.boxes) {
        intervals.push_back(box.front());
    }
    const Key& only = test.keys.front();
    IntervalSet values = IntervalSet::of(std::move(intervals));
    if (test.negated) {
        values = values.complement(width_of(only.source));
    }
    return {Atom{key(only.source), mask_of(only), std::move(values)}, test.span};
}

/// A negated tuple needs all its keys present, which a plain Not would not ask for.
Cond Flattener::boxes(const Test& test) {
    if (test.boxes.size() > few_boxes) {
        Lookup lookup;
        std::vector<Table::Entry> entries;
        keys_of(test.keys, lookup.keys, lookup.masks);
        for (const Box& box : test.boxes) {
            entries.push_back({box, 0});
        }
        lookup.table = table(test.keys, std::move(entries));
        lookup.negated = test.negated;
        return {std::move(lookup), test.span};
    }
    Or any;
    for (const Box& box : test.boxes) {
        And all;
        for (size_t i = 0; i < test.keys.size(); ++i) {
            all.parts.push_back(
                {Atom{key(test.keys[i].source), mask_of(test.keys[i]), IntervalSet::of({box[i]})},
                 test.span});
        }
        any.parts.push_back({std::move(all), test.span});
    }
    if (!test.negated) {
        return {std::move(any), test.span};
    }
    And result;
    for (const Key& part : test.keys) {
        const IntervalSet any_value = IntervalSet::all(width_of(part.source));
        result.parts.push_back({Atom{key(part.source), mask_of(part), any_value}, test.span});
    }
    result.parts.push_back({Not{{{std::move(any), test.span}}}, test.span});
    return {std::move(result), test.span};
}

TableId Flattener::table(const std::vector<Key>& keys, std::vector<Table::Entry> entries) {
    Table result;
    for (const Key& part : keys) {
        result.widths.push_back(width_of(part.source));
    }
    result.entries = keys.size() == 1 ? disjoint(std::move(entries)) : std::move(entries);
    program_.tables.push_back(std::move(result));
    return {static_cast<uint32_t>(program_.tables.size() - 1)};
}

Dispatch Flattener::dispatch(const VmapStatement& vmap) {
    Dispatch result;
    std::vector<Table::Entry> entries;
    std::unordered_map<uint64_t, uint32_t> known; // verdict to its index
    for (const auto& [box, verdict] : vmap.entries) {
        const auto [found, added] =
            known.try_emplace(identity_of(verdict), static_cast<uint32_t>(result.verdicts.size()));
        if (added) {
            result.verdicts.push_back(verdict);
        }
        entries.push_back({box, found->second});
    }
    keys_of(vmap.keys, result.keys, result.masks);
    result.table = table(vmap.keys, std::move(entries));
    result.otherwise = vmap.otherwise;
    return result;
}

RewriteStep Flattener::rewrite(const RewriteStatement& statement) {
    RewriteStep step{statement.what, {}, {}};
    keys_of(statement.keys, step.keys, step.masks);
    if (!statement.map) {
        return step;
    }
    step.otherwise = statement.map->otherwise;
    step.live = statement.map->live;
    if (step.live) {
        return step;
    }
    std::vector<Table::Entry> entries;
    std::map<u128, uint32_t> known; // value to its index
    for (const auto& [box, value] : statement.map->entries) {
        const auto [found, added] = known.try_emplace(value, static_cast<uint32_t>(step.values.size()));
        if (added) {
            step.values.push_back(value);
        }
        entries.push_back({box, found->second});
    }
    step.table = table(statement.keys, std::move(entries));
    return step;
}

Pick Flattener::pick(const PickStatement& statement) {
    Pick step;
    keys_of(statement.keys, step.keys, step.masks);
    step.live = statement.live;
    step.otherwise = statement.otherwise;
    step.count = statement.count;
    if (step.live) {
        return step;
    }
    std::vector<Table::Entry> entries;
    for (const auto& [box, which] : statement.entries) {
        entries.push_back({box, which});
    }
    step.table = table(statement.keys, std::move(entries));
    return step;
}

Rule Flattener::rule(const xdpc::Rule& rule) {
    const DeciderId decider = decider_of(policy_, rule.id);
    Rule result{decider, slots_.end[decider.value], rule.span, {}};
    const std::optional<SlotId> mid = slots_.mid[rule.id.value];
    for (const Statement& statement : rule.statements) {
        std::visit(Overloaded{
                       [&](const MatchStatement& match) {
                           result.steps.push_back({Guard{condition(match.condition)}, match.condition.span});
                       },
                       [&](const CountStatement&) {
                           if (mid && mid != result.slot) { // else the end counts both
                               result.steps.push_back({Count{*mid}, rule.span});
                           }
                       },
                       [&](const VerdictStatement& verdict) {
                           result.steps.push_back({Decide{verdict.verdict}, rule.span});
                       },
                       [&](const VmapStatement& vmap) {
                           result.steps.push_back({dispatch(vmap), vmap.span, vmap.may_lack});
                       },
                       [&](const LiveVmapStatement& vmap) {
                           LiveDispatch live;
                           keys_of(vmap.keys, live.keys, live.masks);
                           live.map = vmap.map;
                           live.verdicts = policy_.set(vmap.map).verdicts;
                           live.otherwise = vmap.otherwise;
                           result.steps.push_back({std::move(live), vmap.span, vmap.may_lack});
                       },
                       [&](const LimitStatement& limit) {
                           LimitStep step{limit.limit, limit.over, {}, {}, limit.drops};
                           keys_of(policy_.limit(limit.limit).keys, step.keys, step.masks);
                           result.steps.push_back({std::move(step), limit.span, limit.may_lack});
                       },
                       [&](const QuotaStatement& quota) {
                           result.steps.push_back({QuotaStep{quota.quota, quota.over}, quota.span});
                       },
                       [&](const NamedCountStatement& count) {
                           result.steps.push_back({Count{slots_.named[count.counter.value]}, rule.span});
                       },
                       [&](const UpdateSetStatement& update) {
                           UpdateSet step{update.op, update.set, {}, {}, update.timeout_ns};
                           keys_of(update.keys, step.keys, step.masks);
                           result.steps.push_back({std::move(step), update.span, update.may_lack});
                       },
                       [&](const LogStatement& log) {
                           result.steps.push_back({Log{log.index, log.every_ns}, log.span});
                       },
                       [&](const SampleStatement& sample) {
                           result.steps.push_back(
                               {Sample{sample.one_in, sample.snap, sample.occurrence}, sample.span});
                       },
                       [&](const RewriteStatement& rewrite) {
                           result.steps.push_back({this->rewrite(rewrite), rewrite.span, rewrite.may_lack});
                       },
                       [&](const RouteStatement& route) {
                           result.steps.push_back({Route{route.table}, route.span});
                       },
                       [&](const PickStatement& pick) {
                           result.steps.push_back({this->pick(pick), pick.span, pick.may_lack});
                       },
                   },
                   statement);
    }
    return result;
}

Program Flattener::run() {
    program_.entry = policy_.entry;
    program_.slots = slots_.slots;
    for (const xdpc::Chain& chain : policy_.chains) {
        Chain result;
        result.name = chain.name;
        for (const RuleId id : chain.rules) {
            result.rules.push_back(rule(policy_.rule(id)));
        }
        const DeciderId decider = decider_of(policy_, chain.id);
        result.end = {chain.policy, decider, slots_.end[decider.value], chain.policy_span};
        program_.chains.push_back(std::move(result));
    }
    return std::move(program_);
}

} // namespace

Program flatten(const Policy& policy) {
    return Flattener(policy).run();
}

} // namespace xdpc::ir
