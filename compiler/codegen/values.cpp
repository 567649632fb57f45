// Small pieces of LLVM IR: branches, loads of bits from a frame, numbers of up to two words.
#include "compiler/codegen/lowering.h"

#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

namespace xdpc::codegen {

using namespace llvm;

std::optional<bool> known(const Value* bit) {
    const auto* constant = dyn_cast<ConstantInt>(bit);
    return constant ? std::optional<bool>(!constant->isZero()) : std::nullopt;
}

namespace {
void weighed_branch(Lowering& l, Value* bit, BasicBlock* yes, BasicBlock* no, MDNode* weights) {
    if (const auto is = known(bit)) {
        l.builder.CreateBr(*is ? yes : no);
    } else if (yes == no) {
        l.builder.CreateBr(yes);
    } else {
        l.builder.CreateCondBr(bit, yes, no, weights);
    }
}
} // namespace

void branch(Lowering& l, Value* bit, BasicBlock* yes, BasicBlock* no) {
    MDNode* weights = l.out_of_line ? nullptr : MDBuilder(l.context()).createBranchWeights(2000, 1);
    weighed_branch(l, bit, yes, no, weights);
}

void branch_rarely(Lowering& l, Value* bit, BasicBlock* yes, BasicBlock* no) {
    if (!l.out_of_line) {
        branch(l, bit, yes, no);
        return;
    }
    weighed_branch(l, bit, yes, no, MDBuilder(l.context()).createBranchWeights(1, 2000));
}

Value* call_helper(Lowering& l, Helper helper, Type* result, ArrayRef<Value*> args) {
    SmallVector<Type*> types;
    for (Value* arg : args) {
        types.push_back(arg->getType());
    }
    Value* callee = ConstantExpr::getIntToPtr(l.c64(static_cast<uint64_t>(helper)), l.ptr());
    return l.builder.CreateCall(FunctionType::get(result, types, false), callee, args);
}

Value* at(Lowering& l, Value* begin, uint64_t offset) {
    return offset == 0 ? begin : l.builder.CreateConstGEP1_64(l.i8(), begin, offset);
}

/// XDP frames may be read unaligned; saying less than the natural alignment would make LLVM load bytes.
Value* load_packet(Lowering& l, Value* pointer, uint64_t offset, IntegerType* type) {
    return l.builder.CreateAlignedLoad(type, at(l, pointer, offset), Align(type->getBitWidth() / 8));
}

Value* load_context(Lowering& l, Value* ctx, unsigned offset) {
    return l.builder.CreateAlignedLoad(l.i32(), at(l, ctx, offset), Align(4));
}

/// Volatile, so that after calls a new pointer is read instead of an old one kept on the stack.
Value* load_data_pointer(Lowering& l, Value* ctx, unsigned offset) {
    auto* load = l.builder.CreateAlignedLoad(l.i32(), at(l, ctx, offset), Align(4), true);
    return l.builder.CreateIntToPtr(l.builder.CreateZExt(load, l.i64()), l.ptr());
}

Value* frame_length(Lowering& l, Value* ctx) {
    Value* data = load_data_pointer(l, ctx, 0);
    Value* data_end = load_data_pointer(l, ctx, 4);
    auto& b = l.builder;
    return b.CreateSub(b.CreatePtrToInt(data_end, l.i64()), b.CreatePtrToInt(data, l.i64()));
}

unsigned words_of(unsigned width) {
    return width > 64 ? 2 : 1;
}

IntegerType* word_type(Lowering& l, unsigned width) {
    return width <= 32 ? l.i32() : l.i64();
}

Words constant_words(Lowering& l, u128 value, unsigned width) {
    Words words;
    words.count = words_of(width);
    IntegerType* type = word_type(l, width);
    if (words.count == 2) {
        words.word[0] = ConstantInt::get(type, static_cast<uint64_t>(value >> 64));
        words.word[1] = ConstantInt::get(type, static_cast<uint64_t>(value));
    } else {
        const uint64_t kept = width <= 32 ? static_cast<uint32_t>(value) : static_cast<uint64_t>(value);
        words.word[0] = ConstantInt::get(type, kept);
    }
    return words;
}

KeyValue absent_key(Lowering& l, unsigned width) {
    return {l.builder.getFalse(), {}, constant_words(l, 0, width), nullptr};
}

KeyValue constant_key(Lowering& l, u128 value, unsigned width) {
    return {l.builder.getTrue(), {}, constant_words(l, value, width), nullptr};
}

KeyValue computed_key(Lowering& l, Value* value, unsigned width) {
    KeyValue key{l.builder.getTrue(), {}, {}, nullptr};
    key.value.count = 1;
    key.value.word[0] = l.builder.CreateZExtOrTrunc(value, word_type(l, width));
    return key;
}

uint64_t first_byte(uint64_t bit_offset) {
    return bit_offset / 8;
}
uint64_t end_byte(uint64_t bit_offset, unsigned width) {
    return (bit_offset + width + 7) / 8;
}

namespace {

Value* swap(Lowering& l, Value* value) {
    return value->getType()->isIntegerTy(8) ? value : l.builder.CreateUnaryIntrinsic(Intrinsic::bswap, value);
}

/// Up to eight bytes as one big-endian number, 64 bits.
Value* load_bytes(Lowering& l, Value* base, uint64_t offset, unsigned count) {
    Value* result = nullptr;
    for (unsigned size : {8U, 4U, 2U, 1U}) {
        if (count < size) {
            continue;
        }
        Value* part = swap(l, load_packet(l, base, offset, l.builder.getIntNTy(size * 8)));
        part = l.builder.CreateZExt(part, l.i64());
        result = result ? l.builder.CreateOr(l.builder.CreateShl(result, size * 8), part) : part;
        offset += size;
        count -= size;
    }
    return result;
}

/// `width` <= 64 bits as a number.
Value* load_bits(Lowering& l, Value* base, uint64_t bit_offset, unsigned width) {
    const uint64_t begin = first_byte(bit_offset);
    const uint64_t end = end_byte(bit_offset, width);
    const unsigned behind = static_cast<unsigned>(end * 8 - bit_offset - width);
    Value* number = nullptr;
    if (end - begin > 8) { // nine bytes for unaligned 58 to 64 bits
        Value* high = load_bytes(l, base, begin, 8);
        Value* low = load_bytes(l, base, begin + 8, 1);
        number = l.builder.CreateOr(l.builder.CreateShl(high, 8 - behind), l.builder.CreateLShr(low, behind));
    } else {
        number = load_bytes(l, base, begin, static_cast<unsigned>(end - begin));
        number = behind ? l.builder.CreateLShr(number, behind) : number;
    }
    const bool whole = width == (end - begin) * 8;
    return whole ? number : l.builder.CreateAnd(number, static_cast<uint64_t>(max_of_width(width)));
}

bool is_whole(uint64_t bit_offset, unsigned width) {
    return bit_offset % 8 == 0 && (width == 8 || width == 16 || width == 32 || width == 64 || width == 128);
}

} // namespace

KeyValue load_key(Lowering& l, Value* base, uint64_t bit_offset, unsigned width) {
    KeyValue key{l.builder.getTrue(), {}, {}, nullptr};
    key.value.count = words_of(width);
    if (is_whole(bit_offset, width)) {
        const unsigned size = width == 128 ? 64 : width;
        key.raw.count = key.value.count;
        for (unsigned i = 0; i < key.raw.count; ++i) {
            Value* loaded = load_packet(l, base, bit_offset / 8 + i * 8, l.builder.getIntNTy(size));
            key.raw.word[i] = l.builder.CreateZExt(loaded, word_type(l, width));
            key.value.word[i] = l.builder.CreateZExt(swap(l, loaded), word_type(l, width));
        }
        return key;
    }
    if (width > 64) {
        key.value.word[0] = load_bits(l, base, bit_offset, width - 64);
        key.value.word[1] = load_bits(l, base, bit_offset + width - 64, 64);
    } else {
        key.value.word[0] = l.builder.CreateTrunc(load_bits(l, base, bit_offset, width), word_type(l, width));
    }
    return key;
}

namespace {

/// One value from several blocks; none of its own if all are the same.
Value* join(Lowering& l, const std::vector<std::pair<BasicBlock*, Value*>>& edges) {
    bool same = true;
    for (const auto& edge : edges) {
        same = same && edge.second == edges.front().second;
    }
    if (same) {
        return edges.front().second;
    }
    PHINode* phi = l.builder.CreatePHI(edges.front().second->getType(), edges.size());
    for (const auto& [from, value] : edges) {
        phi->addIncoming(value, from);
    }
    return phi;
}

} // namespace

KeyValue join_keys(Lowering& l, const std::vector<KeyEdge>& edges, unsigned width) {
    KeyValue result;
    std::vector<std::pair<BasicBlock*, Value*>> parts;
    for (const KeyEdge& edge : edges) {
        parts.emplace_back(edge.from, edge.key.present);
    }
    result.present = join(l, parts);
    // Raw bytes are kept only where every present edge has them: constants get theirs by swapping.
    bool raw = true;
    for (const KeyEdge& edge : edges) {
        raw = raw && (edge.key.raw.count != 0 || known(edge.key.present) == false);
    }
    result.value.count = words_of(width);
    result.raw.count = raw ? result.value.count : 0;
    for (unsigned i = 0; i < result.value.count; ++i) {
        parts.clear();
        for (const KeyEdge& edge : edges) {
            parts.emplace_back(edge.from, edge.key.value.word[i]);
        }
        result.value.word[i] = join(l, parts);
        if (!raw) {
            continue;
        }
        parts.clear();
        for (const KeyEdge& edge : edges) {
            parts.emplace_back(edge.from, edge.key.raw.count ? edge.key.raw.word[i]
                                                             : Constant::getNullValue(word_type(l, width)));
        }
        result.raw.word[i] = join(l, parts);
    }
    return result;
}

} // namespace xdpc::codegen
