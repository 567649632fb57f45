// Parsing of ordinary frames, inline: one check for each header that is read, pointers kept in registers,
// every key loaded once. What is out of the ordinary (options, extension headers, fragments, cut or
// contradictory headers) goes to the generic parser before anything was decided.
#include "compiler/codegen/parse_fast.h"

#include <llvm/IR/Intrinsics.h>

namespace xdpc::codegen {

using namespace llvm;

void require(FastParse& p, Value* base, uint64_t size) {
    Lowering& l = p.l;
    BasicBlock* next = l.block("whole");
    branch_rarely(l, l.builder.CreateICmpUGT(at(l, base, size), p.end), p.generic, next);
    l.builder.SetInsertPoint(next);
}

void require_not(FastParse& p, Value* odd) {
    BasicBlock* next = p.l.block("usual");
    branch_rarely(p.l, odd, p.generic, next);
    p.l.builder.SetInsertPoint(next);
}

uint64_t bytes_needed(const FastParse& p, const Kind& kind, RawBase base) {
    uint64_t needs = 0;
    for (size_t i = 0; i < keys_of(p).size(); ++i) {
        if (p.l.used(i)) {
            const Spot spot = spot_of(keys_of(p)[i], kind);
            needs = std::max(needs, spot.base == base ? spot.needs : 0);
        }
    }
    return needs;
}

Value* swapped(Lowering& l, Value* word) {
    return l.builder.CreateUnaryIntrinsic(Intrinsic::bswap, word);
}

namespace {

constexpr uint16_t tpids[] = {0x8100, 0x88a8, 0x9100};

KeyValue tag_key(FastParse& p, const KeySource& source, unsigned tags) {
    Lowering& l = p.l;
    if (std::holds_alternative<MetaKey>(source)) { // `meta vlan`
        return constant_key(l, tags > 0, 1);
    }
    if (const auto* exists = std::get_if<ExistsKey>(&source)) {
        return constant_key(l, tags > info(exists->header).guard, 1);
    }
    const FieldInfo& field = info(std::get<FieldKey>(source).field);
    const unsigned index = info(field.header).guard;
    if (tags <= index) {
        return absent_key(l, field.bit_width);
    }
    return load_key(l, p.data, (12 + 4 * index) * 8 + field.bit_offset, field.bit_width);
}

bool is_tag_key(const KeySource& source) {
    if (const auto* field = std::get_if<FieldKey>(&source)) {
        return info(info(field->field).header).layer == Layer::Tag;
    }
    if (const auto* exists = std::get_if<ExistsKey>(&source)) {
        return info(exists->header).layer == Layer::Tag;
    }
    const auto* meta = std::get_if<MetaKey>(&source);
    return meta && meta->meta == MetaId::VlanTagged;
}

void read_tag_keys(FastParse& p, unsigned tags) {
    auto& keys = p.tag_keys[tags];
    keys.resize(keys_of(p).size());
    for (size_t i = 0; i < keys.size(); ++i) {
        if (p.l.used(i) && is_tag_key(keys_of(p)[i])) {
            keys[i] = tag_key(p, keys_of(p)[i], tags);
        }
    }
}

/// Sorts a frame by the EtherType before `header`, stepping over tags.
void sort_by_ethertype(FastParse& p, Value* header, unsigned tags) {
    Lowering& l = p.l;
    auto& b = l.builder;
    if (tags > 0) {
        require(p, header, 0);
    }
    read_tag_keys(p, tags);
    Value* raw = b.CreateAlignedLoad(l.i16(), b.CreateConstGEP1_64(l.i8(), header, -2), Align(2));
    const auto equals = [&](uint16_t type) {
        return b.CreateICmpEQ(raw, ConstantInt::get(l.i16(), __builtin_bswap16(type)));
    };
    const auto arrive = [&](Net net, uint16_t type, bool rare) {
        BasicBlock* next = l.block("type");
        BasicBlock* is = l.block("is");
        rare ? branch_rarely(l, equals(type), is, next) : branch(l, equals(type), is, next);
        p.arrivals[static_cast<size_t>(net)].push_back({is, header, raw, tags});
        b.SetInsertPoint(next);
    };
    if (p.reads.ip4) {
        arrive(Net::Ip4, 0x0800, false);
    }
    if (p.reads.ip6) {
        arrive(Net::Ip6, 0x86dd, false);
    }
    if (p.reads.arp) {
        arrive(Net::Arp, 0x0806, true);
    }
    BasicBlock* tagged = l.block("tagged");
    for (const uint16_t tpid : tpids) {
        BasicBlock* next = l.block("type");
        branch_rarely(l, equals(tpid), tagged, next);
        b.SetInsertPoint(next);
    }
    p.arrivals[static_cast<size_t>(Net::Other)].push_back({b.GetInsertBlock(), header, raw, tags});
    b.SetInsertPoint(tagged);
    if (tags == max_tags) {
        b.CreateBr(p.generic);
    } else {
        sort_by_ethertype(p, at(l, p.data, 18 + 4 * tags), tags + 1);
    }
}

} // namespace

Found meet(FastParse& p, Net net) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const auto& edges = p.arrivals[static_cast<size_t>(net)];
    BasicBlock* block = l.block("net");
    for (const Arrival& arrival : edges) {
        b.SetInsertPoint(arrival.from);
        b.CreateBr(block);
    }
    b.SetInsertPoint(block);
    Found found;
    PHINode* header = b.CreatePHI(l.ptr(), edges.size());
    PHINode* type = b.CreatePHI(l.i16(), edges.size());
    for (const Arrival& arrival : edges) {
        header->addIncoming(arrival.header, arrival.from);
        type->addIncoming(arrival.ethertype, arrival.from);
    }
    found.network = header;
    found.ethertype = type;
    found.tag_keys.resize(keys_of(p).size());
    for (size_t i = 0; i < keys_of(p).size(); ++i) {
        if (!l.used(i) || !is_tag_key(keys_of(p)[i])) {
            continue;
        }
        std::vector<KeyEdge> values;
        for (const Arrival& arrival : edges) {
            values.push_back({arrival.from, p.tag_keys[arrival.tags][i]});
        }
        found.tag_keys[i] = join_keys(l, values, width_of(keys_of(p)[i]));
    }
    return found;
}

