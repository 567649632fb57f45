#include "runtime/load.h"
#include "runtime/code.h"
#include "runtime/devices.h"
#include "runtime/load_state.h"

#include <algorithm>
#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <chrono>
#include <cinttypes>
#include <cmath>
#include <ctime>
#include <fmt/format.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/resource.h>
#include <utility>

namespace xdpc::rt {

struct Loaded::Impl {
    std::shared_ptr<const Artifact> artifact;
    bpf_object* object = nullptr;
    bpf_program* program = nullptr;
    uint32_t program_id = 0;
    VerifierReport report;
    Mapping test_area;
    std::vector<Code> code;
    std::shared_ptr<LoadedState> state;

    Impl() = default;
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() { bpf_object__close(object); }
};

void pack_name(const std::string& name, xdpc_u64& hi, xdpc_u64& lo) {
    std::array<uint8_t, 16> bytes{};
    std::copy_n(name.begin(), std::min(name.size(), bytes.size()), bytes.begin());
    hi = lo = 0;
    for (size_t i = 0; i < 8; i++) {
        hi = hi << 8 | bytes[i];
        lo = lo << 8 | bytes[i + 8];
    }
}

namespace {

// The kernel fills what it needs; pages not touched cost nothing. Older kernels (before 6.4) keep the head
// of a log that does not fit and fail with ENOSPC, newer ones keep the tail.
constexpr size_t log_size = 64UL << 20;

enum LogLevel : uint32_t { LogOnFailure = 0, LogStatistics = 4 };

tl::unexpected<LoadError> refuse(Error error) {
    return tl::unexpected<LoadError>({std::move(error), {}});
}

void raise_memlock() {
    // Kernels before 5.11 account BPF memory here; later ones ignore it.
    static std::once_flag once;
    std::call_once(once, [] {
        rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
        setrlimit(RLIMIT_MEMLOCK, &unlimited);
    });
}

int64_t clock_ns(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

xdpc_bind make_bind(const Binding& binding) {
    xdpc_bind bind{};
    pack_name(binding.iifname, bind.iifname_hi, bind.iifname_lo);
    // The two clocks differ by whole seconds (leap seconds); the rest is the time between the two calls.
    int64_t difference = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_TAI);
    bind.wall_offset_ns = std::llround(static_cast<double>(difference) / 1e9) * 1'000'000'000LL;
    time_t now = time(nullptr);
    tm local{};
    localtime_r(&now, &local);
    bind.utc_offset_s = local.tm_gmtoff;
    bind.generation = binding.generation;
    return bind;
}

Result<void> fill_bind(bpf_object* object, const Binding& binding) {
    bpf_map* map = bpf_object__find_map_by_name(object, ".rodata.bind");
    if (map == nullptr)
        return {};
    xdpc_bind bind = make_bind(binding);
    if (bpf_map__set_initial_value(map, &bind, sizeof bind) != 0)
        return fail("the program's `.rodata.bind` has another size than this xdpc fills",
                    "build it again with this version of xdpc");
    return {};
}

bool has_shape_of(const bpf_map* map, int fd) {
    bpf_map_info info{};
    uint32_t size = sizeof info;
    return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.type == bpf_map__type(map) &&
           info.key_size == bpf_map__key_size(map) && info.value_size == bpf_map__value_size(map) &&
           info.max_entries == bpf_map__max_entries(map) && info.map_flags == bpf_map__map_flags(map);
}

Result<void> share_maps(bpf_object* object, const std::vector<std::pair<std::string, int>>& shared) {
    for (const auto& [name, fd] : shared) {
        bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
        if (map != nullptr && has_shape_of(map, fd) && bpf_map__reuse_fd(map, fd) != 0)
            return fail_errno(fmt::format("cannot share the map `{}` with the running program", name));
    }
    return {};
}

VerifierReport::Map describe_map(const bpf_map* map) {
    VerifierReport::Map described;
    described.name = bpf_map__name(map);
    const char* type = libbpf_bpf_map_type_str(bpf_map__type(map));
    described.type = type != nullptr ? type : "unknown";
    described.entries = bpf_map__max_entries(map);
    described.bytes = memory_of_fd(bpf_map__fd(map));
    return described;
}

Result<void> fill_report(Loaded::Impl& impl) {
    VerifierReport& report = impl.report;
    report.program = bpf_program__name(impl.program);
    report.programs = 0;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl.object) {
        bpf_prog_info info{};
        uint32_t size = sizeof info;
        int fd = bpf_program__fd(program);
        if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0)
            return fail_errno("cannot ask for the loaded program");
        if (program == impl.program)
            impl.program_id = info.id;
        report.programs++;
        report.instructions += info.xlated_prog_len / sizeof(bpf_insn);
        report.processed_instructions += info.verified_insns;
        report.memory_bytes += memory_of_fd(fd);
    }
    const bpf_map* map = nullptr;
    bpf_object__for_each_map(map, impl.object) {
        report.maps.push_back(describe_map(map));
        report.memory_bytes += report.maps.back().bytes;
    }
    return {};
}

