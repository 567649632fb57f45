// Reads every key of any frame: where headers are comes from the templates as offsets, each key has its own
// check. Slower than the parsing of ordinary frames, and free of their assumptions.
#include "compiler/codegen/kinds.h"
#include "compiler/fields/key_facts.h"

#include "codegen-templates/templates.h"
#include "compiler/base/overloaded.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// A header in the frame: whether it is reached, and its offset (i64). `size`: bytes that belong to it, of
/// options.
struct Header {
    Value* reached = nullptr;
    Value* offset = nullptr;
    Value* size = nullptr;
    Value* told = nullptr; // whether its existence can be told
};

struct GenericParse {
    Lowering& l;
    Value* ctx;
    Reads reads;
    Value* network = nullptr;   // xdpc_network
    Value* transport = nullptr; // xdpc_transport
    Value* type = nullptr;      // i32, 0 if no network header is reached
    Value* nh = nullptr;        // i32
    std::map<HeaderId, Header> headers{};
    Header inner{}; // `@ih`
    Value* data = nullptr;
    Value* end = nullptr;
};

Value* flag(GenericParse& p, Value* word, uint64_t bit) {
    return p.l.builder.CreateICmpNE(p.l.builder.CreateAnd(word, bit), p.l.c64(0));
}

Value* bits(GenericParse& p, Value* word, unsigned shift, uint64_t mask) {
    return p.l.builder.CreateAnd(p.l.builder.CreateLShr(word, shift), mask);
}

Value* call(GenericParse& p, const char* name, ArrayRef<Value*> args) {
    SmallVector<Value*> all = {p.ctx};
    for (Value* arg : args) {
        all.push_back(p.l.builder.CreateZExtOrTrunc(arg, p.l.i32()));
    }
    return p.l.builder.CreateCall(template_function(p.l, name, args.size()), all);
}

Value* is_type(GenericParse& p, unsigned type) {
    return p.l.builder.CreateICmpEQ(p.type, p.l.c32(type));
}

Value* all_of(GenericParse& p, std::initializer_list<Value*> parts) {
    Value* result = p.l.builder.getTrue();
    for (Value* part : parts) {
        result = p.l.builder.CreateAnd(result, part);
    }
    return result;
}

Value* proto_is(GenericParse& p, unsigned proto) {
    Value* found = bits(p, p.transport, 16, 0xff);
    return p.l.builder.CreateICmpEQ(found, p.l.c64(proto));
}

Header transport_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const HeaderInfo& header = info(id);
    Value* reached = flag(p, p.transport, XDPC_IP_TRANSPORT);
    Value* offset = bits(p, p.transport, 0, max_offset);
    if (header.layer == Layer::AnyTransport) {
        Value* any = b.getFalse();
        for (const uint16_t proto : protocols_with_ports()) {
            any = b.CreateOr(any, proto_is(p, proto));
        }
        return {b.CreateAnd(reached, any), offset, nullptr, nullptr};
    }
    Value* behind = header.layer == Layer::Transport4   ? is_type(p, 0x0800)
                    : header.layer == Layer::Transport6 ? is_type(p, 0x86dd)
                                                        : b.getTrue();
    return {all_of(p, {reached, behind, proto_is(p, header.guard)}), offset, nullptr, nullptr};
}

Header walked_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const bool ah = id == HeaderId::Ah;
    Value* walk = ah ? call(p, "xdpc_ah", {p.nh, p.type})
                     : call(p, "xdpc_extension", {p.nh, p.type, p.l.c32(info(id).guard)});
    Value* reached = flag(p, walk, XDPC_WALK_FOUND);
    Value* whole = b.CreateNot(flag(p, walk, XDPC_WALK_BROKEN));
    if (ah) { // only in sound packets that are not later fragments
        Value* usable = all_of(
            p, {flag(p, p.transport, XDPC_IP_SOUND), b.CreateNot(flag(p, p.transport, XDPC_IP_LATER))});
        reached = b.CreateAnd(reached, usable);
        whole = b.CreateAnd(whole, usable);
    }
    return {reached, bits(p, walk, 32, max_offset), nullptr, b.CreateOr(reached, whole)};
}

Header option_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const HeaderInfo& header = info(id);
    const bool tcp = header.parent == HeaderId::Tcp;
    Header parent = tcp ? transport_header(p, HeaderId::Tcp)
                        : Header{is_type(p, 0x0800), b.CreateZExt(p.nh, p.l.i64()), nullptr, nullptr};
    Value* found =
        call(p, tcp ? "xdpc_tcp_option" : "xdpc_ip_option", {parent.offset, p.l.c32(header.guard)});
    return {b.CreateAnd(parent.reached, flag(p, found, XDPC_OPTION_FOUND)), bits(p, found, 0, max_offset),
            bits(p, found, 16, 0xff), b.CreateAnd(parent.reached, flag(p, found, XDPC_OPTION_WALKED))};
}

