#include "tests/bench/apply_cost.h"

#include "tests/bench/packet_cost.h"

#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace xdpc::bench {
namespace {

constexpr const char* interface = "xdpcbench0";

struct Ran {
    double ms = 0;
    std::string output;
};

/// Runs a command to its end; what it prints to standard output is kept.
Result<Ran> run(const std::vector<std::string>& command) {
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return fail("pipe2 failed");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    std::vector<char*> argv;
    for (const std::string& word : command)
        argv.push_back(const_cast<char*>(word.c_str())); // posix_spawn does not write to them
    argv.push_back(nullptr);
    pid_t child = 0;
    auto begin = std::chrono::steady_clock::now();
    int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    Ran ran;
    char buffer[4096];
    for (ssize_t got = 0; failed == 0 && (got = read(out[0], buffer, sizeof buffer)) > 0;)
        ran.output.append(buffer, static_cast<size_t>(got));
    close(out[0]);
    int status = 0;
    if (failed != 0 || waitpid(child, &status, 0) != child || status != 0)
        return fail(fmt::format("`{}` failed", fmt::join(command, " ")));
    ran.ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    return ran;
}

/// The phases `xdpc apply --json` tells of, if it does.
std::vector<Phase> phases_of(const std::string& output) {
    std::vector<Phase> phases;
    auto json = nlohmann::json::parse(output, nullptr, false);
    if (!json.is_object())
        return phases;
    for (const char* list : {"times", "phases"})
        if (json.contains(list) && json[list].is_array())
            for (const auto& phase : json[list])
                if (phase.contains("phase") && phase.contains("ms"))
                    phases.push_back({phase["phase"].get<std::string>(), phase["ms"].get<double>()});
    if (json.contains("interfaces") && json["interfaces"].is_array())
        for (const auto& one : json["interfaces"])
            for (const char* key : {"load_ms", "attach_ms"})
                if (one.contains(key))
                    phases.push_back(
                        {std::string(key).substr(0, std::string(key).size() - 3), one[key].get<double>()});
    return phases;
}

struct Times {
    std::vector<double> xdpc, clang, load;
    std::map<std::string, std::vector<double>> phases;
    std::vector<std::string> order; // of phases
};

Result<void> apply_once(const Case& what, const Tools& tools, Times& times) {
    auto applied = run({tools.xdpc, "apply", fmt::format("{}/policies/{}.xdp", tools.sources, what.name()),
                        "-i", interface, "--mode", "native", "--json"});
    if (!applied)
        return tl::unexpected(applied.error());
    times.xdpc.push_back(applied->ms);
    for (const Phase& phase : phases_of(applied->output)) {
        if (times.phases[phase.name].empty())
            times.order.push_back(phase.name);
        times.phases[phase.name].push_back(phase.ms);
    }
    auto detached = run({tools.xdpc, "detach", "-i", interface});
    return detached ? Result<void>() : tl::unexpected(detached.error());
}

Result<void> hand_once(const Case& what, const Tools& tools, Times& times) {
    std::string object = fmt::format("{}/{}.o", tools.scratch, what.name());
    std::string pin = fmt::format("/sys/fs/bpf/xdpc-bench-{}", getpid());
    auto compiled = run({tools.clang, "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-I", tools.include, "-c",
                         fmt::format("{}/hand/{}.bpf.c", tools.sources, what.name()), "-o", object});
    if (!compiled)
        return tl::unexpected(compiled.error());
    auto loaded = run({tools.loader, object, interface, pin});
    unlink(pin.c_str());
    unlink(object.c_str());
    if (!loaded)
        return tl::unexpected(loaded.error());
    times.clang.push_back(compiled->ms);
    times.load.push_back(loaded->ms);
    return {};
}

} // namespace

Result<std::vector<ApplyRow>> measure_apply(const std::vector<Case>& cases, const Tools& tools,
                                            unsigned rounds) {
    if (unshare(CLONE_NEWNET) != 0)
        return fail("cannot make a network namespace", "run it as root");
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"ip", "link", "add", interface, "type", "veth", "peer", "name",
                                   "xdpcbench1"},
          {"ip", "link", "set", interface, "up"},
          {"ip", "link", "set", "xdpcbench1", "up"}})
        if (auto done = run(command); !done)
            return tl::unexpected(done.error());
    std::vector<ApplyRow> rows;
    for (const Case& what : cases) {
        Times times;
        for (unsigned round = 0; round < rounds; ++round) {
            auto first = round % 2 == 0 ? apply_once(what, tools, times) : hand_once(what, tools, times);
            if (!first)
                return tl::unexpected(first.error());
            auto second = round % 2 == 0 ? hand_once(what, tools, times) : apply_once(what, tools, times);
            if (!second)
                return tl::unexpected(second.error());
        }
        ApplyRow row{what, median(times.xdpc), median(times.clang), median(times.load), 0, {}};
        row.ratio = row.xdpc_ms / (row.clang_ms + row.load_ms);
        for (const std::string& phase : times.order)
            row.phases.push_back({phase, median(times.phases[phase])});
        rows.push_back(row);
    }
    return rows;
}

} // namespace xdpc::bench
