#include "compiler/codegen/classify.h"

#include "compiler/base/overloaded.h"
#include "compiler/plan/classify/layout.h"

#include <llvm/IR/InlineAsm.h>

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

namespace {

/// What a table holds.
const std::vector<uint8_t>& contents_of(const Lowering& l, const GlobalVariable& table) {
    const auto own = std::find_if(l.contents.begin(), l.contents.end(), [&](const TableContents& contents) {
        return table.getName() == contents.symbol;
    });
    assert(own != l.contents.end());
    return own->bytes;
}

std::vector<uint8_t> bytes_of(const std::vector<uint32_t>& words) {
    const auto* begin = reinterpret_cast<const uint8_t*>(words.data());
    return {begin, begin + 4 * words.size()};
}

/// A field's number, or the presence word's, from the arguments; the plan made only sets that can be packed.
Value* unpack(Lowering& l, const Function& function, const classify::RuleSet& set, size_t field) {
    auto& b = l.builder;
    const classify::Packed place = (*classify::pack(set))[field];
    const bool presence = field == set.fields.size();
    const uint64_t width = presence ? set.presence.size() : set.fields[field].width;
    Value* word = b.CreateLShr(function.getArg(place.word), place.shift);
    return b.CreateAnd(word, static_cast<uint64_t>(max_of_width(static_cast<unsigned>(width))));
}

Numbers unpack(Lowering& l, const Function& function, const classify::RuleSet& set) {
    Numbers numbers;
    for (size_t field = 0; field <= set.fields.size(); ++field) {
        numbers.push_back(unpack(l, function, set, field));
    }
    return numbers;
}

/// Tells the tests which rule decided.
void store_decider(Lowering& l, Value* rule, const classify::Classifier& classifier,
                   const std::vector<Outcome>& outcomes, Value* result, BasicBlock* never) {
    auto& b = l.builder;
    GlobalVariable* table = bytes_for(l, &classifier.set, [&] {
        std::vector<uint32_t> deciders;
        for (const Outcome& outcome : outcomes) {
            deciders.push_back(outcome.decider);
        }
        return bytes_of(deciders);
    });
    Value* decider = load_cell(l, table, rule, outcomes.size(), 4, never);
    BasicBlock* decided = l.block("decided");
    BasicBlock* stored = l.block("stored");
    b.CreateCondBr(b.CreateICmpUGE(result, l.c64(result_decided)), decided, stored);
    b.SetInsertPoint(decided);
    const auto store = [&](uint64_t offset, Value* value) {
        constexpr uint64_t begin = offsetof(xdpc_test_area, result);
        b.CreateAlignedStore(b.CreateTrunc(value, l.i32()), at(l, l.test_area, begin + offset), Align(4),
                             true);
    };
    store(offsetof(xdpc_test_result, decider), decider);
    store(offsetof(xdpc_test_result, action), b.CreateAnd(b.CreateLShr(result, result_action_shift), 7));
    store(offsetof(xdpc_test_result, ran), l.c64(1));
    b.CreateBr(stored);
    b.SetInsertPoint(stored);
}

/// What becomes of the packet.
Value* result_of(Lowering& l, Value* entry, const classify::Classifier& classifier,
                 const std::vector<Outcome>& outcomes, BasicBlock* never) {
    auto& b = l.builder;
    Value* result = b.CreateTrunc(entry, l.i32());
    if (l.test_area) {
        BasicBlock* none = l.block("none");
        BasicBlock* found = l.block("found");
        b.CreateCondBr(b.CreateICmpEQ(entry, l.c64(no_entry)), none, found);
        b.SetInsertPoint(found);
        store_decider(l, b.CreateLShr(entry, 32), classifier, outcomes, b.CreateZExt(result, l.i64()), never);
        b.CreateBr(none);
        b.SetInsertPoint(none);
    }
    return result;
}

void emit_body(Lowering& l, Function& function, const classify::Classifier& classifier,
               const std::vector<Outcome>& outcomes) {
    auto& b = l.builder;
    BasicBlock* never = l.block("never");
    const classify::RuleSet& set = classifier.set;
    const Number number = [&](size_t field) { return unpack(l, function, set, field); };
    const void* source = &classifier.tables;
    const auto look_up = Overloaded{
        [&](const classify::Pairs& pairs) { return emit_pairs(l, pairs, set, outcomes, number, never); },
        [&](const classify::Rfc& rfc) {
            return load_entry(l, emit_rfc(l, rfc, number, never), source, outcomes, never);
        },
        [&](const classify::Forest& forest) {
            Value* found = emit_forest(l, forest, set, unpack(l, function, set), never);
            return load_entry(l, found, source, outcomes, never);
        },
    };
    Value* entry = std::visit(look_up, classifier.tables);
    b.CreateRet(result_of(l, entry, classifier, outcomes, never));
    b.SetInsertPoint(never); // an index beyond its array: XDP_ABORTED, as nothing may pass so
    b.CreateRet(l.c32(result_decided));
}

/// What is at hand of a key as one number, low 64 bits and high ones.
Value* piece_of(Lowering& l, const KeyValue& key, const classify::Field& field) {
    auto& b = l.builder;
    const Words& words = key.value;
    if (words.count == 0) {
        return l.c64(0);
    }
    const bool high = words.count == 2 && field.shift >= 64;
    Value* word = b.CreateZExt(words.word[words.count == 2 && !high ? 1 : 0], l.i64());
    const unsigned shift = field.shift % 64;
    const auto mask = static_cast<uint64_t>(field.mask >> field.shift & max_of_width(field.width));
    return b.CreateAnd(b.CreateLShr(word, shift), mask);
}

/// A field's number; 0 where none of its keys is present, unless only one key stands for it.
Value* number_of(RuleScope& s, const classify::Field& field) {
    Value* number = nullptr;
    for (const ir::KeyId id : field.keys) {
        const KeyValue key = s.keys(id);
        if (known(key.present) == false) {
            continue;
        }
        Value* own = piece_of(s.l, key, field);
        const bool sure = known(key.present) == true;
        // An absent key's words are whatever the parser left: they must not hide another key's.
        number = number && !sure ? s.l.builder.CreateSelect(key.present, own, number) : own;
    }
    return number ? number : s.l.c64(0);
}

/// The presence word.
Value* presence_of(RuleScope& s, const classify::RuleSet& set) {
    auto& b = s.l.builder;
    Value* present = s.l.c64(0);
    for (size_t bit = 0; bit < set.presence.size(); ++bit) {
        Value* own = b.CreateZExt(s.keys(set.presence[bit]).present, s.l.i64());
        present = b.CreateOr(present, b.CreateShl(own, bit));
    }
    return present;
}

std::vector<Value*> pack(RuleScope& s, const classify::RuleSet& set) {
    Lowering& l = s.l;
    auto& b = l.builder;
    const auto places = *classify::pack(set);
    std::vector<Value*> words(5, l.c64(0));
    const auto put = [&](Value* number, const classify::Packed& place) {
        words[place.word] = b.CreateOr(words[place.word], b.CreateShl(number, place.shift));
    };
    for (size_t f = 0; f < set.fields.size(); ++f) {
        put(number_of(s, set.fields[f]), places[f]);
    }
    put(presence_of(s, set), places.back());
    return words;
}

std::vector<Outcome> outcomes_of(const Lowering& l, ChainId chain, const Slice& slice) {
    std::vector<Outcome> outcomes;
    for (size_t i = slice.begin; i < slice.end; ++i) {
        const ir::Rule& rule = l.input.program.chains[chain.value].rules[i];
        if (const auto code = slice.codes[i - slice.begin]) {
            outcomes.push_back({*code + 1, 0});
            continue;
        }
        const Verdict& verdict = std::get<ir::Decide>(rule.steps.back().node).verdict;
        const uint32_t counted = rule.slot ? result_counted | rule.slot->value : 0;
        outcomes.push_back(
            {result_decided | static_cast<uint32_t>(*action_of(verdict)) << result_action_shift | counted,
             rule.decider.value});
    }
    return outcomes;
}

/// A global function of five words (classify::pack) that finds the outcome; its body comes later.
Function* classifier_function(Lowering& l, size_t classifier, const std::vector<Outcome>& outcomes) {
    ClassifierFunction& known = l.classifiers[classifier];
    if (!known.function) {
        const std::vector<Type*> words(5, l.i64());
        known.function =
            Function::Create(FunctionType::get(l.i32(), words, false), GlobalValue::ExternalLinkage,
                             "classify_" + std::to_string(classifier), l.module);
        known.function->addFnAttr(Attribute::NoInline);
        known.function->addFnAttr(Attribute::NoUnwind);
        known.outcomes = outcomes;
    }
    return known.function;
}

/// What a look-up finds, in a function of its own.
Value* call_look_up(RuleScope& s, size_t classifier, const std::vector<Outcome>& outcomes) {
    Function* function = classifier_function(s.l, classifier, outcomes);
    return s.l.builder.CreateCall(function, pack(s, s.l.input.plan.classifiers[classifier].set));
}

/// The same here: what is known of the kind of packet needs no load.
Value* look_up_here(RuleScope& s, size_t classifier, const std::vector<Outcome>& outcomes) {
    Lowering& l = s.l;
    auto& b = l.builder;
    const classify::Classifier& own = l.input.plan.classifiers[classifier];
    BasicBlock* never = l.block("never");
    const Number number = [&](size_t field) {
        return field < own.set.fields.size() ? number_of(s, own.set.fields[field]) : presence_of(s, own.set);
    };
    const auto& pairs = std::get<classify::Pairs>(own.tables);
    Value* entry = emit_pairs(l, pairs, own.set, outcomes, number, never);
    Value* result = result_of(l, entry, own, outcomes, never);
    BasicBlock* here = b.GetInsertBlock();
    b.SetInsertPoint(never);
    s.ends.propagate(l.c32(result_decided));
    b.SetInsertPoint(here);
    return result;
}

/// Whether frames of this kind lack an address, or what else tells rules apart: few rules are for them.
bool lacks_axis(RuleScope& s, const classify::Classifier& classifier) {
    const auto* pairs = std::get_if<classify::Pairs>(&classifier.tables);
    const auto absent = [&](size_t field) {
        const std::vector<ir::KeyId>& keys = classifier.set.fields[field].keys;
        return std::all_of(keys.begin(), keys.end(),
                           [&](ir::KeyId key) { return known(s.keys(key).present) == false; });
    };
    return pairs && std::any_of(pairs->keys.begin(), pairs->keys.end(), [&](const auto& axis) {
               return std::any_of(axis.begin(), axis.end(), absent);
           });
}

/// Looks up and goes on with what is found.
void emit_look_up(RuleScope& s, size_t classifier, bool inlined, const std::vector<Outcome>& outcomes,
                  const std::vector<BasicBlock*>& codes, BasicBlock* next) {
    Lowering& l = s.l;
    auto& b = l.builder;
    inlined = inlined && !l.rare && !lacks_axis(s, l.input.plan.classifiers[classifier]);
    Value* result = inlined ? look_up_here(s, classifier, outcomes) : call_look_up(s, classifier, outcomes);
    BasicBlock* decided = l.block("decided");
    BasicBlock* open = l.block("open");
    b.CreateCondBr(b.CreateICmpUGE(result, l.c32(result_decided)), decided, open);
    b.SetInsertPoint(decided);
    s.ends.propagate(result);
    b.SetInsertPoint(open);
    SwitchInst* choice = b.CreateSwitch(result, next, static_cast<unsigned>(codes.size()));
    for (uint32_t i = 0; i < codes.size(); ++i) {
        choice->addCase(l.c32(i + 1), codes[i]);
    }
}

} // namespace

