// One function for each map of state and what is done with it, in which a template of state.bpf.c is inlined
// with that map's numbers. They are global functions: the verifier goes through each once, by itself, not
// once for every way that leads to it.
#include "codegen-templates/templates.h"
#include "compiler/codegen/lowering.h"
#include "runtime/sets/layout.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

using Does = StateFunction::Does;

namespace {

enum MapType : uint32_t { map_hash = 1, map_array = 2, map_array_of_maps = 12 }; // enum bpf_map_type
constexpr uint32_t map_can_be_mapped = 1U << 10;                                 // BPF_F_MMAPABLE
constexpr uint32_t spare_entries = 64; // of hashes: what several CPUs put in at once

/// With the one number besides, what five registers hold.
constexpr size_t max_words_in_registers = 4;

unsigned key_words_of(unsigned width) {
    return (width + 31) / 32;
}

/// Of one part, the most significant first.
void append_words(Lowering& l, const KeyValue& key, u128 mask, unsigned width, std::vector<Value*>& words) {
    auto& b = l.builder;
    const unsigned count = key_words_of(width);
    for (unsigned i = count; i-- > 0;) { // the i-th from the end
        const bool high = key.value.count == 2 && i >= 2;
        Value* word = key.value.word[key.value.count == 2 && !high ? 1 : 0];
        word = i % 2 == 1 ? b.CreateLShr(word, 32) : word;
        const auto bits = static_cast<uint32_t>((mask & max_of_width(width)) >> (32 * i));
        words.push_back(b.CreateAnd(b.CreateTrunc(word, l.i32()), l.c32(bits)));
    }
}

const char* verb_of(Does does) {
    switch (does) {
    case Does::Charge:
        return "charge_limit";
    case Does::Find:
        return "find_in_set";
    case Does::Add:
        return "add_to_set";
    case Does::Update:
        return "update_set";
    case Does::Delete:
        return "delete_from_set";
    }
    return "";
}

StateFunction& function_of(Lowering& l, Does does, uint32_t id, unsigned words) {
    StateFunction& made = l.state_functions[verb_of(does) + std::to_string(id)];
    if (!made.function) {
        SmallVector<Type*> types;
        if (words > max_words_in_registers) {
            types.push_back(l.ptr());
        } else {
            types.append(words, l.i32());
        }
        types.push_back(l.i64());
        made = {does, id, words,
                Function::Create(FunctionType::get(l.i64(), types, false), GlobalValue::ExternalLinkage,
                                 verb_of(does) + std::to_string(id), l.module)};
        made.function->addFnAttr(Attribute::NoInline);
        made.function->addFnAttr(Attribute::NoUnwind);
        made.function->addFnAttr("xdpc-state");
    }
    return made;
}

AllocaInst* key_buffer(Lowering& l) {
    Function* function = l.builder.GetInsertBlock()->getParent();
    AllocaInst*& buffer = l.key_buffers[function];
    if (!buffer) {
        IRBuilder<> head(&function->getEntryBlock(), function->getEntryBlock().begin());
        buffer = head.CreateAlloca(ArrayType::get(l.i32(), XDPC_MAX_KEY_WORDS));
    }
    return buffer;
}

// ---- maps

GlobalVariable* array_of(Lowering& l, const std::string& name, size_t bytes, size_t entries) {
    return state_map(
        l, name,
        {map_array, 4, static_cast<uint32_t>(bytes), static_cast<uint32_t>(entries), map_can_be_mapped});
}
/// One of the arrays that policies share (xdpc_limit and its kin).
void add_shared(Lowering& l, const char* name, size_t bytes) {
    array_of(l, name, bytes, XDPC_STATE_SLOTS);
}
/// Where in its array the state of a limit, quota or dynamic set stands, as the runtime says.
Value* slot_of(Lowering& l, size_t number) {
    const Policy& policy = l.input.policy;
    return load_slot(l, {policy.limits.size(), policy.quotas.size(), policy.sets.size()}, number);
}
Value* slot_of(Lowering& l, LimitId id) {
    return slot_of(l, id.value);
}
Value* slot_of(Lowering& l, QuotaId id) {
    return slot_of(l, l.input.policy.limits.size() + id.value);
}
Value* slot_of(Lowering& l, SetId id) {
    return slot_of(l, l.input.policy.limits.size() + l.input.policy.quotas.size() + id.value);
}
/// Where the epoch of a set stands: both of `inet_addr` have the first one's.
Value* epoch_slot_of(Lowering& l, SetId id) {
    const auto& sets = l.input.policy.sets;
    const auto first =
        std::ranges::find(sets, sets[id.value].name, [](const LiveSet& set) { return set.name; });
    return slot_of(l, SetId{static_cast<uint32_t>(first - sets.begin())});
}
GlobalVariable* hash_of(Lowering& l, const std::string& name, unsigned words, size_t bytes, uint32_t size) {
    return state_map(l, name, {map_hash, words * 4, static_cast<uint32_t>(bytes), size + spare_entries, 0});
}
GlobalVariable* ring_of(Lowering& l, const std::string& name, unsigned words, uint32_t size) {
    return array_of(l, "ring_" + name, (words + 1) * sizeof(uint32_t), size);
}

// ---- bodies

FunctionCallee inlined(Lowering& l, const char* name, ArrayRef<Value*> arguments) {
    SmallVector<Type*> types;
    for (Value* argument : arguments) {
        types.push_back(argument->getType());
    }
    return l.module.getOrInsertFunction(name, FunctionType::get(l.i64(), types, false));
}

/// The key as it is handed to the kernel: on this function's stack.
Value* key_on_stack(Lowering& l, const StateFunction& f) {
    auto& b = l.builder;
    AllocaInst* key = b.CreateAlloca(ArrayType::get(l.i32(), f.words));
    if (f.words <= max_words_in_registers) {
        for (unsigned i = 0; i < f.words; ++i) {
            b.CreateAlignedStore(f.function->getArg(i), at(l, key, 4 * i), Align(4));
        }
        return key;
    }
    Value* given = f.function->getArg(0);
    BasicBlock* none = l.block("none");
    BasicBlock* there = l.block("there");
    b.CreateCondBr(b.CreateICmpEQ(given, ConstantPointerNull::get(l.ptr())), none, there);
    b.SetInsertPoint(none); // never, but the verifier asks
    b.CreateRet(l.c64(f.does == Does::Charge ? XDPC_LIMIT_BEYOND : 0));
    b.SetInsertPoint(there);
    for (unsigned i = 0; i < f.words; ++i) {
        b.CreateAlignedStore(b.CreateAlignedLoad(l.i32(), at(l, given, 4 * i), Align(4)), at(l, key, 4 * i),
                             Align(4));
    }
    return key;
}

Value* emit_charge(Lowering& l, const StateFunction& f, Value* key, Value* cost) {
    const Limit& limit = l.input.policy.limits[f.id];
    const std::string name = "limit" + std::to_string(f.id);
    add_shared(l, "limits", sizeof(xdpc_limit));
    Value* arguments[] = {hash_of(l, name, f.words, sizeof(xdpc_bucket), limit.size),
                          ring_of(l, name, f.words, limit.size),
                          slot_of(l, LimitId{f.id}),
                          l.c32(limit.size),
                          l.c32(f.words),
                          key,
                          cost,
                          l.c64(limit.capacity_ns),
                          monotonic_ns(l, true)};
    return l.builder.CreateCall(inlined(l, "xdpc_inline_limit", arguments), arguments);
}

Value* emit_dynamic(Lowering& l, const StateFunction& f, Value* key, Value* scalar) {
    const LiveSet& set = l.input.policy.sets[f.id];
    const std::string name = "set" + std::to_string(f.id);
    Value* hash = hash_of(l, name, f.words, sizeof(xdpc_dynamic), set.size);
    // User space puts elements in by them, also where rules only ask.
    Value* ring = ring_of(l, name, f.words, set.size);
    add_shared(l, "dynamic", sizeof(xdpc_dynamic_set));
    if (f.does == Does::Delete) {
        Value* arguments[] = {hash, key};
        return l.builder.CreateCall(inlined(l, "xdpc_inline_delete", arguments), arguments);
    }
    if (f.does == Does::Find) {
        Value* arguments[] = {hash,   epoch_slot_of(l, SetId{f.id}), l.c32(set.has_counter), key,
                              scalar, monotonic_ns(l, false)};
        return l.builder.CreateCall(inlined(l, "xdpc_inline_find", arguments), arguments);
    }
    Value* arguments[] = {hash,
                          ring,
                          slot_of(l, SetId{f.id}),
                          epoch_slot_of(l, SetId{f.id}),
                          l.c32(set.size),
                          l.c32(f.words),
                          l.c32(f.does == Does::Update),
                          key,
                          scalar,
                          monotonic_ns(l, false)};
    return l.builder.CreateCall(inlined(l, "xdpc_inline_put", arguments), arguments);
}

/// Where everything is in the set's array: constant, so that much of it folds away.
GlobalVariable* layout_table(Lowering& l, const LiveSet& set, sets::Kind kind) {
    sets::Shape shape{kind, {}, set.size, set.has_timeout, set.has_counter, set.is_map, set.auto_merge};
    for (const SetPart& part : set.parts) {
        shape.parts.push_back(part.width);
    }
    const auto words =
        std::bit_cast<std::array<uint32_t, sizeof(xdpc_set_layout) / 4>>(sets::layout_of(shape));
    return add_table(l, ConstantDataArray::get(l.context(), words));
}

/// Which entry of the outer map holds a set's array. Those of `inet_addr` have two, so that one store of
/// their epoch exchanges the arrays of both families.
Value* entry_of(Lowering& l, const LiveSet& set) {
    if (set.family == 0) {
        return l.c32(0);
    }
    add_shared(l, "dynamic", sizeof(xdpc_dynamic_set));
    Value* slot = epoch_slot_of(l, set.id);
    Value* epoch = l.builder.CreateCall(inlined(l, "xdpc_inline_epoch", {slot}), {slot});
    return l.builder.CreateAnd(l.builder.CreateTrunc(epoch, l.i32()), l.c32(1));
}

/// A set that user space writes: its array is found through an outer map.
Value* emit_find(Lowering& l, const StateFunction& f, sets::Kind kind, Value* key, Value* bytes) {
    const LiveSet& set = l.input.policy.sets[f.id];
    const char* name = kind == sets::Kind::Hash       ? "xdpc_inline_hash"
                       : kind == sets::Kind::Interval ? "xdpc_inline_interval"
                                                      : "xdpc_inline_tuples";
    const uint32_t entries = set.family == 0 ? 1 : 2;
    Value* arguments[] = {state_map(l, "set" + std::to_string(f.id), {map_array_of_maps, 4, 4, entries, 0}),
                          entry_of(l, set),
                          layout_table(l, set, kind),
                          key,
                          bytes,
                          set.has_timeout ? monotonic_ns(l, false) : l.c64(0)};
    return l.builder.CreateCall(inlined(l, (name + std::to_string(f.words)).c_str(), arguments), arguments);
}

Value* emit_body(Lowering& l, const StateFunction& f, Value* key, Value* scalar) {
    if (f.does == Does::Charge) {
        return emit_charge(l, f, key, scalar);
    }
    switch (l.input.policy.sets[f.id].kind) {
    case LiveSet::Kind::Hash:
        return emit_find(l, f, sets::Kind::Hash, key, scalar);
    case LiveSet::Kind::Interval:
        return emit_find(l, f, sets::Kind::Interval, key, scalar);
    case LiveSet::Kind::Tuples:
        return emit_find(l, f, sets::Kind::Tuples, key, scalar);
    case LiveSet::Kind::Dynamic:
        return emit_dynamic(l, f, key, scalar);
    }
    return l.c64(0);
}

} // namespace

