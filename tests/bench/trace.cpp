#include "tests/bench/trace.h"

#include "compiler/base/overloaded.h"
#include "compiler/packet/build.h"

#include <algorithm>
#include <map>
#include <random>

namespace xdpc::bench {
namespace {

/// What a frame is to be: values of fields, and the EtherType if a rule names one.
struct Wish {
    std::map<FieldId, u128> fields;
    std::optional<uint16_t> ether_type;
    std::optional<uint8_t> protocol;
};

class Maker {
public:
    Maker(const Policy& policy, const TraceOptions& options)
        : policy_(policy), options_(options), random_(options.seed) {}

    TraceFrame frame() {
        Wish wish;
        if (below(100) < options_.hit_percent && !policy_.rules.empty())
            for (const Statement& statement : policy_.rules[below(policy_.rules.size())].statements)
                if (const auto* match = std::get_if<MatchStatement>(&statement))
                    grant(match->condition, wish);
        packet::Frame built = packet::build(recipe(wish));
        TraceFrame result{};
        std::copy_n(built.begin(), std::min(built.size(), result.size()), result.begin());
        return result;
    }

private:
    uint64_t below(uint64_t bound) { return random_() % bound; }

    u128 pick(Interval interval) {
        u128 span = interval.hi - interval.lo;
        u128 draw = (u128{random_()} << 64) | random_();
        return span == ~u128{0} ? draw : interval.lo + draw % (span + 1);
    }

    /// Makes the condition true where that is a matter of single fields.
    void grant(const Condition& condition, Wish& wish) {
        std::visit(Overloaded{
                       [&](const Test& test) { grant(test, wish); },
                       [](const SetTest&) {},
                       [&](const AllOf& all) {
                           for (const Condition& part : all.parts)
                               grant(part, wish);
                       },
                       [&](const AnyOf& any) {
                           if (!any.parts.empty())
                               grant(any.parts[below(any.parts.size())], wish);
                       },
                       [](const NotOf&) {},
                   },
                   condition.node);
    }

    void grant(const Test& test, Wish& wish) {
        if (test.negated || test.boxes.empty())
            return;
        const Box& box = test.boxes[below(test.boxes.size())];
        for (size_t i = 0; i < test.keys.size(); ++i) {
            u128 value = pick(box[i]);
            if (const auto* field = std::get_if<FieldKey>(&test.keys[i].source))
                wish.fields[field->field] = value;
            else if (const auto* meta = std::get_if<MetaKey>(&test.keys[i].source)) {
                if (meta->meta == MetaId::Protocol)
                    wish.ether_type = static_cast<uint16_t>(value);
                else if (meta->meta == MetaId::L4proto)
                    wish.protocol = static_cast<uint8_t>(value);
            }
        }
    }

    /// The header of `layers` that a wished field belongs to.
    [[nodiscard]] static std::optional<HeaderId> wished(const Wish& wish,
                                                        std::initializer_list<Layer> layers) {
        for (const auto& [field, value] : wish.fields) {
            HeaderId header = info(field).header;
            if (std::find(layers.begin(), layers.end(), info(header).layer) != layers.end())
                return header;
        }
        return std::nullopt;
    }

    static packet::HeaderLayer layer(HeaderId header, const Wish& wish) {
        packet::HeaderLayer result{header, {}, {}};
        for (const auto& [field, value] : wish.fields)
            if (info(field).header == header)
                result.fields.push_back({field, value});
        return result;
    }

    static void default_to(packet::HeaderLayer& layer, FieldId field, u128 value) {
        for (const packet::FieldValue& given : layer.fields)
            if (given.field == field)
                return;
        layer.fields.push_back({field, value});
    }

    packet::Recipe recipe(const Wish& wish) {
        packet::Recipe recipe;
        recipe.layers.emplace_back(layer(HeaderId::Ether, wish));
        if (below(100) < 8)
            recipe.layers.emplace_back(
                packet::HeaderLayer{HeaderId::Vlan, {{FieldId::VlanId, below(4096)}}, {}});
        auto link = wished(wish, {Layer::Arp, Layer::Ip, Layer::Ip6});
        if (link == HeaderId::Arp || wish.ether_type == 0x0806 || (wish.fields.empty() && below(100) < 2)) {
            recipe.layers.emplace_back(layer(HeaderId::Arp, wish));
            return recipe;
        }
        auto transport = wished(wish, {Layer::Transport4, Layer::Transport6, Layer::Transport});
        if (!transport)
            transport = below(100) < 5 ? HeaderId::Icmp : below(100) < 70 ? HeaderId::Tcp : HeaderId::Udp;
        if (!link)
            link = info(*transport).layer == Layer::Transport6   ? HeaderId::Ip6
                   : info(*transport).layer == Layer::Transport4 ? HeaderId::Ip
                   : below(100) < 15                             ? HeaderId::Ip6
                                                                 : HeaderId::Ip;
        if (link == HeaderId::Ip6 && *transport == HeaderId::Icmp)
            transport = HeaderId::Icmpv6;
        recipe.layers.emplace_back(network(*link, wish));
        recipe.layers.emplace_back(ports(*transport, wish));
        return recipe;
    }

    packet::HeaderLayer network(HeaderId header, const Wish& wish) {
        packet::HeaderLayer result = layer(header, wish);
        if (header == HeaderId::Ip) {
            default_to(result, FieldId::IpSaddr, pick({0x01000000, 0xdfffffff}));
            default_to(result, FieldId::IpDaddr, pick({0xc6000000, 0xc6ffffff}));
            if (below(100) < 2)
                default_to(result, FieldId::IpFragOff, 100);
        } else {
            u128 net = u128{0x20010db8} << 96;
            default_to(result, FieldId::Ip6Saddr, pick({net, net + max_of_width(96)}));
            default_to(result, FieldId::Ip6Daddr, pick({net, net + max_of_width(96)}));
        }
        return result;
    }

    packet::HeaderLayer ports(HeaderId header, const Wish& wish) {
        packet::HeaderLayer result = layer(header, wish);
        if (header == HeaderId::Tcp) {
            default_to(result, FieldId::TcpSport, pick({1024, 65535}));
            default_to(result, FieldId::TcpDport, pick({1, 65535}));
        } else if (header == HeaderId::Udp) {
            default_to(result, FieldId::UdpSport, pick({1024, 65535}));
            default_to(result, FieldId::UdpDport, pick({1, 65535}));
        }
        return result;
    }

    const Policy& policy_;
    TraceOptions options_;
    std::mt19937_64 random_;
};

} // namespace

std::vector<TraceFrame> make_trace(const Policy& policy, const TraceOptions& options) {
    Maker maker(policy, options);
    std::vector<TraceFrame> frames(TRACE_FRAMES);
    std::generate(frames.begin(), frames.end(), [&] { return maker.frame(); });
    return frames;
}

} // namespace xdpc::bench
