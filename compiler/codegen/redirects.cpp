// Packets that go out of another interface.
#include "compiler/codegen/rules.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t map_type_devmap = 14;                  // BPF_MAP_TYPE_DEVMAP
constexpr uint32_t action_abort = 0, action_redirect = 4; // enum xdp_action

} // namespace

void store_result(Lowering& l, uint64_t offset, uint32_t value) {
    constexpr uint64_t begin = offsetof(xdpc_test_area, result);
    l.builder.CreateAlignedStore(l.c32(value), at(l, l.test_area, begin + offset), Align(4), true);
}

/// A packet whose interface is gone is aborted, by the same rule.
void emit_redirect(RuleScope& s, const Redirect& redirect, const std::function<void(uint32_t)>& decide) {
    Lowering& l = s.l;
    if (l.test_area) {
        store_result(l, offsetof(xdpc_test_result, target), redirect.to.value);
    }
    if (!l.devices) {
        l.devices = map_global(l, "devices");
        const auto entries = static_cast<uint32_t>(l.input.policy.interfaces.size());
        l.debug.describe_map(*l.devices, MapShape{map_type_devmap, 4, 4, entries, 0});
    }
    Value* action = call_helper(l, Helper::RedirectMap, l.i64(),
                                {l.devices, l.c64(redirect.to.value), l.c64(action_abort)});
    BasicBlock* there = l.block("redirected");
    BasicBlock* gone = l.block("gone");
    branch_rarely(l, l.builder.CreateICmpNE(action, l.c64(action_redirect)), gone, there);
    l.builder.SetInsertPoint(gone);
    decide(action_abort);
    l.builder.SetInsertPoint(there);
    decide(action_redirect);
}

} // namespace xdpc::codegen
