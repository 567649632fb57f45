// The entry of libxdpc-codegen.so: lowers a program for its kinds of packet, then emits it.
#include "compiler/base/overloaded.h"
#include "compiler/codegen/classify.h"
#include "compiler/plan/cost.h"

namespace xdpc {

namespace codegen {

using namespace llvm;

namespace {

void mark(std::vector<bool>& used, ir::KeyId key) {
    used[key.value] = true;
}

void mark(std::vector<bool>& used, const ir::Cond& cond) {
    const auto parts = [&](const std::vector<ir::Cond>& all) {
        for (const ir::Cond& part : all) {
            mark(used, part);
        }
    };
    std::visit(Overloaded{
                   [&](const ir::Atom& atom) { mark(used, atom.key); },
                   [&](const ir::Lookup& lookup) {
                       for (const ir::KeyId key : lookup.keys) {
                           mark(used, key);
                       }
                   },
                   [&](const ir::SetLookup& lookup) {
                       for (const ir::KeyId key : lookup.keys) {
                           mark(used, key);
                       }
                   },
                   [&](const ir::And& all) { parts(all.parts); },
                   [&](const ir::Or& any) { parts(any.parts); },
                   [&](const ir::Not& negation) { parts(negation.part); },
               },
               cond.node);
}

std::vector<bool> used_keys(const ir::Program& program) {
    std::vector<bool> used(program.keys.size());
    for (const ir::Chain& chain : program.chains) {
        for (const ir::Rule& rule : chain.rules) {
            for (const ir::Step& step : rule.steps) {
                if (const auto* guard = std::get_if<ir::Guard>(&step.node)) {
                    mark(used, guard->cond);
                } else if (const auto* list = ir::keys_of(step)) {
                    for (const ir::KeyId key : *list) {
                        mark(used, key);
                    }
                }
            }
        }
    }
    return used;
}

/// More keys than this are kept in memory: there are ten registers, and 512 bytes of stack in all.
constexpr size_t max_words_in_registers = 24;
constexpr size_t max_generic_words_in_registers = 8;
/// All kinds together: a function must stay within the reach of a jump (32,767).
constexpr size_t max_inlined_instructions = 20'000;

/// Whether a look-up answers the rule, so that it has no code.
bool is_answered(const Lowering& l, uint32_t chain, size_t rule) {
    for (const Slice& slice : l.input.plan.chains[chain].slices) {
        if (slice.begin <= rule && rule < slice.end) {
            const auto& coded = slice.coded;
            return std::find(coded.begin(), coded.end(), rule - slice.begin) == coded.end();
        }
    }
    return false;
}

/// A chain's size with everything inlined into it.
size_t inlined_size(const Lowering& l, uint32_t chain, std::map<uint32_t, size_t>& sizes) {
    if (const auto known_size = sizes.find(chain); known_size != sizes.end()) {
        return known_size->second;
    }
    sizes[chain] = 0; // no chain leads back to itself: the checker refuses that
    size_t size = cost::decision;
    const std::vector<ir::Rule>& rules = l.input.program.chains[chain].rules;
    size = cost::add(size, cost::multiply(l.input.plan.chains[chain].slices.size(), cost::slice));
    for (size_t i = 0; i < rules.size(); ++i) {
        if (is_answered(l, chain, i)) {
            continue;
        }
        for (const ir::Step& step : rules[i].steps) {
            size = cost::add(size, cost::of_step(step, l.input.program, l.input.plan.tables).code);
        }
        ir::each_target(
            rules[i], [&](ChainId target) { size = cost::add(size, inlined_size(l, target.value, sizes)); });
    }
    return sizes[chain] = size;
}

bool is_specialised(const Lowering& l) {
    std::map<uint32_t, size_t> sizes;
    const size_t size = inlined_size(l, l.input.program.entry.value, sizes);
    return l.effort != Lowering::Effort::KeysInMemory && l.input.plan.specialise.enabled &&
           cost::multiply(size, count_kinds(l) + 1) <= max_inlined_instructions;
}

size_t words_of_used(const Lowering& l) {
    size_t words = 0;
    for (size_t i = 0; i < l.input.program.keys.size(); ++i) {
        words += l.used(i) ? words_of(width_of(l.input.program.keys[i])) : 0;
    }
    return words;
}

bool is_constant(const KeyValue& key) {
    bool constant = known(key.present).has_value();
    for (unsigned i = 0; i < key.value.count; ++i) {
        constant = constant && isa<Constant>(key.value.word[i]);
    }
    return constant || known(key.present) == false;
}

/// Rules for one kind of frame whose keys are in memory, but for those that are constant in it.
void emit_rules_from_memory(Lowering& l, Value* ctx, const KeyMemory& memory, const ReadKeys& read,
                            Done& done) {
    Value* base = find_memory(l, memory);
    std::vector<KeyValue> keys = read([&](size_t key, const KeyValue& value) {
        if (is_constant(value)) {
            return value;
        }
        store_key(l, memory, base, key, value);
        return KeyValue{
            known(value.present) ? value.present : nullptr, {}, {}, nullptr}; // the value in memory
    });
    const KeyReader reader = [&](ir::KeyId id) {
        const KeyValue& key = keys[id.value];
        return key.value.count ? key : load_stored_key(l, memory, base, id.value, key.present);
    };
    emit_rules(l, ctx, reader, done);
}

void emit_rules_from_registers(Lowering& l, Value* ctx, const ReadKeys& read, Done& done) {
    const auto keys = read([](size_t, const KeyValue& value) { return value; });
    emit_rules(l, ctx, [&](ir::KeyId id) { return keys[id.value]; }, done);
}

/// The rules once for each kind of frame.
void lower_specialised(Lowering& l, Value* ctx, const KeyMemory& memory, Done& done) {
    BasicBlock* generic = l.block("generic");
    const auto emit = [&](size_t words, size_t most, const ReadKeys& read) {
        if (words <= most) {
            emit_rules_from_registers(l, ctx, read, done);
        } else {
            emit_rules_from_memory(l, ctx, memory, read, done);
        }
    };
    emit_fast_parse(l, ctx, generic, [&](const std::string&, size_t words, const ReadKeys& read) {
        emit(words, max_words_in_registers, read);
    });
    l.builder.SetInsertPoint(generic);
    l.out_of_line = false;
    l.rare = true;
    if (words_of_used(l) <= max_generic_words_in_registers) {
        emit_rules_from_registers(
            l, ctx, [&](const Keep& keep) { return emit_generic_parse(l, ctx, {}, keep); }, done);
        return;
    }
    Value* base = find_memory(l, memory);
    l.builder.CreateCall(refresh_function(l), {ctx});
    emit_rules(
        l, ctx, [&](ir::KeyId id) { return load_stored_key(l, memory, base, id.value, nullptr); }, done);
}

/// The rules once: all kinds put their keys into memory and go on together.
void lower_shared(Lowering& l, Value* ctx, const KeyMemory& memory, Done& done) {
    Value* base = find_memory(l, memory);
    BasicBlock* generic = l.block("generic");
    BasicBlock* rules = l.block("rules");
    const Keep store = [&](size_t key, const KeyValue& value) {
        store_key(l, memory, base, key, value);
        return value;
    };
    emit_fast_parse(l, ctx, generic, [&](const std::string&, size_t, const ReadKeys& read) {
        read(store);
        l.builder.CreateBr(rules);
    });
    l.builder.SetInsertPoint(generic);
    // A function, which the verifier goes through by itself: else it goes on with each way through the
    // headers.
    l.builder.CreateCall(refresh_function(l), {ctx});
    l.builder.CreateBr(rules);
    l.builder.SetInsertPoint(rules);
    l.out_of_line = false;
    emit_shared_rules(l, ctx, memory, base, done);
}

void lower(Lowering& l) {
    const Span place = l.input.program.chains[l.input.program.entry.value].end.span;
    add_globals(l);
    Program program = begin_program(l, "xdpc");
    const KeyMemory memory = lay_out_keys(l);
    if (is_specialised(l)) {
        lower_specialised(l, program.ctx, memory, program.done);
    } else {
        lower_shared(l, program.ctx, memory, program.done);
    }
    emit_refresh_function(l, memory, place);
    emit_tunnels(l);
    emit_table_functions(l, place);
    emit_state_functions(l, place);
    emit_classifiers(l, place);
}

} // namespace
} // namespace codegen

namespace {

Result<std::vector<uint8_t>> try_to_generate(const CodegenInput& input, CodegenForm form,
                                             codegen::Lowering::Effort effort) {
    llvm::LLVMContext context;
    context.setDiscardValueNames(form == CodegenForm::Object);
    llvm::Module module("xdpc", context);
    codegen::Lowering l(input, module);
    l.effort = effort;
    l.used_keys = codegen::used_keys(input.program);
    codegen::lower(l);
    return codegen::emit_module(l, form);
}

} // namespace

Result<std::vector<uint8_t>> generate(const CodegenInput& input, CodegenForm form) {
    using Effort = codegen::Lowering::Effort;
    Result<std::vector<uint8_t>> result = fail("nothing was tried");
    for (const Effort effort : {Effort::Quick, Effort::NoSharedValues, Effort::KeysInMemory}) {
        result = try_to_generate(input, form, effort);
        // After the last one the verifier has the word: what is measured is the most that kernels take.
        const bool checked = result && form == CodegenForm::Object && effort != Effort::KeysInMemory;
        const Result<void> fits = checked  ? codegen::check_stack(*result)
                                  : result ? Result<void>{}
                                           : tl::unexpected(result.error());
        if (fits || fits.error().message.find("stack limit") == std::string::npos) {
            break;
        }
    }
    return result;
}

} // namespace xdpc

/// Called by codegen_client.cpp, by name.
extern "C" __attribute__((visibility("default"))) bool xdpc_codegen_generate(const xdpc::CodegenInput& input,
                                                                             xdpc::CodegenForm form,
                                                                             std::vector<uint8_t>& bytes,
                                                                             xdpc::Error& error) {
    auto result = xdpc::generate(input, form);
    if (!result) {
        error = result.error();
        return false;
    }
    bytes = std::move(*result);
    return true;
}
