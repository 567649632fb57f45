// xdpc-bench [--json FILE] [--smoke] [--rounds N] [--only packets|apply] [--case NAME]: what a packet and an
// apply cost, beside hand-written C of the same policy. See README.md for the method. It measures and never
// judges: no time is asserted.
#include "compiler/compile.h"
#include "compiler/policy/evaluate.h"
#include "runtime/load.h"
#include "tests/bench/apply_cost.h"
#include "tests/bench/packet_cost.h"

#include <algorithm>
#include <bpf/libbpf.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <getopt.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xdpc;
using namespace xdpc::bench;

namespace {

struct Arguments {
    std::string json, only, name;
    unsigned rounds = 0;
    bool smoke = false;
};

Result<Compiled> compile_policy(const Case& what, bool capture) {
    Sources sources;
    Diagnostics diagnostics;
    auto policy =
        load_policy(fmt::format("{}/policies/{}.xdp", XDPC_BENCH_SOURCES, what.name()), sources, diagnostics);
    if (!policy)
        return tl::unexpected(policy.error());
    if (!*policy)
        return fail(render(diagnostics, sources));
    (*policy)->options.capture = capture;
    auto compiled = compile(std::move(**policy), sources, diagnostics, {});
    if (!compiled)
        return tl::unexpected(compiled.error());
    if (!*compiled)
        return fail(render(diagnostics, sources));
    return std::move(**compiled);
}

/// All three say the same of every frame, or there is nothing to compare.
Result<void> agree(const Policy& policy, const std::vector<TraceFrame>& trace, int hand, int ours) {
    State state(policy);
    for (size_t i = 0; i < trace.size(); ++i) {
        PacketView view;
        view.frame = trace[i];
        auto reference = static_cast<uint32_t>(evaluate(policy, state, view).action);
        auto by_hand = verdict(hand, trace[i]);
        auto by_us = verdict(ours, trace[i]);
        if (!by_hand || !by_us)
            return tl::unexpected(by_hand ? by_us.error() : by_hand.error());
        if (*by_hand != reference || *by_us != reference)
            return fail(fmt::format("frame {} of the trace: evaluator {}, by hand {}, xdpc {}: {:02x}", i,
                                    reference, *by_hand, *by_us, fmt::join(trace[i], "")));
    }
    return {};
}

/// Copies of one program: each at another place of the kernel's memory.
Result<std::vector<rt::Loaded>> load_copies(const Artifact& artifact, unsigned count) {
    std::vector<rt::Loaded> copies;
    for (unsigned i = 0; i < count; ++i) {
        auto loaded = rt::load(artifact);
        if (!loaded)
            return tl::unexpected(loaded.error().error);
        copies.push_back(std::move(*loaded));
    }
    return copies;
}

std::vector<int> fds_of(const std::vector<rt::Loaded>& copies) {
    std::vector<int> fds;
    for (const rt::Loaded& copy : copies)
        fds.push_back(copy.program_fd());
    return fds;
}

Result<void> measure_case(const Case& what, const Object& prelude, const CostOptions& options,
                          Report& report) {
    auto compiled = compile_policy(what, true);
    auto silent = compile_policy(what, false);
    if (!compiled || !silent)
        return tl::unexpected(compiled ? silent.error() : compiled.error());
    const unsigned copies = std::min(options.rounds, 21U);
    auto ours = load_copies(compiled->artifact, copies);
    auto again = load_copies(compiled->artifact, copies);
    auto without_hook = load_copies(silent->artifact, copies);
    for (const auto* loaded : {&ours, &again, &without_hook})
        if (!*loaded)
            return tl::unexpected(loaded->error());
    auto hand = load_object(fmt::format("{}/{}.bpf.o", XDPC_BENCH_OBJECTS, what.name()));
    if (!hand)
        return tl::unexpected(hand.error());
    auto hand_fd = program_fd(*hand, "hand");
    if (!hand_fd)
        return tl::unexpected(hand_fd.error());
    for (auto [name, hits] : {std::pair{"hits", 70U}, std::pair{"misses", 0U}}) {
        auto trace = make_trace(compiled->policy, {.hit_percent = hits, .seed = what.rules});
        if (auto same = agree(compiled->policy, trace, *hand_fd, ours->front().program_fd()); !same)
            return same;
        auto costs = measure(prelude, trace,
                             {{*hand_fd}, fds_of(*ours), fds_of(*without_hook), fds_of(*again)}, options);
        if (!costs)
            return tl::unexpected(costs.error());
        const std::vector<Measured>& programs = costs->programs; // by hand, ours, without hook, ours again
        report.packets.push_back({what, name, costs->floor_ns, programs[0].ns, programs[1].ns,
                                  programs[1].relative, programs[2].ns, difference(programs[1], programs[2]),
                                  difference(programs[1], programs[3])});
        std::fprintf(stderr, "%s, %s: done\n", what.name().c_str(), name);
    }
    return {};
}

Result<void> measure_packets(const std::vector<Case>& cases, const CostOptions& options, Report& report) {
    cpu_set_t one; // caches and predictors of one CPU
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    sched_param urgent{.sched_priority = 1}; // else others' turns are measured, too
    sched_setscheduler(0, SCHED_FIFO, &urgent);
    auto prelude = load_object(fmt::format("{}/prelude.bpf.o", XDPC_BENCH_OBJECTS));
    if (!prelude)
        return tl::unexpected(prelude.error());
    for (const Case& what : cases)
        if (auto done = measure_case(what, *prelude, options, report); !done)
            return fail(fmt::format("{}: {}", what.name(), done.error().message), done.error().hint);
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        CPU_SET(cpu, &all);
    sched_setaffinity(0, sizeof all, &all);
    sched_param usual{};
    sched_setscheduler(0, SCHED_OTHER, &usual);
    return {};
}

std::vector<Case> cases_for(const Arguments& arguments) {
    std::vector<Case> cases;
    for (const char* shape : {"mixed", "flat"})
        for (unsigned rules : {1U, 10U, 100U})
            if (Case what{shape, rules}; arguments.name.empty() || arguments.name == what.name())
                cases.push_back(what);
    return cases;
}

std::optional<Arguments> parse_arguments(int argc, char** argv) {
    static const option options[] = {
        {"json", required_argument, nullptr, 'j'}, {"rounds", required_argument, nullptr, 'r'},
        {"smoke", no_argument, nullptr, 's'},      {"only", required_argument, nullptr, 'o'},
        {"case", required_argument, nullptr, 'c'}, {nullptr, 0, nullptr, 0}};
    Arguments arguments;
    for (int c = 0; (c = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        if (c == 'j')
            arguments.json = optarg;
        else if (c == 'r')
            arguments.rounds = static_cast<unsigned>(std::strtoul(optarg, nullptr, 10));
        else if (c == 's')
            arguments.smoke = true;
        else if (c == 'o')
            arguments.only = optarg;
        else if (c == 'c')
            arguments.name = optarg;
        else
            return std::nullopt;
    }
    if (optind != argc)
        return std::nullopt;
    return arguments;
}

} // namespace

int main(int argc, char** argv) {
    auto arguments = parse_arguments(argc, argv);
    if (!arguments)
        return std::fprintf(stderr,
                            "usage: xdpc-bench [--json FILE] [--smoke] [--rounds N] [--only packets|apply] "
                            "[--case NAME]\n"),
               2;
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    CostOptions options{.rounds = 63, .runs = 150'000}; // short turns: what else runs here meets all alike
    if (arguments->smoke)
        options = {.rounds = 3, .runs = 50'000};
    if (arguments->rounds != 0)
        options.rounds = arguments->rounds;
    std::vector<Case> cases = cases_for(*arguments);
    Report report;
    Result<void> done;
    if (arguments->only != "apply")
        done = measure_packets(cases, options, report);
    if (done && arguments->only != "packets") {
        Tools tools{XDPC_BENCH_XDPC,    XDPC_BENCH_LOADER,  XDPC_BENCH_CLANG,
                    XDPC_BENCH_SOURCES, XDPC_BENCH_INCLUDE, std::filesystem::temp_directory_path().string()};
        auto rows = measure_apply(cases, tools, arguments->smoke ? 1 : 11);
        if (rows)
            report.applies = *rows;
        else
            done = tl::unexpected(rows.error());
    }
    std::fputs(to_table(report).c_str(), stdout);
    if (!done) {
        std::fprintf(stderr, "xdpc-bench: %s\n", done.error().message.c_str());
        return 3;
    }
    if (!arguments->json.empty() &&
        !(std::ofstream(arguments->json) << to_json(report, options.rounds, options.runs)))
        return std::fprintf(stderr, "xdpc-bench: cannot write %s\n", arguments->json.c_str()), 3;
    return 0;
}
