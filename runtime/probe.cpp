#include "runtime/probe.h"

#include "runtime/internal.h"

#include <bpf/bpf.h>
#include <cerrno>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/statfs.h>
#include <system_error>
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
constexpr bpf_insn call(int32_t helper) {
    return instruction(BPF_JMP | BPF_CALL, 0, 0, helper);
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

Feature map(std::string name, std::string use, bpf_map_type type) {
    Feature feature{std::move(name), false, std::move(use), {}};
    const Fd fd(bpf_map_create(type, "xdpc_probe", 4, 16, 1, nullptr));
    feature.available = fd.valid();
    if (!fd.valid()) {
        feature.detail = reason(errno);
    }
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

} // namespace

std::vector<Feature> probe_features() {
    const LibbpfMessages quiet; // what a probe that fails says is of no use here
    return {
        program("XDP programs", "everything that loads", {set_r0(XDP_PASS), leave()}),
        program("BPF cpu v4", "shorter code from kernel 6.6 on",
                {set_r0(1), instruction(BPF_ALU64 | BPF_END | BPF_TO_LE, BPF_REG_0, 0, 16), set_r0(XDP_PASS),
                 leave()}),
        program("bpf_ktime_get_tai_ns", "`meta time`, `meta day`, `meta hour`",
                {call(BPF_FUNC_ktime_get_tai_ns), set_r0(XDP_PASS), leave()}),
        program("bpf_get_prandom_u32", "`meta random`",
                {call(BPF_FUNC_get_prandom_u32), set_r0(XDP_PASS), leave()}),
        map("per-CPU arrays", "counters", BPF_MAP_TYPE_PERCPU_ARRAY),
        test_runs(),
        bpf_filesystem(),
    };
}

} // namespace xdpc::rt
