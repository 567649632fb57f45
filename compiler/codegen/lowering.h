// What the parts of code generation share: the LLVM module being built, how a key's value is held, and the
// entry point of each part. Private to compiler/codegen.
#pragma once

#include "codegen-templates/abi.h"
#include "compiler/codegen/codegen.h"
#include "compiler/codegen/debug_info.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <array>
#include <functional>
#include <map>
#include <span>

namespace xdpc::codegen {

/// A number of up to 128 bits: one word of 32 (width <= 32) or 64 bits, or two words of 64, high one first.
struct Words {
    std::array<llvm::Value*, 2> word{};
    unsigned count = 0;
};

/// A key in the packet at hand.
struct KeyValue {
    llvm::Value* present = nullptr; // i1, often a constant
    Words raw;                      // as loaded from the frame, bytes not swapped; none if not whole bytes
    Words value;
    llvm::Value* missing = nullptr; // i64, not zero where absent; only if it is at hand
};

/// Fixed numbers of the kernel's interface.
enum class Helper : uint64_t {
    MapLookup = 1,
    KtimeGet = 5,
    PrandomU32 = 7,
    SmpProcessorId = 8,
    TailCall = 12,
    RedirectMap = 51,
    KtimeCoarse = 160,
    KtimeTai = 208,
};

/// Bytes of which LLVM sees only a place holder, the symbol; they come into the section `.rodata.t<N>`.
struct TableContents {
    std::string symbol;
    unsigned section = 0; // N, from 1
    uint64_t offset = 0;  // in the section
    std::vector<uint8_t> bytes;
};

/// A table in .rodata, made once however often it is asked.
struct TableData {
    std::vector<llvm::GlobalVariable*> columns;
    uint64_t rows = 0;
};

/// A function made for one map of state, its body filled at the end (state_functions.cpp).
struct StateFunction {
    enum class Does : uint8_t { Charge, Find, Add, Update, Delete } does = Does::Find;
    uint32_t id = 0;    // LimitId or SetId
    unsigned words = 0; // of the key
    llvm::Function* function = nullptr;
};
/// What a classifier's function returns for a rule: a decision (see Ends::decided), or the number of its code
/// + 1; 0 stands for no rule.
struct Outcome {
    uint32_t result = 0;
    uint32_t decider = 0; // of decisions
};
struct ClassifierFunction {
    llvm::Function* function = nullptr;
    std::vector<Outcome> outcomes; // by rule of the slice
};

struct Lowering {
    const CodegenInput& input;
    llvm::Module& module;
    llvm::IRBuilder<> builder;
    DebugInfo debug;
    std::vector<bool> used_keys; // by KeyId: what the program reads at all
    llvm::GlobalVariable* counters = nullptr;
    llvm::GlobalVariable* bind = nullptr;
    llvm::GlobalVariable* test_area = nullptr; // of instrumented programs
    llvm::GlobalVariable* scratch = nullptr;
    std::vector<xdpc_tunnel> tunnels;         // of encap statements
    llvm::GlobalVariable* programs = nullptr; // of what is cut into several
    llvm::GlobalVariable* slots = nullptr;    // of programs with limits, quotas or dynamic sets
    std::map<std::string, llvm::GlobalVariable*> state_maps;  // by name, of those that are used
    std::map<std::string, StateFunction> state_functions;     // by name
    std::map<llvm::Function*, llvm::AllocaInst*> key_buffers; // of functions that pass keys in memory
    llvm::GlobalVariable* capture = nullptr;                  // of programs that can be listened to
    llvm::GlobalVariable* devices = nullptr;                  // of programs that redirect
    llvm::GlobalVariable* saved = nullptr; // of programs that rewrite frames and can be listened to
    llvm::Function* refresh = nullptr; // reads all keys anew; of programs that go on with rewritten frames
    unsigned tables_made = 0;
    std::vector<TableContents> contents;                   // by section and offset
    std::map<const void*, llvm::GlobalVariable*> laid_out; // by what of the plan it holds
    std::map<uint32_t, TableData> table_data;              // by TableId
    std::map<uint32_t, llvm::Function*> table_functions;   // by TableId, of those that were asked
    std::map<size_t, ClassifierFunction> classifiers;      // by index in the plan, of those that were asked
    /// Whether what rarely holds is placed out of the way: quick, but the verifier takes the nearer way first
    /// and keeps the other in mind, of which it can only keep 8,192. Else what holds comes next: it soon
    /// ends.
    bool out_of_line = true;
    bool rare = false; // emits what frames of no kind meet: small counts more than quick
    /// What is tried in turn until the 512 bytes of stack suffice.
    enum class Effort : uint8_t { Quick, NoSharedValues, KeysInMemory } effort = Effort::Quick;

