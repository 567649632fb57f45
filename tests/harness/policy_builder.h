// Small checked policies built in C++, for tests of the phases behind the checker.
#pragma once

#include "compiler/policy/policy.h"

#include <algorithm>

namespace xdpc::test {

inline Condition one(KeySource source, std::vector<Interval> values, bool negated = false,
                     u128 mask = ~u128{0}) {
    xdpc::Test test;
    test.keys.push_back({source, mask});
    for (const Interval& value : values) {
        test.boxes.push_back({value});
    }
    test.negated = negated;
    return {{}, std::move(test)};
}
inline Condition field(FieldId id, u128 value) {
    return one(FieldKey{id}, {{value, value}});
}
inline Condition all_of(std::vector<Condition> parts) {
    return {{}, AllOf{std::move(parts)}};
}
inline Condition any_of(std::vector<Condition> parts) {
    return {{}, AnyOf{std::move(parts)}};
}
inline Condition not_of(Condition part) {
    return {{}, NotOf{{std::move(part)}}};
}

/// A tuple of keys in boxes.
inline Condition tuple(std::vector<KeySource> sources, std::vector<Box> boxes, bool negated = false) {
    xdpc::Test test;
    for (const KeySource& source : sources) {
        test.keys.push_back({source, ~u128{0}});
    }
    test.boxes = std::move(boxes);
    test.negated = negated;
    return {{}, std::move(test)};
}

inline Statement match(Condition condition) {
    return MatchStatement{std::move(condition)};
}
inline Statement verdict(Verdict verdict) {
    return VerdictStatement{verdict};
}
inline Statement count() {
    return CountStatement{};
}

/// Chain 0 is the entry; chains are numbered as they are added, rules as well.
class PolicyBuilder {
public:
    explicit PolicyBuilder(Verdict entry_policy = Drop{}) { chain("ingress", entry_policy); }

    ChainId chain(std::string name, std::optional<Verdict> policy = {}) {
        const ChainId id{static_cast<uint32_t>(policy_.chains.size())};
        Chain chain;
        chain.id = id;
        chain.name = std::move(name);
        chain.policy = policy;
        chain.counts_policy = policy.has_value();
        policy_.chains.push_back(std::move(chain));
        return id;
    }
    RuleId rule(std::vector<Statement> statements, ChainId chain = {0}) {
        Rule rule;
        rule.id = {static_cast<uint32_t>(policy_.rules.size())};
        rule.chain = chain;
        rule.name = rule.display = "r" + std::to_string(rule.id.value);
        for (const Statement& statement : statements) {
            const auto* last = std::get_if<VerdictStatement>(&statement);
            rule.counts = rule.counts || std::holds_alternative<VmapStatement>(statement) ||
                          (last && is_terminal(last->verdict));
            rule.counts_mid = rule.counts_mid || std::holds_alternative<CountStatement>(statement);
            if (const auto* log = std::get_if<LogStatement>(&statement)) {
                policy_.log_places = std::max(policy_.log_places, log->index + 1);
            }
        }
        rule.statements = std::move(statements);
        policy_.chains[chain.value].rules.push_back(rule.id);
        policy_.rules.push_back(std::move(rule));
        return policy_.rules.back().id;
    }
    [[nodiscard]] const Policy& get() const { return policy_; }

private:
    Policy policy_;
};

} // namespace xdpc::test
