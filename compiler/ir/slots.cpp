#include "compiler/base/overloaded.h"
#include "compiler/ir/ir.h"

namespace xdpc::ir {

namespace {

/// `… counter drop`: what passes the counter always reaches the end.
bool counts_the_same(const xdpc::Rule& rule) {
    size_t counts = 0;
    for (const Statement& statement : rule.statements) {
        counts += std::holds_alternative<CountStatement>(statement) ? 1 : 0;
    }
    const size_t n = rule.statements.size();
    if (!rule.counts || counts != 1 || n < 2) {
        return false;
    }
    for (const Statement& statement : rule.statements) {
        if (std::holds_alternative<VmapStatement>(statement) ||
            std::holds_alternative<LiveVmapStatement>(statement) ||
            std::holds_alternative<LimitStatement>(statement)) { // where its table is full
            return false;                                        // may decide before the counter
        }
    }
    const auto* verdict = std::get_if<VerdictStatement>(&rule.statements[n - 1]);
    return verdict && std::holds_alternative<CountStatement>(rule.statements[n - 2]) &&
           is_terminal(verdict->verdict);
}

} // namespace

SlotPlan assign_slots(const Policy& policy) {
    SlotPlan plan;
    plan.end.resize(policy.rules.size() + policy.chains.size());
    plan.mid.resize(policy.rules.size());
    for (const xdpc::Rule& rule : policy.rules) {
        auto& end = plan.end[decider_of(policy, rule.id).value];
        if (rule.counts) {
            end = SlotId{plan.slots++};
        }
        if (counts_the_same(rule)) {
            plan.mid[rule.id.value] = end;
        } else if (rule.counts_mid) {
            plan.mid[rule.id.value] = SlotId{plan.slots++};
        }
    }
    for (const xdpc::Chain& chain : policy.chains) {
        if (chain.counts_policy) {
            plan.end[decider_of(policy, chain.id).value] = SlotId{plan.slots++};
        }
    }
    for (size_t i = 0; i < policy.counters.size(); ++i) {
        plan.named.push_back(SlotId{plan.slots++});
    }
    return plan;
}

uint64_t identity_of(const Verdict& verdict) {
    const std::optional<ChainId> target = target_of(verdict);
    const auto* redirect = std::get_if<Redirect>(&verdict);
    const uint32_t which = target ? target->value : redirect != nullptr ? redirect->to.value : 0;
    return uint64_t{verdict.index()} << 32 | which;
}

std::optional<ChainId> target_of(const Verdict& verdict) {
    using Target = std::optional<ChainId>;
    return std::visit(Overloaded{
                          [](const Jump& jump) { return Target(jump.chain); },
                          [](const Goto& go) { return Target(go.chain); },
                          [](const Pass&) { return Target(); },
                          [](const Drop&) { return Target(); },
                          [](const Abort&) { return Target(); },
                          [](const Tx&) { return Target(); },
                          [](const Redirect&) { return Target(); },
                          [](const Return&) { return Target(); },
                          [](const Continue&) { return Target(); },
                      },
                      verdict);
}

namespace {

/// One list of which steps read keys, for both kinds of step. `Keys` is a pointer to their list.
template<class Keys, class S> Keys keys_in(S& step) {
    return std::visit(Overloaded{
        [](const Guard&) { return Keys(); },
        [](const Count&) { return Keys(); },
        [](const Decide&) { return Keys(); },
        [](auto& reads) -> Keys
            requires requires { reads.keys; }
        { return &reads.keys; },
        [](const QuotaStep&) { return Keys(); },
        [](const Log&) { return Keys(); },
        [](const Sample&) { return Keys(); },
        [](const Route&) { return Keys(); },
        },
        step.node);
}

} // namespace

const std::vector<KeyId>* keys_of(const Step& step) {
    return keys_in<const std::vector<KeyId>*>(step);
}

std::vector<KeyId>* keys_of(Step& step) {
    return keys_in<std::vector<KeyId>*>(step);
}

} // namespace xdpc::ir
