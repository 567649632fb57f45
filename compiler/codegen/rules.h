// How rules, chains and the functions they are cut into are emitted. Private to compiler/codegen.
#pragma once

#include "compiler/codegen/lowering.h"
#include "compiler/codegen/memory.h"

#include <deque>

namespace xdpc::codegen {

/// What a subprogram returns: that the caller goes on behind the call, that the chain was left early, or a
/// decision (see Ends::decided).
inline constexpr uint32_t result_continue = 0;
inline constexpr uint32_t result_leave = 1;
inline constexpr uint32_t result_decided = 1U << 31;
inline constexpr uint32_t result_counted = 1U << 30;
inline constexpr unsigned result_action_shift = 24;
/// The slot of what is counted, else the decider's number.
inline constexpr uint32_t result_by_mask = (1U << result_action_shift) - 1;

/// Where a decision goes: to the end of the program, or out of a subprogram.
struct Ends {
    Lowering& l;
    Done* done = nullptr;              // of the program itself
    llvm::BasicBlock* leave = nullptr; // of a subprogram
    llvm::PHINode* result = nullptr;   // what it returns
    void decided(uint32_t action, std::optional<ir::SlotId> slot, DeciderId by);
    /// Hands on what a subprogram decided.
    void propagate(llvm::Value* decision);
    void return_from_function(uint32_t code);
};

/// Rules [begin, end) of a chain, as a subprogram; `whole` with what happens at the chain's end.
struct Part {
    static constexpr size_t whole = ~size_t{0};
    uint32_t chain = 0;
    size_t begin = 0;
    size_t end = 0;
    auto operator<=>(const Part&) const = default;
};

struct RuleScope;

/// The subprograms of a program: made when first called, filled later.
class Functions {
public:
    Functions(Lowering& l, const KeyMemory& memory) : l_(l), memory_(memory) {}
    llvm::Value* call(RuleScope& scope, const Part& part);
    void emit_bodies();

private:
    llvm::Function* get(const Part& part);
    void emit_body(const Part& part, llvm::Function* function);

    Lowering& l_;
    const KeyMemory& memory_;
    std::map<Part, llvm::Function*> made_;
    std::deque<Part> open_;
};

/// One of the programs that the policy is cut into.
struct ProgramScope {
    size_t index; // in the plan
    const KeyMemory& memory;
};

struct RuleScope {
    Lowering& l;
    llvm::Value* ctx;
    const KeyReader& keys;
    Ends ends;
    Functions* functions;                  // null: chains are inlined
    llvm::Value* base;                     // of the keys in memory, where there are functions
    const ProgramScope* program = nullptr; // null: in a function, or there is one program only
};

// programs.cpp: tail calls.
/// Goes on in the first program of a chain that has programs of its own; from the end of that chain behind
/// this program's rules, or for a goto where this program's chain would return to.
void emit_departure(RuleScope& s, ChainId chain, bool comes_back);
/// The program that begins where the builder stands, then all others.
void emit_programs(RuleScope& first, const KeyMemory& memory);

/// Where a run of rules that test one key for a value each, beginning there, ends; `begin` if there is none.
size_t end_of_run(const Lowering& l, const ir::Chain& chain, size_t begin, size_t end);
/// Emits what the rule of that index does when it matches.
using VerdictEmitter = std::function<void(size_t rule)>;
void emit_run(RuleScope& s, const ir::Chain& chain, size_t begin, size_t end, const VerdictEmitter& verdict,
              llvm::BasicBlock* next);
void emit_rule_range(RuleScope& s, ChainId id, size_t begin, size_t end, llvm::BasicBlock* to_caller);
/// Calls the parts of a chain that was cut, in turn until one decides: from each rule in `segments` to the
/// next, the last to `end`. The builder goes on behind.
void emit_segments(RuleScope& s, ChainId id, const std::vector<size_t>& segments, size_t end,
                   llvm::BasicBlock* to_caller);
void emit_end(RuleScope& s, const ir::Chain::End& end, llvm::BasicBlock* to_caller);
/// The chain's rules and its end, in this function.
void emit_chain_here(RuleScope& s, ChainId id, llvm::BasicBlock* to_caller);
void emit_entry(RuleScope& s);

// state.cpp: what lasts from packet to packet (runtime/STATE.md). `next` is where the rule goes when it ends,
// `absent` where a key is.
/// Emits what a verdict does, where the builder stands.
using EmitVerdict = std::function<void(const Verdict&)>;
/// All keys' values; the builder goes on where they are present.
std::vector<KeyValue> present_keys(RuleScope& s, const std::vector<ir::KeyId>& ids, llvm::BasicBlock* absent);
/// What is asked of a live set: keys and the bits of them that count.
struct LiveKeys {
    const std::vector<ir::KeyId>& keys;
    const std::vector<u128>& masks;
};
/// The number that a live map's element has, 64 bits; the builder goes on where there is one.
llvm::Value* emit_live_value(RuleScope& s, SetId map, const LiveKeys& asked, llvm::BasicBlock* none,
                             llvm::BasicBlock* absent);
void emit_live_dispatch(RuleScope& s, const ir::LiveDispatch& dispatch, const EmitVerdict& verdict,
                        llvm::BasicBlock* next, llvm::BasicBlock* absent);
void emit_limit(RuleScope& s, const ir::LimitStep& limit, const EmitVerdict& verdict, llvm::BasicBlock* next,
                llvm::BasicBlock* absent);
void emit_quota(RuleScope& s, const ir::QuotaStep& quota, llvm::BasicBlock* next);
void emit_update(RuleScope& s, const ir::UpdateSet& update, llvm::BasicBlock* next, llvm::BasicBlock* absent);

// rewrites.cpp: what changes the packet.
/// The builder goes on where it was done; where the packet has not what it needs, at `absent`, or where it
/// lacks a map's keys at `lacking`.
void emit_rewrite(RuleScope& s, const ir::RewriteStep& step, const EmitVerdict& verdict,
                  llvm::BasicBlock* absent, llvm::BasicBlock* lacking);
/// Reads all keys anew; they are in memory.
void emit_refresh(RuleScope& s);

// redirects.cpp
/// Says in tests what the program does.
void store_result(Lowering& l, uint64_t offset, llvm::Value* value);
/// `decide` ends the packet's way with an action.
void emit_redirect(RuleScope& s, const Redirect& redirect, const std::function<void(uint32_t)>& decide);

// events.cpp: what is told to those who listen; `rule` is where the statement stands.
void emit_log(RuleScope& s, const ir::Log& log, DeciderId rule);
void emit_sample(RuleScope& s, const ir::Sample& sample, DeciderId rule);

} // namespace xdpc::codegen
