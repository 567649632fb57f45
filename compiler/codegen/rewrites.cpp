// Statements that change the packet: what they write, and the reading of all keys anew for what goes on with
// it. The writing itself is in codegen-templates/rewrite.bpf.c.
#include "codegen-templates/templates.h"
#include "compiler/base/overloaded.h"
#include "compiler/codegen/rules.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

Value* call_template(RuleScope& s, const char* name, ArrayRef<Value*> scalars) {
    SmallVector<Value*> arguments = {s.ctx};
    arguments.append(scalars.begin(), scalars.end());
    SmallVector<Type*> types;
    for (const Value* argument : arguments) {
        types.push_back(argument->getType());
    }
    auto* type = FunctionType::get(s.l.i64(), types, false);
    return s.l.builder.CreateCall(s.l.module.getOrInsertFunction(name, type), arguments);
}

/// Where xdpc_set_field finds the field.
struct Target {
    uint32_t in = XDPC_IN_LINK;
    uint32_t guard = 0;
    uint32_t bit_offset = 0;
    uint32_t size = 0; // of what has to be there
};
Target target_of(FieldId id) {
    const FieldInfo& field = info(id);
    const HeaderInfo& header = info(field.header);
    const auto in = [&](uint32_t kind) {
        return Target{kind, header.guard, field.bit_offset, header.min_bytes};
    };
    switch (header.layer) {
    case Layer::Link:
        return id == FieldId::EtherType ? Target{XDPC_IN_TYPE, 0, 0, 2} : in(XDPC_IN_LINK);
    case Layer::Tag:
        return in(XDPC_IN_TAG);
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return in(XDPC_IN_NETWORK);
    case Layer::Transport4:
        return in(XDPC_IN_TRANSPORT4);
    case Layer::Transport6:
        return in(XDPC_IN_TRANSPORT6);
    case Layer::Transport:
        return in(XDPC_IN_TRANSPORT);
    case Layer::AnyTransport:
        return in(XDPC_IN_PORTS);
    case Layer::Extension: // none can be set
    case Layer::Option:    // has a function of its own
        break;
    }
    return {};
}

Value* operate(Lowering& l, const packet::Operation& operation, Value* value, unsigned width) {
    using Op = packet::Operation::Op;
    auto& b = l.builder;
    const unsigned bits = value->getType()->getIntegerBitWidth();
    const APInt number(bits, ArrayRef<uint64_t>{static_cast<uint64_t>(operation.number),
                                                static_cast<uint64_t>(operation.number >> 64)});
    Value* other = ConstantInt::get(value->getType(), number);
    const bool gone = operation.number >= width; // of shifts
    switch (operation.op) {
    case Op::Add:
        return b.CreateAdd(value, other);
    case Op::Sub:
        return b.CreateSub(value, other);
    case Op::And:
        return b.CreateAnd(value, other);
    case Op::Or:
        return b.CreateOr(value, other);
    case Op::Xor:
        return b.CreateXor(value, other);
    case Op::Shl:
        return gone ? Constant::getNullValue(value->getType()) : b.CreateShl(value, other);
    case Op::Shr:
        return gone ? Constant::getNullValue(value->getType()) : b.CreateLShr(value, other);
    }
    return value;
}

/// The key's value as one number of so many bits; the builder goes on where it is present.
Value* read_source(RuleScope& s, const ir::RewriteStep& step, unsigned bits, BasicBlock* absent) {
    Lowering& l = s.l;
    auto& b = l.builder;
    const KeyValue key = s.keys(step.keys.front());
    BasicBlock* there = l.block("present");
    branch(l, key.present, there, absent);
    b.SetInsertPoint(there);
    auto* type = IntegerType::get(l.context(), bits);
    Value* value = Constant::getNullValue(type);
    for (unsigned i = 0; i < key.value.count; ++i) { // of two words, the high one is first
        value = i == 0 ? b.CreateZExtOrTrunc(key.value.word[i], type) : b.CreateShl(value, 64);
        value = i == 0 ? value : b.CreateOr(value, b.CreateZExtOrTrunc(key.value.word[i], type));
    }
    return value;
}

/// Where a statement goes that is not done.
struct NotDone {
    BasicBlock* absent;  // the packet has not what it needs
    BasicBlock* lacking; // a map's keys are absent
};

