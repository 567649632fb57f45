// What statements do to a frame: the reference, as compiler/fields/README.md has it ("How packets are
// rewritten").
#pragma once

#include "compiler/fields/fields.h"
#include "compiler/fields/tunnels.h"

namespace xdpc::packet {

/// A step of a value that is worked on: `- 1`.
struct Operation {
    enum class Op : uint8_t { Add, Sub, And, Or, Xor, Shl, Shr } op = Op::Add;
    u128 number = 0;
};
std::string_view name_of(Operation::Op op); // "+"
std::optional<Operation::Op> operation_of(std::string_view name);

/// `FIELD set VALUE`.
struct SetField {
    FieldId field = FieldId::EtherDaddr;
    bool from_key = false; // else from `number`
    u128 number = 0;
    std::vector<Operation> operations; // on what the key has
};
struct Reflect {};
struct ReplyEcho {};
struct RejectTcp {}; // reject with tcp reset
/// `reject with icmp …`: destination unreachable, in the families that have a code.
struct RejectIcmp {
    std::optional<uint8_t> code4, code6;
};
struct VlanPush {
    uint16_t tpid = 0x8100;
    uint16_t tci = 0; // priority in bits 13-15, id in 0-11
};
struct VlanPop {};
struct Encap {
    Tunnel kind = Tunnel::Ipip;
    bool outer6 = false;
    u128 from = 0, to = 0;
    uint8_t ttl = 64;
    std::optional<uint8_t> dscp; // else that of the packet inside
    uint16_t port = 0;           // of UDP
    uint32_t vni = 0;
    uint32_t mtu = 0;     // of the outer packet; 0: none
    bool answers = false; // what is too large for it, else drops it
};
struct Decap {
    std::optional<Tunnel> kind;  // else any
    std::optional<uint32_t> vni; // of VXLAN; else any
    uint16_t vxlan_port = 4789, gue_port = 6080;
};
using Rewrite =
    std::variant<SetField, Reflect, ReplyEcho, RejectTcp, RejectIcmp, VlanPush, VlanPop, Encap, Decap>;

/// "ip ttl set ip ttl - 1", "reflect"; `from`: the key that a field is set from, as text
std::string text_of(const Rewrite& rewrite, const std::string& from);

/// Absent: the packet has not what it needs, and stays as it is. Refused: the packet is to be dropped.
/// Answered: it was made its answer, which goes back.
enum class Rewritten : uint8_t { Absent = 0, Done = 1, Refused = 2, Answered = 3 };

/// Whether there are packets that it refuses.
bool may_refuse(const Rewrite& rewrite);
bool may_answer(const Rewrite& rewrite);
/// What a field is set to, where its key has this value.
u128 value_for(const SetField& set, u128 key);
/// `value`: of SetField.
Rewritten rewrite(const Rewrite& rewrite, u128 value, std::vector<uint8_t>& frame);
/// Writes bits at a bit offset into the frame, of the IPv4 header at `ip`, whose checksum is kept right.
void write_ip4_bits(size_t ip, size_t bit, size_t width, u128 value, std::vector<uint8_t>& frame);

} // namespace xdpc::packet
