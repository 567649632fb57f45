// The kernel's helpers that programs call and not every kernel has; the one list of them.
#pragma once

#include <linux/bpf.h>

namespace xdpc::rt {

struct HelperRow {
    bpf_func_id id;
    const char* name;
    const char* since; // the version of Linux
    const char* use;   // what needs it, for `xdpc features`; null: not listed there
};
inline constexpr HelperRow young_helpers[] = {
    {BPF_FUNC_xdp_adjust_head, "bpf_xdp_adjust_head", "4.10", nullptr},
    {BPF_FUNC_redirect_map, "bpf_redirect_map", "4.14", nullptr},
    {BPF_FUNC_fib_lookup, "bpf_fib_lookup", "4.18", "`route`"},
    {BPF_FUNC_ringbuf_output, "bpf_ringbuf_output", "5.8", nullptr},
    {BPF_FUNC_ringbuf_reserve, "bpf_ringbuf_reserve", "5.8", nullptr},
    {BPF_FUNC_xdp_get_buff_len, "bpf_xdp_get_buff_len", "5.18", nullptr},
    {BPF_FUNC_loop, "bpf_loop", "5.17", "sets of ranges over several values"},
    {BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes", "5.18", "`xdpc monitor`, `xdpc capture`"},
    {BPF_FUNC_xdp_adjust_tail, "bpf_xdp_adjust_tail", "4.18", "`reject with`"},
    {BPF_FUNC_ktime_get_tai_ns, "bpf_ktime_get_tai_ns", "6.1", "`meta time`, `meta day`, `meta hour`"},
    {BPF_FUNC_get_prandom_u32, "bpf_get_prandom_u32", "4.1", "`meta random`"},
};

} // namespace xdpc::rt