namespace {

KeyValue ready_key(FastParse& p, const Found& found, size_t index) {
    Lowering& l = p.l;
    const KeySource& source = keys_of(p)[index];
    const unsigned width = width_of(source);
    if (is_tag_key(source)) {
        return found.tag_keys[index];
    }
    switch (std::get<MetaKey>(source).meta) {
    case MetaId::Protocol: {
        KeyValue key = computed_key(l, swapped(l, found.ethertype), width);
        key.raw = computed_key(l, found.ethertype, width).value;
        return key;
    }
    case MetaId::L4proto:
        return computed_key(l, found.protocol, width);
    case MetaId::Fragment: {
        // Later fragments come here only if no transport header is read.
        Value* later =
            l.builder.CreateICmpNE(l.builder.CreateAnd(found.place, uint64_t{0xff1f}), l.builder.getInt16(0));
        Value* more = l.builder.CreateAnd(l.builder.CreateLShr(found.place, 5), uint64_t{1});
        return computed_key(l, l.builder.CreateSelect(later, l.builder.getInt16(2), more), width);
    }
    case MetaId::Length: {
        Value* begin = l.builder.CreatePtrToInt(p.data, l.i64());
        Value* stop = l.builder.CreatePtrToInt(p.end, l.i64());
        return computed_key(l, l.builder.CreateSub(l.builder.CreateSub(stop, begin), l.c64(14)), width);
    }
    default:
        return *meta_key(l, p.ctx, source);
    }
}

KeyValue key_of(FastParse& p, const Found& found, const Kind& kind, size_t index) {
    Lowering& l = p.l;
    const KeySource& source = keys_of(p)[index];
    const Spot spot = spot_of(source, kind);
    switch (spot.where) {
    case Spot::Where::Absent:
        return absent_key(l, width_of(source));
    case Spot::Where::Constant:
        return constant_key(l, spot.constant, width_of(source));
    case Spot::Where::Ready:
        return ready_key(p, found, index);
    case Spot::Where::Frame:
        break;
    }
    Value* base = spot.base == RawBase::Ll   ? p.data
                  : spot.base == RawBase::Nh ? found.network
                  : spot.base == RawBase::Th ? found.transport
                                             : found.inner;
    return load_key(l, base, spot.bit_offset, spot.width);
}

/// Registers that the keys of a kind need: constants and absent ones need none.
size_t words_needed(const FastParse& p, const Kind& kind) {
    size_t words = 0;
    for (size_t i = 0; i < keys_of(p).size(); ++i) {
        if (p.l.used(i)) {
            const Spot::Where where = spot_of(keys_of(p)[i], kind).where;
            const bool held = where == Spot::Where::Frame || where == Spot::Where::Ready;
            words += held ? words_of(width_of(keys_of(p)[i])) : 0;
        }
    }
    return words;
}

} // namespace

