// The command line: one file a command, each a function from parsed options to an exit code. cli.cpp turns
// arguments into the options (the only user of CLI11).
#pragma once

#include "compiler/base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace xdpc::driver {

/// 1: the policy or a test is wrong. 3: a file could not be read or written, or the kernel said no.
enum Exit : int { ExitFine = 0, ExitPolicy = 1, ExitUsage = 2, ExitSystem = 3 };

struct CheckOptions {
    std::vector<std::string> files;
    bool verify = false;
    std::string kernel = "6.1";
    bool json = false;
    std::vector<std::string> without; // passes
};
struct FmtOptions {
    std::vector<std::string> files;
    bool write = false;
    bool check = false;
    bool json = false;
};
struct EmitOptions {
    std::string file;
    std::string form;
    std::string kernel = "6.1";
    bool json = false;
    std::vector<std::string> without; // passes
};
struct BuildOptions {
    std::string file;
    std::string output;
    std::string kernel = "6.1";
    bool json = false;
    std::vector<std::string> without; // passes
};
struct ApplyCommandOptions {
    std::string file;
    std::vector<std::string> ifaces;
    std::string mode = "auto";
    std::string rxvlan;
    bool dry_run = false;
    bool force = false;
    bool reset_sets = false;
    bool json = false;
    bool verbose = false;
    std::vector<std::string> without; // passes
};
struct DetachOptions {
    std::vector<std::string> ifaces;
    bool json = false;
};
struct ShowOptions {
    bool json = false;
};
struct StatsOptions {
    std::vector<std::string> ifaces;
    std::optional<double> watch; // seconds between tables
    bool json = false;
    bool prometheus = false;
};
struct TestOptions {
    std::vector<std::string> files;
    std::string engine; // "": both where the kernel may be asked
    std::string filter;
    std::string junit;
    std::string coverage;
    bool json = false;
};
struct TraceOptions {
    std::string file;  // or
    std::string iface; // what runs there
    std::string layers;
    std::string pcap;
    bool json = false;
};
struct SetOptions {
    std::string action; // add, del, list, flush, load, replace
    std::string name;
    std::string iface;
    std::vector<std::string> elements;
    std::string file; // of load and replace
    std::string timeout;
    std::string comment;
    bool json = false;
};
struct MonitorOptions {
    std::string iface;
    std::string rule;
    uint64_t count = 0; // 0: until interrupted
    bool json = false;
};
struct CaptureOptions {
    std::string iface;
    std::string output; // "-": standard output
    std::string rule;
    std::vector<std::string> verdicts;
    std::string filter;
    std::string duration; // "10s"
    uint32_t snap = 65535;
    uint64_t count = 0;
    bool json = false;
};
struct FeaturesOptions {
    bool fields = false; // the field reference instead
    bool json = false;
};
struct VersionOptions {
    bool json = false;
};

int run_check(const CheckOptions& options);
int run_fmt(const FmtOptions& options);
int run_emit(const EmitOptions& options);
int run_build(const BuildOptions& options);
int run_apply(const ApplyCommandOptions& options);
int run_detach(const DetachOptions& options);
int run_show(const ShowOptions& options);
int run_stats(const StatsOptions& options);
int run_test(const TestOptions& options);
int run_trace(const TraceOptions& options);
int run_set(const SetOptions& options);
int run_monitor(const MonitorOptions& options);
int run_capture(const CaptureOptions& options);
int run_features(const FeaturesOptions& options);

/// The whole program: parses `argv`, runs the command, lets no exception out.
int run(int argc, char** argv);

/// A command as completion and the manual need it.
struct CommandInfo {
    std::string name;
    std::string description;
    struct Option {
        std::vector<std::string> names; // "-i", "--json"
        std::string description;
        bool takes_value = false;
        std::vector<std::string> choices;
    };
    std::vector<Option> options;
};
/// A completion script for "bash", "zsh" or "fish".
std::string completion_script(const std::string& shell, const std::vector<CommandInfo>& commands);

/// The field reference (grammar/FIELDS.md), from the table.
std::string field_reference();

/// "v3" for a kernel before 6.6, "v4" from there on; nothing for a kernel we do not know ("host" tries, or
/// asks uname where nothing may be loaded).
std::optional<std::string> cpu_of_kernel(const std::string& kernel);
/// Writes beside `path` and renames, so that a reader sees the old or the new file, and keeps its mode.
Result<void> write_file(const std::string& path, std::string_view text);

} // namespace xdpc::driver