Result<void> map_test_area(Loaded::Impl& impl) {
    bpf_map* map = bpf_object__find_map_by_name(impl.object, ".data.test");
    if (map == nullptr)
        return {};
    if (bpf_map__value_size(map) < sizeof(xdpc_test_area))
        return fail("the program's `.data.test` is smaller than this xdpc expects",
                    "build it again with this version of xdpc");
    size_t size = (static_cast<size_t>(bpf_map__value_size(map)) + 4095) / 4096 * 4096;
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
    if (address == MAP_FAILED)
        return fail_errno("cannot map `.data.test`");
    impl.test_area = Mapping(address, size);
    return {};
}

/// Whether the kernel's refusal was the verifier's word and not a lack of rights or memory.
bool verifier_spoke(const std::string& log, int error) {
    if (error == -EPERM || error == -ENOMEM)
        return false;
    return !log.empty();
}

LoadError load_error(int error, const std::string& log, const LibbpfMessages& messages,
                     const Artifact& artifact) {
    if (verifier_spoke(log, error)) {
        Refusal refusal = refusal_from_log(log, artifact);
        Error said{"the kernel's verifier refuses the program: " + refusal.reason, {}};
        return {std::move(said), std::move(refusal)};
    }
    Error said = fail_errno("cannot load the program", error).value();
    std::string last = messages.last_line();
    if (!last.empty() && last.find("load failed") == std::string::npos)
        said.message += fmt::format(" ({})", last);
    return {std::move(said), {}};
}

tl::expected<std::unique_ptr<Loaded::Impl>, LoadError> open_object(std::shared_ptr<const Artifact> shared,
                                                                   const LibbpfMessages& messages) {
    auto impl = std::make_unique<Loaded::Impl>();
    impl->artifact = std::move(shared);
    const Artifact& artifact = *impl->artifact;
    LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = "xdpc");
    impl->object = bpf_object__open_mem(artifact.object.data(), artifact.object.size(), &options);
    if (impl->object == nullptr) {
        std::string last = messages.last_line();
        return refuse(
            {fmt::format("cannot read the BPF object: {}", last.empty() ? strerror(errno) : last), {}});
    }
    impl->program = bpf_object__find_program_by_name(impl->object, "xdpc");
    if (impl->program == nullptr || bpf_program__type(impl->program) != BPF_PROG_TYPE_XDP)
        return refuse({"the BPF object has no XDP program `xdpc`", {}});
    return impl;
}

/// The array through which the programs of the object call each other: `xdpc_N` at N. Done before any runs.
Result<void> fill_programs(const Loaded::Impl& impl) {
    const bpf_map* map = bpf_object__find_map_by_name(impl.object, programs_map);
    if (map == nullptr)
        return {};
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, impl.object) {
        uint32_t index = 0;
        const int fd = bpf_program__fd(program);
        if (program == impl.program || sscanf(bpf_program__name(program), "xdpc_%" SCNu32, &index) != 1)
            continue;
        if (bpf_map_update_elem(bpf_map__fd(map), &index, &fd, BPF_ANY) != 0)
            return fail_errno(fmt::format("cannot put the program {} into map `{}`",
                                          bpf_program__name(program), programs_map));
    }
    return {};
}

/// What the verifier says of the programs of an object, one after the other.
class VerifierLogs {
public:
    /// With statistics each program has a log of its own. Else all have one: the last that the kernel wrote
    /// is of the program that it refused.
    static Result<VerifierLogs> attach(bpf_object* object, LogLevel level);
    ~VerifierLogs();
    VerifierLogs(VerifierLogs&& other) noexcept
        : object_(std::exchange(other.object_, nullptr)), logs_(std::move(other.logs_)) {}
    VerifierLogs(const VerifierLogs&) = delete;
    VerifierLogs& operator=(const VerifierLogs&) = delete;
    VerifierLogs& operator=(VerifierLogs&&) = delete;
    /// Of the last program that the kernel looked at.
    [[nodiscard]] std::string last() const;
    [[nodiscard]] uint32_t deepest_stack() const;

private:
    explicit VerifierLogs(bpf_object* object) : object_(object) {}
    static std::string text_of(const Mapping& log);

    bpf_object* object_;
    std::vector<Mapping> logs_;
};

Result<VerifierLogs> VerifierLogs::attach(bpf_object* object, LogLevel level) {
    VerifierLogs made(object);
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
        if (made.logs_.empty() || level == LogStatistics) {
            void* address = mmap(nullptr, log_size, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            if (address == MAP_FAILED)
                return fail_errno("cannot allocate the verifier's log");
            made.logs_.emplace_back(address, log_size);
        }
        bpf_program__set_log_buf(program, static_cast<char*>(made.logs_.back().address()), log_size);
        bpf_program__set_log_level(program, level);
    }
    return made;
}

VerifierLogs::~VerifierLogs() {
    bpf_program* program = nullptr;
    if (object_ != nullptr) {
        bpf_object__for_each_program(program, object_) bpf_program__set_log_buf(program, nullptr, 0);
    }
}

