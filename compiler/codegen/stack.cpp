// How much stack the calls of an object's programs need together. LLVM knows the limit for a function only;
// the kernel's is for all that are on the way (check_max_stack_depth in kernel/bpf/verifier.c).
#include "compiler/codegen/lowering.h"

#include <cstring>
#include <elf.h>
#include <fmt/format.h>
#include <set>

namespace xdpc::codegen {

namespace {

constexpr unsigned most_bytes = 512, most_frames = 8;
constexpr unsigned frame_pointer = 10;

/// As linux/bpf.h has it.
struct Instruction {
    uint8_t code;
    uint8_t dst : 4;
    uint8_t src : 4;
    int16_t off;
    int32_t imm;
};
static_assert(sizeof(Instruction) == 8);
constexpr uint8_t move64 = 0xbf, add64_number = 0x07, call = 0x85, load = 1, store_number = 2, store = 3;
constexpr uint8_t pseudo_call = 1;

template<class T> T read_at(std::span<const uint8_t> object, uint64_t at) {
    T value{};
    if (at + sizeof value <= object.size()) {
        std::memcpy(&value, object.data() + at, sizeof value);
    }
    return value;
}

struct BpfFunction {
    uint32_t section = 0;
    uint64_t begin = 0, end = 0; // bytes of the section
    unsigned stack = 0;
    std::vector<size_t> calls; // functions
    bool program = false;
};

/// What the verifier takes for a function's stack: how far below the frame pointer it reaches.
unsigned stack_of(std::span<const Instruction> code) {
    int lowest = 0;
    uint16_t copies = 0; // registers that hold the frame pointer
    for (const Instruction& one : code) {
        const unsigned kind = one.code & 7;
        if ((kind == load && one.src == frame_pointer) ||
            ((kind == store || kind == store_number) && one.dst == frame_pointer)) {
            lowest = std::min<int>(lowest, one.off);
        }
        if (one.code == add64_number && copies >> one.dst & 1) {
            lowest = std::min(lowest, one.imm);
        }
        const bool copied = one.code == move64 && one.src == frame_pointer;
        copies = static_cast<uint16_t>((copies & ~(1U << one.dst)) | (copied ? 1U << one.dst : 0));
    }
    return static_cast<unsigned>(-lowest);
}

class Object {
public:
    explicit Object(std::span<const uint8_t> bytes) : bytes_(bytes) {
        const auto header = read_at<Elf64_Ehdr>(bytes, 0);
        for (unsigned i = 0; i < header.e_shnum; ++i) {
            sections_.push_back(read_at<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr)));
        }
        for (const Elf64_Shdr& section : sections_) {
            if (section.sh_type == SHT_SYMTAB) {
                read_functions(section);
            }
        }
        for (const Elf64_Shdr& section : sections_) {
            if (section.sh_type == SHT_REL && section.sh_info < sections_.size()) {
                read_calls(section);
            }
        }
        for (size_t i = 0; i < functions_.size(); ++i) {
            read_near_calls(i);
        }
    }
    [[nodiscard]] const std::vector<BpfFunction>& functions() const { return functions_; }

private:
    [[nodiscard]] std::span<const Instruction> code(const Elf64_Shdr& section, uint64_t begin,
                                                    uint64_t end) const {
        const bool inside =
            begin <= end && end <= section.sh_size && section.sh_offset + section.sh_size <= bytes_.size();
        const auto* first = reinterpret_cast<const Instruction*>(bytes_.data() + section.sh_offset + begin);
        return inside ? std::span(first, (end - begin) / sizeof *first) : std::span<const Instruction>();
    }
    [[nodiscard]] std::string_view name_of(const Elf64_Shdr& section) const {
        const auto header = read_at<Elf64_Ehdr>(bytes_, 0);
        return reinterpret_cast<const char*>(bytes_.data() + sections_[header.e_shstrndx].sh_offset +
                                             section.sh_name);
    }
    [[nodiscard]] std::optional<size_t> function_at(uint32_t section, uint64_t at) const {
        for (size_t i = 0; i < functions_.size(); ++i) {
            if (functions_[i].section == section && functions_[i].begin <= at && at < functions_[i].end) {
                return i;
            }
        }
        return {};
    }
    void read_functions(const Elf64_Shdr& symbols) {
        for (uint64_t at = 0; at < symbols.sh_size; at += sizeof(Elf64_Sym)) {
            const auto symbol = read_at<Elf64_Sym>(bytes_, symbols.sh_offset + at);
            if (ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_shndx < sections_.size()) {
                const Elf64_Shdr& section = sections_[symbol.st_shndx];
                const uint64_t end = symbol.st_value + symbol.st_size;
                functions_.push_back({symbol.st_shndx,
                                      symbol.st_value,
                                      end,
                                      stack_of(code(section, symbol.st_value, end)),
                                      {},
                                      name_of(section) != ".text"});
            }
        }
    }
    void read_calls(const Elf64_Shdr& relocations) {
        const Elf64_Shdr& symbols = sections_[relocations.sh_link];
        for (uint64_t at = 0; at < relocations.sh_size; at += sizeof(Elf64_Rel)) {
            const auto one = read_at<Elf64_Rel>(bytes_, relocations.sh_offset + at);
            const auto from = function_at(relocations.sh_info, one.r_offset);
            const Elf64_Shdr& section = sections_[relocations.sh_info];
            const auto which = code(section, one.r_offset, one.r_offset + sizeof(Instruction));
            if (!from || which.empty() || which[0].code != call) {
                continue;
            }
            const auto symbol =
                read_at<Elf64_Sym>(bytes_, symbols.sh_offset + ELF64_R_SYM(one.r_info) * sizeof(Elf64_Sym));
            relocated_.emplace(relocations.sh_info, one.r_offset);
            // Of a section, the number says how far in, in instructions and one less.
            const bool of_section = ELF64_ST_TYPE(symbol.st_info) == STT_SECTION;
            const uint64_t within = of_section ? static_cast<uint64_t>(which[0].imm + 1) * 8 : 0;
            if (const auto to = function_at(symbol.st_shndx, symbol.st_value + within)) {
                functions_[*from].calls.push_back(*to);
            }
        }
    }