Header find_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const HeaderInfo& header = info(id);
    switch (header.layer) {
    case Layer::Link:
        return {b.getTrue(), p.l.c64(0), nullptr, nullptr};
    case Layer::Tag:
        return {flag(p, p.network, header.guard == 0 ? XDPC_NET_TAG0 : XDPC_NET_TAG1),
                p.l.c64(12 + 4 * header.guard), nullptr, nullptr};
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return {is_type(p, header.guard), b.CreateZExt(p.nh, p.l.i64()), nullptr, nullptr};
    case Layer::Extension:
        return walked_header(p, id);
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::AnyTransport:
        return transport_header(p, id);
    case Layer::Transport:
        return id == HeaderId::Ah ? walked_header(p, id) : transport_header(p, id);
    case Layer::Option:
        return option_header(p, id);
    }
    return {};
}

/// Present if all of `present` and its bytes are in the frame; loaded then.
KeyValue guarded_load(GenericParse& p, Value* present, Value* offset, uint64_t bit_offset, unsigned width) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const uint64_t last = end_byte(bit_offset, width);
    if (last > max_offset || known(present) == false) {
        return absent_key(l, width);
    }
    BasicBlock* reached = l.block("reached");
    BasicBlock* whole = l.block("whole");
    BasicBlock* join = l.block("key");
    std::vector<KeyEdge> edges;
    if (!known(present)) {
        edges.push_back({b.GetInsertBlock(), absent_key(l, width)});
    }
    branch(l, present, reached, join);
    b.SetInsertPoint(reached);
    Value* base = p.data;
    if (!isa<Constant>(offset) || !cast<Constant>(offset)->isNullValue()) {
        base = b.CreateGEP(l.i8(), p.data, b.CreateAnd(offset, max_offset));
    }
    edges.push_back({reached, absent_key(l, width)});
    branch(l, b.CreateICmpUGT(at(l, base, last), p.end), join, whole);
    b.SetInsertPoint(whole);
    edges.push_back({whole, load_key(l, base, bit_offset, width)});
    b.CreateBr(join);
    b.SetInsertPoint(join);
    return join_keys(l, edges, width);
}

KeyValue read_field(GenericParse& p, const FieldKey& key) {
    const FieldInfo& field = info(key.field);
    const Header& header = p.headers.at(field.header);
    Value* present = header.reached;
    if (header.size) {
        const uint64_t last = end_byte(field.bit_offset, field.bit_width);
        present = p.l.builder.CreateAnd(present, p.l.builder.CreateICmpUGE(header.size, p.l.c64(last)));
    }
    return guarded_load(p, present, header.offset, field.bit_offset, field.bit_width);
}

KeyValue read_raw(GenericParse& p, const RawKey& key) {
    auto& b = p.l.builder;
    switch (key.base) {
    case RawBase::Ll:
        return guarded_load(p, b.getTrue(), p.l.c64(0), key.bit_offset, key.bit_width);
    case RawBase::Nh:
        return guarded_load(p, flag(p, p.network, XDPC_NET_REACHED), bits(p, p.network, 0, max_offset),
                            key.bit_offset, key.bit_width);
    case RawBase::Th:
        return guarded_load(p, flag(p, p.transport, XDPC_IP_TRANSPORT), bits(p, p.transport, 0, max_offset),
                            key.bit_offset, key.bit_width);
    case RawBase::Ih:
        break;
    }
    return guarded_load(p, p.inner.reached, p.inner.offset, key.bit_offset, key.bit_width);
}

KeyValue read_exists(GenericParse& p, const ExistsKey& key) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const HeaderInfo& info_of = info(key.header);
    const Header& header = p.headers.at(key.header);
    KeyValue result{b.getTrue(), {}, {}, nullptr};
    result.value.count = 1;
    if (header.told) {
        result.present = header.told;
        result.value.word[0] = b.CreateZExt(header.reached, l.i32());
        return result;
    }
    // Reached with its fixed part in the frame.
    const KeyValue last = guarded_load(p, header.reached, header.offset, (info_of.min_bytes - 1) * 8, 8);
    result.value.word[0] = b.CreateZExt(last.present, l.i32());
    return result;
}

