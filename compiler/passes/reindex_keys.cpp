#include "compiler/passes/pass.h"

namespace xdpc::passes {

namespace {

template<class F> void each_use(ir::Program& program, F use) {
    each_cond_of(program, [&](ir::Cond& cond) {
        if (auto* atom = std::get_if<ir::Atom>(&cond.node)) {
            use(atom->key);
        } else if (auto* lookup = std::get_if<ir::Lookup>(&cond.node)) {
            for (ir::KeyId& key : lookup->keys) {
                use(key);
            }
        } else if (auto* live = std::get_if<ir::SetLookup>(&cond.node)) {
            for (ir::KeyId& key : live->keys) {
                use(key);
            }
        }
    });
    each_step(program, [&](ir::Step& step) {
        if (auto* keys = ir::keys_of(step)) {
            for (ir::KeyId& key : *keys) {
                use(key);
            }
        }
    });
}

} // namespace

bool reindex_keys(ir::Program& program) {
    std::vector<bool> used(program.keys.size(), false);
    each_use(program, [&](const ir::KeyId& key) { used[key.value] = true; });
    std::vector<uint32_t> new_id(program.keys.size(), 0);
    std::vector<KeySource> kept;
    for (size_t i = 0; i < program.keys.size(); ++i) {
        if (used[i]) {
            new_id[i] = static_cast<uint32_t>(kept.size());
            kept.push_back(program.keys[i]);
        }
    }
    if (kept.size() == program.keys.size()) {
        return false;
    }
    each_use(program, [&](ir::KeyId& key) { key.value = new_id[key.value]; });
    program.keys = std::move(kept);
    return true;
}

} // namespace xdpc::passes