/// What the map of the step has for the packet, high and low 64 bits; the builder goes on where it has.
std::pair<Value*, Value*> read_map(RuleScope& s, const ir::RewriteStep& step, const NotDone& to) {
    Lowering& l = s.l;
    auto& b = l.builder;
    const std::vector<KeyValue> keys = present_keys(s, step.keys, to.lacking);
    BasicBlock* found = l.block("mapped");
    std::vector<u128> values = step.values;
    std::vector<BasicBlock*> targets;
    for (size_t i = 0; i < step.values.size(); ++i) {
        targets.push_back(l.block("value"));
    }
    BasicBlock* none = step.otherwise ? l.block("otherwise") : to.absent;
    emit_table(l, *step.table, keys, step.masks, targets, none);
    if (step.otherwise) {
        values.push_back(*step.otherwise);
        targets.push_back(none);
    }
    b.SetInsertPoint(found);
    if (values.empty()) { // it is never reached
        return {l.c64(0), l.c64(0)};
    }
    PHINode* high = b.CreatePHI(l.i64(), static_cast<unsigned>(values.size()));
    PHINode* low = b.CreatePHI(l.i64(), static_cast<unsigned>(values.size()));
    for (size_t i = 0; i < values.size(); ++i) {
        b.SetInsertPoint(targets[i]);
        b.CreateBr(found);
        high->addIncoming(l.c64(static_cast<uint64_t>(values[i] >> 64)), targets[i]);
        low->addIncoming(l.c64(static_cast<uint64_t>(values[i])), targets[i]);
    }
    b.SetInsertPoint(found);
    return {high, low};
}

/// The same of a live map, whose values have 32 bits.
std::pair<Value*, Value*> read_live_map(RuleScope& s, const ir::RewriteStep& step, const NotDone& to) {
    Lowering& l = s.l;
    auto& b = l.builder;
    BasicBlock* none = step.otherwise ? l.block("otherwise") : to.absent;
    Value* number = emit_live_value(s, *step.live, {step.keys, step.masks}, none, to.lacking);
    if (!step.otherwise) {
        return {l.c64(0), number};
    }
    BasicBlock* here = b.GetInsertBlock();
    BasicBlock* found = l.block("mapped");
    b.CreateBr(found);
    b.SetInsertPoint(none);
    b.CreateBr(found);
    b.SetInsertPoint(found);
    PHINode* low = b.CreatePHI(l.i64(), 2);
    low->addIncoming(number, here);
    low->addIncoming(l.c64(static_cast<uint64_t>(*step.otherwise)), none);
    return {l.c64(0), low};
}

/// What is set, high and low 64 bits.
std::pair<Value*, Value*> value_of(RuleScope& s, const ir::RewriteStep& step, const packet::SetField& set,
                                   const NotDone& to) {
    Lowering& l = s.l;
    auto& b = l.builder;
    if (!set.from_key) {
        return {l.c64(static_cast<uint64_t>(set.number >> 64)), l.c64(static_cast<uint64_t>(set.number))};
    }
    if (step.table) {
        return read_map(s, step, to);
    }
    if (step.live) {
        return read_live_map(s, step, to);
    }
    const unsigned width = info(set.field).bit_width;
    const unsigned bits = width > 64 ? 128 : 64;
    Value* value = read_source(s, step, bits, to.absent);
    if (!value) {
        return {};
    }
    const u128 most = max_of_width(width);
    const auto mask = [&](u128 number) {
        const APInt kept(
            bits, ArrayRef<uint64_t>{static_cast<uint64_t>(number), static_cast<uint64_t>(number >> 64)});
        value = b.CreateAnd(value, ConstantInt::get(value->getType(), kept));
    };
    mask(step.masks.front() & most);
    for (const packet::Operation& operation : set.operations) {
        value = operate(l, operation, value, width);
        mask(most);
    }
    Value* low = b.CreateTrunc(value, l.i64());
    return {bits > 64 ? b.CreateTrunc(b.CreateLShr(value, 64), l.i64()) : l.c64(0), low};
}

Value* emit_set(RuleScope& s, const ir::RewriteStep& step, const packet::SetField& set, const NotDone& to) {
    Lowering& l = s.l;
    const auto [high, low] = value_of(s, step, set, to);
    const FieldInfo& field = info(set.field);
    if (info(field.header).layer == Layer::Option) {
        return call_template(s, "xdpc_set_maxseg", {l.builder.CreateTrunc(low, l.i32())});
    }
    const Target target = target_of(set.field);
    const uint32_t bits = target.size << 24 | target.bit_offset << 8 | field.bit_width;
    return call_template(s, "xdpc_set_field",
                         {l.c32(target.in << 16 | target.guard), l.c32(bits), high, low});
}

