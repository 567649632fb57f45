#include "compiler/passes/pass.h"

#include "compiler/base/overloaded.h"

#include <algorithm>

namespace xdpc::passes {

namespace {

/// Whether no rule of the chain runs behind a rule that ends so.
bool leaves_the_chain(const Verdict& verdict) {
    return std::visit(Overloaded{
                          [](const Pass&) { return true; },
                          [](const Drop&) { return true; },
                          [](const Abort&) { return true; },
                          [](const Tx&) { return true; },
                          [](const Redirect&) { return true; },
                          [](const Goto&) { return true; },
                          [](const Return&) { return true; },
                          [](const Jump&) { return false; },
                          [](const Continue&) { return false; },
                      },
                      verdict);
}

/// A verdict map ends its rule, unless one of its verdicts is `continue`.
bool goes_on(const ir::Dispatch& dispatch) {
    auto is_continue = [](const Verdict& verdict) { return std::holds_alternative<Continue>(verdict); };
    return std::any_of(dispatch.verdicts.begin(), dispatch.verdicts.end(), is_continue) ||
           (dispatch.otherwise && is_continue(*dispatch.otherwise));
}

/// Nothing behind a verdict runs.
bool cut_steps(std::vector<ir::Step>& steps) {
    for (size_t i = 0; i + 1 < steps.size(); ++i) {
        const ir::StepNode& node = steps[i].node;
        const auto* dispatch = std::get_if<ir::Dispatch>(&node);
        const bool ends = dispatch != nullptr && !steps[i].may_lack && !goes_on(*dispatch);
        if (std::holds_alternative<ir::Decide>(node) || ends) {
            steps.resize(i + 1);
            return true;
        }
    }
    return false;
}

bool always_leaves(const ir::Rule& rule) {
    for (const ir::Step& step : rule.steps) {
        if (const auto* decide = std::get_if<ir::Decide>(&step.node)) {
            return leaves_the_chain(decide->verdict);
        }
        const bool goes_on = std::holds_alternative<ir::Count>(step.node) ||
                             std::holds_alternative<ir::Log>(step.node) ||
                             std::holds_alternative<ir::Sample>(step.node);
        if (!goes_on) {
            return false;
        }
    }
    return false;
}

} // namespace

bool unreachable(ir::Program& program) {
    bool changed = false;
    for (ir::Chain& chain : program.chains) {
        for (size_t i = 0; i < chain.rules.size(); ++i) {
            changed = cut_steps(chain.rules[i].steps) || changed;
            if (i + 1 < chain.rules.size() && always_leaves(chain.rules[i])) {
                chain.rules.resize(i + 1);
                changed = true;
            }
        }
    }
    return changed;
}

} // namespace xdpc::passes
