#include "compiler/driver/cli_commands.h"

#include "compiler/passes/passes.h"

#include <algorithm>
#include <iterator>

namespace xdpc::driver {

namespace {

constexpr const char* json_help = "one JSON document on standard output, diagnostics included";
constexpr const char* kernel_help = "oldest kernel the program is for: host, or a version from 6.1 on";

void add_without(CLI::App* command, std::vector<std::string>& without) {
    command->add_option("--without", without, "passes to leave out, to see what they do")
        ->delimiter(',')
        ->check(CLI::IsMember(pass_names()));
}

void add_check(CLI::App& app, CheckOptions& options) {
    CLI::App* command = app.add_subcommand("check", "report what is wrong or odd in policies");
    command->add_option("FILE", options.files, "policies")->required();
    command->add_flag("--verify", options.verify,
                      "also ask the kernel's verifier, without attaching, and print what the program costs");
    command->add_option("--kernel", options.kernel, kernel_help)->capture_default_str();
    command->add_flag("--json", options.json, json_help);
    add_without(command, options.without);
}

void add_fmt(CLI::App& app, FmtOptions& options) {
    CLI::App* command = app.add_subcommand("fmt", "print policies in canonical form");
    command->add_option("FILE", options.files, "policies; - is standard input")->required();
    CLI::Option* write = command->add_flag("-i,--write", options.write, "change the files themselves");
    command->add_flag("--check", options.check, "only list files that are not formatted, and exit 1")
        ->excludes(write);
    command->add_flag("--json", options.json, json_help);
}

void add_emit(CLI::App& app, EmitOptions& options) {
    CLI::App* command = app.add_subcommand("emit", "print a stage of the compiler");
    command->add_option("FILE", options.file, "policy")->required();
    command->add_option("--as", options.form, "which stage")
        ->required()
        ->check(CLI::IsMember({"ast", "policy", "ir", "plan", "llvm", "asm"}));
    command->add_option("--kernel", options.kernel, kernel_help)->capture_default_str();
    command->add_flag("--json", options.json, json_help);
    add_without(command, options.without);
}

void add_build(CLI::App& app, BuildOptions& options) {
    CLI::App* command = app.add_subcommand("build", "compile to an ELF object that `xdpc apply` takes");
    command->add_option("FILE", options.file, "policy")->required();
    command->add_option("-o,--output", options.output, "object file to write")->required();
    command->add_option("--kernel", options.kernel, kernel_help)->capture_default_str();
    command->add_flag("--json", options.json, json_help);
    add_without(command, options.without);
}

void add_apply(CLI::App& app, ApplyCommandOptions& options) {
    CLI::App* command =
        app.add_subcommand("apply", "compile, load and swap a policy in, on all interfaces or none");
    command->add_option("FILE", options.file,
                        "policy, or an object of `xdpc build`"); // see run_apply_arguments
    command->add_option("-i,--interface", options.ifaces, "interfaces")->required();
    command->add_option("--mode", options.mode, "how to attach; auto: native, else generic")
        ->capture_default_str()
        ->check(CLI::IsMember({"auto", "native", "generic", "offload"}));
    command->add_option("--rxvlan", options.rxvlan, "off: have the device leave VLAN tags in the frame")
        ->check(CLI::IsMember({"on", "off"}));
    command->add_flag("--dry-run", options.dry_run, "say what would change; touch nothing");
    command->add_flag("--force", options.force, "replace another tool's program");
    command->add_flag("--reset-sets", options.reset_sets,
                      "start sets from the policy; forget what was added live");
    command->add_flag("--json", options.json, json_help);
    command->add_flag("-v,--verbose", options.verbose,
                      "show the time of each phase and what the program costs");
    add_without(command, options.without);
}

void add_detach(CLI::App& app, DetachOptions& options) {
    CLI::App* command = app.add_subcommand("detach", "take the policy off");
    command->add_option("-i,--interface", options.ifaces, "interfaces")->required();
    command->add_flag("--json", options.json, json_help);
}

void add_show(CLI::App& app, ShowOptions& options) {
    CLI::App* command = app.add_subcommand("show", "list what runs on which interface");
    command->add_flag("--json", options.json, json_help);
}

void add_stats(CLI::App& app, StatsOptions& options, std::string& watch) {
    CLI::App* command = app.add_subcommand("stats", "packets and bytes by rule");
    command->add_option("-i,--interface", options.ifaces, "interfaces")->required();
    CLI::Option* option = command->add_option("--watch", watch, "print again every SECONDS (1), with rates")
                              ->expected(0, 1)
                              ->type_name("[SECONDS]");
    command->callback([option, &watch] {
        if (option->count() > 0 && watch.empty()) {
            watch = "1";
        }
    });
    CLI::Option* json = command->add_flag("--json", options.json, json_help);
    command->add_flag("--prometheus", options.prometheus, "Prometheus' text format")->excludes(json);
}

void add_test(CLI::App& app, TestOptions& options) {
    CLI::App* command = app.add_subcommand("test", "run the tests of policies");
    command->add_option("FILE", options.files, "policies")->required();
    command
        ->add_option("--engine", options.engine,
                     "who decides: the kernel, the reference evaluator, or both, which must agree "
                     "(both where programs may be loaded)")
        ->check(CLI::IsMember({"kernel", "reference", "both"}));
    command->add_option("--filter", options.filter, "only tests whose title contains this");
    command->add_option("--junit", options.junit, "write JUnit XML to this file");
    command->add_option("--coverage", options.coverage,
                        "write which rules the tests reach to this file (lcov)");
    command->add_flag("--json", options.json, json_help);
}

void add_trace(CLI::App& app, Arguments& arguments) {
    TraceOptions& options = arguments.trace;
    CLI::App* command = app.add_subcommand("trace", "show how packets are decided, rule by rule");
    command->add_option("FILE-LAYERS", arguments.trace_positionals,
                        "the policy (unless -i names an interface), then the packet as `send` takes it: "
                        "'ip saddr 192.0.2.1 / tcp dport 22' (unless --pcap)");
    command->add_option("-i,--interface", options.iface, "trace what runs on this interface");
    command->add_option("--pcap", options.pcap, "trace the packets of this capture");
    command->add_flag("--json", options.json, json_help);
}

void add_set(CLI::App& app, SetOptions& options) {
    CLI::App* command =
        app.add_subcommand("set", "look at live sets of the policy that runs, and change them");
    command->add_option("ACTION", options.action, "add, del, list, flush, load or replace")
        ->required()
        ->check(CLI::IsMember({"add", "del", "list", "flush", "load", "replace"}));
    command->add_option("NAME", options.name, "the set; list without one lists the sets");
    command->add_option("ELEMENT", options.elements,
                        "as in a policy: 192.0.2.0/24, '192.0.2.1 . 80', 'ssh : drop'");
    command->add_option("-i,--interface", options.iface, "interface")->required();
    command->add_option("--file", options.file,
                        "of load and replace: elements, one a line, as a policy's `file` has them; - is "
                        "standard input");
    command->add_option("--timeout", options.timeout, "how long added elements last: 10m, 1h30m");
    command->add_option("--comment", options.comment, "comment of added elements");
    command->add_flag("--json", options.json, json_help);
}

void add_monitor(CLI::App& app, MonitorOptions& options) {
    CLI::App* command = app.add_subcommand("monitor", "print what `log` and `sample` tell, as it happens");
    command->add_option("-i,--interface", options.iface, "interface")->required();
    command->add_option("--rule", options.rule, "only of this rule");
    command->add_option("--count", options.count, "end after so many events");
    command->add_flag("--json", options.json, "a JSON document a line");
}

void add_capture(CLI::App& app, CaptureOptions& options) {
    CLI::App* command = app.add_subcommand(
        "capture", "write packets as they come in, with the rule that decided and its verdict (pcapng)");
    command->add_option("-i,--interface", options.iface, "interface")->required();
    command->add_option("-w,--write", options.output, "file to write; - is standard output")->required();
    command->add_option("--rule", options.rule, "only what this rule (or policy) decides");
    command->add_option("--verdict", options.verdicts, "only what ends so")
        ->check(CLI::IsMember({"pass", "drop", "abort", "tx"}));
    command->add_option("--filter", options.filter, "only what tcpdump's filter expression matches");
    command->add_option("--snap", options.snap, "bytes of a packet at most")
        ->check(CLI::Range(1, 65535))
        ->capture_default_str();
    command->add_option("--count", options.count, "end after so many packets");
    command->add_option("--duration", options.duration, "end after this time: 10s, 5m");
    command->add_flag("--json", options.json, "print the summary as JSON, on standard output");
}

void add_features(CLI::App& app, FeaturesOptions& options) {
    CLI::App* command = app.add_subcommand("features", "what this kernel lets xdpc do, found by trying");
    command->add_flag("--fields", options.fields,
                      "print the reference of all header fields instead (Markdown)");
    command->add_flag("--json", options.json, json_help);
}

void add_completion(CLI::App& app, std::string& shell) {
    CLI::App* completion = app.add_subcommand("completion", "print a completion script");
    completion->add_option("SHELL", shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
}

struct Command {
    std::string_view name;
    void (*add)(CLI::App& app, Arguments& arguments);
};
constexpr Command commands[] = {
    {"check", [](CLI::App& app, Arguments& to) { add_check(app, to.check); }},
    {"test", [](CLI::App& app, Arguments& to) { add_test(app, to.test); }},
    {"trace", [](CLI::App& app, Arguments& to) { add_trace(app, to); }},
    {"apply", [](CLI::App& app, Arguments& to) { add_apply(app, to.apply); }},
    {"show", [](CLI::App& app, Arguments& to) { add_show(app, to.show); }},
    {"stats", [](CLI::App& app, Arguments& to) { add_stats(app, to.stats, to.watch); }},
    {"set", [](CLI::App& app, Arguments& to) { add_set(app, to.set); }},
    {"detach", [](CLI::App& app, Arguments& to) { add_detach(app, to.detach); }},
    {"fmt", [](CLI::App& app, Arguments& to) { add_fmt(app, to.fmt); }},
    {"build", [](CLI::App& app, Arguments& to) { add_build(app, to.build); }},
    {"emit", [](CLI::App& app, Arguments& to) { add_emit(app, to.emit); }},
    {"monitor", [](CLI::App& app, Arguments& to) { add_monitor(app, to.monitor); }},
    {"capture", [](CLI::App& app, Arguments& to) { add_capture(app, to.capture); }},
    {"features", [](CLI::App& app, Arguments& to) { add_features(app, to.features); }},
    {"completion", [](CLI::App& app, Arguments& to) { add_completion(app, to.shell); }},
    {"version",
     [](CLI::App& app, Arguments& to) {
         app.add_subcommand("version", "print the version")->add_flag("--json", to.version.json, json_help);
     }},
};

} // namespace

bool add_command(CLI::App& app, Arguments& arguments, std::string_view name) {
    const auto* found = std::find_if(std::begin(commands), std::end(commands),
                                     [&](const Command& command) { return command.name == name; });
    if (found == std::end(commands)) {
        return false;
    }
    found->add(app, arguments);
    return true;
}

void add_commands(CLI::App& app, Arguments& arguments) {
    for (const Command& command : commands) {
        command.add(app, arguments);
    }
}

} // namespace xdpc::driver
