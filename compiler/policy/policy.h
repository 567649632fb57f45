// A checked policy: every name resolved, every value a number, nothing optimised. What it means is what the
// reference evaluator (evaluate.h) does with it.
#pragma once

#include "compiler/base/source.h"
#include "compiler/fields/fields.h"
#include "compiler/packet/recipe.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xdpc {

template<class Tag> struct Id {
    uint32_t value = 0;
    bool operator==(const Id&) const = default;
    auto operator<=>(const Id&) const = default;
};
using RuleId = Id<struct RuleTag>;   // index into Policy::rules
using ChainId = Id<struct ChainTag>; // index into Policy::chains

/// A key and the bits of it that count: (value & mask) is compared.
struct Key {
    KeySource source;
    u128 mask = ~u128{0};
    bool operator==(const Key&) const = default;
};

/// One interval for each key of a tuple.
using Box = std::vector<Interval>;

/// True if every key is present and the tuple of masked values lies (negated: does not lie) in one of the
/// boxes. For one key the boxes are sorted and merged.
struct Test {
    std::vector<Key> keys;
    std::vector<Box> boxes;
    bool negated = false;
    Span span;
    std::string wanted; // the right-hand side as written, for trace: "22", "!= $office"
};

struct Condition;
struct AllOf {
    std::vector<Condition> parts; // empty: true
};
struct AnyOf {
    std::vector<Condition> parts; // empty: false
};
struct NotOf {
    std::vector<Condition> part; // exactly one
};
struct Condition {
    Span span;
    std::variant<Test, AllOf, AnyOf, NotOf> node;
};

struct Pass {};
struct Drop {};
struct Abort {};
struct Tx {};
struct Jump {
    ChainId chain;
};
struct Goto {
    ChainId chain;
};
struct Return {};
struct Continue {};
using Verdict = std::variant<Pass, Drop, Abort, Tx, Jump, Goto, Return, Continue>;
/// "pass", "jump ssh"
struct Policy;
std::string name_of(const Verdict& verdict, const Policy& policy);

enum class Action : uint8_t { Abort = 0, Drop = 1, Pass = 2, Tx = 3, Redirect = 4 }; // enum xdp_action
const char* name_of(Action action);

/// What happens to the packet if the verdict ends its way.
std::optional<Action> action_of(const Verdict& verdict);
/// Whether the verdict ends the packet's way.
bool is_terminal(const Verdict& verdict);

// Statements of a rule, run in order until one stops the rule.
struct MatchStatement { // stops the rule if false
    Condition condition;
};
struct CountStatement {}; // `counter`: adds the packet to the rule's mid counter
struct VerdictStatement {
    Verdict verdict;
};
/// The verdict of the first entry whose box holds the tuple; else the default; else the rule ends without a
/// verdict. An absent key ends the rule too: the default stands for values, not for their absence. After
/// `continue` the rule's next statement runs, as in nft.
struct VmapStatement {
    std::vector<Key> keys;
    std::vector<std::pair<Box, Verdict>> entries;
    std::optional<Verdict> otherwise;
    Span span;
};
using Statement = std::variant<MatchStatement, CountStatement, VerdictStatement, VmapStatement>;

struct Rule {
    RuleId id;
    ChainId chain;
    std::string name;    // "" when unnamed
    std::string display; // the name, else "edge.xdp:12"
    std::string text;    // canonical, without label: identifies an unnamed rule across applies
    std::string comment;
    Span span;
    std::vector<Statement> statements;
    bool counts = false; // has an end counter: it can end a packet's way, and neither `nocount` nor `options
                         // counters off`
    bool counts_mid = false; // has a `counter` statement
};

struct Chain {
    ChainId id;
    std::string name;
    Span span;
    std::vector<RuleId> rules;
    std::optional<Verdict>
        policy; // Pass | Drop | Abort | Tx; none: return to the caller. The entry always has one.
    Span policy_span;
    bool counts_policy = false;
};

// ---- tests
// -------------------------------------------------------------------------------------------------------

struct Send {
    packet::Source packet; // layers, or frames of a pcap
    uint64_t count = 1;
    std::string iface;             // "" when not given
    std::optional<uint64_t> at_ns; // since the test's begin
    std::string text;              // as written
};
/// What decided: a rule, or the policy of a chain (any chain's, where none is given).
struct ByRule {
    RuleId rule;
};
struct ByPolicy {};
struct ExpectedVerdict {
    Verdict verdict; // Pass | Drop | Abort | Tx
    std::optional<uint64_t> count;
    std::optional<std::variant<ByRule, ByPolicy>> by;
    Span span;
};
/// All packets sent since the last expect; together the counts cover them all. A single verdict without
/// count: all.
struct Expect {
    std::vector<ExpectedVerdict> verdicts;
};
struct ExpectCounter { // the rule's mid counter if it has one, else its end counter
    RuleId rule;
    uint64_t packets = 0;
    std::optional<uint64_t> bytes;
};
struct ExpectBytes { // the last packet's frame after the program ran
    std::vector<uint8_t> bytes;
};
struct Advance {
    uint64_t ns = 0;
};
struct TestStep {
    Span span;
    std::variant<Send, Expect, ExpectCounter, ExpectBytes, Advance> node;
};
struct TestCase {
    std::string title;
    Span span;
    std::vector<TestStep> steps;
};

struct Options {
    bool counters = true;
};

struct Policy {
    std::string path; // of the file named on the command line
    std::vector<Chain> chains;
    std::vector<Rule> rules; // in source order, chain by chain
    ChainId entry;
    std::vector<TestCase> tests;
    Options options;
    uint32_t random_places = 0; // `meta random` is written so often

    [[nodiscard]] const Rule& rule(RuleId id) const { return rules[id.value]; }
    [[nodiscard]] const Chain& chain(ChainId id) const { return chains[id.value]; }
};

/// What can decide a packet, as one number: rules first, then chain policies.
using DeciderId = Id<struct DeciderTag>;
inline DeciderId decider_of(const Policy&, RuleId rule) {
    return {rule.value};
}
inline DeciderId decider_of(const Policy& policy, ChainId chain) {
    return {static_cast<uint32_t>(policy.rules.size()) + chain.value};
}
/// "ssh", "edge.xdp:12", "policy" (entry chain), "policy of CHAIN".
std::string display_of(const Policy& policy, DeciderId decider);

} // namespace xdpc
