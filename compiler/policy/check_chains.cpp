// Chains: verdicts and their targets, policies, cycles, depth, what is never reached.
#include "compiler/policy/check_context.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

std::optional<Verdict> policy_of(Context& context, const ast::ChainPolicy& policy) {
    switch (policy.verdict.kind) {
    case ast::VerdictKind::Pass:
        return Pass{};
    case ast::VerdictKind::Drop:
        return Drop{};
    case ast::VerdictKind::Abort:
        return Abort{};
    case ast::VerdictKind::Tx:
        return Tx{};
    case ast::VerdictKind::Redirect:
    case ast::VerdictKind::Jump:
    case ast::VerdictKind::Goto:
    case ast::VerdictKind::Return:
    case ast::VerdictKind::Continue:
        break;
    }
    context.report(Diag::WrongPolicy, policy.verdict.span, shown(context, policy.verdict.span));
    return {};
}

/// `policy dorp`: a mistake was reported, and it is not that the line is missing.
bool has_wrong_policy_line(const Context& context, const ast::Chain& item) {
    return std::any_of(item.rules.begin(), item.rules.end(), [&](const ast::Rule& rule) {
        return rule.statements.size() == 1 &&
               std::holds_alternative<ast::ErrorStatement>(rule.statements[0].node) &&
               context.sources.text(rule.span).starts_with("policy");
    });
}

void check_policy(Context& context, Chain& chain, const ast::Chain& item) {
    if (item.policy) {
        chain.policy = policy_of(context, *item.policy);
        chain.policy_span = item.policy->span;
        chain.counts_policy = context.policy.options.counters;
    } else if (chain.name == "ingress") {
        if (!has_wrong_policy_line(context, item)) {
            context.report(Diag::NoPolicy, item.name.span).with_hint("say `policy pass` or `policy drop`");
        }
        chain.policy = Pass{};
        chain.policy_span = item.name.span;
        chain.counts_policy = context.policy.options.counters;
    }
}

/// Whether no packet gets past the rule.
bool is_final(const Rule& rule) {
    for (const Statement& statement : rule.statements) {
        if (const auto* verdict = std::get_if<VerdictStatement>(&statement)) {
            return is_terminal(verdict->verdict) || std::holds_alternative<Goto>(verdict->verdict) ||
                   std::holds_alternative<Return>(verdict->verdict);
        }
        const bool goes_on = std::holds_alternative<CountStatement>(statement) ||
                             std::holds_alternative<NamedCountStatement>(statement) ||
                             std::holds_alternative<LogStatement>(statement) ||
                             std::holds_alternative<SampleStatement>(statement);
        if (!goes_on) {
            return false;
        }
    }
    return false;
}

void check_label(Context& context, const ast::Rule& rule) {
    if (rule.label.text.empty()) {
        return;
    }
    if (rule.label.text == "policy") {
        context.report(Diag::ReservedName, rule.label.span, "policy")
            .with_hint("`policy` names the chain's policy in tests and counters");
        return;
    }
    const auto [found, fresh] = context.rule_names.try_emplace(rule.label.text, rule.label.span);
    if (!fresh) {
        context.report(Diag::DuplicateName, rule.label.span, "rule", rule.label.text)
            .with_hint("counters and tests go by the name: give each rule its own")
            .with_note(found->second, "first defined here");
    }
}

