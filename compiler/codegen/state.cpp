// What lasts from packet to packet: live sets, limits, quotas, events (runtime/STATE.md).
#include "compiler/codegen/rules.h"

#include <cassert>

namespace xdpc::codegen {

using namespace llvm;

void emit_set_lookup(Lowering& l, const ir::SetLookup&, const KeyReader&, BasicBlock*, BasicBlock* no) {
    assert(false);
    l.builder.CreateBr(no);
}
void emit_live_dispatch(RuleScope&, const ir::LiveDispatch&, BasicBlock*) {
    assert(false);
}
void emit_limit(RuleScope&, const ir::LimitStep&, BasicBlock*) {
    assert(false);
}
void emit_quota(RuleScope&, const ir::QuotaStep&, BasicBlock*) {
    assert(false);
}
void emit_update(RuleScope&, const ir::UpdateSet&, BasicBlock*) {
    assert(false);
}
void emit_log(RuleScope&, const ir::Log&) {
    assert(false);
}
void emit_sample(RuleScope&, const ir::Sample&) {
    assert(false);
}

} // namespace xdpc::codegen
