#include "tests/harness/random_rewrites.h"

#include <algorithm>

namespace xdpc::test {

namespace {

FieldId writable_field(Rng& rng) {
    static const std::vector<FieldId> common{FieldId::IpTtl,    FieldId::IpSaddr,    FieldId::IpDaddr,
                                             FieldId::IpDscp,   FieldId::TcpDport,   FieldId::UdpSport,
                                             FieldId::ThDport,  FieldId::Ip6Saddr,   FieldId::Ip6Hoplimit,
                                             FieldId::TcpFlags, FieldId::EtherDaddr, FieldId::VlanId};
    if (chance(rng, 50)) {
        return pick(rng, common);
    }
    for (;;) {
        const auto field = static_cast<FieldId>(below(rng, all_fields().size()));
        if (info(field).access == Access::RW) {
            return field;
        }
    }
}

u128 number(Rng& rng, unsigned width) {
    const u128 any = chance(rng, 50) ? below(rng, 300) : u128{rng()} << 64 | rng();
    return any & max_of_width(width);
}

packet::SetField random_set(Rng& rng, const Key& key, std::vector<Key>& keys) {
    using Op = packet::Operation::Op;
    packet::SetField set;
    set.field = writable_field(rng);
    const unsigned width = info(set.field).bit_width;
    set.number = number(rng, width);
    const Key from = chance(rng, 60) ? Key{FieldKey{set.field}} : key;
    if (chance(rng, 50) && width_of(from.source) <= width) {
        set.from_key = true;
        keys.push_back(from);
        for (uint64_t i = below(rng, 3); i-- > 0;) {
            const auto op = static_cast<Op>(below(rng, 7));
            const bool shifts = op == Op::Shl || op == Op::Shr;
            set.operations.push_back({op, shifts ? below(rng, width + 2) : number(rng, width)});
        }
    }
    return set;
}

Tunnel random_tunnel(Rng& rng) {
    return static_cast<Tunnel>(below(rng, tunnel_names().size()));
}

packet::Encap random_encap(Rng& rng) {
    packet::Encap encap;
    encap.kind = random_tunnel(rng);
    const TunnelRow& row = row_of(encap.kind);
    encap.outer6 = row.by_address ? chance(rng, 50) : row.outer6;
    encap.from = number(rng, encap.outer6 ? 128 : 32);
    encap.to = number(rng, encap.outer6 ? 128 : 32);
    encap.ttl = static_cast<uint8_t>(1 + below(rng, 255));
    if (chance(rng, 30)) {
        encap.dscp = static_cast<uint8_t>(below(rng, 64));
    }
    encap.port = row.port;
    encap.vni = encap.kind == Tunnel::Vxlan ? static_cast<uint32_t>(below(rng, 1U << 24)) : 0;
    if (chance(rng, 50)) { // small, so that some do not fit
        encap.mtu = static_cast<uint32_t>(60 + below(rng, 200));
        encap.answers = chance(rng, 50);
    }
    return encap;
}

packet::Rewrite random_answer(Rng& rng) {
    switch (below(rng, 7)) {
    case 0:
        return packet::Reflect{};
    case 1:
        return packet::ReplyEcho{};
    case 2:
        return packet::RejectTcp{};
    case 3: {
        const uint8_t code4 = 3, code6 = 1;
        const packet::RejectIcmp some[] = {{code4, {}}, {{}, code6}, {code4, code6}};
        return some[below(rng, 3)];
    }
    case 4:
        return packet::VlanPush{static_cast<uint16_t>(chance(rng, 50) ? 0x8100 : 0x88a8),
                                static_cast<uint16_t>(rng())};
    case 5:
        return packet::VlanPop{};
    default: {
        if (chance(rng, 60)) {
            return random_encap(rng);
        }
        packet::Decap decap;
        if (!chance(rng, 60)) {
            decap.kind = random_tunnel(rng);
        }
        return decap;
    }
    }
}

} // namespace

RewriteStatement random_rewrite(Rng& rng, const Key& key) {
    RewriteStatement result;
    if (chance(rng, 65)) {
        result.what = random_set(rng, key, result.keys);
    } else {
        result.what = random_answer(rng);
    }
    return result;
}

void map_values(Rng& rng, RewriteStatement& rewrite, const std::vector<Key>& keys,
                const std::function<Box()>& box) {
    auto* set = std::get_if<packet::SetField>(&rewrite.what);
    if (set == nullptr) {
        return;
    }
    const unsigned width = info(set->field).bit_width;
    set->from_key = true;
    set->operations.clear();
    rewrite.keys = keys;
    rewrite.map.emplace();
    for (uint64_t i = below(rng, chance(rng, 70) ? 5 : 60); i-- > 0;) {
        rewrite.map->entries.emplace_back(box(), number(rng, width));
    }
    if (chance(rng, 85)) { // boxes seldom hold what a packet has
        rewrite.map->otherwise = number(rng, width);
    }
}

} // namespace xdpc::test
