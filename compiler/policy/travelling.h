// A packet on its way through a policy, as the evaluator changes it.
#pragma once

#include "compiler/policy/evaluate.h"
#include "compiler/policy/evaluate_keys.h"

#include <utility>

namespace xdpc {

/// With the bytes of its own that it has since it was rewritten.
struct Travelling {
    explicit Travelling(const PacketView& packet, State& state, const Policy& policy)
        : view(packet), subject(subject_of(view, state)) {
        subject.policy = &policy;
        subject.effects = &state;
    }
    Travelling(const Travelling&) = delete;
    Travelling& operator=(const Travelling&) = delete;

    packet::Rewritten rewrite(const packet::Rewrite& what, u128 value) {
        std::vector<uint8_t> frame(view.frame.begin(), view.frame.end());
        const packet::Rewritten result = packet::rewrite(what, value, frame);
        if (result == packet::Rewritten::Done || result == packet::Rewritten::Answered) {
            become(std::move(frame));
        }
        return result;
    }
    packet::Routed route(const RouteStatement& statement) {
        static const packet::Network none;
        const packet::Network* network = subject.state.network;
        std::vector<uint8_t> frame(view.frame.begin(), view.frame.end());
        packet::Routed routed = packet::route(network != nullptr ? *network : none, statement.table, frame);
        if (routed.fate == packet::Routed::Fate::Sent) {
            become(std::move(frame));
        }
        return routed;
    }
    void become(std::vector<uint8_t> frame) {
        bytes = std::move(frame);
        view.frame = bytes;
        subject.parsed = packet::parse_packet(view.frame);
    }

    PacketView view;
    std::vector<uint8_t> bytes;
    Subject subject;
};

} // namespace xdpc