uint64_t entry_of(uint32_t rule, const std::vector<Outcome>& outcomes) {
    return uint64_t{rule} << 32 | outcomes[rule].result;
}

Value* load_entry(Lowering& l, Value* found, const void* source, const std::vector<Outcome>& outcomes,
                  BasicBlock* never) {
    GlobalVariable* table = bytes_for(l, source, [&] {
        std::vector<uint64_t> entries{no_entry};
        for (uint32_t rule = 0; rule < outcomes.size(); ++rule) {
            entries.push_back(entry_of(rule, outcomes));
        }
        const auto* begin = reinterpret_cast<const uint8_t*>(entries.data());
        return std::vector<uint8_t>(begin, begin + 8 * entries.size());
    });
    return load_cell(l, table, found, outcomes.size() + 1, 8, never);
}

Value* hidden(Lowering& l, Value* value) {
    auto* type = FunctionType::get(value->getType(), {value->getType()}, false);
    return l.builder.CreateCall(type, InlineAsm::get(type, "", "=r,0", false), {value});
}

GlobalVariable* add_bytes(Lowering& l, std::vector<uint8_t> bytes) {
    return add_contents(l, std::move(bytes));
}

GlobalVariable* bytes_for(Lowering& l, const void* source,
                          const std::function<std::vector<uint8_t>()>& make) {
    GlobalVariable*& known = l.laid_out[source];
    if (!known) {
        known = add_bytes(l, make());
    }
    return known;
}

