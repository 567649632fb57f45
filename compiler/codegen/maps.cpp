// Maps, global data and sections of the object.
#include "compiler/codegen/lowering.h"

namespace xdpc::codegen {

using namespace llvm;

namespace {

constexpr uint32_t map_type_percpu_array = 6; // BPF_MAP_TYPE_PERCPU_ARRAY

} // namespace

GlobalVariable* bytes_global(Lowering& l, const char* name, const char* section, uint64_t bytes,
                             bool constant) {
    auto* type = ArrayType::get(l.i8(), bytes);
    auto* global = new GlobalVariable(l.module, type, constant, GlobalValue::ExternalLinkage,
                                      Constant::getNullValue(type), name);
    global->setSection(section);
    global->setAlignment(Align(8));
    l.debug.describe_bytes(*global, bytes);
    return global;
}

GlobalVariable* map_global(Lowering& l, const char* name) {
    auto* definition = ArrayType::get(l.i64(), 5); // no smaller than what describes it
    auto* map = new GlobalVariable(l.module, definition, false, GlobalValue::ExternalLinkage,
                                   Constant::getNullValue(definition), name);
    map->setSection(".maps");
    map->setAlignment(Align(8));
    return map;
}

void add_globals(Lowering& l) {
    auto* license = ConstantDataArray::getString(l.context(), "Dual BSD/GPL");
    auto* global = new GlobalVariable(l.module, license->getType(), true, GlobalValue::ExternalLinkage,
                                      license, "LICENSE");
    global->setSection("license");
    global->setAlignment(Align(1));

    l.counters = map_global(l, "counters");
    l.debug.describe_map(*l.counters, map_type_percpu_array, std::max(1U, l.input.program.slots),
                         l.debug.counter_type());

    if (l.input.options.instrument) {
        l.test_area = bytes_global(l, "xdpc_test", ".data.test", sizeof(xdpc_test_area), false);
    } else {
        l.bind = bytes_global(l, "xdpc_bind", ".rodata.bind", sizeof(xdpc_bind), true);
    }
    add_event_maps(l);
}

GlobalVariable* scratch_map(Lowering& l, unsigned bytes) {
    if (!l.scratch) {
        l.scratch = map_global(l, "scratch");
        l.debug.describe_map(*l.scratch, map_type_percpu_array, 1, l.debug.bytes_type(bytes));
    }
    return l.scratch;
}

GlobalVariable* state_map(Lowering& l, const std::string& name, const MapShape& shape) {
    GlobalVariable*& map = l.state_maps[name];
    if (!map) {
        map = map_global(l, name.c_str());
        l.debug.describe_map(*map, shape);
    }
    return map;
}

Value* load_slot(Lowering& l, std::initializer_list<size_t> kinds, size_t number) {
    if (!l.slots) {
        std::vector<uint32_t> numbers;
        for (const size_t count : kinds) {
            for (uint32_t i = 0; i < count; ++i) {
                numbers.push_back(i);
            }
        }
        auto* data = ConstantDataArray::get(l.context(), numbers);
        l.slots = new GlobalVariable(l.module, data->getType(), true, GlobalValue::ExternalLinkage, data,
                                     "xdpc_slots");
        l.slots->setSection(".rodata.slots");
        l.slots->setAlignment(Align(8));
        l.debug.describe_bytes(*l.slots, 4 * numbers.size());
    }
    // Volatile: the runtime changes the numbers.
    return l.builder.CreateAlignedLoad(l.i32(), at(l, l.slots, 4 * number), Align(4), true);
}

GlobalVariable* add_table(Lowering& l, Constant* data) {
    auto* table = new GlobalVariable(l.module, data->getType(), true, GlobalValue::InternalLinkage, data,
                                     "xdpc_table" + std::to_string(l.tables_made++));
    table->setSection(".rodata");
    table->setAlignment(Align(8));
    l.debug.describe_bytes(*table, l.module.getDataLayout().getTypeAllocSize(data->getType()));
    return table;
}

} // namespace xdpc::codegen
