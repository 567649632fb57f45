#include "runtime/carry_sets.h"

#include <bpf/bpf.h>

namespace xdpc::rt {

Result<Fd> make_carry(std::span<const sets::Element> there, uint32_t places) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_carry", sizeof(uint32_t), sizeof(xdpc_counter),
                          places + 1, &options));
    if (!map.valid())
        return fail_errno("cannot make the map of counters to be carried");
    auto memory = map_all(map.get());
    if (!memory)
        return tl::unexpected(memory.error());
    auto* copied = static_cast<xdpc_counter*>(memory->address());
    for (const sets::Element& element : there)
        copied[element.number] = {element.packets, element.bytes};
    return map;
}

void add_counts(const sets::Table& from_table, const SetArray& to, const sets::Table& to_table,
                const std::function<xdpc_counter(const sets::Element&)>& copied, uint64_t* done) {
    uint64_t now = monotonic_now();
    from_table.list([&](const sets::Element& element) {
        if (done != nullptr && element.number <= *done)
            return true;
        xdpc_counter before = copied(element);
        auto number = to_table.find(element.low, element.high, now);
        if (number && element.packets > before.packets) {
            xdpc_set_attribute& attribute = attribute_of(to, to_table, *number);
            __atomic_fetch_add(&attribute.packets, element.packets - before.packets, __ATOMIC_RELAXED);
            __atomic_fetch_add(&attribute.bytes, element.bytes - before.bytes, __ATOMIC_RELAXED);
        }
        if (done != nullptr)
            __atomic_store_n(done, element.number, __ATOMIC_RELEASE);
        return true;
    });
}

} // namespace xdpc::rt
