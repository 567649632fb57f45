// xdpc-verify-rules [--smoke] [--shapes acl,fw,ipc] [--sizes N,…] [--packets N,…] [--seeds N] [--policies N]:
// rule sets of realistic shape, v4 and v6, and random policies of several chains, in the kernel and by the
// evaluator: verdicts, deciding rules and counters. A line each; 1 when something differs.
#include "tests/differential/verify.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

using namespace xdpc;
using namespace xdpc::test;

namespace {

struct Arguments {
    std::vector<std::string> shapes = {"acl", "fw", "ipc"};
    std::vector<size_t> sizes = {1000, 10'000, 100'000};
    std::vector<size_t> packets = {100'000, 100'000, 20'000}; // for each size
    uint64_t seeds = 2, first_seed = 1;
    size_t policies = 10, policy_rules = 250, policy_packets = 20'000;
    bool smoke = false, only4 = false, only6 = false;
};

/// What came of all: one of xdpc's exit codes.
struct Tally {
    size_t policies = 0, packets = 0, differences = 0;
    bool broken = false;

    void add(const Result<Verified>& verified) {
        ++policies;
        if (!verified) {
            broken = true;
            std::fprintf(stderr, "xdpc-verify-rules: %s\n", verified.error().message.c_str());
            return;
        }
        const DifferentialResult& result = verified->result;
        packets += result.packets;
        differences += result.difference.empty() ? 0 : 1;
        fmt::print("{:<9} {:>7} {:>4} {:>7} {:>7} {:>8} {:>8} {:>9.1f} {:>9.1f}  {}\n", verified->what,
                   verified->rules, verified->seed, verified->slices, verified->in_slices, result.packets,
                   result.by_rule, verified->compile_s, verified->compare_s,
                   result.difference.empty() ? "equal" : "DIFFERS");
        if (!result.difference.empty()) {
            fmt::print("{}\n", result.difference.substr(0, 4000));
        }
        std::fflush(stdout);
    }
};

void verify_sets(const Arguments& arguments, Tally& tally) {
    for (size_t i = 0; i < arguments.sizes.size(); ++i) {
        const size_t packets = arguments.packets[std::min(i, arguments.packets.size() - 1)];
        for (const std::string& shape : arguments.shapes) {
            for (const bool ip6 : {false, true}) {
                if (ip6 ? arguments.only4 : arguments.only6) {
                    continue;
                }
                for (uint64_t seed = 0; seed < arguments.seeds; ++seed) {
                    tally.add(verify_set(
                        {*find_shape(shape), arguments.sizes[i], ip6, arguments.first_seed + seed}, packets));
                }
            }
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app("rule sets in the kernel and by the evaluator");
    Arguments arguments;
    app.add_option("--shapes", arguments.shapes, "acl, fw, ipc, droplist, allow, tenants, services, flat")
        ->delimiter(',')
        ->check([](const std::string& name) { return find_shape(name) ? "" : "no such shape: " + name; });
    app.add_option("--sizes", arguments.sizes, "rules of the sets; 0: no sets")->delimiter(',');
    app.add_option("--packets", arguments.packets, "for sets of each size")->delimiter(',');
    app.add_option("--seeds", arguments.seeds, "sets of each shape and size");
    app.add_option("--first-seed", arguments.first_seed);
    app.add_option("--policies", arguments.policies, "random policies of several chains");
    app.add_option("--policy-rules", arguments.policy_rules, "rules of each of their chains, about");
    app.add_option("--policy-packets", arguments.policy_packets);
    app.add_flag("--only-ip4", arguments.only4);
    app.add_flag("--only-ip6", arguments.only6);
    app.add_flag("--smoke", arguments.smoke, "few rules, packets and seeds");
    CLI11_PARSE(app, argc, argv);
    if (arguments.smoke) {
        arguments.sizes = {arguments.sizes.front()};
        arguments.packets = {5000};
        arguments.seeds = 1;
        arguments.policy_rules = 600;
        arguments.policies = 16; // 15 and 16 once took the verifier a million instructions
        arguments.policy_packets = 500;
    }
    fmt::print("{:<9} {:>7} {:>4} {:>7} {:>7} {:>8} {:>8} {:>9} {:>9}\n", "set", "rules", "seed", "slices",
               "in them", "packets", "by rule", "compile s", "compare s");
    Tally tally;
    if (arguments.sizes != std::vector<size_t>{0}) {
        verify_sets(arguments, tally);
    }
    for (size_t i = 0; i < arguments.policies; ++i) {
        tally.add(verify_chains(arguments.first_seed + i, arguments.policy_rules, arguments.policy_packets));
    }
    fmt::print("{} policies, {} packets, {} differ\n", tally.policies, tally.packets, tally.differences);
    return tally.broken ? 3 : tally.differences == 0 ? 0 : 1;
}
