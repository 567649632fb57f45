#include "compiler/passes/pass.h"

namespace xdpc::passes {

bool dead_chains(ir::Program& program) {
    std::vector<bool> live(program.chains.size(), false);
    std::vector<uint32_t> open{program.entry.value};
    live[program.entry.value] = true;
    while (!open.empty()) {
        const ir::Chain& chain = program.chains[open.back()];
        open.pop_back();
        for (const ir::Rule& rule : chain.rules) {
            ir::each_target(rule, [&](ChainId target) {
                if (!live[target.value]) {
                    live[target.value] = true;
                    open.push_back(target.value);
                }
            });
        }
    }
    bool changed = false;
    for (size_t i = 0; i < program.chains.size(); ++i) {
        if (!live[i] && !program.chains[i].rules.empty()) {
            program.chains[i].rules.clear();
            changed = true;
        }
    }
    return changed;
}

} // namespace xdpc::passes
