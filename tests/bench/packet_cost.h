// ns per packet of loaded programs, compared. The method of every benchmark here: a prelude copies the next
// of thousands of frames into the packet and tail-calls the program; very many runs are timed by a clock
// read at the first and the last of them; programs take turns within a round; prelude + `return XDP_DROP` of
// the same round is subtracted; medians over the rounds. Where the kernel's JIT puts a program decides
// tenths of a nanosecond, so a program may be given in several copies, which take turns as well.
#pragma once

#include "compiler/base/result.h"
#include "tests/bench/trace.h"

#include <memory>
#include <string>

struct bpf_object;

namespace xdpc::bench {

struct ObjectDeleter {
    void operator()(bpf_object* object) const;
};
using Object = std::unique_ptr<bpf_object, ObjectDeleter>;

/// Opens and loads an object file; `program_fd` by name.
Result<Object> load_object(const std::string& path);
Result<int> program_fd(const Object& object, const char* name);

/// What a program says of one frame, run without prelude: an XDP action.
Result<uint32_t> verdict(int program, const TraceFrame& frame);

struct Measured {
    double ns = 0;              // a packet beyond prelude + drop: median over the rounds
    double relative = 0;        // to the first program: median of the rounds' own ratios
    std::vector<double> rounds; // each round's ns
};
struct Costs {
    double floor_ns = 0; // prelude + drop
    std::vector<Measured> programs;
};
struct CostOptions {
    unsigned rounds = 21;
    uint32_t runs = 500'000; // of each program in each round
};
/// `prelude` is the loaded prelude.bpf.o; each program is the file descriptors of its copies.
Result<Costs> measure(const Object& prelude, const std::vector<TraceFrame>& trace,
                      const std::vector<std::vector<int>>& programs, const CostOptions& options);

/// How much more the first costs than the second, ns a packet: median of the rounds' own differences.
double difference(const Measured& first, const Measured& second);

double median(std::vector<double> values);

} // namespace xdpc::bench
