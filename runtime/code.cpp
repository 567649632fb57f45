#include "runtime/code.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <deque>
#include <fmt/format.h>
#include <map>
#include <mutex>
#include <sys/mman.h>

namespace xdpc::rt {

namespace {

/// Replaces what instructions say of maps by what `change` gives for it.
template<class Change> Result<void> change_maps(std::vector<bpf_insn>& instructions, Change change) {
    std::map<int32_t, int32_t> known;
    for (bpf_insn& instruction : instructions) {
        if (instruction.code != wide_load ||
            (instruction.src_reg != BPF_PSEUDO_MAP_FD && instruction.src_reg != BPF_PSEUDO_MAP_VALUE))
            continue;
        auto found = known.find(instruction.imm);
        if (found == known.end()) {
            Result<int32_t> changed = change(instruction.imm);
            if (!changed)
                return tl::unexpected(changed.error());
            found = known.emplace(instruction.imm, *changed).first;
        }
        instruction.imm = found->second;
    }
    return {};
}

Result<int32_t> id_of_map(int32_t fd) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
        return fail_errno("cannot ask for a map of the program");
    return static_cast<int32_t>(info.id);
}

template<class T> std::vector<T> copy_of(const void* begin, size_t count) {
    const T* first = static_cast<const T*>(begin);
    return first == nullptr ? std::vector<T>() : std::vector<T>(first, first + count);
}

} // namespace

struct CodeTaker::Impl {
    bool keep_hooks = false;
    std::vector<Code> taken;
    std::deque<Code> given; // libbpf refers to them
    Impl* outer = nullptr;

    int take(bpf_program* program, bpf_prog_load_opts* options);
};

namespace {

thread_local CodeTaker::Impl* current_taker = nullptr;

int prepare(bpf_program* program, bpf_prog_load_opts* options, long) {
    return current_taker == nullptr ? 0 : current_taker->take(program, options);
}

void register_handler() {
    static std::once_flag once;
    std::call_once(once, [] {
        LIBBPF_OPTS(libbpf_prog_handler_opts, options, .prog_prepare_load_fn = prepare);
        (void)libbpf_register_prog_handler(XDPC_SECTION, BPF_PROG_TYPE_XDP, BPF_XDP, &options);
    });
}

} // namespace

int CodeTaker::Impl::take(bpf_program* program, bpf_prog_load_opts* options) {
    Code code;
    code.name = bpf_program__name(program);
    code.instructions = copy_of<bpf_insn>(bpf_program__insns(program), bpf_program__insn_cnt(program));
    if ((options->func_info_cnt != 0 && options->func_info_rec_size != sizeof(bpf_func_info)) ||
        (options->line_info_cnt != 0 && options->line_info_rec_size != sizeof(bpf_line_info)))
        return 0; // of another compiler: it runs as it is
    code.functions = copy_of<bpf_func_info>(options->func_info, options->func_info_cnt);
    code.lines = copy_of<bpf_line_info>(options->line_info, options->line_info_cnt);
    if (has_hooks(code)) {
        const Code& loaded = given.emplace_back(keep_hooks ? with_hooks(code) : without_hooks(code));
        options->func_info = loaded.functions.data();
        options->func_info_cnt = static_cast<uint32_t>(loaded.functions.size());
        options->line_info = loaded.lines.data();
        options->line_info_cnt = static_cast<uint32_t>(loaded.lines.size());
        std::vector<bpf_insn> instructions = loaded.instructions;
        if (const int error = bpf_program__set_insns(program, instructions.data(), instructions.size());
            error != 0)
            return error;
    }
    code.lines.clear();
    if (!change_maps(code.instructions, id_of_map))
        return -errno;
    taken.push_back(std::move(code));
    return 0;
}

CodeTaker::CodeTaker(bool keep_hooks) : impl_(std::make_unique<Impl>()) {
    register_handler();
    impl_->keep_hooks = keep_hooks;
    impl_->outer = std::exchange(current_taker, impl_.get());
}

CodeTaker::~CodeTaker() {
    current_taker = impl_->outer;
}

std::vector<Code> CodeTaker::taken() const {
    return std::any_of(impl_->taken.begin(), impl_->taken.end(), has_hooks) ? impl_->taken
                                                                            : std::vector<Code>();
}