std::string base_name(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// The name, or FILE:LINE; of several rules in one line the later ones say their column too.
std::string display_name(Context& context, const ast::Rule& rule, const Rule* before) {
    if (!rule.label.text.empty()) {
        return rule.label.text;
    }
    const Position at = context.sources.position(rule.span);
    std::string text = fmt::format("{}:{}", base_name(context.sources.get(rule.span.file).path), at.line);
    const bool same_line = before != nullptr && before->span.file == rule.span.file &&
                           context.sources.position(before->span).line == at.line;
    return same_line ? fmt::format("{}:{}", text, at.column) : text;
}

void check_chain_rules(Context& context, Chain& chain, const ast::Chain& item) {
    const Span* final_rule = nullptr;
    bool warned = false;
    for (const ast::Rule& rule : item.rules) {
        check_label(context, rule);
        Rule result;
        result.id = {static_cast<uint32_t>(context.policy.rules.size())};
        result.chain = chain.id;
        result.name = rule.label.text;
        result.display = display_name(context, rule,
                                      context.policy.rules.empty() ? nullptr : &context.policy.rules.back());
        result.span = rule.span;
        context.current_chain = chain.id;
        const bool fine = check_rule(context, rule, result);
        context.current_chain.reset();
        if (final_rule != nullptr && !warned) {
            context.report(Diag::Unreachable, rule.span)
                .with_note(*final_rule, "this rule ends the way of every packet");
            warned = true;
        }
        context.policy.rules.push_back(std::move(result));
        context.policy.chains[chain.id.value].rules.push_back(context.policy.rules.back().id);
        if (fine && final_rule == nullptr && is_final(context.policy.rules.back())) {
            final_rule = &rule.span;
        }
    }
}

/// Walks the chains from one on: finds cycles, the deepest way, and what is reached.
struct ChainWalk {
    Context& context;
    std::vector<std::vector<const Edge*>> edges;
    std::vector<uint8_t> state;      // 0 not seen, 1 on the way, 2 done
    std::vector<unsigned> depth;     // of the deepest way from the chain on
    std::vector<const Edge*> deeper; // its first step
    std::vector<ChainId> path;
    bool cyclic = false;

    explicit ChainWalk(Context& of) : context(of) {
        const size_t chains = of.policy.chains.size();
        edges.resize(chains);
        state.resize(chains);
        depth.resize(chains);
        deeper.resize(chains);
        for (const Edge& edge : of.edges) {
            edges[edge.from.value].push_back(&edge);
        }
    }

    void report_cycle(const Edge& edge) {
        cyclic = true;
        std::string way;
        for (auto at = std::find(path.begin(), path.end(), edge.to); at != path.end(); ++at) {
            way += context.policy.chain(*at).name + " → ";
        }
        const std::string& name = context.policy.chain(edge.to).name;
        context.report(Diag::JumpCycle, edge.span, name, way + name);
    }

    // Iterative: a policy may have very many chains in a row.
    void visit(ChainId root) {
        std::vector<std::pair<ChainId, size_t>> stack = {{root, 0}};
        state[root.value] = 1;
        path.push_back(root);
        while (!stack.empty()) {
            auto& [chain, next] = stack.back();
            if (next == edges[chain.value].size()) {
                state[chain.value] = 2;
                path.pop_back();
                stack.pop_back();
                continue_parent(stack);
                continue;
            }
            const Edge& edge = *edges[chain.value][next++];
            if (state[edge.to.value] == 1) {
                report_cycle(edge);
            } else if (state[edge.to.value] == 2) {
                raise(edge);
            } else {
                state[edge.to.value] = 1;
                path.push_back(edge.to);
                stack.emplace_back(edge.to, 0);
            }
        }
    }

private:
    void continue_parent(const std::vector<std::pair<ChainId, size_t>>& stack) {
        if (!stack.empty()) {
            raise(*edges[stack.back().first.value][stack.back().second - 1]);
        }
    }
    void raise(const Edge& edge) {
        if (depth[edge.to.value] + 1 > depth[edge.from.value]) {
            depth[edge.from.value] = depth[edge.to.value] + 1;
            deeper[edge.from.value] = &edge;
        }
    }
};

void check_depth(Context& context, const ChainWalk& walk) {
    const ChainId entry = context.policy.entry;
    if (walk.cyclic || walk.depth[entry.value] < max_chain_depth) {
        return;
    }
    std::string way = context.policy.chain(entry).name;
    ChainId at = entry;
    const Edge* last = nullptr;
    for (unsigned step = 0; step < max_chain_depth && walk.deeper[at.value] != nullptr; ++step) {
        last = walk.deeper[at.value];
        at = last->to;
        way += " → " + context.policy.chain(at).name;
    }
    context.report(Diag::JumpDepth, last->span, max_chain_depth, way);
}

void check_ways(Context& context, bool has_entry) {
    ChainWalk walk(context);
    if (has_entry) {
        walk.visit(context.policy.entry);
        check_depth(context, walk);
    }
    for (const Chain& chain : context.policy.chains) {
        const bool duplicate = context.chains.find(chain.name)->second != chain.id;
        const bool unreached = walk.state[chain.id.value] == 0;
        if (unreached && has_entry && !duplicate && !context.mentioned_chains.contains(chain.id) &&
            chain.span.file == context.main) {
            context.report(Diag::Unused, context.chain_items[chain.id.value]->name.span, "chain", chain.name);
        }
    }
    for (const Chain& chain : context.policy.chains) { // cycles among chains that nothing leads to
        if (walk.state[chain.id.value] == 0) {
            walk.visit(chain.id);
        }
    }
}

void report_missing_entry(Context& context) {
    Diagnostic& diagnostic = context.report(Diag::MissingEntry, Span{context.main, 0, 0});
    std::vector<std::string> names;
    for (const ast::Chain* chain : context.chain_items) {
        names.push_back(chain->name.text);
        if (!chain->hook.empty() || (chain->policy && diagnostic.hint.empty())) {
            diagnostic.with_hint("packets enter at the chain `ingress`; rename `" + chain->name.text +
                                 "` to it");
        }
    }
    if (diagnostic.hint.empty()) {
        diagnostic.with_hint("packets enter at `chain ingress { policy drop … }`");
    }
}

/// The interface gets its number where it is first named.
std::optional<Verdict> redirect_to(Context& context, const ast::VerdictNode& verdict) {
    const std::string& name = verdict.target.text;
    if (!check_interface_name(context, verdict.target)) {
        return {};
    }
    std::vector<NamedInterface>& all = context.policy.interfaces;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const NamedInterface& iface) { return iface.name == name; });
    const InterfaceId id{static_cast<uint32_t>(found - all.begin())};
    if (found == all.end()) {
        all.push_back({name, verdict.target.span});
    }
    return Redirect{id};
}

} // namespace

