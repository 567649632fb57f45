// A checked policy: every name resolved, every value a number, nothing optimised. What it means is what the
// reference evaluator (evaluate.h) does with it.
#pragma once

#include "compiler/base/set_elements.h"
#include "compiler/base/set_kinds.h"
#include "compiler/base/source.h"
#include "compiler/fields/fields.h"
#include "compiler/packet/recipe.h"
#include "compiler/packet/rewrite.h"
#include "compiler/packet/route.h"
#include "compiler/policy/verdicts.h"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xdpc {

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

/// True if every key is present and the tuple of masked values is (negated: is not) an unexpired element of a
/// live set. Where the set has `counter`, an element that is found counts the packet, negated or not.
struct SetTest {
    std::vector<Key> keys;
    SetId set;
    bool negated = false;
    Span span;
    std::string wanted; // "@blocklist"
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
    std::variant<Test, SetTest, AllOf, AnyOf, NotOf>
        node; // parts are asked in order, and no more than needed
};

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
/// Statements that `may_lack` their keys are of `saddr` or `daddr` without a family: one for each family,
/// behind a match that asks for either. Where the keys are absent, the rule goes on.
struct VmapStatement {
    std::vector<Key> keys;
    std::vector<std::pair<Box, Verdict>> entries;
    std::optional<Verdict> otherwise;
    Span span;
    bool may_lack = false;
};
/// The same with a live verdict map; its values are indices into LiveSet::verdicts. An element that is found
/// counts, where the map has `counter`.
struct LiveVmapStatement {
    std::vector<Key> keys;
    SetId map;
    std::optional<Verdict> otherwise;
    Span span;
    bool may_lack = false;
};
/// Goes on if the packet is within the limit (over: beyond it). An absent key of a limit per key ends the
/// rule. Where the table is full, Limit::on_full says what happens (see runtime/STATE.md).
struct LimitStatement {
    LimitId limit;
    bool over = false;
    Span span;
    bool may_lack = false;
    bool drops = false; // what would end the rule drops the packet: the limit of a `reject`
};
/// Adds the frame's bytes to what is used; goes on while used <= bytes (over: once used > bytes).
struct QuotaStatement {
    QuotaId quota;
    bool over = false;
    Span span;
};
/// `counter name x`: adds the packet to a counter that rules share.
struct NamedCountStatement {
    NamedCounterId counter;
};
/// `add | update | delete @set { KEY timeout T }`. An absent key ends the rule, and so does a full set on add
/// and update. `add` leaves an unexpired element as it is, `update` renews its timeout.
struct UpdateSetStatement {
    enum class Op : uint8_t { Add, Update, Delete } op = Op::Add;
    SetId set; // a dynamic one
    std::vector<Key> keys;
    std::optional<uint64_t> timeout_ns; // else the set's
    Span span;
    bool may_lack = false;
};
/// `log "prefix" every T`: an event for user space, at most one in `every_ns` (0: each packet).
struct LogStatement {
    std::string prefix;
    uint64_t every_ns = 0;
    uint32_t index = 0; // numbers the log statements of the policy, for State::last_log and the program's
    Span span;
};
/// `sample 1/N snap BYTES`: one packet of N at random (draw % N == 0), as an event with its first bytes.
struct SampleStatement {
    uint32_t one_in = 1;
    uint32_t snap = 128;
    uint32_t occurrence = 0; // of its random draw, as MetaKey::occurrence
    Span span;
};
/// Changes the frame (compiler/fields/README.md, "How packets are rewritten"): goes on where that is done,
/// ends the rule where the packet has not what it needs; one that is refused the rule drops.
struct RewriteStatement {
    packet::Rewrite what;
    std::vector<Key> keys; // what a field is set to is read from this one; absent, it ends the rule
    Span span;
    /// A field is set to what these keys are mapped to, by the first entry whose box holds them or by the
    /// element of a live map, else the default; without either the rule ends.
    struct Map {
        std::vector<std::pair<Box, u128>> entries;
        std::optional<u128> otherwise;
        std::optional<SetId> live = {}; // to values; without entries then
    };
    std::optional<Map> map = {};
    bool may_lack = false;
};
/// Sends the packet on by the kernel's routes, or hands it to the stack, or drops it
/// (compiler/fields/README.md, "How packets are routed"); ends the rule, with the packet as it was, if it is
/// none for it.
struct RouteStatement {
    std::optional<uint32_t> table; // by its number; else as the kernel's rules have it
    Span span;
};
/// Runs one of the `count` statements that follow, each a limit, quota or named counter: that of the first
/// entry whose box holds the keys, or of the element of a live map, else the default; without either the rule
/// ends. The others are left out.
struct PickStatement {
    std::vector<Key> keys;
    std::vector<std::pair<Box, uint32_t>> entries; // to which of those that follow
    std::optional<SetId> live = {};                // to objects, in the order of those that follow
    std::optional<uint32_t> otherwise;
    uint32_t count = 0;
    Span span;
    bool may_lack = false;
};
using Statement =
    std::variant<MatchStatement, CountStatement, VerdictStatement, VmapStatement, LiveVmapStatement,
                 LimitStatement, QuotaStatement, NamedCountStatement, UpdateSetStatement, LogStatement,
                 SampleStatement, RewriteStatement, RouteStatement, PickStatement>;

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

