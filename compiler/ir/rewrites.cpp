// Which rules may change the packet that comes by.
#include "compiler/ir/ir.h"

#include <algorithm>

namespace xdpc::ir {

namespace {

bool has_own(const Rule& rule) {
    return std::any_of(rule.steps.begin(), rule.steps.end(),
                       [](const Step& step) { return std::holds_alternative<RewriteStep>(step.node); });
}

} // namespace

std::vector<bool> rewriting_chains(const Program& program) {
    std::vector<bool> chains(program.chains.size());
    for (bool found = true; found;) { // until no more are found: chains lead to others
        found = false;
        for (size_t i = 0; i < chains.size(); ++i) {
            const std::vector<Rule>& rules = program.chains[i].rules;
            if (!chains[i] && std::any_of(rules.begin(), rules.end(),
                                          [&](const Rule& rule) { return rewrites(rule, chains); })) {
                chains[i] = found = true;
            }
        }
    }
    return chains;
}

bool rewrites(const Rule& rule, const std::vector<bool>& chains) {
    bool any = has_own(rule);
    each_target(rule, [&](ChainId target) { any = any || chains[target.value]; });
    return any;
}

bool is_deaf(const Step& step) {
    const auto* decide = std::get_if<Decide>(&step.node);
    return std::holds_alternative<Count>(step.node) || std::holds_alternative<Log>(step.node) ||
           std::holds_alternative<Sample>(step.node) || (decide && action_of(decide->verdict));
}

namespace {

/// Decides, and reads nothing for it.
bool only_decides(const Rule& rule, size_t begin) {
    for (size_t i = begin; i < rule.steps.size() && is_deaf(rule.steps[i]); ++i) {
        if (std::holds_alternative<Decide>(rule.steps[i].node)) {
            return true;
        }
    }
    return false;
}

bool goes_on_rewritten(const Rule& rule) {
    const auto first = std::find_if(rule.steps.begin(), rule.steps.end(), [](const Step& step) {
        return std::holds_alternative<RewriteStep>(step.node);
    });
    return first != rule.steps.end() &&
           !only_decides(rule, static_cast<size_t>(first - rule.steps.begin()) + 1);
}

template<class Has> bool any_rule(const Program& program, Has has) {
    return std::any_of(program.chains.begin(), program.chains.end(), [&](const Chain& chain) {
        return std::any_of(chain.rules.begin(), chain.rules.end(), has);
    });
}

} // namespace

bool may_rewrite(const Program& program) {
    return any_rule(program, [](const Rule& rule) {
        return has_own(rule) || std::any_of(rule.steps.begin(), rule.steps.end(), [](const Step& step) {
                   return std::holds_alternative<Route>(step.node);
               });
    });
}

bool goes_on_rewritten(const Program& program) {
    return any_rule(program, [](const Rule& rule) { return goes_on_rewritten(rule); });
}

} // namespace xdpc::ir
