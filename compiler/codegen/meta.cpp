// Keys that belong to the packet's surroundings: interface, queue, CPU, clocks, random numbers. Instrumented
// programs take them from `.data.test`.
#include "compiler/base/overloaded.h"
#include "compiler/codegen/lowering.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

Value* load_volatile(Lowering& l, GlobalVariable* global, uint64_t offset, IntegerType* type) {
    return l.builder.CreateAlignedLoad(type, at(l, global, offset), Align(type->getBitWidth() / 8), true);
}

Value* control(Lowering& l, uint64_t offset, IntegerType* type) {
    return load_volatile(l, l.test_area, offset, type);
}

KeyValue iifname(Lowering& l) {
    KeyValue key{l.builder.getTrue(), {}, {}, nullptr};
    key.value.count = 2;
    if (l.test_area) {
        key.value.word[0] = control(l, offsetof(xdpc_test_control, iifname_hi), l.i64());
        key.value.word[1] = control(l, offsetof(xdpc_test_control, iifname_lo), l.i64());
    } else {
        key.value.word[0] = load_volatile(l, l.bind, offsetof(xdpc_bind, iifname_hi), l.i64());
        key.value.word[1] = load_volatile(l, l.bind, offsetof(xdpc_bind, iifname_lo), l.i64());
    }
    return key;
}

Value* wall_ns(Lowering& l) {
    if (l.test_area) {
        return control(l, offsetof(xdpc_test_control, wall_ns), l.i64());
    }
    Value* now = call_helper(l, Helper::KtimeTai, l.i64(), {});
    return l.builder.CreateAdd(now, load_volatile(l, l.bind, offsetof(xdpc_bind, wall_offset_ns), l.i64()));
}

Value* local_seconds(Lowering& l) {
    Value* seconds = l.builder.CreateUDiv(wall_ns(l), l.c64(1'000'000'000));
    if (l.test_area) {
        return seconds;
    }
    return l.builder.CreateAdd(seconds, load_volatile(l, l.bind, offsetof(xdpc_bind, utc_offset_s), l.i64()));
}

Value* day(Lowering& l) { // 1970-01-01 was a Thursday
    Value* days = l.builder.CreateUDiv(local_seconds(l), l.c64(86'400));
    return l.builder.CreateURem(l.builder.CreateAdd(days, l.c64(4)), l.c64(7));
}

/// From the context, or in instrumented programs from the control block.
Value* surrounding(Lowering& l, Value* ctx, unsigned context_offset, uint64_t control_offset) {
    return l.test_area ? control(l, control_offset, l.i32()) : load_context(l, ctx, context_offset);
}

std::optional<KeyValue> read(Lowering& l, Value* ctx, const MetaKey& key) {
    const unsigned width = info(key.meta).bit_width;
    switch (key.meta) {
    case MetaId::Iif:
        return computed_key(l, surrounding(l, ctx, 12, offsetof(xdpc_test_control, ifindex)), width);
    case MetaId::Rxqueue:
        return computed_key(l, surrounding(l, ctx, 16, offsetof(xdpc_test_control, rxqueue)), width);
    case MetaId::Cpu:
        return computed_key(l,
                            l.test_area ? control(l, offsetof(xdpc_test_control, cpu), l.i32())
                                        : call_helper(l, Helper::SmpProcessorId, l.i64(), {}),
                            width);
    case MetaId::Iifname:
        return iifname(l);
    case MetaId::Random:
        return computed_key(l, random_number(l, key.occurrence), width);
    case MetaId::Time:
        return computed_key(l, wall_ns(l), width);
    case MetaId::Day:
        return computed_key(l, day(l), width);
    case MetaId::Hour:
        return computed_key(l, l.builder.CreateURem(local_seconds(l), l.c64(86'400)), width);
    case MetaId::Length:
    case MetaId::Protocol:
    case MetaId::L4proto:
    case MetaId::Fragment:
    case MetaId::VlanTagged:
    case MetaId::Malformed:
        return {};
    }
    return {};
}

} // namespace

Value* monotonic_ns(Lowering& l, bool exact) {
    if (l.test_area) {
        return control(l, offsetof(xdpc_test_control, now_ns), l.i64());
    }
    return call_helper(l, exact ? Helper::KtimeGet : Helper::KtimeCoarse, l.i64(), {});
}

Value* random_number(Lowering& l, uint32_t occurrence) {
    if (!l.test_area) {
        return call_helper(l, Helper::PrandomU32, l.i64(), {});
    }
    Value* seed = control(l, offsetof(xdpc_test_control, seed), l.i64());
    Value* packet = control(l, offsetof(xdpc_test_control, packet), l.i64());
    FunctionType* signature = FunctionType::get(l.i64(), {l.i64(), l.i64(), l.i64()}, false);
    return l.builder.CreateCall(l.module.getOrInsertFunction("xdpc_random", signature),
                                {seed, packet, l.c64(occurrence)});
}

std::optional<KeyValue> meta_key(Lowering& l, Value* ctx, const KeySource& source) {
    const auto* meta = std::get_if<MetaKey>(&source);
    return meta ? read(l, ctx, *meta) : std::nullopt;
}

} // namespace xdpc::codegen
