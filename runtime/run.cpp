// Runs of single packets, counters, and whether the kernel lets us at all.
#include "runtime/internal.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

namespace xdpc::rt {

Result<RunResult> test_run(const Loaded& loaded, std::span<const uint8_t> frame, uint32_t repeat) {
    constexpr size_t ethernet_header = 14;
    if (frame.size() < ethernet_header)
        return fail(
            fmt::format("the kernel runs frames of 14 bytes and more, this one has {}", frame.size()));
    // Programs may lengthen the frame, at most by its headroom.
    constexpr size_t headroom = 512;
    RunResult result;
    result.frame.resize(frame.size() + headroom);
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_out = result.frame.data(),
                .data_size_in = static_cast<uint32_t>(frame.size()),
                .data_size_out = static_cast<uint32_t>(result.frame.size()),
                .repeat = static_cast<int>(std::clamp<uint32_t>(repeat, 1, INT32_MAX)));
    if (bpf_prog_test_run_opts(loaded.program_fd(), &options) != 0)
        return fail_errno(fmt::format("cannot run the program on a frame of {} bytes", frame.size()));
    result.action = options.retval;
    result.duration_ns = options.duration;
    result.frame.resize(options.data_size_out);
    return result;
}

namespace {

/// The kernel copies as many bytes as the map's values have, and the map may come of an object that is not
/// ours.
Result<void> check_counters(int counters_fd, uint32_t slots) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(counters_fd, &info, &size) != 0)
        return fail_errno("cannot ask for the counters");
    if (info.type != BPF_MAP_TYPE_PERCPU_ARRAY || info.value_size != sizeof(xdpc_counter) ||
        info.max_entries < slots)
        return fail("the program's map `counters` is not as this xdpc makes it", "build it again");
    return {};
}

Result<std::vector<xdpc_counter>> read_per_cpu(int counters_fd, uint32_t slots, int cpus) {
    std::vector<xdpc_counter> values(static_cast<size_t>(slots) * static_cast<size_t>(cpus));
    std::vector<uint32_t> keys(slots);
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    uint32_t next = 0;
    uint32_t count = slots;
    int error =
        bpf_map_lookup_batch(counters_fd, nullptr, &next, keys.data(), values.data(), &count, &options);
    if (error != 0 && errno != ENOENT)
        return fail_errno("cannot read the counters");
    if (count != slots)
        return fail(fmt::format("the kernel gave {} of {} counters", count, slots));
    return values;
}

} // namespace

Result<std::vector<SlotCount>> read_counters(int counters_fd, uint32_t slots) {
    std::vector<SlotCount> sums(slots);
    if (slots == 0 || counters_fd < 0)
        return sums;
    if (auto checked = check_counters(counters_fd, slots); !checked)
        return tl::unexpected(checked.error());
    int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0)
        return fail_errno("cannot tell the number of CPUs", cpus);
    auto values = read_per_cpu(counters_fd, slots, cpus);
    if (!values)
        return tl::unexpected(values.error());
    for (uint32_t slot = 0; slot < slots; slot++) {
        for (size_t cpu = 0; cpu < static_cast<size_t>(cpus); cpu++) {
            const xdpc_counter& value = (*values)[slot * static_cast<size_t>(cpus) + cpu];
            sums[slot].packets += value.packets;
            sums[slot].bytes += value.bytes;
        }
    }
    return sums;
}

Result<void> clear_counters(int counters_fd, uint32_t slots) {
    if (slots == 0 || counters_fd < 0)
        return {};
    if (auto checked = check_counters(counters_fd, slots); !checked)
        return checked;
    int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0)
        return fail_errno("cannot tell the number of CPUs", cpus);
    std::vector<xdpc_counter> zeros(static_cast<size_t>(slots) * static_cast<size_t>(cpus));
    std::vector<uint32_t> keys(slots);
    for (uint32_t slot = 0; slot < slots; slot++)
        keys[slot] = slot;
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    uint32_t count = slots;
    if (bpf_map_update_batch(counters_fd, keys.data(), zeros.data(), &count, &options) != 0)
        return fail_errno("cannot clear the counters");
    return {};
}

bool may_load() {
    const bpf_insn pass[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .src_reg = 0, .off = 0, .imm = 2},
        {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    };
    LibbpfMessages messages;
    return Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", pass, 2, nullptr)).valid();
}

} // namespace xdpc::rt
