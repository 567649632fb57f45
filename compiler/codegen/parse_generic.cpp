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

/// What one word says, kept for several uses: with a memory there, where each use reads it anew.
struct Kept {
    Value* word = nullptr;
    std::optional<unsigned> place; // bytes from the memory's base
};

/// Which parts a header has beyond the first two, and those that are constant.
struct KeptHeader {
    Header header;
    Kept parts; // bit 0 reached, 1 told, 16-31 offset, 32-47 size
};

struct GenericParse {
    Lowering& l;
    Value* ctx;
    std::optional<ParseMemory> memory;
    unsigned places = 0;
    Reads reads;
    Kept network{};   // xdpc_network
    Kept transport{}; // xdpc_transport
    Kept inner{};     // `@ih`: bits 0-15 its offset, 16 reached
    std::map<HeaderId, KeptHeader> headers{};
};

/// What a branch has told about a word is not to be known at the next: else the verifier goes on with every
/// combination of what the headers' words can say.
Kept keep_word(GenericParse& p, Value* word) {
    if (!p.memory || isa<Constant>(word)) {
        return {word, {}};
    }
    const unsigned place = p.memory->offset + 8 * p.places++;
    p.l.builder.CreateAlignedStore(word, at(p.l, p.memory->base, place), Align(8));
    return {nullptr, place};
}

Value* recall(GenericParse& p, const Kept& kept) {
    if (!kept.place) {
        return kept.word;
    }
    return p.l.builder.CreateAlignedLoad(p.l.i64(), at(p.l, p.memory->base, *kept.place), Align(8), true);
}

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

/// Of the network header; what it is (i64), 0 if none is reached.
Value* network_offset(GenericParse& p) {
    return bits(p, recall(p, p.network), 0, max_offset);
}

Value* network_type(GenericParse& p) {
    Value* network = recall(p, p.network);
    Value* type = bits(p, network, 16, 0xffff);
    return p.l.builder.CreateSelect(flag(p, network, XDPC_NET_REACHED), type, p.l.c64(0));
}

Value* is_type(GenericParse& p, unsigned type) {
    return p.l.builder.CreateICmpEQ(network_type(p), p.l.c64(type));
}

Value* all_of(GenericParse& p, std::initializer_list<Value*> parts) {
    Value* result = p.l.builder.getTrue();
    for (Value* part : parts) {
        result = p.l.builder.CreateAnd(result, part);
    }
    return result;
}

Value* proto_is(GenericParse& p, Value* transport, unsigned proto) {
    return p.l.builder.CreateICmpEQ(bits(p, transport, 16, 0xff), p.l.c64(proto));
}

Header transport_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const HeaderInfo& header = info(id);
    Value* transport = recall(p, p.transport);
    Value* reached = flag(p, transport, XDPC_IP_TRANSPORT);
    Value* offset = bits(p, transport, 0, max_offset);
    if (header.layer == Layer::AnyTransport) {
        Value* any = b.getFalse();
        for (const uint16_t proto : protocols_with_ports()) {
            any = b.CreateOr(any, proto_is(p, transport, proto));
        }
        return {b.CreateAnd(reached, any), offset, nullptr, nullptr};
    }
    Value* behind = header.layer == Layer::Transport4   ? is_type(p, 0x0800)
                    : header.layer == Layer::Transport6 ? is_type(p, 0x86dd)
                                                        : b.getTrue();
    return {all_of(p, {reached, behind, proto_is(p, transport, header.guard)}), offset, nullptr, nullptr};
}