namespace {

constexpr char magic[8] = {'x', 'd', 'p', 'c', 'c', 'o', 'd', 'e'};
constexpr uint32_t current_version = 1;
struct CodeHeader {
    char magic[8];
    uint32_t version;
    uint32_t programs;
};
struct ProgramHeader {
    char name[16];
    uint32_t instructions;
    uint32_t functions;
};

template<class T> void put(std::vector<uint8_t>& bytes, const T* from, size_t count) {
    const auto* first = reinterpret_cast<const uint8_t*>(from);
    bytes.insert(bytes.end(), first, first + count * sizeof(T));
}

/// Takes from the front; false if there is less.
template<class T> bool take(std::span<const uint8_t>& bytes, T* to, size_t count) {
    if (count > bytes.size() / sizeof(T))
        return false;
    if (count != 0)
        memcpy(to, bytes.data(), count * sizeof(T));
    bytes = bytes.subspan(count * sizeof(T));
    return true;
}

} // namespace

Result<Fd> make_code_map(const std::vector<Code>& programs) {
    std::vector<uint8_t> bytes;
    CodeHeader header{{}, current_version, static_cast<uint32_t>(programs.size())};
    memcpy(header.magic, magic, sizeof magic);
    put(bytes, &header, 1);
    for (const Code& code : programs) {
        ProgramHeader program{{},
                              static_cast<uint32_t>(code.instructions.size()),
                              static_cast<uint32_t>(code.functions.size())};
        code.name.copy(program.name, sizeof program.name - 1);
        put(bytes, &program, 1);
        put(bytes, code.instructions.data(), code.instructions.size());
        put(bytes, code.functions.data(), code.functions.size());
    }
    return make_frozen_map("xdpc_code", bytes);
}

Result<std::vector<Code>> read_code_map(const std::string& path) {
    auto value = read_frozen_map(path);
    if (!value)
        return tl::unexpected(value.error());
    std::span<const uint8_t> bytes = *value;
    CodeHeader header{};
    if (!take(bytes, &header, 1) || memcmp(header.magic, magic, sizeof magic) != 0 ||
        header.version != current_version)
        return fail(fmt::format("{} was not written by this version of xdpc", path),
                    "apply the policy again");
    std::vector<Code> programs;
    for (uint32_t i = 0; i < header.programs; i++) {
        ProgramHeader program{};
        if (!take(bytes, &program, 1) || program.instructions > bytes.size() / sizeof(bpf_insn) ||
            program.functions > bytes.size() / sizeof(bpf_func_info))
            return fail(fmt::format("{} is damaged", path), "apply the policy again");
        Code& code = programs.emplace_back();
        code.name.assign(program.name, strnlen(program.name, sizeof program.name));
        code.instructions.resize(program.instructions);
        code.functions.resize(program.functions);
        if (!take(bytes, code.instructions.data(), program.instructions) ||
            !take(bytes, code.functions.data(), program.functions))
            return fail(fmt::format("{} is damaged", path), "apply the policy again");
    }
    return programs;
}

Result<Fd> load_hooked(const Code& code, const Fd& like) {
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(like.get(), &info, &size) != 0)
        return fail_errno("cannot ask for the program that runs");
    const Fd types(info.btf_id == 0 ? -1 : bpf_btf_get_fd_by_id(info.btf_id));
    Code hooked = with_hooks(code);
    std::vector<Fd> maps;
    auto changed = change_maps(hooked.instructions, [&](int32_t id) -> Result<int32_t> {
        maps.emplace_back(bpf_map_get_fd_by_id(static_cast<uint32_t>(id)));
        if (!maps.back().valid())
            return fail_errno("cannot open a map of the program");
        return maps.back().get();
    });
    if (!changed)
        return tl::unexpected(changed.error());
    std::vector<char> log(size_t{1} << 20U);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_XDP,
                .log_size = static_cast<uint32_t>(log.size()), .log_buf = log.data());
    if (types.valid() && !hooked.functions.empty()) {
        options.prog_btf_fd = static_cast<uint32_t>(types.get());
        options.func_info = hooked.functions.data();
        options.func_info_cnt = static_cast<uint32_t>(hooked.functions.size());
        options.func_info_rec_size = sizeof(bpf_func_info);
    }
    Fd program(bpf_prog_load(BPF_PROG_TYPE_XDP, hooked.name.c_str(), "Dual BSD/GPL",
                             hooked.instructions.data(), hooked.instructions.size(), &options));
    if (program.valid())
        return program;
    const int error = errno;
    log.back() = 0;
    if (log.front() != 0 && error != EPERM && error != ENOMEM)
        return fail("the kernel's verifier refuses the program that tells what it decides: " +
                        refusal_from_log(log.data(), {}).reason,
                    "please report this; `log` and `sample` need no other program");
    return fail_errno("cannot load the program that tells what it decides", error);
}

} // namespace xdpc::rt
