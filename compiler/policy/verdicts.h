// How things of a policy are numbered, and what can become of a packet. Part of policy.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace xdpc {

template<class Tag> struct Id {
    uint32_t value = 0;
    bool operator==(const Id&) const = default;
    auto operator<=>(const Id&) const = default;
};
using RuleId = Id<struct RuleTag>;                 // index into Policy::rules
using ChainId = Id<struct ChainTag>;               // index into Policy::chains
using SetId = Id<struct SetTag>;                   // index into Policy::sets
using LimitId = Id<struct LimitTag>;               // index into Policy::limits
using QuotaId = Id<struct QuotaTag>;               // index into Policy::quotas
using NamedCounterId = Id<struct NamedCounterTag>; // index into Policy::counters
using InterfaceId = Id<struct InterfaceTag>;       // index into Policy::interfaces

struct Pass {
    bool operator==(const Pass&) const = default;
};
struct Drop {
    bool operator==(const Drop&) const = default;
};
struct Abort {
    bool operator==(const Abort&) const = default;
};
struct Tx {
    bool operator==(const Tx&) const = default;
};
struct Redirect {
    InterfaceId to;
    bool operator==(const Redirect&) const = default;
};
struct Jump {
    ChainId chain;
    bool operator==(const Jump&) const = default;
};
struct Goto {
    ChainId chain;
    bool operator==(const Goto&) const = default;
};
struct Return {
    bool operator==(const Return&) const = default;
};
struct Continue {
    bool operator==(const Continue&) const = default;
};
using Verdict = std::variant<Pass, Drop, Abort, Tx, Redirect, Jump, Goto, Return, Continue>;
/// "pass", "jump ssh"
struct Policy;
std::string name_of(const Verdict& verdict, const Policy& policy);

enum class Action : uint8_t { Abort = 0, Drop = 1, Pass = 2, Tx = 3, Redirect = 4 }; // enum xdp_action
const char* name_of(Action action);

/// What happens to the packet if the verdict ends its way.
std::optional<Action> action_of(const Verdict& verdict);
/// Whether the verdict ends the packet's way.
bool is_terminal(const Verdict& verdict);

} // namespace xdpc
