// The policy as the compiler sees it: chains of rules whose conditions are interval sets over numbered keys.
// Passes rewrite it; the plan chooses how each part is answered; codegen lowers it.
#pragma once

#include "compiler/policy/policy.h"

namespace xdpc::ir {

using KeyId = Id<struct KeyTag>;     // index into Program::keys
using TableId = Id<struct TableTag>; // index into Program::tables
using SlotId = Id<struct SlotTag>;   // index into the counters map

/// True if the key is present and (value & mask) lies in `values`. A negated match is the complement.
struct Atom {
    KeyId key;
    u128 mask = ~u128{0};
    IntervalSet values;
    bool operator==(const Atom&) const = default;
};
/// True if all keys are present and the tuple of masked values is (negated: is not) in the table. Also used
/// for one key when there are many intervals.
struct Lookup {
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    TableId table;
    bool negated = false;
    bool operator==(const Lookup&) const = default;
};
/// True if all keys are present and the tuple of masked values is (negated: is not) an unexpired element of a
/// live set (Policy::sets). Where the set counts its elements' packets, asking has an effect: such a
/// condition is neither moved, nor repeated, nor dropped.
struct SetLookup {
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    SetId set;
    bool negated = false;
    bool counts = false;
    bool operator==(const SetLookup&) const = default;
};
struct Cond;
struct And {
    std::vector<Cond> parts;
    bool operator==(const And&) const = default;
};
struct Or {
    std::vector<Cond> parts;
    bool operator==(const Or&) const = default;
};
struct Not {
    std::vector<Cond> part; // exactly one
    bool operator==(const Not&) const = default;
};
struct Cond {
    std::variant<Atom, Lookup, SetLookup, And, Or, Not> node;
    Span span;
    bool operator==(const Cond& other) const { return node == other.node; }
};

/// Constant boxes; in a map each has the index of its verdict. First box that holds a tuple counts.
struct Table {
    std::vector<uint16_t> widths; // bits of each key
    struct Entry {
        Box box;
        uint32_t value =
            0; // index into Dispatch::verdicts or RewriteStep::values, or which a Pick picks; 0 in sets
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries;
    bool operator==(const Table&) const = default;
};

struct Guard { // ends the rule if false
    Cond cond;
};
struct Count {
    SlotId slot;
};
struct Decide {
    Verdict verdict;
};
struct Dispatch {
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    TableId table;
    std::vector<Verdict> verdicts;
    std::optional<Verdict> otherwise;
};
/// Dispatch by a live map; values are indices into LiveSet::verdicts.
struct LiveDispatch {
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    SetId map;
    std::vector<Verdict> verdicts; // LiveSet::verdicts
    std::optional<Verdict> otherwise;
};
/// The steps with state of their own: they end the rule as xdpc::LimitStatement and its kin say. None is
/// moved, repeated or dropped.
struct LimitStep {
    LimitId limit;
    bool over = false;
    std::vector<KeyId> keys; // of Limit::keys
    std::vector<u128> masks;
    bool drops = false; // the rule drops what would end it
};
struct QuotaStep {
    QuotaId quota;
    bool over = false;
};
struct UpdateSet {
    UpdateSetStatement::Op op;
    SetId set;
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    std::optional<uint64_t> timeout_ns;
};
struct Log {
    uint32_t index = 0;
    uint64_t every_ns = 0;
};
struct Sample {
    uint32_t one_in = 1;
    uint32_t snap = 0;
    uint32_t occurrence = 0;
};
/// xdpc::RewriteStatement. All keys are read anew behind it, so nothing is moved across it, nor what was
/// asked before taken for known behind it.
struct RewriteStep {
    packet::Rewrite what;
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    std::optional<TableId> table = {}; // its values are indices into `values`
    std::vector<u128> values = {};
    std::optional<SetId> live = {}; // instead of the table: its elements have the value
    std::optional<u128> otherwise = {};
};
/// xdpc::RouteStatement: where it does not end the packet's way, the packet is as it was.
struct Route {
    std::optional<uint32_t> table;
};
/// xdpc::PickStatement: of the `count` steps that follow, which are limits, quotas and counts, one runs.
struct Pick {
    std::vector<KeyId> keys;
    std::vector<u128> masks;
    std::optional<TableId> table = {}; // its values say which one
    std::optional<SetId> live = {};    // or this map's elements
    std::optional<uint32_t> otherwise = {};
    uint32_t count = 0;
};
using StepNode = std::variant<Guard, Count, Decide, Dispatch, LiveDispatch, LimitStep, QuotaStep, UpdateSet,
                              Log, Sample, RewriteStep, Route, Pick>;
struct Step {
    StepNode node;
    Span span;
    /// Keys that the packet lacks leave this step out, instead of ending the rule.
    bool may_lack = false;
};

struct Rule {
    DeciderId decider;
    std::optional<SlotId> slot; // its end counter
    Span span;
    std::vector<Step> steps;
};
struct Chain {
    std::string name;
    std::vector<Rule> rules;
    /// What happens at its end: the policy, or a return to the caller.
    struct End {
        std::optional<Verdict> verdict;
        DeciderId decider;
        std::optional<SlotId> slot;
        Span span;
    } end;
};

struct Program {
    std::vector<KeySource> keys; // each once
    std::vector<Table> tables;
    std::vector<Chain> chains; // indices are those of Policy::chains
    ChainId entry;
    uint32_t slots = 0; // of the counters map
};

/// Which slot of the counters map serves which counter. A `counter` directly before the terminal verdict of a
/// rule counts the same packets as the rule's end counter, so the two share a slot and only the end counts.
struct SlotPlan {
    std::vector<std::optional<SlotId>> end; // by DeciderId
    std::vector<std::optional<SlotId>> mid; // by RuleId
    std::vector<SlotId> named;              // by NamedCounterId
    uint32_t slots = 0;
};
/// Gives each end counter and each mid counter its slot: rules in order, then chain policies, then named
/// ones.
SlotPlan assign_slots(const Policy& policy);
Program flatten(const Policy& policy);

/// Whether two verdicts do the same.
/// The chain a verdict goes to.
std::optional<ChainId> target_of(const Verdict& verdict);
/// The same for verdicts that do the same, and for no others.
uint64_t identity_of(const Verdict& verdict);
/// The keys a step reads by itself; null for those that read none (a Guard's are in its condition).
const std::vector<KeyId>* keys_of(const Step& step);
std::vector<KeyId>* keys_of(Step& step);
/// By chain, whether a packet may leave it other than it came in: by a rule of its own, or of those it leads
/// to.
std::vector<bool> rewriting_chains(const Program& program);
/// Whether the rule may change the packet; `chains` as rewriting_chains gives them.
bool rewrites(const Rule& rule, const std::vector<bool>& chains);
/// Whether a step needs no keys and leads nowhere but to what follows it, or out.
bool is_deaf(const Step& step);
/// Whether some packets go out other than they came in.
bool may_rewrite(const Program& program);
/// Whether something is read from a packet behind the step that changed it, so that its keys are needed anew.
bool goes_on_rewritten(const Program& program);
/// Calls `use` for each verdict a step can end in.
template<class F> void each_verdict(const Step& step, F use);
/// Calls `use` with each chain (ChainId) that a rule may jump or go to.
template<class F> void each_target(const Rule& rule, F use);
/// For `xdpc emit --as ir`, and for tests.
std::string print(const Program& program, const Policy& policy);
/// Asserts what every pass must keep: ids in range, widths, sorted sets.
void verify(const Program& program);

template<class F> void each_verdict(const Step& step, F use) {
    if (const auto* decide = std::get_if<Decide>(&step.node)) {
        use(decide->verdict);
    } else if (const auto* dispatch = std::get_if<Dispatch>(&step.node)) {
        for (const Verdict& verdict : dispatch->verdicts) {
            use(verdict);
        }
        if (dispatch->otherwise) {
            use(*dispatch->otherwise);
        }
    } else if (const auto* live = std::get_if<LiveDispatch>(&step.node)) {
        for (const Verdict& verdict : live->verdicts) {
            use(verdict);
        }
        if (live->otherwise) {
            use(*live->otherwise);
        }
    }
}

template<class F> void each_target(const Rule& rule, F use) {
    for (const Step& step : rule.steps) {
        each_verdict(step, [&](const Verdict& verdict) {
            if (const std::optional<ChainId> target = target_of(verdict)) {
                use(*target);
            }
        });
    }
}

} // namespace xdpc::ir