Value* load_cell(Lowering& l, GlobalVariable* array, Value* index, uint64_t count, unsigned bytes,
                 BasicBlock* never) {
    auto& b = l.builder;
    const auto* known = dyn_cast<ConstantInt>(index);
    if (known && known->getZExtValue() < count) { // of one kind of packet: no load
        const std::vector<uint8_t>& data = contents_of(l, *array);
        uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            value |= uint64_t{data[known->getZExtValue() * bytes + i]} << 8 * i;
        }
        return l.c64(value);
    }
    index = hidden(l, index);
    BasicBlock* inside = l.block("inside");
    b.CreateCondBr(b.CreateICmpULT(index, l.c64(count)), inside, never);
    b.SetInsertPoint(inside);
    Value* place = b.CreateGEP(l.i8(), array, b.CreateMul(index, l.c64(bytes)));
    IntegerType* type = l.builder.getIntNTy(8 * bytes);
    return b.CreateZExt(b.CreateAlignedLoad(type, place, Align(bytes)), l.i64());
}

const Slice* slice_at(const Lowering& l, ChainId chain, size_t rule) {
    for (const Slice& slice : l.input.plan.chains[chain.value].slices) {
        if (slice.begin == rule) {
            return &slice;
        }
    }
    return nullptr;
}

