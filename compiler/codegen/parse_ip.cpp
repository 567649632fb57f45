// Ordinary IPv4 and IPv6: sound, no options, no extension headers, no later fragment; sorted by protocol.
#include "compiler/codegen/parse_fast.h"

#include <algorithm>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// Checks of the transport header that no field asks for, but `malformed`, options or `@ih` do.
void check_tcp(FastParse& p, Found& found, const Kind& kind) {
    Lowering& l = p.l;
    auto& b = l.builder;
    if (!p.reads.tcp_options && !p.reads.malformed && !p.reads.inner) {
        return;
    }
    Value* doff = load_packet(l, found.transport, 12, l.i8());
    if (p.reads.tcp_options) {
        require_not(p, b.CreateICmpNE(b.CreateAnd(doff, uint64_t{0xf0}), b.getInt8(0x50)));
    }
    Value* size = b.CreateAnd(b.CreateLShr(b.CreateZExt(doff, l.i32()), 2), uint64_t{0x3c});
    if (p.reads.malformed || p.reads.inner) {
        require_not(p, b.CreateICmpULT(size, l.c32(20)));
    }
    if (p.reads.malformed) {
        require_not(p, b.CreateICmpUGT(size, found.ip_bytes));
    }
    if (p.reads.inner) {
        found.inner = b.CreateGEP(l.i8(), found.transport, b.CreateZExt(size, l.i64()));
        require(p, found.inner, bytes_needed(p, kind, RawBase::Ih));
    }
}

void check_other_transport(FastParse& p, Found& found, const Kind& kind) {
    Lowering& l = p.l;
    auto& b = l.builder;
    if (p.reads.malformed && kind.proto == 17) {
        Value* length = b.CreateZExt(swapped(l, load_packet(l, found.transport, 4, l.i16())), l.i32());
        require_not(p, b.CreateICmpULT(length, l.c32(8)));
        require_not(p, b.CreateICmpUGT(length, found.ip_bytes));
    }
    if (p.reads.inner && kind.proto >= 0) {
        found.inner = at(l, found.transport, 8);
        require(p, found.inner, bytes_needed(p, kind, RawBase::Ih));
    }
}

uint64_t transport_minimum(const FastParse& p, const Kind& kind) {
    const bool checks = p.reads.malformed || p.reads.inner || p.reads.tcp_options;
    if (!checks || kind.proto < 0) {
        return 0;
    }
    return kind.proto == 6 ? 20 : 8;
}

void enter_transport(FastParse& p, Found found, const Kind& kind) {
    const uint64_t needs = std::max(bytes_needed(p, kind, RawBase::Th), transport_minimum(p, kind));
    if (needs > 0) {
        require(p, found.transport, needs);
    }
    if (kind.proto == 6) {
        check_tcp(p, found, kind);
    } else {
        check_other_transport(p, found, kind);
    }
    enter_kind(p, found, kind);
}

std::string kind_name(Net net, int proto) {
    const std::string ip = net == Net::Ip4 ? "ip" : "ip6";
    switch (proto) {
    case 6:
        return ip + " tcp";
    case 17:
        return ip + " udp";
    case 1:
        return ip + " icmp";
    case 58:
        return ip + " icmpv6";
    default:
        return ip + " other";
    }
}

/// Splits by protocol: those with a kind of their own, those for the generic parser, the others.
void sort_by_protocol(FastParse& p, const Found& found, Net net, const std::vector<int>& own,
                      std::vector<int> rare) {
    Lowering& l = p.l;
    auto& b = l.builder;
    const auto walked = net == Net::Ip4 ? std::vector<int>{51} : std::vector<int>{0, 43, 44, 51, 60, 135};
    rare.insert(rare.end(), walked.begin(), walked.end());
    std::sort(rare.begin(), rare.end());
    rare.erase(std::unique(rare.begin(), rare.end()), rare.end());
    std::vector<std::pair<int, BasicBlock*>> blocks;
    for (const int proto : own) {
        BasicBlock* is = l.block("proto");
        BasicBlock* next = l.block("not");
        branch(l, b.CreateICmpEQ(found.protocol, b.getInt8(static_cast<uint8_t>(proto))), is, next);
        b.SetInsertPoint(next);
        blocks.emplace_back(proto, is);
    }
    BasicBlock* other = l.block("other");
    SwitchInst* choice = b.CreateSwitch(found.protocol, other, static_cast<unsigned>(rare.size()));
    for (const int proto : rare) {
        choice->addCase(b.getInt8(static_cast<uint8_t>(proto)), p.generic);
    }
    for (const auto& [proto, is] : blocks) {
        b.SetInsertPoint(is);
        enter_transport(p, found, {kind_name(net, proto), net, true, proto});
    }
    b.SetInsertPoint(other);
    enter_transport(p, found, {kind_name(net, -1), net, true, -1});
}

} // namespace

