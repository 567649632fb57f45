// How the evaluator reads keys from a packet that is parsed already, and how it words what it found.
#pragma once

#include "compiler/packet/parse_packet.h"
#include "compiler/policy/evaluate.h"

namespace xdpc {

/// All that a key and a condition can depend on.
struct Subject {
    const PacketView& view;
    const State& state;
    packet::ParsedPacket parsed;
    const Policy* policy = nullptr; // for live sets
    State* effects = nullptr;       // null where asking is to have none: elements do not count
};

inline Subject subject_of(const PacketView& view, const State& state) {
    return {view, state, packet::parse_packet(view.frame)};
}

std::optional<u128> read_key(const KeySource& key, const Subject& subject);
bool holds(const Test& test, const Subject& subject);
bool holds(const Condition& condition, const Subject& subject);
bool in_box(const std::vector<u128>& tuple, const Box& box);
/// The masked values, or nothing if one is absent.
std::optional<std::vector<u128>> read_tuple(const std::vector<Key>& keys, const Subject& subject);

/// The element that holds the values, if there is one; it counts the packet.
std::optional<FoundElement> find_element(const std::vector<Key>& keys, SetId set, const Subject& subject);

/// Why a key is absent: "not TCP (protocol is udp)", "later fragment", "packet ends at byte 30".
std::string absence_of(const KeySource& key, const Subject& subject);
/// Fills field, value, wanted and span of a step whose condition does not hold.
void explain(const Condition& condition, const Subject& subject, TraceStep& step);
void explain(const VmapStatement& vmap, const Subject& subject, TraceStep& step);
void explain(const LiveVmapStatement& vmap, const Subject& subject, TraceStep& step);
void explain(const UpdateSetStatement& update, const Subject& subject, TraceStep& step);
void explain(const RewriteStatement& rewrite, const Subject& subject, TraceStep& step);
void explain(const RouteStatement& route, const Subject& subject, TraceStep& step);
void explain(const PickStatement& pick, const Subject& subject, TraceStep& step);
/// Why a limit or quota that was asked ended the rule.
void explain(const LimitStatement& statement, const Policy& policy, const Subject& subject, TraceStep& step);
void explain(const QuotaStatement& statement, const Policy& policy, const Subject& subject, TraceStep& step);

} // namespace xdpc
