// Which tables of state a program asks, what their functions cost, and how they are printed.
#include "compiler/base/overloaded.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc {

namespace {

void use(StateUse& state, const ir::Cond& cond) {
    const auto parts = [&](const std::vector<ir::Cond>& all) {
        for (const ir::Cond& part : all) {
            use(state, part);
        }
    };
    std::visit(Overloaded{
                   [](const ir::Atom&) {},
                   [](const ir::Lookup&) {},
                   [&](const ir::SetLookup& lookup) { state.asked.insert(lookup.set); },
                   [&](const ir::And& all) { parts(all.parts); },
                   [&](const ir::Or& any) { parts(any.parts); },
                   [&](const ir::Not& negation) { parts(negation.part); },
               },
               cond.node);
}

void ask(StateUse& state, const std::optional<SetId>& live) {
    if (live) {
        state.asked.insert(*live);
    }
}

void use(StateUse& state, const ir::Step& step) {
    std::visit(Overloaded{
                   [&](const ir::Guard& guard) { use(state, guard.cond); },
                   [](const ir::Count&) {},
                   [](const ir::Decide&) {},
                   [](const ir::Dispatch&) {},
                   [&](const ir::LiveDispatch& dispatch) { state.asked.insert(dispatch.map); },
                   [&](const ir::LimitStep& limit) {
                       (limit.keys.empty() ? state.limits : state.keyed_limits).insert(limit.limit);
                   },
                   [&](const ir::QuotaStep& quota) { state.quotas.insert(quota.quota); },
                   [&](const ir::UpdateSet& update) { state.changed.insert({update.set, update.op}); },
                   [](const ir::Log&) {},
                   [](const ir::Sample&) {},
                   [&](const ir::RewriteStep& rewrite) { ask(state, rewrite.live); },
                   [](const ir::Route&) {},
                   [&](const ir::Pick& pick) { ask(state, pick.live); },
               },
               step.node);
}

/// What the kernel holds, in words.
const char* structure_of(LiveSet::Kind kind) {
    switch (kind) {
    case LiveSet::Kind::Hash:
        return "hash";
    case LiveSet::Kind::Interval:
        return "tree of intervals";
    case LiveSet::Kind::Tuples:
        return "hash for each combination of prefix lengths";
    case LiveSet::Kind::Dynamic:
        return "kernel hash that rules change";
    }
    return "";
}

std::string widths_of(const LiveSet& set) {
    std::vector<uint16_t> widths;
    for (const SetPart& part : set.parts) {
        widths.push_back(part.width);
    }
    return fmt::format("{}", fmt::join(widths, " . "));
}

std::string widths_of(const Limit& limit) {
    std::vector<uint16_t> widths;
    for (const Key& key : limit.keys) {
        widths.push_back(width_of(key.source));
    }
    return fmt::format("{}", fmt::join(widths, " . "));
}

} // namespace

StateUse state_of(const ir::Program& program) {
    StateUse state;
    for (const ir::Chain& chain : program.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                use(state, step);
            }
        }
    }
    return state;
}

cost::TableCost cost::of_state(const StateUse& state) {
    TableCost total;
    const auto functions = [&](size_t count, TableCost each) {
        total.code = add(total.code, multiply(count, each.code));
        total.processed = add(total.processed, multiply(count, each.processed));
    };
    functions(state.asked.size(), set_function);
    functions(state.changed.size(), keyed_function);
    functions(state.keyed_limits.size(), keyed_function);
    functions(state.limits.empty() ? 0 : 1, limit_function);
    return total;
}

std::string print(const StateUse& state, const Policy& policy) {
    std::set<SetId> sets = state.asked;
    for (const auto& [set, op] : state.changed) {
        sets.insert(set);
    }
    std::string text;
    for (const SetId id : sets) {
        const LiveSet& set = policy.set(id);
        text += fmt::format("set{} @{} {}, size {}, keys of {} bits\n", id.value, set.name,
                            structure_of(set.kind), set.size, widths_of(set));
    }
    for (const LimitId id : state.limits) {
        text += fmt::format("limit{} {}, one bucket\n", id.value, policy.limit(id).display);
    }
    for (const LimitId id : state.keyed_limits) {
        const Limit& limit = policy.limit(id);
        text += fmt::format("limit{} {} kernel hash of buckets, size {}, keys of {} bits\n", id.value,
                            limit.display, limit.size, widths_of(limit));
    }
    for (const QuotaId id : state.quotas) {
        text += fmt::format("quota{} {}\n", id.value, policy.quota(id).display);
    }
    return text;
}

} // namespace xdpc
