#include "compiler/codegen/memory.h"

namespace xdpc::codegen {

using namespace llvm;

KeyMemory lay_out_keys(const Lowering& l) {
    const auto& keys = l.input.program.keys;
    KeyMemory memory;
    memory.bytes = static_cast<unsigned>((keys.size() + 7) / 8 * 8);
    for (const KeySource& key : keys) {
        memory.value_offset.push_back(memory.bytes);
        memory.bytes += 8 * words_of(width_of(key));
    }
    memory.parse_offset = memory.bytes;
    memory.bytes += parse_memory_bytes(l);
    memory.result_offset = memory.bytes;
    memory.bytes += 8;
    for (const ChainPlan& chain : l.input.plan.chains) {
        memory.return_offset.push_back(memory.bytes);
        memory.bytes += chain.programs ? 8 : 0;
    }
    return memory;
}

Value* find_memory(Lowering& l, const KeyMemory& memory) {
    auto& b = l.builder;
    GlobalVariable* map = scratch_map(l, std::max(8U, memory.bytes));
    Function* function = b.GetInsertBlock()->getParent();
    IRBuilder<> head(&function->getEntryBlock(), function->getEntryBlock().begin());
    AllocaInst* key = head.CreateAlloca(l.i32());
    b.CreateAlignedStore(l.c32(0), key, Align(4));
    Value* base = call_helper(l, Helper::MapLookup, l.ptr(), {map, key});
    BasicBlock* missing = l.block("missing");
    BasicBlock* found = l.block("found");
    branch_rarely(l, b.CreateICmpEQ(base, ConstantPointerNull::get(l.ptr())), missing, found);
    b.SetInsertPoint(missing); // never: element 0 of an array is there. XDP_ABORTED, as nothing may pass so
    b.CreateRet(l.c32(0));
    b.SetInsertPoint(found);
    return base;
}

void store_key(Lowering& l, const KeyMemory& memory, Value* base, size_t key, const KeyValue& value) {
    auto& b = l.builder;
    Value* missing = b.CreateXor(b.CreateZExt(value.present, l.i8()), b.getInt8(1));
    b.CreateAlignedStore(missing, at(l, base, key), Align(1));
    if (known(value.present) == false) {
        return;
    }
    for (unsigned i = 0; i < value.value.count; ++i) {
        Value* word = b.CreateZExt(value.value.word[i], l.i64());
        b.CreateAlignedStore(word, at(l, base, memory.value_offset[key] + 8 * i), Align(8));
    }
}

/// Volatile: one load must not serve two rules.
KeyValue load_stored_key(Lowering& l, const KeyMemory& memory, Value* base, size_t key, Value* present) {
    auto& b = l.builder;
    const unsigned width = width_of(l.input.program.keys[key]);
    KeyValue result{present, {}, {}, nullptr};
    if (!present) {
        Value* byte = b.CreateAlignedLoad(l.i8(), at(l, base, key), Align(1), true);
        result.present = b.CreateICmpEQ(byte, b.getInt8(0));
        result.missing = b.CreateZExt(byte, l.i64());
    }
    result.value.count = words_of(width);
    for (unsigned i = 0; i < result.value.count; ++i) {
        Value* from = at(l, base, memory.value_offset[key] + 8 * i);
        IntegerType* type = word_type(l, width);
        result.value.word[i] = b.CreateAlignedLoad(type, from, Align(type->getBitWidth() / 8), true);
    }
    return result;
}

} // namespace xdpc::codegen
