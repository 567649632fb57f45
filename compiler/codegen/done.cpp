// The frame of a program: where it begins, and the end of every packet's way, which is the one counter
// look-up of the program and its returns.
#include "compiler/codegen/lowering.h"

#include <cstddef>

namespace xdpc::codegen {

using namespace llvm;

Done make_done(Lowering& l, Value* ctx) {
    auto& b = l.builder;
    BasicBlock* here = b.GetInsertBlock();
    Done done{};
    done.ctx = ctx;
    done.counted = l.block("counted");
    b.SetInsertPoint(done.counted);
    done.action = b.CreatePHI(l.i32(), 4, "action");
    done.slot = b.CreatePHI(l.i32(), 4, "slot");
    Function* function = here->getParent();
    IRBuilder<> head(&function->getEntryBlock(), function->getEntryBlock().begin());
    AllocaInst* key = head.CreateAlloca(l.i32());
    b.CreateAlignedStore(done.slot, key, Align(4));
    Value* counter = call_helper(l, Helper::MapLookup, l.ptr(), {l.counters, key});
    BasicBlock* found = l.block("found");
    BasicBlock* end = l.block("end");
    branch(l, b.CreateICmpNE(counter, ConstantPointerNull::get(l.ptr())), found, end);
    b.SetInsertPoint(found);
    Value* packets = b.CreateAlignedLoad(l.i64(), counter, Align(8));
    b.CreateAlignedStore(b.CreateAdd(packets, l.c64(1)), counter, Align(8));
    Value* bytes_at = at(l, counter, offsetof(xdpc_counter, bytes));
    Value* length = frame_length(l, ctx);
    Value* bytes = b.CreateAlignedLoad(l.i64(), bytes_at, Align(8));
    b.CreateAlignedStore(b.CreateAdd(bytes, length), bytes_at, Align(8));
    b.CreateBr(end);
    b.SetInsertPoint(end);
    emit_return(l, ctx, done.action, [&] { // the slot is still where the look-up found it
        Value* slot = b.CreateAlignedLoad(l.i32(), key, Align(4));
        return b.CreateOr(slot, uint64_t{XDPC_BY_SLOT});
    });
    b.SetInsertPoint(here);
    return done;
}

Program begin_program(Lowering& l, const std::string& name) {
    auto& b = l.builder;
    const Span place = l.input.program.chains[l.input.program.entry.value].end.span;
    Function* main = Function::Create(FunctionType::get(l.i32(), {l.ptr()}, false),
                                      GlobalValue::ExternalLinkage, name, l.module);
    main->setSection(XDPC_SECTION);
    main->addFnAttr(Attribute::NoUnwind);
    l.debug.begin_function(*main, place);
    Program program{main->getArg(0), {}};
    b.SetInsertPoint(BasicBlock::Create(l.context(), "entry", main));
    l.debug.at(b, place);
    if (name == "xdpc") {
        emit_save(l, program.ctx);
    }
    BasicBlock* start = l.block("start");
    program.done = make_done(l, program.ctx);
    b.CreateBr(start);
    b.SetInsertPoint(start);
    return program;
}

} // namespace xdpc::codegen