void parse_ip4(FastParse& p) {
    Lowering& l = p.l;
    auto& b = l.builder;
    Found found = meet(p, Net::Ip4);
    const Kind kind{"ip", Net::Ip4, false, -1};
    uint64_t needs = bytes_needed(p, kind, RawBase::Nh);
    needs = std::max<uint64_t>(needs, p.reads.fragment ? 8 : 0);
    needs = std::max<uint64_t>(needs, p.reads.ip_options || p.reads.transport4 ? 20 : 0);
    require(p, found.network, needs);
    if (p.reads.fragment || p.reads.transport4) {
        found.place = load_packet(l, found.network, 6, l.i16());
    }
    if (!p.reads.transport4) {
        if (p.reads.ip_options) {
            Value* first = load_packet(l, found.network, 0, l.i8());
            require_not(p, b.CreateICmpNE(first, b.getInt8(0x45)));
        }
        enter_kind(p, found, kind);
        return;
    }
    // Version, header length and total length in one load.
    Value* word = swapped(l, load_packet(l, found.network, 0, l.i32()));
    require_not(p, b.CreateICmpNE(b.CreateLShr(word, 24), l.c32(0x45)));
    Value* total = b.CreateAnd(word, uint64_t{0xffff});
    require_not(p, b.CreateICmpULT(total, l.c32(20)));
    Value* ip_end = b.CreateGEP(l.i8(), found.network, b.CreateZExt(total, l.i64()));
    require_not(p, b.CreateICmpUGT(ip_end, p.end));
    require_not(p, b.CreateICmpNE(b.CreateAnd(found.place, uint64_t{0xff1f}), b.getInt16(0)));
    found.ip_bytes = b.CreateSub(total, l.c32(20));
    found.protocol = load_packet(l, found.network, 9, l.i8());
    found.transport = at(l, found.network, 20);
    sort_by_protocol(p, found, Net::Ip4, p.reads.protos4, p.reads.rare4);
}

void parse_ip6(FastParse& p) {
    Lowering& l = p.l;
    auto& b = l.builder;
    Found found = meet(p, Net::Ip6);
    const Kind kind{"ip6", Net::Ip6, false, -1};
    require(p, found.network,
            std::max<uint64_t>(bytes_needed(p, kind, RawBase::Nh), p.reads.transport6 ? 40 : 0));
    if (!p.reads.transport6) {
        enter_kind(p, found, kind);
        return;
    }
    Value* first = load_packet(l, found.network, 0, l.i8());
    require_not(p, b.CreateICmpNE(b.CreateAnd(first, uint64_t{0xf0}), b.getInt8(0x60)));
    // The payload length as the lower half of a word: of a swapped halfword the verifier of 6.1 knows no
    // bound.
    Value* word = swapped(l, load_packet(l, found.network, 2, l.i32()));
    Value* payload = b.CreateZExt(b.CreateAnd(word, uint64_t{0xffff}), l.i64());
    Value* ip_end = at(l, b.CreateGEP(l.i8(), found.network, payload), 40);
    require_not(p, b.CreateICmpUGT(ip_end, p.end));
    if (p.reads.malformed) { // a length of 0 means up to the frame's end
        require_not(p, b.CreateICmpEQ(payload, l.c64(0)));
    }
    found.ip_bytes = b.CreateTrunc(payload, l.i32());
    found.protocol = load_packet(l, found.network, 6, l.i8());
    found.transport = at(l, found.network, 40);
    sort_by_protocol(p, found, Net::Ip6, p.reads.protos6, p.reads.rare6);
}

} // namespace xdpc::codegen
