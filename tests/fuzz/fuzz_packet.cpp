// Any bytes as a frame: the printer, the packet reader for every key of the field table, and the evaluator
// over a policy that looks at all layers.
#include "compiler/packet/build.h"
#include "compiler/parse/parse.h"
#include "compiler/policy/check.h"
#include "compiler/policy/evaluate.h"

#include <cstdlib>

using namespace xdpc;

namespace {

constexpr const char* text = R"(chain ingress {
    policy drop
    meta malformed drop
    vlan id 7 drop
    vlan.inner id 8 drop
    arp operation request pass
    exthdr frag exists drop
    exthdr hbh nexthdr tcp drop
    ip option lsrr exists drop
    tcp option maxseg size < 500 drop
    tcp flags syn / fin,syn,rst,ack tcp dport 22 drop
    udp length > 1000 drop
    icmpv6 type nd-neighbor-solicit pass
    @ih,0,16 0x1234 drop
    ah spi 7 drop
    sctp dport 9 drop
    meta length > 1400 pass
    not ( th dport 1-1023 ) pass
})";

Policy make_policy() {
    Sources sources;
    Diagnostics diagnostics;
    FileId id = sources.add("fuzz.xdp", text);
    auto policy = check(parse(sources.get(id), diagnostics), sources, diagnostics);
    if (!policy)
        std::abort();
    return std::move(*policy);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Policy policy = make_policy();
    if (size > 1 << 14)
        return 0;
    State state(policy);
    PacketView packet;
    packet.frame = {data, size};
    Trace trace;
    Outcome outcome = evaluate(policy, state, packet, &trace);
    // Tracing must not change the verdict.
    State again(policy);
    if (outcome != evaluate(policy, again, packet))
        std::abort();
    for (size_t i = 0; i < all_fields().size(); ++i)
        if (auto value = read_key(FieldKey{static_cast<FieldId>(i)}, packet, state))
            if (*value > max_of_width(all_fields()[i].bit_width))
                std::abort();
    for (size_t i = 0; i < all_headers().size(); ++i)
        (void)read_key(ExistsKey{static_cast<HeaderId>(i)}, packet, state);
    (void)packet::describe(packet.frame);
    return 0;
}