Header walked_header(GenericParse& p, HeaderId id) {
    auto& b = p.l.builder;
    const bool ah = id == HeaderId::Ah;
    Value* nh = network_offset(p);
    Value* type = network_type(p);
    Value* walk =
        ah ? call(p, "xdpc_ah", {nh, type}) : call(p, "xdpc_extension", {nh, type, p.l.c32(info(id).guard)});
    Value* reached = flag(p, walk, XDPC_WALK_FOUND);
    Value* whole = b.CreateNot(flag(p, walk, XDPC_WALK_BROKEN));
    if (ah) { // only in sound packets that are not later fragments
        Value* transport = recall(p, p.transport);
        Value* usable =
            all_of(p, {flag(p, transport, XDPC_IP_SOUND), b.CreateNot(flag(p, transport, XDPC_IP_LATER))});
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
                        : Header{is_type(p, 0x0800), network_offset(p), nullptr, nullptr};
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
        return {flag(p, recall(p, p.network), header.guard == 0 ? XDPC_NET_TAG0 : XDPC_NET_TAG1),
                p.l.c64(12 + 4 * header.guard), nullptr, nullptr};
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
        return {is_type(p, header.guard), network_offset(p), nullptr, nullptr};
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

KeptHeader keep_header(GenericParse& p, const Header& header) {
    auto& b = p.l.builder;
    if (!p.memory || isa<Constant>(header.reached)) {
        return {header, {}};
    }
    Value* word = b.CreateOr(b.CreateZExt(header.reached, p.l.i64()), b.CreateShl(header.offset, 16));
    if (header.told) {
        word = b.CreateOr(word, b.CreateShl(b.CreateZExt(header.told, p.l.i64()), 1));
    }
    if (header.size) {
        word = b.CreateOr(word, b.CreateShl(header.size, 32));
    }
    return {header, keep_word(p, word)};
}

Header recall_header(GenericParse& p, HeaderId id) {
    const KeptHeader& kept = p.headers.at(id);
    if (!kept.parts.place) {
        return kept.header;
    }
    Value* word = recall(p, kept.parts);
    return {flag(p, word, 1), bits(p, word, 16, max_offset),
            kept.header.size ? bits(p, word, 32, 0xffff) : nullptr,
            kept.header.told ? flag(p, word, 2) : nullptr};
}

/// Present if all of `present` and its bytes are in the frame; loaded then. The frame's pointers are read
/// anew each time: one kept from key to key is, to the verifier, another after each check, so that what it
/// goes through doubles with every key.
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
    Value* base = load_data_pointer(l, p.ctx, 0);
    Value* end = load_data_pointer(l, p.ctx, 4);
    if (!isa<Constant>(offset) || !cast<Constant>(offset)->isNullValue()) {
        base = b.CreateGEP(l.i8(), base, b.CreateAnd(offset, max_offset));
    }
    edges.push_back({reached, absent_key(l, width)});
    branch(l, b.CreateICmpUGT(at(l, base, last), end), join, whole);
    b.SetInsertPoint(whole);
    edges.push_back({whole, load_key(l, base, bit_offset, width)});
    b.CreateBr(join);
    b.SetInsertPoint(join);
    return join_keys(l, edges, width);
}

KeyValue read_field(GenericParse& p, const FieldKey& key) {
    const FieldInfo& field = info(key.field);
    const Header header = recall_header(p, field.header);
    Value* present = header.reached;
    if (header.size) {
        const uint64_t last = end_byte(field.bit_offset, field.bit_width);
        present = p.l.builder.CreateAnd(present, p.l.builder.CreateICmpUGE(header.size, p.l.c64(last)));
    }
    return guarded_load(p, present, header.offset, field.bit_offset, field.bit_width);
}

KeyValue read_raw(GenericParse& p, const RawKey& key) {
    const auto load = [&](const Kept& kept, uint64_t reached) {
        Value* word = recall(p, kept);
        return guarded_load(p, flag(p, word, reached), bits(p, word, 0, max_offset), key.bit_offset,
                            key.bit_width);
    };
    switch (key.base) {
    case RawBase::Ll:
        return guarded_load(p, p.l.builder.getTrue(), p.l.c64(0), key.bit_offset, key.bit_width);
    case RawBase::Nh:
        return load(p.network, XDPC_NET_REACHED);
    case RawBase::Th:
        return load(p.transport, XDPC_IP_TRANSPORT);
    case RawBase::Ih:
        break;
    }
    return load(p.inner, XDPC_INNER_REACHED);
}

KeyValue read_exists(GenericParse& p, const ExistsKey& key) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const HeaderInfo& info_of = info(key.header);
    const Header header = recall_header(p, key.header);
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
    const auto part = [&](const Kept& kept, uint64_t is_known, unsigned shift, uint64_t mask) {
        Value* word = recall(p, kept);
        return given(flag(p, word, is_known), bits(p, word, shift, mask));
    };
    switch (meta) {
    case MetaId::Length: {
        Value* length = frame_length(l, p.ctx);
        Value* some = b.CreateICmpUGT(length, l.c64(14));
        return given(b.getTrue(), b.CreateSelect(some, b.CreateSub(length, l.c64(14)), l.c64(0)));
    }
    case MetaId::Protocol:
        return part(p.network, XDPC_NET_TYPE_KNOWN, 16, 0xffff);
    case MetaId::L4proto:
        return part(p.transport, XDPC_IP_PROTO_KNOWN, 16, 0xff);
    case MetaId::Fragment:
        return part(p.transport, XDPC_IP_FRAGMENT_KNOWN, 28, 3);
    case MetaId::VlanTagged:
        return given(guarded_load(p, b.getTrue(), l.c64(0), 96, 16).present,
                     bits(p, recall(p, p.network), 34, 1));
    case MetaId::Malformed:
        return given(b.getTrue(), call(p, "xdpc_malformed", {}));
    default:
        return *meta_key(l, p.ctx, source);
    }
}

