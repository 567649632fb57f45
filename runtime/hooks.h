// Programs with and without what tells listeners of decided packets: the hooks that the compiler sets
// (XDPC_HOOK in abi.h) are taken out of a program's instructions before the kernel sees them.
#pragma once

#include <cstdint>
#include <linux/bpf.h>
#include <string>
#include <vector>

namespace xdpc::rt {

inline constexpr uint8_t wide_load = BPF_LD | BPF_DW | BPF_IMM; // takes two places

/// A program as libbpf hands it to the kernel: relocated, with the functions that it calls behind it.
struct Code {
    std::string name;
    std::vector<bpf_insn> instructions;
    // In the order of what they describe.
    std::vector<bpf_func_info> functions;
    std::vector<bpf_line_info> lines;
};

bool has_hooks(const Code& code);
/// What always tells.
Code with_hooks(Code code);
/// The same without hooks and what can then not be reached; jumps and descriptions refer to what is left.
/// Damaged code (a jump that leaves it) comes back as it is: the verifier says so.
Code without_hooks(const Code& code);

} // namespace xdpc::rt
