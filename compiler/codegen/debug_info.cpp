#include "compiler/codegen/debug_info.h"

#include <llvm/BinaryFormat/Dwarf.h>

namespace xdpc::codegen {

using namespace llvm;

namespace {
/// LLVM looks through all lines' texts for each one it adds; in longer files lines have their numbers only.
constexpr size_t max_shown_lines = 5000;

FileId entry_file(const CodegenInput& input) {
    return input.program.chains[input.program.entry.value].end.span.file;
}
} // namespace

DebugInfo::DebugInfo(Module& module, const CodegenInput& input)
    : module_(module), sources_(input.sources), builder_(module) {
    module.addModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
    module.addModuleFlag(Module::Warning, "Dwarf Version", 5);
    unit_ = builder_.createCompileUnit(dwarf::DW_LANG_C99, file_of(entry_file(input)), "xdpc", true, "", 0);
}

DIFile* DebugInfo::file_of(FileId id) {
    auto [place, fresh] = files_.try_emplace(id.value, nullptr);
    if (fresh) {
        if (id.value < sources_.size()) {
            const Source& source = sources_.get(id);
            const bool shown = source.line_starts.size() <= max_shown_lines;
            place->second =
                builder_.createFile(source.path, "", std::nullopt, StringRef(shown ? source.text : ""));
        } else {
            place->second = builder_.createFile("<policy>", "", std::nullopt, StringRef(""));
        }
    }
    return place->second;
}

DIType* DebugInfo::integer(const char* name, uint64_t bits) {
    return builder_.createBasicType(name, bits, dwarf::DW_ATE_unsigned);
}

DIType* DebugInfo::array_of(DIType* element, uint64_t count) {
    Metadata* range = builder_.getOrCreateSubrange(0, static_cast<int64_t>(count));
    return builder_.createArrayType(element->getSizeInBits() * count, 32, element,
                                    builder_.getOrCreateArray({range}));
}

/// The kernel takes a function's first pointer for the context if it is called `struct xdp_md`. Other
/// pointers are to keys: of functions of the whole program, which are verified by themselves, the type says
/// how many bytes may be read.
DISubroutineType* DebugInfo::signature_of(const Function& function, unsigned key_bytes) {
    const auto type_of = [&](const Type* type, bool first) -> DIType* {
        if (type->isPointerTy() && key_bytes > 0) {
            return builder_.createPointerType(bytes_type(key_bytes), 64);
        }
        if (type->isPointerTy() && !first) {
            return builder_.createPointerType(integer("unsigned char", 8), 64);
        }
        if (type->isPointerTy()) {
            DIType* context =
                builder_.createStructType(unit_, "xdp_md", unit_->getFile(), 0, 192, 32, DINode::FlagZero,
                                          nullptr, builder_.getOrCreateArray({}));
            return builder_.createPointerType(context, 64);
        }
        return type->isIntegerTy(32) ? integer("unsigned int", 32) : integer("unsigned long long", 64);
    };
    SmallVector<Metadata*> types = {type_of(function.getReturnType(), false)};
    for (const Argument& argument : function.args()) {
        types.push_back(type_of(argument.getType(), argument.getArgNo() == 0));
    }
    return builder_.createSubroutineType(builder_.getOrCreateTypeArray(types));
}

void DebugInfo::begin_function(Function& function, Span span, unsigned key_bytes) {
    const bool known_file = span.file.value < sources_.size();
    const unsigned line = known_file ? sources_.position(span).line : 1;
    const auto flags =
        function.hasLocalLinkage() ? DISubprogram::SPFlagLocalToUnit : DISubprogram::SPFlagZero;
    function_ = builder_.createFunction(
        unit_, function.getName(), "", file_of(span.file), line, signature_of(function, key_bytes), line,
        DINode::FlagPrototyped, flags | DISubprogram::SPFlagDefinition | DISubprogram::SPFlagOptimized);
    function_file_ = span.file;
    SmallVector<Metadata*> arguments;
    for (unsigned i = 0; i < function.arg_size(); ++i) { // BTF takes parameter names from here
        const std::string name = i == 0 && function.getArg(0)->getType()->isPointerTy()
                                     ? std::string("ctx")
                                     : "a" + std::to_string(i);
        DIType* type = cast<DIType>(function_->getType()->getTypeArray()[i + 1]);
        arguments.push_back(
            builder_.createParameterVariable(function_, name, i + 1, function_->getFile(), line, type, true));
    }
    function_->replaceRetainedNodes(builder_.getOrCreateArray(arguments));
    function.setSubprogram(function_);
}

void DebugInfo::at(IRBuilder<>& builder, Span span) {
    if (span.file.value >= sources_.size()) {
        builder.SetCurrentDebugLocation(DILocation::get(module_.getContext(), 1, 1, function_));
        return;
    }
    const Position position = sources_.position(span);
    DILocalScope* scope = function_;
    if (!(span.file == function_file_)) {
        scope = builder_.createLexicalBlockFile(function_, file_of(span.file), 0);
    }
    builder.SetCurrentDebugLocation(
        DILocation::get(module_.getContext(), position.line, position.column, scope));
}

void DebugInfo::cover(Function& function, Span span) {
    begin_function(function, span);
    IRBuilder<> place(module_.getContext());
    at(place, span);
    for (BasicBlock& block : function) {
        for (Instruction& instruction : block) {
            instruction.setDebugLoc(place.getCurrentDebugLocation());
        }
    }
}

void DebugInfo::describe(GlobalVariable& global, DIType* type) {
    global.addDebugInfo(builder_.createGlobalVariableExpression(unit_, global.getName(), "", unit_->getFile(),
                                                                1, type, global.hasLocalLinkage(), true));
}

DIType* DebugInfo::member(const char* name, DIType* type, uint64_t offset) {
    return builder_.createMemberType(unit_, name, unit_->getFile(), 1, type->getSizeInBits(), 64, offset,
                                     DINode::FlagZero, type);
}

DIType* DebugInfo::counter_type() {
    DIType* u64 = integer("unsigned long long", 64);
    return builder_.createStructType(
        unit_, "xdpc_counter", unit_->getFile(), 1, 128, 64, DINode::FlagZero, nullptr,
        builder_.getOrCreateArray({member("packets", u64, 0), member("bytes", u64, 64)}));
}

DIType* DebugInfo::bytes_type(uint64_t bytes) {
    return array_of(integer("unsigned char", 8), bytes);
}

/// libbpf takes numbers from the sizes of arrays that members point to.
DIType* DebugInfo::number(uint64_t n) {
    return builder_.createPointerType(array_of(builder_.createBasicType("int", 32, dwarf::DW_ATE_signed), n),
                                      64);
}

void DebugInfo::describe_map(GlobalVariable& map, uint32_t type, uint32_t entries, DIType* value) {
    DIType* key = builder_.createPointerType(integer("unsigned int", 32), 64);
    DIType* definition = builder_.createStructType(
        unit_, "xdpc_map", unit_->getFile(), 1, 256, 64, DINode::FlagZero, nullptr,
        builder_.getOrCreateArray({member("type", number(type), 0), member("key", key, 64),
                                   member("value", builder_.createPointerType(value, 64), 128),
                                   member("max_entries", number(entries), 192)}));
    describe(map, definition);
}

void DebugInfo::describe_map(GlobalVariable& map, const MapShape& shape) {
    DIType* definition = builder_.createStructType(
        unit_, "xdpc_state_map", unit_->getFile(), 1, 320, 64, DINode::FlagZero, nullptr,
        builder_.getOrCreateArray({member("type", number(shape.type), 0),
                                   member("key_size", number(shape.key_bytes), 64),
                                   member("value_size", number(shape.value_bytes), 128),
                                   member("max_entries", number(shape.entries), 192),
                                   member("map_flags", number(shape.flags), 256)}));
    describe(map, definition);
}

/// What the maps in it are like stands behind its other members, as the element of an array without length.
void DebugInfo::describe_rings(GlobalVariable& map, uint32_t entries) {
    constexpr uint32_t array_of_maps = 12, ring_buffer = 27, smallest = 4096; // enum bpf_map_type; bytes
    DIType* u32 = builder_.createPointerType(integer("unsigned int", 32), 64);
    DIType* inner =
        builder_.createStructType(unit_, "xdpc_ring", unit_->getFile(), 1, 128, 64, DINode::FlagZero, nullptr,
                                  builder_.getOrCreateArray({member("type", number(ring_buffer), 0),
                                                             member("max_entries", number(smallest), 64)}));
    Metadata* no_end = builder_.getOrCreateSubrange(0, -1);
    DIType* values = builder_.createArrayType(0, 64, builder_.createPointerType(inner, 64),
                                              builder_.getOrCreateArray({no_end}));
    describe(map, builder_.createStructType(
                      unit_, "xdpc_rings", unit_->getFile(), 1, 256, 64, DINode::FlagZero, nullptr,
                      builder_.getOrCreateArray({member("type", number(array_of_maps), 0),
                                                 member("key", u32, 64), member("value", u32, 128),
                                                 member("max_entries", number(entries), 192),
                                                 member("values", values, 256)})));
}

void DebugInfo::describe_bytes(GlobalVariable& global, uint64_t bytes) {
    DIType* type = bytes_type(bytes);
    if (global.isConstant()) {
        type = builder_.createQualifiedType(dwarf::DW_TAG_const_type, type);
    }
    describe(global, type);
}

void DebugInfo::finish() {
    builder_.finalize();
}

} // namespace xdpc::codegen