std::optional<Verdict> resolve_verdict(Context& context, const ast::VerdictNode& verdict) {
    switch (verdict.kind) {
    case ast::VerdictKind::Pass:
        return Pass{};
    case ast::VerdictKind::Drop:
        return Drop{};
    case ast::VerdictKind::Abort:
        return Abort{};
    case ast::VerdictKind::Tx:
        return Tx{};
    case ast::VerdictKind::Redirect:
        return redirect_to(context, verdict);
    case ast::VerdictKind::Return:
        return Return{};
    case ast::VerdictKind::Continue:
        return Continue{};
    case ast::VerdictKind::Jump:
    case ast::VerdictKind::Goto:
        break;
    }
    auto found = context.chains.find(verdict.target.text);
    if (found == context.chains.end()) {
        std::vector<std::string> names;
        for (const auto& [name, id] : context.chains) {
            names.push_back(name);
        }
        const std::string near = nearest(verdict.target.text, names);
        if (!near.empty()) {
            context.mentioned_chains.insert(context.chains.find(near)->second);
        }
        context.report(Diag::UndefinedChain, verdict.target.span, verdict.target.text)
            .with_hint(near.empty() ? "`chain " + verdict.target.text.substr(0, 40) + " { … }` defines one"
                                    : "did you mean `" + near + "`?");
        return {};
    }
    if (context.current_chain) {
        context.edges.push_back({*context.current_chain, found->second, verdict.span});
    }
    if (verdict.kind == ast::VerdictKind::Jump) {
        return Jump{found->second};
    }
    return Goto{found->second};
}

void check_chains(Context& context) {
    const auto entry = context.chains.find("ingress");
    const bool has_entry = entry != context.chains.end();
    if (has_entry) {
        context.policy.entry = entry->second;
    } else {
        report_missing_entry(context);
    }
    for (size_t i = 0; i < context.chain_items.size(); ++i) {
        check_policy(context, context.policy.chains[i], *context.chain_items[i]);
        check_chain_rules(context, context.policy.chains[i], *context.chain_items[i]);
    }
    check_ways(context, has_entry);
}

} // namespace xdpc::checking