// ---- state that lasts from packet to packet
// ------------------------------------------------------------------------------------

/// One part of a set's key.
struct SetPart {
    TypeId type = TypeId::Integer;
    uint16_t width = 0; // bits
    bool operator==(const SetPart&) const = default;
};
/// A set or map that changes while the program runs. One of `inet_addr` is two of these, of the same
/// name: one with `family` 4, one with 6.
struct LiveSet {
    using Kind = SetKind;
    SetId id;
    std::string name;
    uint8_t family = 0; // 4 or 6 of `inet_addr`, else 0
    Kind kind = Kind::Hash;
    bool is_map = false;
    std::vector<SetPart> parts;
    uint32_t size = 65536;              // elements at most
    bool has_timeout = false;           // elements may expire
    std::optional<uint64_t> timeout_ns; // of elements without their own
    bool has_counter = false;           // an element counts what finds it
    bool auto_merge = false;            // overlapping elements are fine
    // What the numbers mean that a map's elements have. One to verdicts: an index of the plain ones, then
    // those of the file. One to values of at most 32 bits: the value. One to limits, quotas or counters
    // (`objects`): an index of all that it may lead to.
    std::vector<Verdict> verdicts;
    std::optional<SetPart> mapped;
    std::string objects;
    std::vector<uint32_t> object_ids;
    SetElements elements; // of the file; kept in its order, each once
    Span span;

    [[nodiscard]] bool has_intervals() const { return has_two_ends(kind); }
    /// Words of a key.
    [[nodiscard]] unsigned key_words() const;
    /// One interval for each part of the element with this index.
    [[nodiscard]] Box box(size_t element) const;
};

