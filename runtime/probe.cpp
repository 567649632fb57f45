#include "runtime/probe.h"

#include "runtime/helpers.h"
#include "runtime/internal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/statfs.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace xdpc::rt {

namespace {

constexpr bpf_insn instruction(uint8_t code, uint8_t dst, uint8_t src, int32_t imm) {
    bpf_insn out{};
    out.code = code;
    out.dst_reg = dst & 0xfU;
    out.src_reg = src & 0xfU;
    out.imm = imm;
    return out;
}
constexpr bpf_insn set_r0(int32_t value) {
    return instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, value);
}
constexpr bpf_insn leave() {
    return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0);
}

std::string reason(int error) {
    return std::generic_category().message(error < 0 ? -error : error);
}

Feature program(std::string name, std::string use, const std::vector<bpf_insn>& instructions) {
    Feature feature{std::move(name), false, std::move(use), {}};
    const Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", instructions.data(),
                              instructions.size(), nullptr));
    feature.available = fd.valid();
    if (!fd.valid()) {
        feature.detail = reason(errno);
    }
    return feature;
}

Feature helper(const HelperRow& row) {
    Feature feature{row.name, false, row.use, {}};
    const int found = libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, row.id, nullptr);
    feature.available = found == 1;
    if (found < 0) {
        feature.detail = reason(found);
    }
    return feature;
}

struct MapShape {
    bpf_map_type type;
    uint32_t key = 4, value = 16, entries = 1, flags = 0;
};

Feature map(std::string name, std::string use, const MapShape& shape) {
    Feature feature{std::move(name), false, std::move(use), {}};
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape.flags);
    const Fd fd(bpf_map_create(shape.type, "xdpc_probe", shape.key, shape.value, shape.entries, &options));
    feature.available = fd.valid();
    if (!fd.valid()) {
        feature.detail = reason(errno);
    }
    return feature;
}

Feature maps_of_maps() {
    Feature feature{"arrays of maps", false, "sets that are replaced at once, listeners", {}};
    const Fd inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_probe", 4, 16, 1, nullptr));
    LIBBPF_OPTS(bpf_map_create_opts, options, .inner_map_fd = static_cast<uint32_t>(inner.get()));
    const Fd fd(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "xdpc_probe", 4, 4, 1, &options));
    feature.available = inner.valid() && fd.valid();
    if (!feature.available) {
        feature.detail = reason(errno);
    }
    return feature;
}

/// By attaching to the loopback of a network namespace that ends with the thread.
Feature links() {
    Feature feature{"BPF links of XDP", false, "`xdpc apply`, which replaces between two packets", {}};
    const bpf_insn code[] = {set_r0(XDP_PASS), leave()};
    const Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", code, std::size(code), nullptr));
    std::thread([&] {
        constexpr int loopback = 1;
        LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
        if (unshare(CLONE_NEWNET) == 0) {
            const Fd link(bpf_link_create(fd.get(), loopback, BPF_XDP, &options));
            feature.available = link.valid();
        }
        if (!feature.available) {
            feature.detail = reason(errno);
        }
    }).join();
    return feature;
}

Feature test_runs() {
    Feature feature{"test runs", false, "the kernel engine of `xdpc test`", {}};
    const bpf_insn code[] = {set_r0(XDP_PASS), leave()};
    const Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", code, std::size(code), nullptr));
    uint8_t frame[64] = {};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof frame, .repeat = 1);
    feature.available =
        fd.valid() && bpf_prog_test_run_opts(fd.get(), &options) == 0 && options.retval == XDP_PASS;
    if (!feature.available) {
        feature.detail = reason(errno);
    }
    return feature;
}

Feature bpf_filesystem() {
    Feature feature{"bpffs", false, "keeping policies when `xdpc apply` has ended", {}};
    struct statfs info{};
    feature.available =
        statfs("/sys/fs/bpf", &info) == 0 && static_cast<unsigned long>(info.f_type) == BPF_FS_MAGIC;
    if (!feature.available) {
        feature.detail = "/sys/fs/bpf is not mounted";
    }
    return feature;
}

Feature cpu_v4() {
    return program("BPF cpu v4", "shorter code from kernel 6.6 on",
                   {set_r0(1), instruction(BPF_ALU64 | BPF_END | BPF_TO_LE, BPF_REG_0, 0, 16),
                    set_r0(XDP_PASS), leave()});
}

} // namespace

namespace {

/// The helper refuses flags that it does not know, and only when it runs: for a packet of no address family
/// it knows nothing better to say than that, so this is one of IPv4.
Feature table_lookups() {
    Feature feature{"routes by table", false, "`route table N`", {}};
    constexpr int32_t size = 64, begin = -size, family = 2, ifindex_at = 8, by_table = 1 | 8;
    std::vector<bpf_insn> code;
    for (int32_t at = begin; at < 0; at += 8) {
        bpf_insn clear = instruction(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, 0);
        clear.off = static_cast<int16_t>(at);
        code.push_back(clear);
    }
    bpf_insn store = instruction(BPF_ST | BPF_MEM | BPF_B, BPF_REG_10, 0, family);
    store.off = static_cast<int16_t>(begin);
    code.push_back(store);
    store = instruction(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, 1); // the loopback interface
    store.off = static_cast<int16_t>(begin + ifindex_at);
    code.push_back(store);
    code.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_10, 0));
    code.push_back(instruction(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_2, 0, begin));
    code.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, size));
    code.push_back(instruction(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_4, 0, by_table));
    code.push_back(instruction(BPF_JMP | BPF_CALL, 0, 0, BPF_FUNC_fib_lookup));
    code.push_back(leave());
    const Fd fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpc_probe", "GPL", code.data(), code.size(), nullptr));
    uint8_t frame[64] = {};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = sizeof frame, .repeat = 1);
    const bool ran = fd.valid() && bpf_prog_test_run_opts(fd.get(), &options) == 0;
    feature.available = ran && static_cast<int32_t>(options.retval) != -EINVAL;
    if (!ran) {
        feature.detail = reason(errno);
    }
    return feature;
}

} // namespace

bool looks_up_tables() {
    const LibbpfMessages quiet;
    return table_lookups().available;
}

bool runs_cpu_v4() {
    const LibbpfMessages quiet;
    return cpu_v4().available;
}

std::vector<Feature> probe_features() {
    const LibbpfMessages quiet; // what a probe that fails says is of no use here
    std::vector<Feature> features{
        program("XDP programs", "everything that loads", {set_r0(XDP_PASS), leave()}),
        links(),
        cpu_v4(),
        map("per-CPU arrays", "counters", {BPF_MAP_TYPE_PERCPU_ARRAY}),
        map("mapped arrays", "live sets, limits", {BPF_MAP_TYPE_ARRAY, 4, 64, 1, BPF_F_MMAPABLE}),
        maps_of_maps(),
        map("program arrays", "policies too large for one program", {BPF_MAP_TYPE_PROG_ARRAY, 4, 4}),
        map("ring buffers", "`xdpc monitor`, `xdpc capture`", {BPF_MAP_TYPE_RINGBUF, 0, 0, 4096}),
    };
    for (const HelperRow& row : young_helpers) {
        if (row.use != nullptr) {
            features.push_back(helper(row));
        }
    }
    features.push_back(table_lookups());
    features.push_back(test_runs());
    features.push_back(bpf_filesystem());
    return features;
}

} // namespace xdpc::rt
