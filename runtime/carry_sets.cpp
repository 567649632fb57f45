#include "runtime/carry_sets.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

namespace {

/// Adds to `to`'s elements what `from`'s counted beyond `copied`. `done` is up to which number that is so.
void add_counts(const sets::Table& from, const SetArray& to, const sets::Table& to_table,
                const std::function<xdpc_counter(const sets::Element&)>& copied, uint64_t* done) {
    uint64_t now = monotonic_now();
    from.list([&](const sets::Element& element) {
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

} // namespace

Result<Fd> make_carry(const sets::Table& old, std::span<const sets::Element> copied) {
    const uint32_t places = old.layout().element_count + 1;
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_carry", sizeof(uint32_t), sizeof(xdpc_counter), places,
                          &options));
    if (!map.valid())
        return fail_errno("cannot make the map of counters to be carried");
    auto memory = map_all(map.get());
    if (!memory)
        return tl::unexpected(memory.error());
    auto* counts = static_cast<xdpc_counter*>(memory->address());
    std::fill(counts + 1, counts + places, xdpc_counter{UINT64_MAX, UINT64_MAX});
    for (const sets::Element& element : copied)
        counts[element.number] = {element.packets, element.bytes};
    return map;
}

Result<void> carry_counts(CountedArray from, CountedArray to, const Fd& carry, Carry way) {
    auto from_array = map_array(std::move(from.fd));
    auto to_array = map_array(std::move(to.fd));
    auto copied = map_all(carry.get());
    if (!from_array || !to_array || !copied)
        return fail(fmt::format("cannot open the arrays of set `{}` to carry its counters", to.set.name));
    auto from_table = open_table(*from_array, from.set);
    auto to_table = open_table(*to_array, to.set);
    if (!from_table || !to_table)
        return fail(fmt::format("cannot read the arrays of set `{}` to carry its counters", to.set.name));
    auto* counts = static_cast<xdpc_counter*>(copied->address());
    if (way == Carry::On)
        add_counts(
            *from_table, *to_array, *to_table,
            [&](const sets::Element& element) { return counts[element.number]; }, &counts[0].packets);
    else
        add_counts(
            *from_table, *to_array, *to_table,
            [&](const sets::Element& element) {
                auto number = to_table->find(element.low, element.high, monotonic_now());
                return number ? counts[*number] : xdpc_counter{};
            },
            nullptr);
    return {};
}

} // namespace xdpc::rt