std::vector<Value*> key_words(Lowering& l, const std::vector<ir::KeyId>& ids, const std::vector<u128>& masks,
                              const KeyReader& keys, BasicBlock* absent) {
    std::vector<Value*> words;
    for (size_t i = 0; i < ids.size(); ++i) {
        const KeyValue key = keys(ids[i]);
        BasicBlock* there = l.block("present");
        branch(l, key.present, there, absent);
        l.builder.SetInsertPoint(there);
        append_words(l, key, masks[i], width_of(l.input.program.keys[ids[i].value]), words);
    }
    return words;
}

Value* call_state(Lowering& l, Does does, uint32_t id, const std::vector<Value*>& words, Value* scalar) {
    auto& b = l.builder;
    const StateFunction& f = function_of(l, does, id, static_cast<unsigned>(words.size()));
    std::vector<Value*> arguments = words;
    if (words.size() > max_words_in_registers) {
        AllocaInst* buffer = key_buffer(l);
        for (unsigned i = 0; i < words.size(); ++i) {
            b.CreateAlignedStore(words[i], at(l, buffer, 4 * i), Align(4));
        }
        arguments = {buffer};
    }
    arguments.push_back(scalar);
    return b.CreateCall(f.function, arguments);
}

Value* charge_limit(Lowering& l, LimitId id, Value* cost) {
    add_shared(l, "limits", sizeof(xdpc_limit));
    auto* type = FunctionType::get(l.i64(), {l.i32(), l.i64(), l.i64(), l.i64()}, false);
    Value* capacity = l.c64(l.input.policy.limit(id).capacity_ns);
    return l.builder.CreateCall(l.module.getOrInsertFunction("xdpc_limit", type),
                                {slot_of(l, id), cost, capacity, monotonic_ns(l, true)});
}

Value* add_to_quota(Lowering& l, QuotaId id, Value* bytes) {
    add_shared(l, "quotas", sizeof(xdpc_quota));
    auto* type = FunctionType::get(l.i64(), {l.i32(), l.i64()}, false);
    return l.builder.CreateCall(l.module.getOrInsertFunction("xdpc_quota", type), {slot_of(l, id), bytes});
}

void emit_state_functions(Lowering& l, Span place) {
    for (const auto& [name, f] : l.state_functions) {
        const bool in_memory = f.words > max_words_in_registers;
        l.debug.begin_function(*f.function, place, in_memory ? f.words * 4 : 0);
        l.builder.SetInsertPoint(BasicBlock::Create(l.context(), "entry", f.function));
        l.debug.at(l.builder, place);
        Value* key = key_on_stack(l, f);
        Value* scalar = f.function->getArg(f.function->arg_size() - 1);
        l.builder.CreateRet(emit_body(l, f, key, scalar));
    }
}

} // namespace xdpc::codegen
