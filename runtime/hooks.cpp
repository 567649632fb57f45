#include "runtime/hooks.h"

#include "codegen-templates/abi.h"

#include <algorithm>
#include <optional>

namespace xdpc::rt {

namespace {

constexpr uint8_t hook_code = BPF_JMP | BPF_JEQ | BPF_K;
constexpr size_t frame_pointer = BPF_REG_10;

bool is_hook(const bpf_insn& instruction) {
    return instruction.code == hook_code && instruction.dst_reg == frame_pointer &&
           instruction.imm == XDPC_HOOK;
}

bpf_insn jump(int16_t offset) {
    bpf_insn instruction{};
    instruction.code = BPF_JMP | BPF_JA;
    instruction.off = offset;
    return instruction;
}

bool is_jump_class(const bpf_insn& instruction) {
    return BPF_CLASS(instruction.code) == BPF_JMP || BPF_CLASS(instruction.code) == BPF_JMP32;
}

bool is_goto(const bpf_insn& instruction) {
    return is_jump_class(instruction) && BPF_OP(instruction.code) == BPF_JA;
}

/// Where an instruction refers to another one: by which field, and whether what follows it is reached too.
struct Reference {
    bool in_offset = false; // else in `imm`
    bool goes_on = true;
};
std::optional<Reference> reference_of(const bpf_insn& instruction) {
    if (instruction.code == wide_load && instruction.src_reg == BPF_PSEUDO_FUNC)
        return Reference{};
    if (!is_jump_class(instruction) || BPF_OP(instruction.code) == BPF_EXIT)
        return {};
    if (BPF_OP(instruction.code) == BPF_CALL)
        return instruction.src_reg == BPF_PSEUDO_CALL ? std::optional<Reference>(Reference{}) : std::nullopt;
    if (is_goto(instruction))
        return Reference{BPF_CLASS(instruction.code) == BPF_JMP, false};
    return Reference{true, true};
}

int64_t distance_of(const bpf_insn& instruction, const Reference& reference) {
    return reference.in_offset ? instruction.off : instruction.imm;
}

/// Marks what is reached from the begin. False if a way leaves the code.
bool mark_reached(const std::vector<bpf_insn>& code, std::vector<bool>& reached) {
    std::vector<size_t> open;
    const auto reach = [&](int64_t at) {
        if (at < 0 || at >= static_cast<int64_t>(code.size()))
            return false;
        if (!reached[static_cast<size_t>(at)]) {
            reached[static_cast<size_t>(at)] = true;
            open.push_back(static_cast<size_t>(at));
        }
        return true;
    };
    bool sound = reach(0);
    while (sound && !open.empty()) {
        const size_t at = open.back();
        open.pop_back();
        const bpf_insn& instruction = code[at];
        const auto next = static_cast<int64_t>(at) + (instruction.code == wide_load ? 2 : 1);
        const auto reference = reference_of(instruction);
        if (instruction.code == wide_load && at + 1 < code.size())
            reached[at + 1] = true;
        if (reference)
            sound = reach(static_cast<int64_t>(at) + 1 + distance_of(instruction, *reference));
        const bool ends = is_jump_class(instruction) && BPF_OP(instruction.code) == BPF_EXIT;
        if (sound && !ends && (!reference || reference->goes_on))
            sound = reach(next);
    }
    return sound;
}

/// Takes out jumps to what comes next anyway. From behind, as one may lead over others.
void drop_idle_jumps(const std::vector<bpf_insn>& code, std::vector<bool>& kept) {
    for (size_t at = code.size(); at-- > 0;) {
        if (!kept[at] || !is_goto(code[at]))
            continue;
        const int64_t distance = distance_of(code[at], *reference_of(code[at]));
        const auto first = kept.begin() + static_cast<ptrdiff_t>(at) + 1;
        if (distance >= 0 && std::none_of(first, first + distance, [](bool keep) { return keep; }))
            kept[at] = false;
    }
}

/// For each place how many of those before it are kept: where it comes to stand.
std::vector<uint32_t> new_places(const std::vector<bool>& kept) {
    std::vector<uint32_t> places(kept.size() + 1);
    for (size_t i = 0; i < kept.size(); i++)
        places[i + 1] = places[i] + (kept[i] ? 1 : 0);
    return places;
}

std::vector<bpf_insn> move_instructions(const std::vector<bpf_insn>& code, const std::vector<bool>& kept,
                                        const std::vector<uint32_t>& places) {
    std::vector<bpf_insn> moved;
    moved.reserve(places.back());
    for (size_t at = 0; at < code.size(); at++) {
        if (!kept[at])
            continue;
        bpf_insn instruction = code[at];
        if (const auto reference = reference_of(instruction)) {
            const int64_t target = static_cast<int64_t>(at) + 1 + distance_of(instruction, *reference);
            const int64_t distance = int64_t{places[static_cast<size_t>(target)]} - int64_t{places[at]} - 1;
            // No farther than it was.
            if (reference->in_offset)
                instruction.off = static_cast<int16_t>(distance);
            else
                instruction.imm = static_cast<int32_t>(distance);
        }
        moved.push_back(instruction);
    }
    return moved;
}

std::vector<bpf_func_info> move_functions(const Code& code, const std::vector<uint32_t>& places) {
    std::vector<bpf_func_info> moved;
    for (size_t i = 0; i < code.functions.size(); i++) {
        bpf_func_info function = code.functions[i];
        const size_t end =
            i + 1 < code.functions.size() ? code.functions[i + 1].insn_off : code.instructions.size();
        const uint32_t place = places[function.insn_off];
        if (place == places[end])
            continue; // nothing of it is left
        function.insn_off = place;
        moved.push_back(function);
    }
    return moved;
}

/// A line describes all up to the next one.
std::vector<bpf_line_info> move_lines(const Code& code, const std::vector<bool>& kept,
                                      const std::vector<uint32_t>& places) {
    std::vector<bpf_line_info> moved;
    for (size_t i = 0; i < code.lines.size(); i++) {
        bpf_line_info line = code.lines[i];
        const size_t end = i + 1 < code.lines.size() ? code.lines[i + 1].insn_off : code.instructions.size();
        const auto first = kept.begin() + line.insn_off;
        if (std::none_of(first, kept.begin() + static_cast<ptrdiff_t>(end), [](bool keep) { return keep; }))
            continue;
        line.insn_off = places[line.insn_off];
        moved.push_back(line);
    }
    return moved;
}

/// Whether the descriptions are of places in the code, in order.
template<class T> bool in_order(const std::vector<T>& infos, size_t places) {
    return std::is_sorted(infos.begin(), infos.end(),
                          [](const T& a, const T& b) { return a.insn_off < b.insn_off; }) &&
           (infos.empty() || infos.back().insn_off < places);
}

} // namespace

bool has_hooks(const Code& code) {
    return std::any_of(code.instructions.begin(), code.instructions.end(), is_hook);
}

Code with_hooks(Code code) {
    for (bpf_insn& instruction : code.instructions) {
        if (is_hook(instruction))
            instruction = jump(0); // of no distance: the kernel takes it out
    }
    return code;
}

Code without_hooks(const Code& code) {
    Code out = code;
    for (bpf_insn& instruction : out.instructions) {
        if (is_hook(instruction))
            instruction = jump(instruction.off);
    }
    std::vector<bool> kept(code.instructions.size());
    if (!in_order(code.functions, kept.size()) || !in_order(code.lines, kept.size()) ||
        !mark_reached(out.instructions, kept))
        return code;
    drop_idle_jumps(out.instructions, kept);
    const std::vector<uint32_t> places = new_places(kept);
    out.functions = move_functions(out, places);
    out.lines = move_lines(out, kept, places);
    out.instructions = move_instructions(out.instructions, kept, places);
    return out;
}

} // namespace xdpc::rt
