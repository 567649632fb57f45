// Rule sets of realistic shape and size, from a seed: access-control, firewall and IP-chain lists with the
// structure that Taylor and Turner measured ("ClassBench: A Packet Classification Benchmark", 2007: lengths
// and nesting of prefixes, classes of port ranges, mix of protocols), lists as operators keep them, and
// traces of packets to them. No data of ClassBench is in here: the numbers are our own choice within what the
// paper describes.
#pragma once

#include "compiler/base/value.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xdpc::test {

enum class RuleShape : uint8_t {
    Acl,       // specific destinations and services, sources from anywhere to a host
    Firewall,  // many wildcards, ranges of ports, both directions
    Ipc,       // between the two, pairs of networks
    DropList,  // source addresses and networks, nothing else
    AllowList, // servers: a host and a port each, for some networks
    Tenants,   // each tenant's network with its list of ports
    Services,  // as a cluster has them: virtual address, protocol and port
    Flat,      // a source address and a TCP port each, no two alike
};
const char* name_of(RuleShape shape);
std::optional<RuleShape> find_shape(std::string_view name);

/// A rule on five fields, as ClassBench's text format has it. Addresses are numbers (IPv4: 32 bits).
struct FiveFieldRule {
    Interval saddr, daddr; // prefixes
    Interval sport{0, 65535}, dport{0, 65535};
    std::optional<uint8_t> protocol; // any, if none
    bool drop = true;
    bool operator==(const FiveFieldRule&) const = default;
};
struct FiveFieldHeader {
    u128 saddr = 0, daddr = 0;
    uint16_t sport = 0, dport = 0;
    uint8_t protocol = 0;
};

struct RuleOptions {
    RuleShape shape = RuleShape::Acl;
    size_t rules = 1000;
    bool ip6 = false;
    uint64_t seed = 1;
};
/// Distinct rules, the more specific of nested ones mostly first; fewer than asked for where the shape has no
/// more.
std::vector<FiveFieldRule> make_rules(const RuleOptions& options);

/// A policy of one chain with a rule for each, in order, and `policy pass`. Ports are only asked of protocols
/// that have them.
std::string policy_text(const std::vector<FiveFieldRule>& rules, bool ip6);
/// "@192.0.2.0/24	0.0.0.0/0	0 : 65535	80 : 80	0x06/0xFF" a line, as filter sets are
/// exchanged.
std::string classbench_text(const std::vector<FiveFieldRule>& rules);
/// Its inverse (IPv4); nothing at the first line that is not of that form, whose number `wrong_line` then is.
/// Further columns are ignored.
std::optional<std::vector<FiveFieldRule>> read_classbench(std::string_view text, size_t& wrong_line);

/// Headers as ClassBench's trace generator writes them: source, destination, ports, protocol as decimal
/// numbers, one header a line; further columns are ignored.
std::optional<std::vector<FiveFieldHeader>> read_headers(std::string_view text, size_t& wrong_line);

struct TraceOptions {
    size_t headers = 4096;
    unsigned hit_percent = 90; // aimed at a rule; the others are uniformly random
    bool locality = false;     // runs of equal headers with Pareto lengths, as in ClassBench's traces
    bool ip6 = false;
    uint64_t seed = 1;
};
/// Headers aimed at rules that are picked uniformly.
std::vector<FiveFieldHeader> make_headers(const std::vector<FiveFieldRule>& rules,
                                          const TraceOptions& options);
/// An Ethernet frame with that header: TCP, UDP or whatever its protocol is, 60 bytes or more.
std::vector<uint8_t> frame_of(const FiveFieldHeader& header, bool ip6);
/// Frames in rules, one beside a side of a rule, anywhere, and of these some that are tagged, fragments, cut
/// or of another family. At least 14 bytes long.
std::vector<std::vector<uint8_t>> make_odd_frames(const std::vector<FiveFieldRule>& rules, size_t count,
                                                  bool ip6, uint64_t seed);

} // namespace xdpc::test
