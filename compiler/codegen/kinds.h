// Kinds of ordinary frame that the rules are specialised for, and where each key is in them.
#pragma once

#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

enum class Net : uint8_t { Other, Arp, Ip4, Ip6 };

struct Kind {
    std::string name;
    Net net = Net::Other;
    bool transport = false; // the transport header is found
    int proto = -1;         // its protocol, -1 for any that has no kind of its own
};

/// What the program reads, over all its keys.
struct Reads {
    bool tags = false;    // keys of tags
    bool network = false; // anything behind the EtherType
    bool arp = false, ip4 = false, ip6 = false;
    bool transport4 = false, transport6 = false; // what stands behind the IP header
    bool ip_options = false, tcp_options = false, inner = false, malformed = false, fragment = false;
    std::vector<int> protos4, protos6; // with a kind of their own
    std::vector<int> rare4, rare6;     // left to the generic parser
};
Reads reads_of(const Lowering& l);

/// Where a key is in frames of a kind.
struct Spot {
    enum class Where : uint8_t { Absent, Constant, Frame, Ready } where = Where::Absent;
    u128 constant = 0;
    RawBase base = RawBase::Ll;
    uint64_t bit_offset = 0;
    unsigned width = 0;
    uint64_t needs = 0; // bytes from `base` that must be in the frame
};
Spot spot_of(const KeySource& key, const Kind& kind);

} // namespace xdpc::codegen
