#include "tests/sets/kernel_set.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cstring>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace xdpc::sets {

namespace {

std::byte* map_memory(int fd, size_t size) {
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return at == MAP_FAILED ? nullptr : static_cast<std::byte*>(at);
}

int create_array(uint32_t lines) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
    return bpf_map_create(BPF_MAP_TYPE_ARRAY, "xdpc_set", 4, XDPC_SET_LINE, lines, &options);
}

} // namespace

Result<std::span<std::byte>> KernelSet::new_array() {
    const int fd = create_array(lines_);
    if (fd < 0) {
        return fail(std::string("cannot create the set's array: ") + std::strerror(errno));
    }
    const size_t size = static_cast<size_t>(lines_) * XDPC_SET_LINE;
    std::byte* at = map_memory(fd, size);
    const uint32_t zero = 0;
    const int put = bpf_map_update_elem(set_fd_, &zero, &fd, BPF_ANY);
    close(fd);
    if (!at || put != 0) {
        return fail(std::string("cannot put the set's array in place: ") + std::strerror(errno));
    }
    mapped_.emplace_back(at, size);
    set_ = mapped_.back();
    return set_;
}

Result<std::span<std::byte>> KernelSet::replace() {
    return new_array();
}

Result<std::unique_ptr<KernelSet>>
KernelSet::load(const std::string& program, const Shape& shape,
                const std::vector<std::pair<std::string, uint32_t>>& sizes) {
    auto set = std::make_unique<KernelSet>();
    set->object_ = bpf_object__open_file(XDPC_SETS_OBJECT, nullptr);
    if (!set->object_) {
        return fail(std::string("cannot open ") + XDPC_SETS_OBJECT);
    }
    bpf_program* each = nullptr;
    bpf_object__for_each_program(each, set->object_) {
        bpf_program__set_autoload(each, program == bpf_program__name(each));
    }
    for (const char* name : {"kernel_hash4", "kernel_lpm4", "kernel_lpm6"}) {
        bpf_map__set_autocreate(bpf_object__find_map_by_name(set->object_, name), false);
    }
    for (const auto& [name, size] : sizes) {
        bpf_map* map = bpf_object__find_map_by_name(set->object_, name.c_str());
        bpf_map__set_autocreate(map, true);
        bpf_map__set_max_entries(map, size);
    }
    const xdpc_set_layout layout = layout_of(shape);
    set->lines_ = layout.lines;
    bpf_map* outer = bpf_object__find_map_by_name(set->object_, "set");
    const int pattern = create_array(layout.lines); // that the verifier goes by
    const int patterned = pattern < 0 ? -1 : bpf_map__set_inner_map_fd(outer, pattern);
    bpf_map__set_initial_value(bpf_object__find_map_by_name(set->object_, ".rodata.layout"), &layout,
                               sizeof(layout));
    const int refused = patterned == 0 ? bpf_object__load(set->object_) : patterned;
    close(pattern);
    if (refused != 0) {
        return fail("the kernel refuses " + program + ": " + std::strerror(errno));
    }
    set->program_ = bpf_program__fd(bpf_object__find_program_by_name(set->object_, program.c_str()));
    set->set_fd_ = bpf_map__fd(outer);
    const size_t page = 4096;
    std::byte* keys = map_memory(set->map_fd("keys"), most_keys * 64UL);
    std::byte* results = map_memory(set->map_fd("results"), most_keys * sizeof(Found));
    std::byte* control = map_memory(set->map_fd(".data.control"), page);
    if (!keys || !results || !control) {
        return fail(std::string("cannot map the keys: ") + std::strerror(errno));
    }
    set->mapped_ = {{keys, most_keys * 64UL}, {results, most_keys * sizeof(Found)}, {control, page}};
    set->keys_ = reinterpret_cast<uint32_t*>(keys);
    set->results_ = reinterpret_cast<const Found*>(results);
    set->control_ = reinterpret_cast<Control*>(control);
    if (auto array = set->new_array(); !array) {
        return tl::unexpected(array.error());
    }
    return set;
}

KernelSet::~KernelSet() {
    for (const std::span<std::byte> each : mapped_) {
        munmap(each.data(), each.size());
    }
    bpf_object__close(object_);
}

int KernelSet::map_fd(const std::string& name) const {
    return bpf_map__fd(bpf_object__find_map_by_name(object_, name.c_str()));
}

void KernelSet::set_keys(std::span<const uint32_t> keys, uint32_t words) {
    count_ = static_cast<uint32_t>(std::min<size_t>(keys.size() / words, most_keys));
    for (uint32_t i = 0; i < count_; i++) {
        std::copy_n(keys.begin() + static_cast<ptrdiff_t>(i) * words, words,
                    keys_ + static_cast<size_t>(i) * 16);
    }
}

double KernelSet::run(uint64_t now, uint32_t bytes, int repeat) {
    *control_ = {now, count_, bytes};
    std::array<uint8_t, 64> frame{};
    LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame.data(), .data_size_in = frame.size(),
                .repeat = repeat);
    if (bpf_prog_test_run_opts(program_, &options) != 0 || options.retval != 2) {
        return -1;
    }
    return static_cast<double>(options.duration) / count_;
}

} // namespace xdpc::sets