    Lowering(const CodegenInput& in, llvm::Module& m)
        : input(in), module(m), builder(m.getContext()), debug(m, in) {}

    llvm::LLVMContext& context() { return module.getContext(); }
    llvm::IntegerType* i1() { return builder.getInt1Ty(); }
    llvm::IntegerType* i8() { return builder.getInt8Ty(); }
    llvm::IntegerType* i16() { return builder.getInt16Ty(); }
    llvm::IntegerType* i32() { return builder.getInt32Ty(); }
    llvm::IntegerType* i64() { return builder.getInt64Ty(); }
    llvm::PointerType* ptr() { return builder.getPtrTy(); }
    llvm::ConstantInt* c32(uint64_t v) { return builder.getInt32(static_cast<uint32_t>(v)); }
    llvm::ConstantInt* c64(uint64_t v) { return builder.getInt64(v); }
    llvm::BasicBlock* block(const char* name) {
        return llvm::BasicBlock::Create(context(), name, builder.GetInsertBlock()->getParent());
    }
    [[nodiscard]] bool used(size_t key) const { return used_keys[key]; }
};

// ---- values.cpp
/// The value of a constant i1, or nothing.
std::optional<bool> known(const llvm::Value* bit);
/// A branch, or a jump if `bit` is known.
void branch(Lowering& l, llvm::Value* bit, llvm::BasicBlock* yes, llvm::BasicBlock* no);
/// The same, with `yes` placed out of the way.
void branch_rarely(Lowering& l, llvm::Value* bit, llvm::BasicBlock* yes, llvm::BasicBlock* no);
llvm::Value* call_helper(Lowering& l, Helper helper, llvm::Type* result, llvm::ArrayRef<llvm::Value*> args);
/// `begin + offset`, a pointer into the frame.
llvm::Value* at(Lowering& l, llvm::Value* begin, uint64_t offset);
llvm::Value* load_packet(Lowering& l, llvm::Value* pointer, uint64_t offset, llvm::IntegerType* type);
/// Field of the context: 0 data, 4 data_end, 12 ifindex, 16 queue.
llvm::Value* load_context(Lowering& l, llvm::Value* ctx, unsigned offset);
llvm::Value* load_data_pointer(Lowering& l, llvm::Value* ctx, unsigned offset);
Words constant_words(Lowering& l, u128 value, unsigned width);
unsigned words_of(unsigned width);
llvm::IntegerType* word_type(Lowering& l, unsigned width);
KeyValue absent_key(Lowering& l, unsigned width);
KeyValue constant_key(Lowering& l, u128 value, unsigned width);
KeyValue computed_key(Lowering& l, llvm::Value* value, unsigned width);
/// Present: `width` bits at `bit_offset` behind `base`; their bytes were checked to be in the frame.
KeyValue load_key(Lowering& l, llvm::Value* base, uint64_t bit_offset, unsigned width);
/// Joins what comes from several blocks.
struct KeyEdge {
    llvm::BasicBlock* from;
    KeyValue key;
};
KeyValue join_keys(Lowering& l, const std::vector<KeyEdge>& edges, unsigned width);
/// First and last byte + 1 of bits.
uint64_t first_byte(uint64_t bit_offset);
uint64_t end_byte(uint64_t bit_offset, unsigned width);
/// Offsets beyond this are in no frame that XDP sees.
inline constexpr uint64_t max_offset = 0x7fff;

/// The frame's bytes, 64 bits.
llvm::Value* frame_length(Lowering& l, llvm::Value* ctx);

// ---- meta.cpp
/// Keys that do not depend on the frame's headers (iif, time, random, ...); nothing for the others.
std::optional<KeyValue> meta_key(Lowering& l, llvm::Value* ctx, const KeySource& source);
/// 32 bits, in 64.
llvm::Value* random_number(Lowering& l, uint32_t occurrence);

/// Nanoseconds of CLOCK_MONOTONIC, exact or to one tick; in instrumented programs the test's clock.
llvm::Value* monotonic_ns(Lowering& l, bool exact);

// ---- maps.cpp
void add_globals(Lowering& l);
/// Puts constant data where the program can address it (.rodata).
llvm::GlobalVariable* add_table(Lowering& l, llvm::Constant* data);
/// The same for bytes that LLVM does not get to see: it would copy each several times.
llvm::GlobalVariable* add_contents(Lowering& l, std::vector<uint8_t> bytes);
/// Puts them into the finished object, in which each section holds place holders.
Result<void> place_contents(std::vector<uint8_t>& object, const std::vector<TableContents>& contents);
/// A map of what lasts, described for the loader when it is first asked for (runtime/STATE.md, "Maps").
llvm::GlobalVariable* state_map(Lowering& l, const std::string& name, const MapShape& shape);
/// Of the words in `.rodata.slots` (xdpc_limit in abi.h): so many of each kind, numbered from 0 as compiled.
llvm::Value* load_slot(Lowering& l, std::initializer_list<size_t> kinds, size_t number);
/// Zeroed data of so many bytes, in a map of its own that user space can map.
llvm::GlobalVariable* bytes_global(Lowering& l, const char* name, const char* section, uint64_t bytes,
                                   bool constant);
/// What stands for a map; it has to be described as well.
llvm::GlobalVariable* map_global(Lowering& l, const char* name);
/// A per-CPU array of one element of so many bytes.
llvm::GlobalVariable* scratch_map(Lowering& l, unsigned bytes);

// ---- templates.cpp
llvm::FunctionCallee template_function(Lowering& l, const char* name, unsigned scalars, bool context = true);
/// Adds the bodies of those template functions that are called. An error text, or nothing.
std::string link_templates(Lowering& l);

// ---- done.cpp, rules.cpp, programs.cpp
/// Where the way of a packet ends that is counted: a counter is added to, and the program returns.
struct Done {
    llvm::Value* ctx = nullptr;
    llvm::BasicBlock* counted = nullptr;
    llvm::PHINode* action = nullptr;
    llvm::PHINode* slot = nullptr;
};
Done make_done(Lowering& l, llvm::Value* ctx);
/// A program: its context and its end. The builder goes on where it begins.
struct Program {
    llvm::Value* ctx = nullptr;
    Done done;
};
Program begin_program(Lowering& l, const std::string& name);
/// What a value of a key is found by, at the place where it is wanted.
using KeyReader = std::function<KeyValue(ir::KeyId)>;
/// Emits all rules for one kind of packet; the builder stands where they begin. Chains are inlined.
void emit_rules(Lowering& l, llvm::Value* ctx, const KeyReader& keys, Done& done);
/// The same for all kinds at once: keys are in memory, chains and parts of chains are functions as planned,
/// in this program and those that it is cut into.
struct KeyMemory;
void emit_shared_rules(Lowering& l, llvm::Value* ctx, const KeyMemory& memory, llvm::Value* base, Done& done);

// ---- state_functions.cpp
/// The words of a tuple as maps have them (runtime/STATE.md). The builder goes on where all keys are present;
/// others lead to `absent`.
std::vector<llvm::Value*> key_words(Lowering& l, const std::vector<ir::KeyId>& ids,
                                    const std::vector<u128>& masks, const KeyReader& keys,
                                    llvm::BasicBlock* absent);
/// Asks or changes the table of a limit or set: XDPC_LIMIT_* of a limit (`scalar`: the cost); of a set 0 if
/// the key is not in it, else 1 + its value (`scalar`: the frame's bytes), or 0 if it is full (`scalar`: the
/// timeout).
llvm::Value* call_state(Lowering& l, StateFunction::Does does, uint32_t id,
                        const std::vector<llvm::Value*>& words, llvm::Value* scalar);
/// Of a limit without a key: XDPC_LIMIT_*.
llvm::Value* charge_limit(Lowering& l, LimitId id, llvm::Value* cost);
/// What is used, this frame with it.
llvm::Value* add_to_quota(Lowering& l, QuotaId id, llvm::Value* bytes);
/// The bodies of the functions that those called.
void emit_state_functions(Lowering& l, Span place);

// ---- events.cpp
/// The maps of what the program tells those who listen, if it tells anything.
void add_event_maps(Lowering& l);
/// Whether decided packets may be captured.
bool can_capture(const Lowering& l);
/// Saves the frame as it comes in while somebody captures, where rules may change it.
void emit_save(Lowering& l, llvm::Value* ctx);
/// Returns `action`, after telling those who listen. `by` makes what xdpc_event::by says of a capture, where
/// somebody listens: nothing is to be kept for it that would cost anything while nobody does.
void emit_return(Lowering& l, llvm::Value* ctx, llvm::Value* action, const std::function<llvm::Value*()>& by);

// ---- rewrites.cpp
/// The body of Lowering::refresh, where that is called.
llvm::Function* refresh_function(Lowering& l);
void emit_refresh_function(Lowering& l, const KeyMemory& memory, Span place);

// ---- tunnels.cpp
/// The statement's number among the policy's tunnels; equal ones are one.
uint32_t add_tunnel(Lowering& l, const packet::Encap& encap);
/// XDPC_DECAP_*: what the statement takes off.
uint32_t tunnels_of(const packet::Decap& decap);
/// The data of those that were added.
void emit_tunnels(Lowering& l);

// ---- state.cpp
void emit_set_lookup(Lowering& l, const ir::SetLookup& lookup, const KeyReader& keys, llvm::BasicBlock* yes,
                     llvm::BasicBlock* no);

// ---- conditions.cpp
/// Branches to `yes` or `no`; the builder has no place after it.
void emit_condition(Lowering& l, const ir::Cond& cond, const KeyReader& keys, llvm::BasicBlock* yes,
                    llvm::BasicBlock* no);
/// A present value (masked already) against intervals.
void emit_membership(Lowering& l, const KeyValue& key, u128 mask, unsigned width, const IntervalSet& values,
                     llvm::BasicBlock* yes, llvm::BasicBlock* no);

// ---- tables.cpp
/// Jumps to the block of the first entry that holds the tuple, or to `none`. `targets` by Entry::value.
/// All keys are present here.
void emit_table(Lowering& l, ir::TableId table, const std::vector<KeyValue>& keys,
                const std::vector<u128>& masks, const std::vector<llvm::BasicBlock*>& targets,
                llvm::BasicBlock* none);

// ---- tables_data.cpp
/// The same for tables that stand in .rodata, by the plan's strategy: Bitmap, Search or Scan.
struct TableQuery {
    ir::TableId table;
    const std::vector<KeyValue>& keys;
    const std::vector<u128>& masks;
    const std::vector<llvm::BasicBlock*>& targets;
    llvm::BasicBlock* none;
};
void emit_bitmap(Lowering& l, const TableQuery& query);
/// Search and Scan.
void emit_row_table(Lowering& l, const TableQuery& query);
/// The bodies of the functions that those called.
void emit_table_functions(Lowering& l, Span place);

// ---- parse_fast.cpp, parse_generic.cpp
/// Called with each key as soon as it is read; what it returns stands for the key from then on.
using Keep = std::function<KeyValue(size_t key, KeyValue value)>;
/// Reads all keys that are used, in turn; entries of others are empty.
using ReadKeys = std::function<std::vector<KeyValue>(const Keep& keep)>;
/// Parses ordinary frames; calls `enter` once for each kind of frame, where its keys can be read. `words`
/// says how many registers they need. Everything else goes to `generic`.
using Enter = std::function<void(const std::string& kind, size_t words, const ReadKeys& read)>;
void emit_fast_parse(Lowering& l, llvm::Value* ctx, llvm::BasicBlock* generic, const Enter& enter);
/// How many kinds there are.
size_t count_kinds(const Lowering& l);
/// Where the place of headers is kept while keys are read: `offset` bytes from `base`.
struct ParseMemory {
    llvm::Value* base;
    unsigned offset;
};
unsigned parse_memory_bytes(const Lowering& l);
/// Reads every key of any frame. Without memory, what the verifier goes through grows with every key.
std::vector<KeyValue> emit_generic_parse(Lowering& l, llvm::Value* ctx,
                                         const std::optional<ParseMemory>& memory, const Keep& keep);

// ---- emit.cpp
Result<std::vector<uint8_t>> emit_module(Lowering& l, CodegenForm form);
/// Whether the kernel takes as much stack as the object's programs and what they call need.
Result<void> check_stack(std::span<const uint8_t> object);

} // namespace xdpc::codegen
