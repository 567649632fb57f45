// Rules that no packet gets through to, since one earlier rule of the chain decides all that they match. They
// are dropped; their counters stay where they are, at zero. A later rule that would decide the same as one
// further down is not: it has a counter of its own.
#include "compiler/passes/cover.h"
#include "compiler/passes/pass.h"

#include <algorithm>

namespace xdpc::passes {

namespace {

/// The earlier rules that decide all that this one matches, each once; none if that is not so.
std::vector<uint32_t> covering(CoverIndex& index, uint32_t rule, const ir::NormalRule& normal) {
    std::vector<uint32_t> found;
    for (const ir::Conjunction& all : normal.any) {
        const auto by = index.find(rule, all);
        if (!by) {
            return {};
        }
        if (std::find(found.begin(), found.end(), *by) == found.end()) {
            found.push_back(*by);
        }
    }
    return found;
}

void drop_shadowed(ir::Chain& chain, const ir::Program& program, std::vector<ShadowedRule>& dropped) {
    std::vector<ir::NormalRule> rules;
    CoverIndex index(program);
    for (const ir::Rule& rule : chain.rules) {
        rules.push_back(ir::normalize(rule, program));
        const ir::NormalRule& normal = rules.back();
        for (const ir::Conjunction& all : normal.any) {
            if (normal.exact && !normal.falls) {
                index.add(static_cast<uint32_t>(rules.size() - 1), all);
            }
        }
    }
    index.finish();
    std::vector<bool> gone(rules.size());
    for (uint32_t i = 0; i < rules.size(); ++i) {
        const std::vector<uint32_t> by = covering(index, i, rules[i]);
        if (by.empty()) {
            continue;
        }
        gone[i] = true;
        ShadowedRule& rule = dropped.emplace_back();
        rule.span = chain.rules[i].span;
        for (const uint32_t earlier : by) {
            rule.by.push_back(chain.rules[earlier].span);
        }
    }
    size_t i = 0;
    std::erase_if(chain.rules, [&](const ir::Rule&) { return gone[i++]; });
}

} // namespace

bool shadowed(ir::Program& program, std::vector<ShadowedRule>& dropped) {
    const size_t before = dropped.size();
    for (ir::Chain& chain : program.chains) {
        drop_shadowed(chain, program, dropped);
    }
    return dropped.size() != before;
}

} // namespace xdpc::passes