size_t next_slice(const Lowering& l, ChainId chain, size_t rule) {
    for (const Slice& slice : l.input.plan.chains[chain.value].slices) {
        if (slice.begin > rule) {
            return slice.begin;
        }
    }
    return ~size_t{0};
}

void emit_slice(RuleScope& s, ChainId chain, const Slice& slice, const std::vector<BasicBlock*>& codes,
                BasicBlock* next) {
    Lowering& l = s.l;
    auto& b = l.builder;
    const std::vector<Outcome> outcomes = outcomes_of(l, chain, slice);
    const auto look_up = [&](std::optional<size_t> classifier) {
        if (classifier) {
            emit_look_up(s, *classifier, slice.inlined != 0, outcomes, codes, next);
        } else {
            b.CreateBr(next);
        }
    };
    if (!slice.ip6) {
        look_up(slice.other);
        return;
    }
    Value* ip6 = b.getFalse();
    for (const ir::KeyId key : slice.ip6_keys) {
        ip6 = b.CreateOr(ip6, s.keys(key).present);
    }
    BasicBlock* own = l.block("ip6");
    BasicBlock* other = l.block("not_ip6");
    branch(l, ip6, own, other);
    // A block that nothing leads to is left out: its keys are not there.
    if (known(ip6) != false) {
        b.SetInsertPoint(own);
        look_up(slice.ip6);
    }
    if (known(ip6) != true) {
        b.SetInsertPoint(other);
        look_up(slice.other);
    }
    if (known(ip6) == false) {
        own->eraseFromParent();
    } else if (known(ip6) == true) {
        other->eraseFromParent();
    }
}

void emit_classifiers(Lowering& l, Span place) {
    for (const auto& [index, classifier] : l.classifiers) {
        l.debug.begin_function(*classifier.function, place);
        l.builder.SetInsertPoint(BasicBlock::Create(l.context(), "entry", classifier.function));
        l.debug.at(l.builder, place);
        emit_body(l, *classifier.function, l.input.plan.classifiers[index], classifier.outcomes);
    }
}

} // namespace xdpc::codegen
