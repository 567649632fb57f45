// How much stack the calls of an object's programs need together. LLVM knows the limit for a function only;
// the kernel's is for all that are on the way (check_max_stack_depth in kernel/bpf/verifier.c).
#include "compiler/artifact_elf.h"
#include "compiler/codegen/lowering.h"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <set>

namespace xdpc::codegen {

namespace {

constexpr unsigned most_bytes = 512, most_frames = 8; // MAX_BPF_STACK, MAX_CALL_FRAMES
constexpr unsigned frame_bytes = 32;                  // a frame is a multiple of it

struct BpfFunction {
    uint64_t section = 0;
    uint64_t begin = 0, end = 0; // bytes of the section
    unsigned stack = 0;
    std::vector<size_t> calls; // functions
    bool program = false;
};

bool is_call(const bpf_insn& instruction) {
    return instruction.code == (BPF_JMP | BPF_CALL) && instruction.src_reg == BPF_PSEUDO_CALL;
}

/// What the verifier takes for a function's stack: how far below the frame pointer it reaches.
unsigned stack_of(std::span<const bpf_insn> code) {
    int lowest = 0;
    unsigned copies = 0; // registers that hold the frame pointer
    for (const bpf_insn& one : code) {
        const unsigned kind = BPF_CLASS(one.code);
        if ((kind == BPF_LDX && one.src_reg == BPF_REG_10) ||
            ((kind == BPF_ST || kind == BPF_STX) && one.dst_reg == BPF_REG_10)) {
            lowest = std::min<int>(lowest, one.off);
        }
        if (one.code == (BPF_ALU64 | BPF_ADD | BPF_K) && copies >> one.dst_reg & 1) {
            lowest = std::min(lowest, one.imm);
        }
        const bool copied = one.code == (BPF_ALU64 | BPF_MOV | BPF_X) && one.src_reg == BPF_REG_10;
        copies = (copies & ~(1U << one.dst_reg)) | (copied ? 1U << one.dst_reg : 0U);
    }
    return static_cast<unsigned>(-lowest);
}

/// LLVM's own object, so what does not fit together is left out, not reported.
class Object {
public:
    explicit Object(std::span<const uint8_t> bytes);
    [[nodiscard]] const std::vector<BpfFunction>& functions() const { return functions_; }

private:
    [[nodiscard]] std::vector<bpf_insn> code_of(const BpfFunction& function) const;
    [[nodiscard]] std::optional<size_t> function_at(uint64_t section, uint64_t at) const;
    void read_functions(const Elf64_Shdr& symbols, uint64_t text);
    void read_calls(const Elf64_Shdr& relocations);
    void read_near_calls(BpfFunction& from) const;

