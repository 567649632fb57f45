#include "tests/bench/packet_cost.h"

#include <algorithm>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <sys/mman.h>

namespace xdpc::bench {
namespace {

tl::unexpected<Error> fail_errno(const std::string& what) {
    return fail(fmt::format("{}: {}", what, std::strerror(errno)));
}

/// The prelude's frames, mapped.
class MappedTrace {
public:
    explicit MappedTrace(const Object& prelude) {
        int map = bpf_object__find_map_fd_by_name(prelude.get(), ".bss");
        void* at = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
        if (at != MAP_FAILED)
            area_ = static_cast<trace_area*>(at);
    }
    MappedTrace(const MappedTrace&) = delete;
    MappedTrace& operator=(const MappedTrace&) = delete;
    ~MappedTrace() {
        if (area_ != nullptr)
            munmap(area_, size_);
    }
    [[nodiscard]] trace_area* get() const { return area_; }

private:
    static constexpr size_t size_ = sizeof(trace_area);
    trace_area* area_ = nullptr;
};

struct Prelude {
    int program = -1, under_test = -1;
    trace_area* area = nullptr;
};

/// ns a run of prelude + `program`, after one round through the trace to warm up.
Result<double> time_runs(const Prelude& prelude, int program, uint32_t runs) {
    uint32_t zero = 0;
    if (bpf_map_update_elem(prelude.under_test, &zero, &program, BPF_ANY) != 0)
        return fail_errno("cannot put the program behind the prelude");
    prelude.area->next = prelude.area->stamped = 0;
    prelude.area->mark = TRACE_FRAMES;
    prelude.area->mark_end = TRACE_FRAMES + runs;
    TraceFrame packet{};
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet.data(), .data_size_in = TRACE_FRAME_BYTES,
                .repeat = static_cast<int>(TRACE_FRAMES + runs + 1));
    if (bpf_prog_test_run_opts(prelude.program, &run) != 0)
        return fail_errno("BPF_PROG_TEST_RUN");
    if (run.retval == 0 || prelude.area->stamped != 2)
        return fail("the prelude did not reach the program");
    return static_cast<double>(prelude.area->stamps[1] - prelude.area->stamps[0]) / runs;
}

} // namespace

void ObjectDeleter::operator()(bpf_object* object) const {
    bpf_object__close(object);
}

Result<Object> load_object(const std::string& path) {
    Object object(bpf_object__open_file(path.c_str(), nullptr));
    if (!object)
        return fail_errno("cannot open " + path);
    if (bpf_object__load(object.get()) != 0)
        return fail_errno("cannot load " + path);
    return object;
}

Result<int> program_fd(const Object& object, const char* name) {
    bpf_program* program = bpf_object__find_program_by_name(object.get(), name);
    if (program == nullptr)
        return fail(fmt::format("no program `{}`", name));
    return bpf_program__fd(program);
}

Result<uint32_t> verdict(int program, const TraceFrame& frame) {
    TraceFrame out{};
    LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.data(), .data_out = out.data(),
                .data_size_in = TRACE_FRAME_BYTES, .data_size_out = TRACE_FRAME_BYTES, .repeat = 1);
    if (bpf_prog_test_run_opts(program, &run) != 0)
        return fail_errno("BPF_PROG_TEST_RUN");
    return run.retval;
}

double median(std::vector<double> values) {
    if (values.empty())
        return 0;
    std::sort(values.begin(), values.end());
    size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Result<Costs> measure(const Object& prelude, const std::vector<TraceFrame>& trace,
                      const std::vector<std::vector<int>>& programs, const CostOptions& options) {
    auto prelude_fd = program_fd(prelude, "prelude");
    auto drop_fd = program_fd(prelude, "drop");
    int under_test = bpf_object__find_map_fd_by_name(prelude.get(), "under_test");
    MappedTrace mapped(prelude);
    if (!prelude_fd || !drop_fd || under_test < 0 || mapped.get() == nullptr)
        return fail("the prelude object is not what was expected");
    Prelude running{*prelude_fd, under_test, mapped.get()};
    for (size_t i = 0; i < trace.size(); ++i)
        std::memcpy(mapped.get()->frames[i], trace[i].data(), TRACE_FRAME_BYTES);

    std::vector<std::vector<int>> all{{*drop_fd}};
    all.insert(all.end(), programs.begin(), programs.end());
    std::vector<std::vector<double>> net(programs.size()), relative(programs.size());
    std::vector<double> floors;
    for (unsigned round = 0; round < options.rounds; ++round) {
        std::vector<double> times(all.size());
        for (size_t turn = 0; turn < all.size(); ++turn) {
            size_t which = (turn + round) % all.size(); // none is always first
            auto ns = time_runs(running, all[which][round % all[which].size()], options.runs);
            if (!ns)
                return tl::unexpected(ns.error());
            times[which] = *ns;
        }
        floors.push_back(times[0]);
        for (size_t i = 0; i < programs.size(); ++i) {
            net[i].push_back(times[i + 1] - times[0]);
            relative[i].push_back((times[i + 1] - times[0]) / (times[1] - times[0]));
        }
    }
    Costs costs;
    costs.floor_ns = median(floors);
    for (size_t i = 0; i < programs.size(); ++i)
        costs.programs.push_back({median(net[i]), median(relative[i]), std::move(net[i])});
    return costs;
}

double difference(const Measured& first, const Measured& second) {
    std::vector<double> differences;
    for (size_t i = 0; i < first.rounds.size(); ++i)
        differences.push_back(first.rounds[i] - second.rounds[i]);
    return median(std::move(differences));
}

} // namespace xdpc::bench
