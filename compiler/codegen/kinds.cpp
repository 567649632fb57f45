#include "compiler/codegen/kinds.h"

#include "compiler/base/overloaded.h"
#include "compiler/fields/key_facts.h"

#include <algorithm>

namespace xdpc::codegen {

namespace {

using Where = Spot::Where;

bool is_th(int proto) {
    const auto protocols = protocols_with_ports();
    return std::find(protocols.begin(), protocols.end(), proto) != protocols.end();
}

Spot constant(u128 value) {
    return {.where = Where::Constant, .constant = value};
}

Spot in_frame(RawBase base, uint64_t bit_offset, unsigned width) {
    const uint64_t end = end_byte(bit_offset, width);
    if (end > max_offset) {
        return {};
    }
    return {.where = Where::Frame, .base = base, .bit_offset = bit_offset, .width = width, .needs = end};
}

/// Whether frames of this kind have the header, and from where it is counted; nothing: not told by the kind.
struct Standing {
    bool reached = false;
    RawBase base = RawBase::Ll;
};

Standing standing_of(const HeaderInfo& header, const Kind& kind) {
    const bool guard = kind.transport && kind.proto == header.guard;
    switch (header.layer) {
    case Layer::Link:
        return {true, RawBase::Ll};
    case Layer::Arp:
        return {kind.net == Net::Arp, RawBase::Nh};
    case Layer::Ip:
        return {kind.net == Net::Ip4, RawBase::Nh};
    case Layer::Ip6:
        return {kind.net == Net::Ip6, RawBase::Nh};
    case Layer::Transport4:
        return {guard && kind.net == Net::Ip4, RawBase::Th};
    case Layer::Transport6:
        return {guard && kind.net == Net::Ip6, RawBase::Th};
    case Layer::Transport:
        return {guard, RawBase::Th};
    case Layer::AnyTransport:
        return {kind.transport && is_th(kind.proto), RawBase::Th};
    case Layer::Tag:
    case Layer::Extension:
    case Layer::Option:
        return {};
    }
    return {};
}

Spot field_spot(const FieldKey& key, const Kind& kind) {
    const FieldInfo& field = info(key.field);
    const HeaderInfo& header = info(field.header);
    if (header.layer == Layer::Tag) {
        return {.where = Where::Ready};
    }
    const Standing standing = standing_of(header, kind);
    return standing.reached ? in_frame(standing.base, field.bit_offset, field.bit_width) : Spot{};
}

bool has_inner(const Kind& kind) {
    return kind.transport &&
           (kind.proto == 6 || kind.proto == 17 || (kind.proto == 1 && kind.net == Net::Ip4) ||
            (kind.proto == 58 && kind.net == Net::Ip6));
}

Spot raw_spot(const RawKey& key, const Kind& kind) {
    const bool reached = key.base == RawBase::Ll || key.base == RawBase::Nh ||
                         (key.base == RawBase::Th && kind.transport) ||
                         (key.base == RawBase::Ih && has_inner(kind));
    return reached ? in_frame(key.base, key.bit_offset, key.bit_width) : Spot{};
}

Spot exists_spot(const ExistsKey& key, const Kind& kind) {
    const HeaderInfo& header = info(key.header);
    switch (header.layer) {
    case Layer::Option: // frames with options have no kind
        if (header.parent == HeaderId::Tcp) {
            return kind.transport && kind.proto == 6 ? constant(0) : Spot{};
        }
        return kind.net == Net::Ip4 ? constant(0) : Spot{};
    case Layer::Extension:
        return kind.net == Net::Ip6 ? constant(0) : Spot{};
    case Layer::Tag:
        return {.where = Where::Ready};
    case Layer::Link:
    case Layer::Arp:
    case Layer::Ip:
    case Layer::Ip6:
    case Layer::Transport4:
    case Layer::Transport6:
    case Layer::Transport:
    case Layer::AnyTransport:
        break;
    }
    if (key.header == HeaderId::Ah) {
        return kind.transport ? constant(0) : Spot{};
    }
    const Standing standing = standing_of(header, kind);
    Spot spot = constant(standing.reached ? 1 : 0);
    spot.base = standing.base;
    spot.needs = standing.reached ? header.min_bytes : 0;
    return spot;
}

Spot meta_spot(const MetaKey& key, const Kind& kind) {
    switch (key.meta) {
    case MetaId::Protocol:
        switch (kind.net) {
        case Net::Ip4:
            return constant(0x0800);
        case Net::Ip6:
            return constant(0x86dd);
        case Net::Arp:
            return constant(0x0806);
        case Net::Other:
            return {.where = Where::Ready};
        }
        return {};
    case MetaId::L4proto:
        if (!kind.transport) {
            return {};
        }
        return kind.proto >= 0 ? constant(static_cast<unsigned>(kind.proto)) : Spot{.where = Where::Ready};
    case MetaId::Fragment:
        return kind.net == Net::Ip4 ? Spot{.where = Where::Ready}
                                    : (kind.net == Net::Ip6 ? constant(0) : Spot{});
    case MetaId::Malformed:
        return constant(0);
    case MetaId::Length:
    case MetaId::VlanTagged:
    case MetaId::Iif:
    case MetaId::Iifname:
    case MetaId::Rxqueue:
    case MetaId::Cpu:
    case MetaId::Random:
    case MetaId::Time:
    case MetaId::Day:
    case MetaId::Hour:
        return {.where = Where::Ready};
    }
    return {};
}

void add(std::vector<int>& to, int proto) {
    if (std::find(to.begin(), to.end(), proto) == to.end()) {
        to.push_back(proto);
    }
}

void add_proto(Reads& r, int proto, bool v4, bool v6) {
    const bool fast4 = proto == 6 || proto == 17 || proto == 1;
    const bool fast6 = proto == 6 || proto == 17 || proto == 58;
    if (v4) {
        add(fast4 ? r.protos4 : r.rare4, proto);
    }
    if (v6) {
        add(fast6 ? r.protos6 : r.rare6, proto);
    }
}

void add_transport(Reads& r) {
    r.network = r.ip4 = r.ip6 = r.transport4 = r.transport6 = true;
}

void add_header(Reads& r, HeaderId id) {
    const HeaderInfo& header = info(id);
    switch (header.layer) {
    case Layer::Link:
        return;
    case Layer::Tag:
        r.tags = r.network = true;
        return;
    case Layer::Arp:
        r.network = r.arp = true;
        return;
    case Layer::Ip:
        r.network = r.ip4 = true;
        return;
    case Layer::Ip6:
        r.network = r.ip6 = true;
        return;
    case Layer::Extension:
        r.network = r.ip6 = r.transport6 = true;
        return;
    case Layer::Transport4:
        r.network = r.ip4 = r.transport4 = true;
        add_proto(r, header.guard, true, false);
        return;
    case Layer::Transport6:
        r.network = r.ip6 = r.transport6 = true;
        add_proto(r, header.guard, false, true);
        return;
    case Layer::Transport:
        add_transport(r);
        if (id != HeaderId::Ah) { // frames with AH have no kind anyway
            add_proto(r, header.guard, true, true);
        }
        return;
    case Layer::AnyTransport:
        add_transport(r);
        for (const int proto : protocols_with_ports()) {
            add_proto(r, proto, true, true);
        }
        return;
    case Layer::Option:
        if (header.parent == HeaderId::Tcp) {
            r.tcp_options = true;
        } else {
            r.ip_options = true;
        }
        add_header(r, header.parent);
        return;
    }
}

void add_raw(Reads& r, const RawKey& key) {
    if (key.base == RawBase::Nh) {
        r.network = true;
    } else if (key.base == RawBase::Th) {
        add_transport(r);
    } else if (key.base == RawBase::Ih) {
        add_transport(r);
        r.inner = true;
        for (const int proto : protocols_with_ports()) {
            add_proto(r, proto, true, true);
        }
        add_proto(r, 1, true, false);
        add_proto(r, 58, false, true);
    }
}

void add_meta(Reads& r, const MetaKey& key) {
    switch (key.meta) {
    case MetaId::Protocol:
        r.network = true;
        break;
    case MetaId::VlanTagged:
        r.network = r.tags = true;
        break;
    case MetaId::L4proto:
        add_transport(r);
        break;
    case MetaId::Fragment:
        r.network = r.ip4 = r.ip6 = r.transport6 = r.fragment = true;
        break;
    case MetaId::Malformed:
        r.malformed = r.arp = true;
        add_transport(r);
        for (const HeaderInfo& header : all_headers()) {
            const bool v4 = header.layer == Layer::Transport4 || header.layer == Layer::Transport;
            const bool v6 = header.layer == Layer::Transport6 || header.layer == Layer::Transport;
            add_proto(r, header.guard, v4, v6);
        }
        break;
    case MetaId::Length:
    case MetaId::Iif:
    case MetaId::Iifname:
    case MetaId::Rxqueue:
    case MetaId::Cpu:
    case MetaId::Random:
    case MetaId::Time:
    case MetaId::Day:
    case MetaId::Hour:
        break;
    }
}

} // namespace

Reads reads_of(const Lowering& l) {
    Reads reads;
    const auto& keys = l.input.program.keys;
    for (size_t i = 0; i < keys.size(); ++i) {
        if (!l.used(i)) {
            continue;
        }
        std::visit(Overloaded{
                       [&](const FieldKey& k) { add_header(reads, info(k.field).header); },
                       [&](const RawKey& k) { add_raw(reads, k); },
                       [&](const ExistsKey& k) { add_header(reads, k.header); },
                       [&](const MetaKey& k) { add_meta(reads, k); },
                   },
                   keys[i]);
    }
    return reads;
}

Spot spot_of(const KeySource& key, const Kind& kind) {
    return std::visit(Overloaded{
                          [&](const FieldKey& k) { return field_spot(k, kind); },
                          [&](const RawKey& k) { return raw_spot(k, kind); },
                          [&](const ExistsKey& k) { return exists_spot(k, kind); },
                          [&](const MetaKey& k) { return meta_spot(k, kind); },
                      },
                      key);
}

} // namespace xdpc::codegen