std::string VerifierLogs::text_of(const Mapping& log) {
    const char* text = static_cast<const char*>(log.address());
    return {text, strnlen(text, log.size())};
}

std::string VerifierLogs::last() const {
    std::string text;
    for (const Mapping& log : logs_) {
        if (std::string next = text_of(log); !next.empty())
            text = std::move(next);
    }
    return text;
}

uint32_t VerifierLogs::deepest_stack() const {
    uint32_t deepest = 0;
    for (const Mapping& log : logs_)
        deepest = std::max(deepest, stack_depth_from_log(text_of(log)));
    return deepest;
}

tl::expected<Loaded, LoadError> load_with(const std::shared_ptr<const Artifact>& shared,
                                          const LoadOptions& options, LogLevel log_level) {
    LibbpfMessages messages;
    const CodeTaker taker(options.hooks);
    auto impl = open_object(shared, messages);
    if (!impl)
        return tl::unexpected(impl.error());
    const Artifact& artifact = *shared;
    (*impl)->state = options.state;
    if (auto given = check_tables(artifact)
                         .and_then([&] { return fill_bind((*impl)->object, options.binding); })
                         .and_then([&] { return share_maps((*impl)->object, options.shared); })
                         .and_then([&] { return give_state((*impl)->object, artifact, *options.state); });
        !given)
        return refuse(given.error());
    auto logs = VerifierLogs::attach((*impl)->object, log_level);
    if (!logs)
        return refuse(logs.error());
    auto start = std::chrono::steady_clock::now();
    int error = bpf_object__load((*impl)->object);
    std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (error != 0)
        return tl::unexpected(load_error(error, logs->last(), messages, artifact));
    (*impl)->code = taker.taken();
    (*impl)->report.load_ms = took.count();
    (*impl)->report.stack_bytes = logs->deepest_stack();
    if (auto filled = fill_report(**impl).and_then([&] { return fill_programs(**impl); }); !filled)
        return refuse(filled.error());
    if (auto mapped = map_test_area(**impl)
                          .and_then([&] { return place_arrays((*impl)->object, *options.state); })
                          .and_then([&] { return begin_state((*impl)->object, artifact, *options.state); });
        !mapped)
        return refuse(mapped.error());
    Loaded loaded(std::move(*impl));
    if (auto filled = fill_test_devices(loaded, artifact); !filled)
        return refuse(filled.error());
    return loaded;
}

} // namespace

Loaded::Loaded(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Loaded::Loaded(Loaded&&) noexcept = default;
Loaded& Loaded::operator=(Loaded&&) noexcept = default;
Loaded::~Loaded() = default;
int Loaded::program_fd() const {
    return bpf_program__fd(impl_->program);
}
uint32_t Loaded::program_id() const {
    return impl_->program_id;
}
const VerifierReport& Loaded::report() const {
    return impl_->report;
}
const Artifact& Loaded::artifact() const {
    return *impl_->artifact;
}
xdpc_test_area* Loaded::test_area() const {
    return static_cast<xdpc_test_area*>(impl_->test_area.address());
}

const std::vector<Code>& Loaded::code() const {
    return impl_->code;
}
LoadedState& Loaded::state() const {
    return *impl_->state;
}
Result<void> Loaded::fill_tables(uint64_t now, AddedKeys* added) const {
    return rt::fill_tables(impl_->object, *impl_->artifact, *impl_->state, now, added);
}
Result<void> Loaded::begin_state() const {
    return rt::begin_state(impl_->object, *impl_->artifact, *impl_->state);
}

int Loaded::map_fd(const std::string& name) const {
    bpf_map* map = bpf_object__find_map_by_name(impl_->object, name.c_str());
    return map == nullptr ? -1 : bpf_map__fd(map);
}

tl::expected<Loaded, LoadError> load(const Artifact& artifact, const LoadOptions& options) {
    return load_shared(std::make_shared<const Artifact>(artifact), options);
}

tl::expected<Loaded, LoadError> load_shared(std::shared_ptr<const Artifact> shared,
                                            const LoadOptions& options) {
    const Artifact& artifact = *shared;
    raise_memlock();
    LoadOptions with_state = options;
    uint64_t now = artifact.instrumented ? test_clock_begin_ns : monotonic_now();
    if (!options.state) {
        auto fresh = fresh_state(artifact, now);
        if (!fresh)
            return refuse(fresh.error());
        with_state.state = std::make_shared<LoadedState>(std::move(*fresh));
    }
    auto loaded = load_with(shared, with_state, options.measure ? LogStatistics : LogOnFailure);
    // With statistics alone a refusal has no trace: ask again for it.
    if (!loaded && options.measure && loaded.error().refusal)
        return load_with(shared, with_state, LogOnFailure);
    if (loaded && !options.state) {
        if (auto filled = loaded->fill_tables(now, nullptr); !filled)
            return refuse(filled.error());
    }
    return loaded;
}

} // namespace xdpc::rt