KeyValue read_meta(GenericParse& p, const KeySource& source) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const MetaId meta = std::get<MetaKey>(source).meta;
    const unsigned width = width_of(source);
    const auto given = [&](Value* present, Value* value) {
        KeyValue key = computed_key(l, value, width);
        key.present = present;
        return key;
    };
    switch (meta) {
    case MetaId::Length: {
        Value* begin = b.CreatePtrToInt(p.data, l.i64());
        Value* length = b.CreateSub(b.CreatePtrToInt(p.end, l.i64()), begin);
        Value* some = b.CreateICmpUGT(length, l.c64(14));
        return given(b.getTrue(), b.CreateSelect(some, b.CreateSub(length, l.c64(14)), l.c64(0)));
    }
    case MetaId::Protocol:
        return given(flag(p, p.network, XDPC_NET_TYPE_KNOWN), bits(p, p.network, 16, 0xffff));
    case MetaId::L4proto:
        return given(flag(p, p.transport, XDPC_IP_PROTO_KNOWN), bits(p, p.transport, 16, 0xff));
    case MetaId::Fragment:
        return given(flag(p, p.transport, XDPC_IP_FRAGMENT_KNOWN), bits(p, p.transport, 28, 3));
    case MetaId::VlanTagged:
        return given(guarded_load(p, b.getTrue(), l.c64(0), 96, 16).present, bits(p, p.network, 34, 1));
    case MetaId::Malformed:
        return given(b.getTrue(), call(p, "xdpc_malformed", {}));
    default:
        return *meta_key(l, p.ctx, source);
    }
}

void want(GenericParse& p, HeaderId id) {
    if (!p.headers.contains(id)) {
        p.headers.emplace(id, find_header(p, id));
    }
}

} // namespace

std::vector<KeyValue> emit_generic_parse(Lowering& l, Value* ctx, const Keep& keep) {
    GenericParse p{l, ctx, reads_of(l)};
    auto& b = l.builder;
    const auto& keys = l.input.program.keys;
    const Reads& r = p.reads;
    if (r.network) {
        p.network = call(p, "xdpc_network", {});
        p.nh = b.CreateTrunc(bits(p, p.network, 0, max_offset), l.i32());
        Value* type = b.CreateTrunc(bits(p, p.network, 16, 0xffff), l.i32());
        p.type = b.CreateSelect(flag(p, p.network, XDPC_NET_REACHED), type, l.c32(0));
    }
    if (r.transport4 || r.transport6 || r.fragment) {
        p.transport = call(p, "xdpc_transport", {p.nh, p.type});
    }
    std::vector<KeyValue> values(keys.size());
    // Everything that calls comes before the frame's pointers are read.
    for (size_t i = 0; i < keys.size(); ++i) {
        if (!l.used(i)) {
            continue;
        }
        if (const auto* field = std::get_if<FieldKey>(&keys[i])) {
            want(p, info(field->field).header);
        } else if (const auto* exists = std::get_if<ExistsKey>(&keys[i])) {
            want(p, exists->header);
        }
    }
    if (r.inner) {
        Value* inner = call(p, "xdpc_inner",
                            {bits(p, p.transport, 0, max_offset), bits(p, p.transport, 16, 0xff),
                             b.CreateZExt(is_type(p, 0x86dd), l.i32())});
        p.inner.offset = bits(p, inner, 0, max_offset);
        p.inner.reached =
            b.CreateAnd(flag(p, p.transport, XDPC_IP_TRANSPORT), flag(p, inner, XDPC_INNER_REACHED));
    }
    for (const bool calls : {true, false}) {
        if (!calls) {
            p.data = load_data_pointer(l, ctx, 0);
            p.end = load_data_pointer(l, ctx, 4);
        }
        for (size_t i = 0; i < keys.size(); ++i) {
            const auto* meta = std::get_if<MetaKey>(&keys[i]);
            const bool reads_frame =
                !meta || meta->meta == MetaId::Length || meta->meta == MetaId::VlanTagged;
            if (!l.used(i) || reads_frame == calls) {
                continue;
            }
            KeyValue value = std::visit(Overloaded{
                                            [&](const FieldKey& k) { return read_field(p, k); },
                                            [&](const RawKey& k) { return read_raw(p, k); },
                                            [&](const ExistsKey& k) { return read_exists(p, k); },
                                            [&](const MetaKey&) { return read_meta(p, keys[i]); },
                                        },
                                        keys[i]);
            values[i] = keep(i, value);
        }
    }
    return values;
}

} // namespace xdpc::codegen
