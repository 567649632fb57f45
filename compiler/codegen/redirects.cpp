// Packets that go out of another interface.
#include "codegen-templates/templates.h"
#include "compiler/codegen/steps.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t map_type_devmap = 14, map_type_devmap_hash = 25;
constexpr uint32_t most_ports = 4096; // interfaces of a namespace that take frames
constexpr uint32_t action_abort = 0, action_drop = 1, action_pass = 2, action_redirect = 4; // enum xdp_action

} // namespace

void store_result(Lowering& l, uint64_t offset, Value* value) {
    constexpr uint64_t begin = offsetof(xdpc_test_area, result);
    l.builder.CreateAlignedStore(value, at(l, l.test_area, begin + offset), Align(4), true);
}

/// A packet whose interface is gone is aborted, by the same rule.
void emit_redirect(RuleScope& s, const Redirect& redirect, const std::function<void(uint32_t)>& decide) {
    Lowering& l = s.l;
    if (l.test_area) {
        store_result(l, offsetof(xdpc_test_result, target), l.c32(redirect.to.value));
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

void emit_route(RuleScope& s, const ir::Route& route, const Author& by, BasicBlock* absent) {
    Lowering& l = s.l;
    auto& b = l.builder;
    state_map(l, "ports", MapShape{map_type_devmap_hash, 4, 4, most_ports, 0});
    Value* result = b.CreateCall(template_function(l, "xdpc_route", 2),
                                 {s.ctx, l.c32(route.table.value_or(0)), l.c32(route.table ? 1 : 0)});
    BasicBlock* stack = l.block("to_stack");
    BasicBlock* refused = l.block("refused");
    BasicBlock* sent = l.block("sent");
    auto* choice = b.CreateSwitch(b.CreateTrunc(result, l.i32()), absent, 3);
    choice->addCase(l.c32(XDPC_ROUTE_STACK), stack);
    choice->addCase(l.c32(XDPC_ROUTE_REFUSED), refused);
    choice->addCase(l.c32(XDPC_ROUTE_SENT), sent);
    b.SetInsertPoint(stack);
    emit_decision(s, action_pass, by);
    b.SetInsertPoint(refused);
    emit_decision(s, action_drop, by);
    b.SetInsertPoint(sent);
    if (l.test_area) {
        Value* index = b.CreateTrunc(b.CreateLShr(result, 32), l.i32());
        store_result(l, offsetof(xdpc_test_result, target), b.CreateOr(index, l.c32(XDPC_TARGET_INDEX)));
    }
    emit_decision(s, action_redirect, by);
}

} // namespace xdpc::codegen
