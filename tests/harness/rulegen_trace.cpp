// Packets for generated rule sets.
#include "compiler/packet/build.h"
#include "tests/harness/rulegen.h"

#include <cmath>
#include <random>

namespace xdpc::test {

namespace {

u128 pick(std::mt19937_64& random, const Interval& side) {
    const u128 span = side.hi - side.lo;
    const u128 draw = (u128{random()} << 64) | random();
    return span == ~u128{0} ? draw : side.lo + draw % (span + 1);
}

FiveFieldHeader aimed_at(std::mt19937_64& random, const FiveFieldRule& rule) {
    FiveFieldHeader header;
    header.saddr = pick(random, rule.saddr);
    header.daddr = pick(random, rule.daddr);
    header.sport = static_cast<uint16_t>(pick(random, rule.sport));
    header.dport = static_cast<uint16_t>(pick(random, rule.dport));
    header.protocol = rule.protocol.value_or(random() % 2 ? 6 : 17);
    return header;
}

FiveFieldHeader anything(std::mt19937_64& random, bool ip6) {
    const Interval all{0, max_of_width(ip6 ? 128 : 32)};
    return aimed_at(random, {all, all, {0, 65535}, {0, 65535}, random() % 4 ? 6 : 17, true});
}

} // namespace

std::vector<FiveFieldHeader> make_headers(const std::vector<FiveFieldRule>& rules,
                                          const TraceOptions& options) {
    std::mt19937_64 random(options.seed * 0xD1B54A32D192ED03ULL + 7);
    std::vector<FiveFieldHeader> headers;
    while (headers.size() < options.headers) {
        const bool hit = !rules.empty() && random() % 100 < options.hit_percent;
        const FiveFieldHeader header =
            hit ? aimed_at(random, rules[random() % rules.size()]) : anything(random, options.ip6);
        size_t copies = 1;
        if (options.locality) { // Pareto, shape 1, scale 0.1 of ten: most flows are short, a few long
            const double u = (static_cast<double>(random() >> 11) + 1) / 9007199254740993.0;
            copies = static_cast<size_t>(std::min(1000.0, std::ceil(1 / u)));
        }
        headers.insert(headers.end(), std::min(copies, options.headers - headers.size()), header);
    }
    return headers;
}

std::vector<uint8_t> frame_of(const FiveFieldHeader& header, bool ip6) {
    using packet::FieldValue;
    packet::Recipe recipe;
    recipe.layers.emplace_back(
        packet::HeaderLayer{ip6 ? HeaderId::Ip6 : HeaderId::Ip,
                            {FieldValue{ip6 ? FieldId::Ip6Saddr : FieldId::IpSaddr, header.saddr},
                             FieldValue{ip6 ? FieldId::Ip6Daddr : FieldId::IpDaddr, header.daddr},
                             FieldValue{ip6 ? FieldId::Ip6Nexthdr : FieldId::IpProtocol, header.protocol}},
                            {}});
    if (header.protocol == 6) {
        recipe.layers.emplace_back(packet::HeaderLayer{
            HeaderId::Tcp,
            {FieldValue{FieldId::TcpSport, header.sport}, FieldValue{FieldId::TcpDport, header.dport}},
            {}});
    } else if (header.protocol == 17) {
        recipe.layers.emplace_back(packet::HeaderLayer{
            HeaderId::Udp,
            {FieldValue{FieldId::UdpSport, header.sport}, FieldValue{FieldId::UdpDport, header.dport}},
            {}});
    } else {
        recipe.layers.emplace_back(packet::PayloadLayer{std::vector<uint8_t>(8)});
    }
    return packet::build(recipe);
}

} // namespace xdpc::test
