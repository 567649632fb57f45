#include "tests/harness/rulegen.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <tuple>

namespace xdpc::test {

namespace {

constexpr std::array shapes = {
    std::pair{RuleShape::Acl, "acl"},           std::pair{RuleShape::Firewall, "fw"},
    std::pair{RuleShape::Ipc, "ipc"},           std::pair{RuleShape::DropList, "droplist"},
    std::pair{RuleShape::AllowList, "allow"},   std::pair{RuleShape::Tenants, "tenants"},
    std::pair{RuleShape::Services, "services"}, std::pair{RuleShape::Flat, "flat"},
};

/// Shares in per cent; what is left of a hundred goes to the last.
using Shares = std::vector<std::pair<unsigned, unsigned>>; // share, what

/// What makes a shape: how specific its addresses are, which classes of ports it uses, which protocols.
struct Mix {
    Shares source_lengths, destination_lengths; // of IPv4 prefixes
    Shares source_ports, destination_ports;     // of PortClass
    Shares protocols;                           // 256: any
};
enum PortClass : unsigned { Any, Low, High, Exact, Arbitrary };

const Mix& mix_of(RuleShape shape) {
    static const Mix acl = {{{8, 0}, {4, 8}, {10, 16}, {12, 20}, {24, 24}, {12, 28}, {30, 32}},
                            {{2, 0}, {6, 16}, {8, 21}, {22, 24}, {14, 27}, {10, 30}, {38, 32}},
                            {{97, Any}, {1, High}, {1, Low}, {1, Exact}},
                            {{24, Any}, {60, Exact}, {10, Arbitrary}, {4, High}, {2, Low}},
                            {{66, 6}, {18, 17}, {5, 1}, {2, 47}, {9, 256}}};
    static const Mix firewall = {{{46, 0}, {4, 8}, {8, 16}, {12, 24}, {6, 27}, {24, 32}},
                                 {{34, 0}, {4, 8}, {8, 16}, {14, 24}, {8, 28}, {32, 32}},
                                 {{76, Any}, {12, High}, {10, Exact}, {1, Arbitrary}, {1, Low}},
                                 {{30, Any}, {46, Exact}, {12, High}, {9, Arbitrary}, {3, Low}},
                                 {{60, 6}, {24, 17}, {5, 1}, {2, 50}, {9, 256}}};
    static const Mix ipc = {{{10, 0}, {6, 12}, {12, 18}, {26, 24}, {14, 28}, {32, 32}},
                            {{8, 0}, {6, 12}, {14, 19}, {26, 24}, {12, 28}, {34, 32}},
                            {{82, Any}, {8, High}, {8, Exact}, {2, Arbitrary}},
                            {{40, Any}, {42, Exact}, {8, High}, {8, Arbitrary}, {2, Low}},
                            {{58, 6}, {24, 17}, {6, 1}, {2, 47}, {10, 256}}};
    switch (shape) {
    case RuleShape::Acl:
        return acl;
    case RuleShape::Firewall:
        return firewall;
    case RuleShape::Ipc:
    case RuleShape::DropList:
    case RuleShape::AllowList:
    case RuleShape::Tenants:
    case RuleShape::Services:
    case RuleShape::Flat:
        return ipc;
    }
    return ipc;
}

class Generator {
public:
    explicit Generator(const RuleOptions& options)
        : options_(options), width_(options.ip6 ? 128 : 32),
          random_(options.seed * 0x9E3779B97F4A7C15ULL + 1) {
        const size_t count = std::max<size_t>(8, options.rules / 12);
        for (size_t i = 0; i < count; ++i) {
            sources_.push_back(new_network(sources_));
            destinations_.push_back(new_network(destinations_));
        }
        for (size_t i = 0; i < 60; ++i) {
            services_.push_back(static_cast<uint16_t>(i < 40 ? 1 + below(1023) : 1024 + below(64'000)));
        }
    }

    FiveFieldRule next(size_t index) {
        switch (options_.shape) {
        case RuleShape::Acl:
        case RuleShape::Firewall:
        case RuleShape::Ipc:
            return mixed();
        case RuleShape::DropList:
            return drop_entry();
        case RuleShape::AllowList:
            return server();
        case RuleShape::Tenants:
            return tenant(index);
        case RuleShape::Services:
            return service();
        case RuleShape::Flat:
            return host_and_port();
        }
        return {};
    }

private:
    uint64_t below(uint64_t n) { return random_() % n; }
    /// Small numbers are much more frequent: few networks have most of the rules.
    size_t skewed(size_t n) {
        const double u = static_cast<double>(random_() >> 11) / 9007199254740992.0;
        return std::min(n - 1, static_cast<size_t>(static_cast<double>(n) * std::pow(u, 2.5)));
    }
    unsigned draw(const Shares& shares) {
        auto left = static_cast<unsigned>(below(100));
        for (const auto& [share, what] : shares) {
            if (left < share) {
                return what;
            }
            left -= share;
        }
        return shares.back().second;
    }
    u128 random_bits() { return (u128{random_()} << 64) | random_(); }
    Interval prefix(u128 address, unsigned length) const {
        const u128 host = length >= width_ ? u128{0} : max_of_width(width_ - length);
        const u128 low = address & max_of_width(width_) & ~host;
        return {low, low | host};
    }
    /// A network of its own, or (two of three) one beside or within another: prefixes nest.
    u128 new_network(const std::vector<u128>& known) {
        const u128 fresh = options_.ip6 ? (u128{0x2001} << 112) | (random_bits() & max_of_width(112))
                                        : (u128{1 + below(222)} << 24) | (random_bits() & 0xffffff);
        if (known.empty() || below(3) == 0) {
            return fresh;
        }
        const unsigned kept = width_ / 4 + static_cast<unsigned>(below(width_ / 2));
        return (known[skewed(known.size())] & ~max_of_width(width_ - kept)) |
               (fresh & max_of_width(width_ - kept));
    }
    Interval address(const std::vector<u128>& networks, const Shares& lengths) {
        unsigned length = draw(lengths);
        if (length != 0 && length != 32) { // between the steps of the table as well
            length = std::min(31U, length + static_cast<unsigned>(below(4)));
        }
        if (options_.ip6) { // a /24 of IPv4 stands for a /48, a host for a host
            length = length == 32 ? 128 : length == 0 ? 0 : 24 + length;
        }
        const u128 network = networks[skewed(networks.size())];
        const unsigned within = options_.ip6 ? 64 : 8;
        return prefix(network ^ (random_bits() & max_of_width(within)), length);
    }
    Interval ports(unsigned port_class) {
        switch (port_class) {
        case Low:
            return {0, 1023};
        case High:
            return {1024, 65535};
        case Exact: {
            const uint16_t port = services_[skewed(services_.size())];
            return {port, port};
        }
        case Arbitrary: {
            const uint64_t low = 1 + below(60'000);
            return {low, std::min<uint64_t>(65535, low + 1 + below(below(4) == 0 ? 20'000 : 60))};
        }
        default:
            return {0, 65535};
        }
    }

    FiveFieldRule mixed() {
        const Mix& mix = mix_of(options_.shape);
        FiveFieldRule rule;
        rule.saddr = address(sources_, mix.source_lengths);
        rule.daddr = address(destinations_, mix.destination_lengths);
        const unsigned protocol = draw(mix.protocols);
        if (protocol < 256) {
            rule.protocol = static_cast<uint8_t>(protocol);
        }
        if (protocol == 6 || protocol == 17) {
            rule.sport = ports(draw(mix.source_ports));
            rule.dport = ports(draw(mix.destination_ports));
        }
        rule.drop = below(10) < 4;
        return rule;
    }
    FiveFieldRule drop_entry() {
        FiveFieldRule rule;
        rule.daddr = {0, max_of_width(width_)};
        const unsigned host = width_;
        rule.saddr =
            prefix(new_network(sources_), below(4) == 0 ? host - 1 - static_cast<unsigned>(below(16)) : host);
        if (below(4) == 0) {
            rule.protocol = below(3) == 0 ? 17 : 6;
            rule.dport = ports(Exact);
        }
        return rule;
    }
    FiveFieldRule server() {
        FiveFieldRule rule;
        rule.saddr = below(3) == 0 ? Interval{0, max_of_width(width_)}
                                   : prefix(sources_[skewed(sources_.size())], width_ / 2 + 8);
        rule.daddr = prefix(destinations_[below(destinations_.size())] ^ below(256), width_);
        rule.protocol = below(5) == 0 ? 17 : 6;
        rule.dport = ports(below(8) == 0 ? Arbitrary : Exact);
        rule.drop = false;
        return rule;
    }
    FiveFieldRule tenant(size_t index) {
        FiveFieldRule rule;
        rule.saddr = {0, max_of_width(width_)};
        rule.daddr = prefix(destinations_[index / 12 % destinations_.size()], width_ / 2 + 8);
        rule.protocol = below(4) == 0 ? 17 : 6;
        rule.dport = ports(below(4) == 0 ? Arbitrary : Exact);
        rule.drop = false;
        return rule;
    }
    FiveFieldRule service() {
        FiveFieldRule rule;
        rule.saddr = {0, max_of_width(width_)};
        const u128 base = options_.ip6 ? u128{0xfd00} << 112 : u128{0x0a600000};
        rule.daddr = prefix(base | below(1 << 20), width_);
        rule.protocol = below(6) == 0 ? 17 : 6;
        rule.dport = ports(Exact);
        rule.drop = below(50) == 0;
        return rule;
    }

    FiveFieldRule host_and_port() {
        FiveFieldRule rule;
        const u128 base = options_.ip6 ? u128{0x2001} << 112 : u128{0};
        rule.saddr = prefix(
            base | (options_.ip6 ? random_bits() >> 16 : (1 + below(222)) << 24 | below(1 << 24)), width_);
        rule.daddr = {0, max_of_width(width_)};
        rule.protocol = 6;
        const uint64_t port = 1 + below(65'535);
        rule.dport = {port, port};
        return rule;
    }

    RuleOptions options_;
    unsigned width_;
    std::mt19937_64 random_;
    std::vector<u128> sources_, destinations_;
    std::vector<uint16_t> services_;
};

auto identity(const FiveFieldRule& r) {
    return std::tuple(r.saddr.lo, r.saddr.hi, r.daddr.lo, r.daddr.hi, r.sport.lo, r.sport.hi, r.dport.lo,
                      r.dport.hi, r.protocol ? *r.protocol : 256);
}

} // namespace

const char* name_of(RuleShape shape) {
    return std::find_if(shapes.begin(), shapes.end(), [&](const auto& row) { return row.first == shape; })
        ->second;
}

std::optional<RuleShape> find_shape(std::string_view name) {
    for (const auto& [shape, text] : shapes) {
        if (text == name) {
            return shape;
        }
    }
    return {};
}

std::vector<FiveFieldRule> make_rules(const RuleOptions& options) {
    Generator generator(options);
    std::vector<FiveFieldRule> rules;
    std::map<decltype(identity(FiveFieldRule{})), bool> known;
    for (size_t tries = 0; rules.size() < options.rules && tries < 20 * options.rules + 100; ++tries) {
        const FiveFieldRule rule = generator.next(rules.size());
        if (known.try_emplace(identity(rule), true).second) {
            rules.push_back(rule);
        }
    }
    // Administrators put the specific first, mostly: one in eight stays where it was made.
    std::vector<std::pair<double, size_t>> order;
    std::mt19937_64 random(options.seed);
    for (size_t i = 0; i < rules.size(); ++i) {
        const auto bits = [](const Interval& side) {
            u128 size = side.hi - side.lo;
            double count = 0;
            for (; size; size >>= 1) {
                ++count;
            }
            return count;
        };
        const double place = random() % 8 == 0 ? static_cast<double>(random() % 64)
                                               : bits(rules[i].saddr) + bits(rules[i].daddr);
        order.emplace_back(place, i);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<FiveFieldRule> sorted;
    for (const auto& [unused, index] : order) {
        sorted.push_back(rules[index]);
    }
    return sorted;
}

} // namespace xdpc::test