    std::span<const uint8_t> bytes_;
    std::vector<Elf64_Shdr> sections_;
    std::vector<BpfFunction> functions_;
    std::set<std::pair<uint64_t, uint64_t>> relocated_; // places of calls: section, byte
};

Object::Object(std::span<const uint8_t> bytes) : bytes_(bytes) {
    const auto header = elf::read_at<Elf64_Ehdr>(bytes, 0);
    for (uint64_t i = 0; header && i < header->e_shnum; ++i) {
        const auto section = elf::read_at<Elf64_Shdr>(bytes, header->e_shoff + i * sizeof(Elf64_Shdr));
        sections_.push_back(section.value_or(Elf64_Shdr{}));
    }
    const uint64_t text = elf::section_index(bytes, ".text").value_or(0);
    for (const Elf64_Shdr& section : sections_) {
        if (section.sh_type == SHT_SYMTAB) {
            read_functions(section, text);
        }
    }
    for (const Elf64_Shdr& section : sections_) {
        if (section.sh_type == SHT_REL) {
            read_calls(section);
        }
    }
    for (BpfFunction& function : functions_) {
        read_near_calls(function);
    }
}

std::vector<bpf_insn> Object::code_of(const BpfFunction& function) const {
    std::vector<bpf_insn> code;
    for (uint64_t at = function.begin; at < function.end; at += sizeof(bpf_insn)) {
        const auto one = elf::read_at<bpf_insn>(bytes_, sections_[function.section].sh_offset + at);
        code.push_back(one.value_or(bpf_insn{}));
    }
    return code;
}

std::optional<size_t> Object::function_at(uint64_t section, uint64_t at) const {
    const auto found = std::find_if(functions_.begin(), functions_.end(), [&](const BpfFunction& function) {
        return function.section == section && function.begin <= at && at < function.end;
    });
    return found == functions_.end() ? std::nullopt
                                     : std::optional(static_cast<size_t>(found - functions_.begin()));
}

/// Those outside of `text` are programs.
void Object::read_functions(const Elf64_Shdr& symbols, uint64_t text) {
    for (uint64_t at = 0; at < symbols.sh_size; at += sizeof(Elf64_Sym)) {
        const auto symbol = elf::read_at<Elf64_Sym>(bytes_, symbols.sh_offset + at);
        if (symbol && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx < sections_.size()) {
            BpfFunction function;
            function.section = symbol->st_shndx;
            function.begin = symbol->st_value;
            function.end = symbol->st_value + symbol->st_size;
            function.stack = stack_of(code_of(function));
            function.program = symbol->st_shndx != text;
            functions_.push_back(std::move(function));
        }
    }
}

void Object::read_calls(const Elf64_Shdr& relocations) {
    for (uint64_t at = 0; at < relocations.sh_size; at += sizeof(Elf64_Rel)) {
        const auto one = elf::read_at<Elf64_Rel>(bytes_, relocations.sh_offset + at);
        const auto from = one ? function_at(relocations.sh_info, one->r_offset) : std::nullopt;
        if (!from) {
            continue;
        }
        const uint64_t place = sections_[relocations.sh_info].sh_offset + one->r_offset;
        const auto instruction = elf::read_at<bpf_insn>(bytes_, place);
        const auto symbol = elf::read_at<Elf64_Sym>(bytes_, sections_[relocations.sh_link].sh_offset +
                                                                ELF64_R_SYM(one->r_info) * sizeof(Elf64_Sym));
        if (!instruction || !symbol || !is_call(*instruction)) {
            continue;
        }
        relocated_.emplace(relocations.sh_info, one->r_offset);
        // Of a section, the number says how far in, in instructions and one less.
        const bool of_section = ELF64_ST_TYPE(symbol->st_info) == STT_SECTION;
        const uint64_t within =
            of_section ? static_cast<uint64_t>(instruction->imm + 1) * sizeof(bpf_insn) : 0;
        if (const auto to = function_at(symbol->st_shndx, symbol->st_value + within)) {
            functions_[*from].calls.push_back(*to);
        }
    }
}

/// Calls that the assembler resolved: the number says how far behind the next instruction.
void Object::read_near_calls(BpfFunction& from) const {
    uint64_t at = from.begin;
    for (const bpf_insn& one : code_of(from)) {
        const bool near = is_call(one) && !relocated_.contains({from.section, at});
        at += sizeof one;
        const auto distance = int64_t{one.imm} * static_cast<int64_t>(sizeof one);
        if (const auto to =
                near ? function_at(from.section, at + static_cast<uint64_t>(distance)) : std::nullopt) {
            from.calls.push_back(*to);
        }
    }
}

struct Need {
    unsigned bytes = 0, frames = 0;
};

Need need_of(const std::vector<BpfFunction>& functions, size_t which,
             std::vector<std::optional<Need>>& known) {
    if (!known[which]) {
        known[which] = Need{}; // nothing calls itself
        Need below;
        for (const size_t called : functions[which].calls) {
            const Need own = need_of(functions, called, known);
            below = {std::max(below.bytes, own.bytes), std::max(below.frames, own.frames)};
        }
        const unsigned frames = (std::max(functions[which].stack, 1U) + frame_bytes - 1) / frame_bytes;
        known[which] = Need{below.bytes + frames * frame_bytes, below.frames + 1};
    }
    return *known[which];
}

} // namespace

Result<void> check_stack(std::span<const uint8_t> object) {
    const Object read(object);
    std::vector<std::optional<Need>> known(read.functions().size());
    for (size_t i = 0; i < known.size(); ++i) {
        const Need need = read.functions()[i].program ? need_of(read.functions(), i, known) : Need{};
        if (need.bytes > most_bytes || need.frames > most_frames) {
            return fail(
                fmt::format("the stack limit is exceeded: {} bytes in {} calls", need.bytes, need.frames));
        }
    }
    return {};
}

} // namespace xdpc::codegen
