// xdpc-bench-rules [--json FILE] [--smoke] [--shapes acl,fw,ipc] [--sizes N,…] [--seeds N] [--ip6]
// xdpc-bench-rules --rules FILE [--trace FILE]: what looking into large rule sets costs a packet, as a
// multiple of a program by hand that only parses Ethernet, IPv4 and ports. The method is packet_cost.h's; the
// program is the one that `xdpc apply` attaches. Every verdict is the evaluator's before anything is timed.
#include "compiler/compile.h"
#include "compiler/policy/evaluate.h"
#include "runtime/load.h"
#include "tests/bench/packet_cost.h"
#include "tests/harness/rulegen.h"

#include <CLI/CLI.hpp>
#include <bpf/libbpf.h>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <sstream>
#include <sys/resource.h>

using namespace xdpc;
using namespace xdpc::bench;

namespace {

struct Arguments {
    std::string json, rules, trace;
    std::vector<std::string> shapes = {"acl", "fw", "ipc"};
    std::vector<size_t> sizes = {10, 100, 1000, 10'000, 100'000};
    unsigned seeds = 1;
    bool smoke = false, ip6 = false;
};

struct Row {
    std::string shape;
    size_t rules = 0;
    unsigned seed = 0;
    double compile_ms = 0, load_ms = 0;
    uint64_t memory = 0; // of programs and maps in the kernel
    double parse_ns = 0, ns = 0, multiple = 0;
    std::string refused; // why there are no figures
};

double ms_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

std::string read_text(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<TraceFrame> frames_of(const std::vector<test::FiveFieldHeader>& headers, bool ip6) {
    std::vector<TraceFrame> frames;
    for (size_t i = 0; i < TRACE_FRAMES; ++i) {
        const auto frame = test::frame_of(headers[i % headers.size()], ip6);
        TraceFrame padded{};
        std::copy_n(frame.begin(), std::min(frame.size(), padded.size()), padded.begin());
        frames.push_back(padded);
    }
    return frames;
}

Result<void> agree(const Policy& policy, const std::vector<TraceFrame>& trace, int program) {
    State state(policy);
    for (size_t i = 0; i < trace.size(); ++i) {
        PacketView view;
        view.frame = trace[i];
        const auto wanted = static_cast<uint32_t>(evaluate(policy, state, view).action);
        const auto got = verdict(program, trace[i]);
        if (!got)
            return tl::unexpected(got.error());
        if (*got != wanted)
            return fail(fmt::format("frame {}: evaluator {}, program {}", i, wanted, *got));
    }
    return {};
}

struct Bench {
    Object prelude, parser;
    int parser_fd = -1;
    CostOptions cost;
    std::filesystem::path folder;
};

Result<void> measure_rules(const Bench& bench, const std::vector<test::FiveFieldRule>& rules,
                           const std::vector<test::FiveFieldHeader>& headers, bool ip6, Row& row) {
    const std::string path = (bench.folder / "rules.xdp").string();
    std::ofstream(path) << test::policy_text(rules, ip6);
    Sources sources;
    Diagnostics diagnostics;
    const auto begin = std::chrono::steady_clock::now();
    auto policy = load_policy(path, sources, diagnostics);
    if (!policy)
        return tl::unexpected(policy.error());
    if (!*policy)
        return fail(render(diagnostics, sources).substr(0, 300));
    auto compiled = compile(std::move(**policy), sources, diagnostics, {});
    if (!compiled)
        return tl::unexpected(compiled.error());
    if (!*compiled)
        return fail(render(diagnostics, sources).substr(0, 300));
    row.compile_ms = ms_since(begin);
    const auto load_begin = std::chrono::steady_clock::now();
    auto loaded = rt::load((*compiled)->artifact);
    if (!loaded)
        return tl::unexpected(loaded.error().error);
    row.load_ms = ms_since(load_begin);
    row.memory = loaded->report().memory_bytes;
    const auto trace = frames_of(headers, ip6);
    if (auto same = agree((*compiled)->policy, trace, loaded->program_fd()); !same)
        return same;
    auto costs = measure(bench.prelude, trace, {{bench.parser_fd}, {loaded->program_fd()}}, bench.cost);
    if (!costs)
        return tl::unexpected(costs.error());
    row.parse_ns = costs->programs[0].ns;
    row.ns = costs->programs[1].ns;
    row.multiple = costs->programs[1].relative - 1;
    return {};
}

void print_row(const Row& row) {
    if (!row.refused.empty()) {
        fmt::print("{:<8} {:>7} {:>4}  {}\n", row.shape, row.rules, row.seed, row.refused);
        return;
    }
    fmt::print("{:<8} {:>7} {:>4} {:>10.0f} {:>8.0f} {:>8.1f} {:>8.1f} {:>8.1f} {:>8.1f}\n", row.shape,
               row.rules, row.seed, row.compile_ms, row.load_ms, static_cast<double>(row.memory) / (1 << 20),
               row.parse_ns, row.ns, row.multiple);
    std::fflush(stdout);
}

nlohmann::ordered_json to_json(const std::vector<Row>& rows) {
    auto json = nlohmann::ordered_json::array();
    for (const Row& row : rows)
        json.push_back({{"shape", row.shape},
                        {"rules", row.rules},
                        {"seed", row.seed},
                        {"compile_ms", row.compile_ms},
                        {"load_ms", row.load_ms},
                        {"memory_bytes", row.memory},
                        {"parse_ns", row.parse_ns},
                        {"xdpc_ns", row.ns},
                        {"multiple_of_parsing", row.multiple},
                        {"refused", row.refused}});
    return json;
}

/// One rule set of others, or the generated ones.
Result<std::vector<Row>> measure_all(const Bench& bench, const Arguments& arguments) {
    std::vector<Row> rows;
    const auto add = [&](Row row, const auto& rules, const auto& headers, bool ip6) {
        if (auto done = measure_rules(bench, rules, headers, ip6, row); !done)
            row.refused = done.error().message;
        print_row(row);
        rows.push_back(std::move(row));
    };
    if (!arguments.rules.empty()) {
        size_t wrong = 0;
        const auto rules = test::read_classbench(read_text(arguments.rules), wrong);
        if (!rules)
            return fail(fmt::format("{}:{}: not a rule of ClassBench's format", arguments.rules, wrong));
        auto headers = test::make_headers(*rules, {});
        if (!arguments.trace.empty()) {
            auto given = test::read_headers(read_text(arguments.trace), wrong);
            if (!given || given->empty())
                return fail(
                    fmt::format("{}:{}: not a header of ClassBench's format", arguments.trace, wrong));
            headers = std::move(*given);
        }
        add(Row{std::filesystem::path(arguments.rules).filename().string(),
                rules->size(),
                0,
                {},
                {},
                {},
                {},
                {},
                {},
                {}},
            *rules, headers, false);
        return rows;
    }
    for (const std::string& shape : arguments.shapes)
        for (const size_t size : arguments.sizes)
            for (unsigned seed = 1; seed <= arguments.seeds; ++seed) {
                const auto rules = test::make_rules({*test::find_shape(shape), size, arguments.ip6, seed});
                const auto headers = test::make_headers(rules, {.ip6 = arguments.ip6, .seed = seed});
                add(Row{shape, rules.size(), seed, {}, {}, {}, {}, {}, {}, {}}, rules, headers,
                    arguments.ip6);
            }
    return rows;
}

Result<Bench> prepare_bench(const Arguments& arguments) {
    Bench bench;
    cpu_set_t one; // caches and predictors of one CPU
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    auto prelude = load_object(XDPC_BENCH_OBJECTS "/prelude.bpf.o");
    auto parser = load_object(XDPC_BENCH_OBJECTS "/parse_only.bpf.o");
    if (!prelude || !parser)
        return tl::unexpected(!prelude ? prelude.error() : parser.error());
    bench.prelude = std::move(*prelude);
    bench.parser = std::move(*parser);
    auto parser_fd = program_fd(bench.parser, "hand");
    if (!parser_fd)
        return tl::unexpected(parser_fd.error());
    bench.parser_fd = *parser_fd;
    if (arguments.smoke)
        bench.cost = {.rounds = 1, .runs = 20'000};
    bench.folder = std::filesystem::temp_directory_path() / fmt::format("xdpc-bench-rules-{}", getpid());
    std::filesystem::create_directories(bench.folder);
    return bench;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("what looking into large rule sets costs a packet");
    Arguments arguments;
    app.add_option("--json", arguments.json, "write the figures there");
    app.add_option("--rules", arguments.rules, "a rule set in ClassBench's text format");
    app.add_option("--trace", arguments.trace, "its headers, in ClassBench's text format");
    app.add_option("--shapes", arguments.shapes, "acl, fw, ipc, droplist, allow, tenants, services, flat")
        ->delimiter(',')
        ->check(
            [](const std::string& name) { return test::find_shape(name) ? "" : "no such shape: " + name; });
    app.add_option("--sizes", arguments.sizes)->delimiter(',');
    app.add_option("--seeds", arguments.seeds, "how many sets of each shape and size");
    app.add_flag("--ip6", arguments.ip6);
    app.add_flag("--smoke", arguments.smoke, "only that it works");
    CLI11_PARSE(app, argc, argv);
    libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
    auto bench = prepare_bench(arguments);
    if (!bench)
        return std::fprintf(stderr, "xdpc-bench-rules: %s\n", bench.error().message.c_str()), 3;
    fmt::print("{:<8} {:>7} {:>4} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}\n", "shape", "rules", "seed",
               "compile ms", "load ms", "MiB", "parse ns", "xdpc ns", "multiple");
    auto rows = measure_all(*bench, arguments);
    std::filesystem::remove_all(bench->folder);
    if (!rows)
        return std::fprintf(stderr, "xdpc-bench-rules: %s\n", rows.error().message.c_str()), 3;
    rusage usage{};
    getrusage(RUSAGE_CHILDREN, &usage);
    rusage own{};
    getrusage(RUSAGE_SELF, &own);
    fmt::print("multiple: (xdpc - parsing) / parsing, both beyond prelude + drop; peak memory {} MiB, of "
               "LLVM's child {} MiB\n",
               own.ru_maxrss / 1024, usage.ru_maxrss / 1024);
    if (!arguments.json.empty() && !(std::ofstream(arguments.json) << to_json(*rows).dump(2) << '\n'))
        return std::fprintf(stderr, "xdpc-bench-rules: cannot write %s\n", arguments.json.c_str()), 3;
    return 0;
}
