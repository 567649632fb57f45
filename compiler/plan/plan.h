// How a program is to be answered: what is parsed and loaded, which strategy serves each table, where chains
// become functions, for which kinds of packet the rules are specialised. One pure function chooses; `emit
// --as plan` prints.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/ir/ir.h"
#include "compiler/plan/classify/classify.h"

#include <set>

namespace xdpc {

enum class TableStrategy : uint8_t {
    Compare, // inline comparisons
    Bitmap,  // one key of at most 16 bits: a bit (set) or byte (map) per value, in .rodata
    Search,  // one key: binary search over sorted intervals in .rodata
    Scan,    // any: a loop over boxes in .rodata
};

struct TablePlan {
    TableStrategy strategy = TableStrategy::Compare;
    size_t bytes = 0; // of .rodata
    bool map = false; // asked for a value, not only whether it holds a tuple
};
/// Rules [begin, end) of a chain that look-ups answer: they give the first rule that matches. If it leads on,
/// it does so to `end`, since no later one of the slice can match then.
struct Slice {
    size_t begin = 0;
    size_t end = 0;
    /// For packets with a key that only IPv6 has, and for all others: indices into Plan::classifiers; nothing
    /// where no rule can match.
    std::optional<size_t> ip6, other;
    std::vector<ir::KeyId> ip6_keys; // one of them is present in a packet for `ip6`
    /// By rule, from `begin` on. Rules with the same code share it; nothing for rules that only decide.
    std::vector<std::optional<uint32_t>> codes;
    std::vector<uint32_t> coded; // a rule of each code, from `begin` on
    std::vector<bool> exact;     // by rule: its conditions hold where it is found
    /// Instructions of its look-ups where they stand in the code, once for each kind of packet; 0: they are
    /// functions, whose calls cost a packet some ns more.
    size_t inlined = 0;
};
/// Where a chain's code stands. Sizes are estimates in BPF instructions.
struct ChainPlan {
    bool function = false; // a BPF subprogram, called; else inlined where it is jumped to
    bool programs = false; // cut into programs of its own (Plan::programs)
    /// Not empty for a chain too long for one function: each segment, from the rule of this index to the next
    /// segment's, is a subprogram of its own; they are called in turn until one decides. The first is 0.
    std::vector<size_t> segments;
    std::vector<Slice> slices; // ascending
    size_t call_sites = 0;
    size_t instructions = 0; // with what is inlined into it
};

/// A program of several: rules [begin, end) of a chain. Where they decide nothing it goes on to the next one
/// by a tail call; the last one of a chain does what happens at the chain's end.
struct ProgramPlan {
    uint32_t chain = 0; // ChainId
    size_t begin = 0;
    size_t end = 0;
    /// The first of the last rules, if they lead into chains of other programs: they stand in no function,
    /// since tail calls do not come back.
    std::optional<size_t> leaves;
    std::vector<size_t> segments; // of the rules before `leaves`, as ChainPlan::segments
    size_t instructions = 0;
    size_t processed = 0; // by the verifier, of one copy
};

/// Whether the rules are compiled once for each kind of packet (IPv4 TCP, IPv4 UDP, IPv6 TCP, …, the rest),
/// so that a packet meets only rules that can match its kind. Codegen says which kinds (its README).
struct Specialise {
    bool enabled = false;
    size_t max_classes = 8;
};

/// What the parser needs to find out, as bits of `parse_need` in codegen-templates.
struct ParseNeeds {
    bool tags = false, network = false, transport = false, extensions = false, ip_options = false,
         tcp_options = false, inner = false, malformed = false, fragment = false, l4proto = false;
};

/// The tables of state that rules still ask after optimisation: only these are made.
struct StateUse {
    std::set<SetId> asked;
    std::set<std::pair<SetId, UpdateSetStatement::Op>> changed; // by rules
    std::set<LimitId> limits;                                   // without a key
    std::set<LimitId> keyed_limits;
    std::set<QuotaId> quotas;
};
StateUse state_of(const ir::Program& program);

struct Plan {
    StateUse state;
    ParseNeeds needs;
    std::set<HeaderId> headers;    // whose fields or existence are read
    std::vector<TablePlan> tables; // by TableId
    std::vector<ChainPlan> chains; // by ChainId
    /// Empty where one program holds all, else at least two: those of a chain stand together, in order; the
    /// first is the one that is attached.
    std::vector<ProgramPlan> programs;
    size_t tail_calls = 0; // at most, of a packet
    std::vector<classify::Classifier> classifiers;
    Specialise specialise;
    std::vector<std::string> packet_classes; // kinds of packet the rules are specialised for, printed
    size_t estimated_instructions = 0;
    std::vector<std::string> notes; // why, a line each
};

struct PlanOptions {
    size_t max_instructions = 900'000;       // the verifier's limit is a million processed
    size_t max_function_instructions = 8000; // LLVM's time grows faster than size; jumps reach 32,767
    size_t max_specialised = 4000;           // instructions before they are multiplied by the kinds
    /// Whether codegen can make functions of chains and segments. Without, everything is inlined into one
    /// function, which cannot grow beyond the reach of a jump (32,767), estimates being rough.
    bool functions = true;
    size_t max_single_function = 28'000;
    /// How often the verifier walks a rule: for the kinds of packet that it can match, and for all others.
    size_t copies = 3;
    size_t max_depth = 5;                     // of functions below the program; the kernel allows 8 frames
    size_t max_table_bytes = size_t{4} << 20; // of one map value, as the oldest kernels have it
    bool classify = true;                     // whether look-ups may answer rules
    size_t max_tail_calls = 33;               // of a packet; the kernel's limit
    /// For tests, 0 otherwise: programs are cut after so many rules, or after as many as make no more than
    /// `max_tail_calls` necessary.
    size_t rules_in_program = 0;
    classify::Budget classifier_budget;
};

/// Nothing and a diagnostic if no strategy we have can hold the policy.
std::optional<Plan> choose(const ir::Program& program, const PlanOptions& options, Diagnostics& diagnostics);
std::string print(const Plan& plan, const ir::Program& program);
/// A line for each table: the map's name, the policy's, how it is held, its size.
std::string print(const StateUse& state, const Policy& policy);

} // namespace xdpc