void enter_kind(FastParse& p, const Found& found, const Kind& kind) {
    const auto read = [&](const Keep& keep) {
        // Loads from the frame first: helper calls would push its pointers to the stack.
        std::vector<KeyValue> keys(keys_of(p).size());
        for (const bool calls : {false, true}) {
            for (size_t i = 0; i < keys.size(); ++i) {
                if (p.l.used(i) && (spot_of(keys_of(p)[i], kind).where == Spot::Where::Ready) == calls) {
                    keys[i] = keep(i, key_of(p, found, kind, i));
                }
            }
        }
        return keys;
    };
    p.enter(kind.name, words_needed(p, kind), read);
}

namespace {

void parse_plain(FastParse& p, Net net, const char* name) {
    Found found = meet(p, net);
    const Kind kind{name, net, false, -1};
    uint64_t needs = bytes_needed(p, kind, RawBase::Nh);
    if (net == Net::Arp && p.reads.malformed) {
        needs = std::max<uint64_t>(needs, 28);
    }
    if (needs > 0) {
        require(p, found.network, needs);
    }
    enter_kind(p, found, kind);
}

} // namespace

size_t count_kinds(const Lowering& l) {
    const Reads reads = reads_of(l);
    if (!reads.network) {
        return 1;
    }
    return 1 + (reads.arp ? 1 : 0) + (reads.ip4 ? 1 + reads.protos4.size() : 0) +
           (reads.ip6 ? 1 + reads.protos6.size() : 0);
}

void emit_fast_parse(Lowering& l, Value* ctx, BasicBlock* generic, const Enter& enter) {
    FastParse p{l, ctx, generic, enter, reads_of(l)};
    p.data = load_data_pointer(l, ctx, 0);
    p.end = load_data_pointer(l, ctx, 4);
    const Kind any{"any", Net::Other, false, -1};
    const uint64_t link = bytes_needed(p, any, RawBase::Ll);
    require(p, p.data, std::max<uint64_t>(14, link));
    if (!p.reads.network) {
        enter_kind(p, {}, any);
        return;
    }
    sort_by_ethertype(p, at(l, p.data, 14), 0);
    if (p.reads.ip4) {
        parse_ip4(p);
    }
    if (p.reads.ip6) {
        parse_ip6(p);
    }
    if (p.reads.arp) {
        parse_plain(p, Net::Arp, "arp");
    }
    parse_plain(p, Net::Other, "other");
}

} // namespace xdpc::codegen
