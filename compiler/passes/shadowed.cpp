// Rules that no packet gets through to, since one earlier rule of the chain decides all that they match. They
// are dropped; their counters stay where they are, at zero. A later rule that would decide the same as one
// further down is not: it has a counter of its own.
#include "compiler/passes/cover.h"
#include "compiler/passes/pass.h"

#include <algorithm>
#include <span>

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

/// Of rules that follow each other, which all meet the same packet: marks those that no packet gets through
/// to.
void find_shadowed(std::span<const ir::Rule> same, const ir::Program& program, std::vector<bool>& gone,
                   std::vector<ShadowedRule>& dropped) {
    std::vector<ir::NormalRule> rules;
    CoverIndex index(program);
    for (const ir::Rule& rule : same) {
        rules.push_back(ir::normalize(rule, program));
        const ir::NormalRule& normal = rules.back();
        for (const ir::Conjunction& all : normal.any) {
            if (normal.exact && !normal.falls) {
                index.add(static_cast<uint32_t>(rules.size() - 1), all);
            }
        }
    }
    index.finish();
    for (uint32_t i = 0; i < rules.size(); ++i) {
        const std::vector<uint32_t> by = covering(index, i, rules[i]);
        gone.push_back(!by.empty());
        if (by.empty()) {
            continue;
        }
        ShadowedRule& rule = dropped.emplace_back();
        rule.span = same[i].span;
        for (const uint32_t earlier : by) {
            rule.by.push_back(same[earlier].span);
        }
    }
}

void drop_shadowed(ir::Chain& chain, const ir::Program& program, const std::vector<bool>& rewriting,
                   std::vector<ShadowedRule>& dropped) {
    std::vector<bool> gone;
    const std::span<const ir::Rule> rules = chain.rules;
    for (size_t begin = 0, end = 0; begin < rules.size(); begin = end) {
        while (end < rules.size() && !ir::rewrites(rules[end++], rewriting)) {
        }
        find_shadowed(rules.subspan(begin, end - begin), program, gone, dropped);
    }
    size_t i = 0;
    std::erase_if(chain.rules, [&](const ir::Rule&) { return gone[i++]; });
}

} // namespace

bool shadowed(ir::Program& program, std::vector<ShadowedRule>& dropped) {
    const size_t before = dropped.size();
    const std::vector<bool> rewriting = ir::rewriting_chains(program);
    for (ir::Chain& chain : program.chains) {
        drop_shadowed(chain, program, rewriting, dropped);
    }
    return dropped.size() != before;
}

} // namespace xdpc::passes