    /// Those that the assembler resolved: the number says how far behind the next instruction.
    void read_near_calls(size_t from) {
        const uint32_t own = functions_[from].section;
        uint64_t at = functions_[from].begin;
        for (const Instruction& one : code(sections_[own], at, functions_[from].end)) {
            at += sizeof one;
            if (one.code == call && one.src == pseudo_call && !relocated_.contains({own, at - sizeof one})) {
                if (const auto to = function_at(own, at + static_cast<uint64_t>(int64_t{one.imm} * 8))) {
                    functions_[from].calls.push_back(*to);
                }
            }
        }
    }

    std::span<const uint8_t> bytes_;
    std::vector<Elf64_Shdr> sections_;
    std::vector<BpfFunction> functions_;
    std::set<std::pair<uint32_t, uint64_t>> relocated_; // calls
};

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
        const unsigned own = (std::max(functions[which].stack, 1U) + 31) / 32 * 32;
        known[which] = Need{below.bytes + own, below.frames + 1};
    }
    return *known[which];
}

} // namespace

Result<void> check_stack(std::span<const uint8_t> object) {
    const Object read(object);
    std::vector<std::optional<Need>> known(read.functions().size());
    for (size_t i = 0; i < known.size(); ++i) {
        if (!read.functions()[i].program) {
            continue;
        }
        const Need need = need_of(read.functions(), i, known);
        if (need.bytes > most_bytes || need.frames > most_frames) {
            return fail(
                fmt::format("the stack limit is exceeded: {} bytes in {} calls", need.bytes, need.frames));
        }
    }
    return {};
}

} // namespace xdpc::codegen