void want(GenericParse& p, HeaderId id) {
    if (!p.headers.contains(id)) {
        p.headers.emplace(id, keep_header(p, find_header(p, id)));
    }
}

/// `@ih`.
Value* find_inner(GenericParse& p) {
    auto& b = p.l.builder;
    Value* transport = recall(p, p.transport);
    Value* inner = call(p, "xdpc_inner",
                        {bits(p, transport, 0, max_offset), bits(p, transport, 16, 0xff),
                         b.CreateZExt(is_type(p, 0x86dd), p.l.i32())});
    return b.CreateSelect(flag(p, transport, XDPC_IP_TRANSPORT), inner, p.l.c64(0));
}

} // namespace

unsigned parse_memory_bytes(const Lowering& l) {
    std::set<HeaderId> headers;
    for (const KeySource& key : l.input.program.keys) {
        if (const auto* field = std::get_if<FieldKey>(&key)) {
            headers.insert(info(field->field).header);
        } else if (const auto* exists = std::get_if<ExistsKey>(&key)) {
            headers.insert(exists->header);
        }
    }
    return static_cast<unsigned>(8 * (3 + headers.size())); // network, transport, inner
}

std::vector<KeyValue> emit_generic_parse(Lowering& l, Value* ctx, const std::optional<ParseMemory>& memory,
                                         const Keep& keep) {
    GenericParse p{l, ctx, memory, 0, reads_of(l)};
    const auto& keys = l.input.program.keys;
    const Reads& r = p.reads;
    if (r.network) {
        p.network = keep_word(p, call(p, "xdpc_network", {}));
    }
    if (r.transport4 || r.transport6 || r.fragment) {
        p.transport = keep_word(p, call(p, "xdpc_transport", {network_offset(p), network_type(p)}));
    }
    std::vector<KeyValue> values(keys.size());
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
        p.inner = keep_word(p, find_inner(p));
    }
    for (size_t i = 0; i < keys.size(); ++i) {
        if (l.used(i)) {
            values[i] = keep(i, std::visit(Overloaded{
                                               [&](const FieldKey& k) { return read_field(p, k); },
                                               [&](const RawKey& k) { return read_raw(p, k); },
                                               [&](const ExistsKey& k) { return read_exists(p, k); },
                                               [&](const MetaKey&) { return read_meta(p, keys[i]); },
                                           },
                                           keys[i]));
        }
    }
    return values;
}

} // namespace xdpc::codegen
