#include "compiler/passes/fold.h"
#include "compiler/passes/pass.h"

namespace xdpc::passes {

namespace {

/// A guard that does nothing but decide.
bool is_plain_guard(const ir::Step& step) {
    const auto* guard = std::get_if<ir::Guard>(&step.node);
    return guard != nullptr && !counts(guard->cond);
}

bool does_nothing(const ir::Step& step) {
    const auto* decide = std::get_if<ir::Decide>(&step.node);
    return decide && std::holds_alternative<Continue>(decide->verdict);
}

/// Guards that follow each other are one conjunction. Appends its parts as guards; false if it can never
/// hold.
bool append_guards(std::vector<ir::Step>& done, std::vector<ir::Cond> run, const ir::Program& program) {
    if (run.empty()) {
        return true;
    }
    const Span span = run.front().span;
    ir::Cond folded = fold({ir::And{std::move(run)}, span}, program);
    if (is_false(folded)) {
        return false;
    }
    if (auto* all = std::get_if<ir::And>(&folded.node)) {
        for (ir::Cond& part : all->parts) {
            const Span where = part.span;
            done.push_back({ir::Guard{std::move(part)}, where});
        }
    } else {
        const Span where = folded.span;
        done.push_back({ir::Guard{std::move(folded)}, where});
    }
    return true;
}

std::vector<ir::Step> simplified(std::vector<ir::Step> steps, const ir::Program& program) {
    std::vector<ir::Step> done;
    std::vector<ir::Cond> run;
    bool open = true; // whether what follows can be reached
    for (ir::Step& step : steps) {
        if (is_plain_guard(step)) {
            run.push_back(std::move(std::get<ir::Guard>(step.node).cond));
            continue;
        }
        open = append_guards(done, std::move(run), program);
        run.clear();
        if (!open || does_nothing(step)) {
            break;
        }
        done.push_back(std::move(step));
    }
    // Guards at the end (also those of `run`) decide nothing.
    while (!done.empty() && is_plain_guard(done.back())) {
        done.pop_back();
    }
    return done;
}

/// Enough to tell whether a rule was changed, without a copy of all sets.
bool same_shape(const std::vector<ir::Step>& a, const std::vector<ir::Step>& b) {
    if (a.size() != b.size()) {
        return false;
    }
    for (size_t i = 0; i < a.size(); ++i) {
        const auto* x = std::get_if<ir::Guard>(&a[i].node);
        const auto* y = std::get_if<ir::Guard>(&b[i].node);
        if (a[i].node.index() != b[i].node.index() || (x && y && !(x->cond == y->cond))) {
            return false;
        }
    }
    return true;
}

} // namespace

bool simplify(ir::Program& program) {
    bool changed = false;
    for (ir::Chain& chain : program.chains) {
        std::vector<ir::Rule> kept;
        for (ir::Rule& rule : chain.rules) {
            std::vector<ir::Step> steps = simplified(rule.steps, program);
            changed = changed || !same_shape(steps, rule.steps);
            if (!steps.empty()) {
                rule.steps = std::move(steps);
                kept.push_back(std::move(rule));
            }
        }
        chain.rules = std::move(kept);
    }
    return changed;
}

} // namespace xdpc::passes