/// A token bucket: `limit rate 10/second burst 5`. A packet costs unit_ns / amount of time (bytes: times its
/// length), the bucket holds `capacity_ns` and begins full; see runtime/STATE.md.
struct Limit {
    enum class OnFull : uint8_t { Drop, Pass, Continue };
    LimitId id;
    std::string name; // of a named one, else ""
    // The name, else that of its rule: "flood"; several in a rule: "flood#2". That for IPv6 of a limit per
    // `saddr` without a family, which is two: "flood ip6".
    std::string display;
    uint64_t amount = 1;
    uint64_t unit_ns = 1'000'000'000;
    bool bytes = false;
    uint64_t burst = 0;       // packets or bytes
    uint64_t capacity_ns = 0; // see limit_capacity()
    std::vector<Key> keys;    // `per KEY`; empty: one bucket
    uint32_t size = 0;        // buckets at most, with `per`
    OnFull on_full = OnFull::Drop;
    bool over = false; // of a named one, as declared
    Span span;
};
struct Quota {
    QuotaId id;
    std::string name, display;
    uint64_t bytes = 0;
    uint64_t used = 0; // at first
    bool over = false; // of a named one, as declared
    Span span;
};
struct NamedCounter {
    NamedCounterId id;
    std::string name;
    Span span;
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
    Verdict verdict; // Pass | Drop | Abort | Tx | Redirect
    std::string to;  // of a redirect; "": to whatever interface
    std::optional<uint64_t> count;
    std::optional<std::variant<ByRule, ByPolicy>> by;
    Span span;
    /// What the frame that goes out is like: each holds of it.
    std::vector<Condition> with;
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
struct ExpectNamedCounter {
    NamedCounterId counter;
    uint64_t packets = 0;
    std::optional<uint64_t> bytes;
};
/// That an unexpired element is in a live set; with the counts or the remaining time given.
struct ExpectElement {
    SetId set;
    Box box; // of a set without intervals: single values
    bool missing = false;
    std::optional<uint64_t> packets;    // where the set has `counter`
    std::optional<uint64_t> expires_ns; // remaining, to the second below
};
struct ExpectBytes { // the last packet's frame after the program ran
    std::vector<uint8_t> bytes;
};
struct Advance {
    uint64_t ns = 0;
};
struct TestStep {
    Span span;
    std::variant<Send, Expect, ExpectCounter, ExpectNamedCounter, ExpectElement, ExpectBytes, Advance> node;
};
struct TestCase {
    std::string title;
    Span span;
    packet::Network network; // what `given` says of it
    std::vector<TestStep> steps;
};

/// What packets are redirected to; there is such a one where the policy is applied.
struct NamedInterface {
    std::string name;
    Span span; // where it is first named
};

/// What the tables that answer many rules are chosen for: to be built quickly, to answer quickly, to be
/// small.
enum class Optimize : uint8_t { Build, Speed, Size };

struct Options {
    bool counters = true;
    bool capture = true; // decided packets can be captured
    Optimize optimize = Optimize::Build;
};

struct Policy {
    std::string path; // of the file named on the command line
    std::vector<Chain> chains;
    std::vector<Rule> rules; // in source order, chain by chain
    ChainId entry;
    std::vector<TestCase> tests;
    Options options;
    uint32_t random_places = 0; // `meta random` and `sample` are written so often
    std::vector<LiveSet> sets;
    std::vector<Limit> limits; // named ones and those of rules
    std::vector<Quota> quotas;
    std::vector<NamedCounter> counters;
    std::vector<NamedInterface> interfaces;
    uint32_t log_places = 0; // `log` is written so often

    [[nodiscard]] const Rule& rule(RuleId id) const { return rules[id.value]; }
    [[nodiscard]] const Chain& chain(ChainId id) const { return chains[id.value]; }
    [[nodiscard]] const LiveSet& set(SetId id) const { return sets[id.value]; }
    [[nodiscard]] const Limit& limit(LimitId id) const { return limits[id.value]; }
    [[nodiscard]] const Quota& quota(QuotaId id) const { return quotas[id.value]; }
    /// Whether a packet can leave something behind that later ones meet, besides counters.
    [[nodiscard]] bool has_state() const {
        return !sets.empty() || !limits.empty() || !quotas.empty() || log_places > 0;
    }
};

/// What can decide a packet, as one number: rules first, then chain policies.
using DeciderId = Id<struct DeciderTag>;
inline DeciderId decider_of(const Policy&, RuleId rule) {
    return {rule.value};
}
inline DeciderId decider_of(const Policy& policy, ChainId chain) {
    return {static_cast<uint32_t>(policy.rules.size()) + chain.value};
}
/// "route table 7"
std::string text_of(const RouteStatement& route);
/// "ssh", "edge.xdp:12", "policy" (entry chain), "policy of CHAIN".
std::string display_of(const Policy& policy, DeciderId decider);

} // namespace xdpc