Value* emit_call(RuleScope& s, const ir::RewriteStep& step, const NotDone& to) {
    Lowering& l = s.l;
    return std::visit(Overloaded{
                          [&](const packet::SetField& set) { return emit_set(s, step, set, to); },
                          [&](const packet::Reflect&) { return call_template(s, "xdpc_reflect", {}); },
                          [&](const packet::ReplyEcho&) { return call_template(s, "xdpc_reply_echo", {}); },
                          [&](const packet::RejectTcp&) { return call_template(s, "xdpc_reject_tcp", {}); },
                          [&](const packet::RejectIcmp& with) {
                              return call_template(s, "xdpc_reject_icmp",
                                                   {l.c32(with.code4 ? 0x300U | *with.code4 : 0),
                                                    l.c32(with.code6 ? 0x100U | *with.code6 : 0), l.c32(0)});
                          },
                          [&](const packet::VlanPush& tag) {
                              return call_template(s, "xdpc_vlan_push", {l.c32(tag.tpid), l.c32(tag.tci)});
                          },
                          [&](const packet::VlanPop&) { return call_template(s, "xdpc_vlan_pop", {}); },
                          [&](const packet::Encap& encap) {
                              return call_template(s, "xdpc_encap", {l.c32(add_tunnel(l, encap))});
                          },
                          [&](const packet::Decap& decap) {
                              const uint32_t ports = uint32_t{decap.vxlan_port} << 16 | decap.gue_port;
                              return call_template(s, "xdpc_decap",
                                                   {l.c32(tunnels_of(decap)), l.c32(ports),
                                                    l.c32(decap.vni.value_or(XDPC_ANY_VNI))});
                          },
                      },
                      step.what);
}

} // namespace

void emit_rewrite(RuleScope& s, const ir::RewriteStep& step, const EmitVerdict& verdict, BasicBlock* absent,
                  BasicBlock* lacking) {
    Lowering& l = s.l;
    Value* result = emit_call(s, step, {absent, lacking});
    BasicBlock* done = l.block("rewritten");
    if (packet::may_refuse(step.what)) {
        BasicBlock* refused = l.block("refused");
        auto* choice = l.builder.CreateSwitch(result, absent, 3);
        choice->addCase(l.c64(XDPC_REWRITE_DONE), done);
        choice->addCase(l.c64(XDPC_REWRITE_REFUSED), refused);
        l.builder.SetInsertPoint(refused);
        verdict(Drop{});
        if (packet::may_answer(step.what)) {
            BasicBlock* answered = l.block("answered");
            choice->addCase(l.c64(XDPC_REWRITE_ANSWERED), answered);
            l.builder.SetInsertPoint(answered);
            verdict(Tx{});
        }
    } else {
        branch(l, l.builder.CreateICmpEQ(result, l.c64(XDPC_REWRITE_DONE)), done, absent);
    }
    l.builder.SetInsertPoint(done);
}

Function* refresh_function(Lowering& l) {
    if (!l.refresh) {
        auto* type = FunctionType::get(l.i32(), {l.ptr()}, false);
        l.refresh = Function::Create(type, GlobalValue::ExternalLinkage, "read_keys_anew", l.module);
        l.refresh->addFnAttr(Attribute::NoInline);
        l.refresh->addFnAttr(Attribute::NoUnwind);
    }
    return l.refresh;
}

void emit_refresh(RuleScope& s) {
    s.l.builder.CreateCall(refresh_function(s.l), {s.ctx});
}

/// Of the whole program, so that the verifier walks it once.
void emit_refresh_function(Lowering& l, const KeyMemory& memory, Span place) {
    if (!l.refresh) {
        return;
    }
    l.debug.begin_function(*l.refresh, place);
    l.builder.SetInsertPoint(BasicBlock::Create(l.context(), "entry", l.refresh));
    l.debug.at(l.builder, place);
    Value* base = find_memory(l, memory);
    emit_generic_parse(l, l.refresh->getArg(0), ParseMemory{base, memory.parse_offset},
                       [&](size_t key, const KeyValue& value) {
                           store_key(l, memory, base, key, value);
                           return value;
                       });
    l.builder.CreateRet(l.c32(0));
}

} // namespace xdpc::codegen
