#include "compiler/driver/cli_commands.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "runtime/attach.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>

namespace xdpc::driver {

namespace {

/// Commands of the language reference that are not built yet.
constexpr const char* not_built[] = {"confirm", "rollback", "diff", "bench", "import", "lsp"};

int usage_error(const std::string& message, const std::string& hint) {
    put_error(fmt::format("xdpc: error: {}\n      = hint: {}\n", message, hint));
    return ExitUsage;
}

/// XDPC_TEST_STEP=NAME:kill ends this process by SIGKILL before the step of that name: how tests prove that
/// a killed `apply` leaves the old or the new policy.
void install_test_hook() {
    const char* wanted = std::getenv("XDPC_TEST_STEP");
    if (wanted == nullptr) {
        return;
    }
    rt::set_step_hook([text = std::string(wanted)](const char* step) {
        if (text == std::string(step) + ":kill") {
            std::raise(SIGKILL);
        }
    });
}

int run_stats_arguments(Arguments& arguments) {
    if (!arguments.watch.empty()) {
        char* end = nullptr;
        const double seconds = std::strtod(arguments.watch.c_str(), &end);
        if ((end != nullptr && *end != '\0') || !(seconds >= 0.05 && seconds <= 86400)) {
            return usage_error(fmt::format("`--watch {}` is not a number of seconds", arguments.watch),
                               "from 0.05 to 86400");
        }
        arguments.stats.watch = seconds;
    }
    return run_stats(arguments.stats);
}

/// `apply -i eth0 edge.xdp`: the list of interfaces has taken the file, which no interface can be named like.
int run_apply_arguments(ApplyCommandOptions& options) {
    for (auto word = options.ifaces.begin(); options.file.empty() && word != options.ifaces.end(); ++word) {
        if (word->find('/') != std::string::npos || word->ends_with(".xdp") || word->ends_with(".o")) {
            options.file = *word;
            options.ifaces.erase(word);
            break;
        }
    }
    if (options.file.empty() || options.ifaces.empty()) {
        return usage_error("apply takes a policy and interfaces", "xdpc apply edge.xdp -i eth0");
    }
    return run_apply(options);
}

int run_trace_arguments(Arguments& arguments) {
    TraceOptions& trace = arguments.trace;
    const bool needs_file = trace.iface.empty();
    const bool needs_layers = trace.pcap.empty();
    const std::vector<std::string>& words = arguments.trace_positionals;
    if (words.size() != size_t{needs_file} + size_t{needs_layers}) {
        return usage_error("trace takes a policy (or -i IF) and a packet (or --pcap F)",
                           "xdpc trace edge.xdp 'ip saddr 192.0.2.1 / tcp dport 22'");
    }
    if (needs_file) {
        trace.file = words.front();
    }
    if (needs_layers) {
        trace.layers = words.back();
    }
    return run_trace(trace);
}

/// CLI11 keeps an option's choices only in its type's name: "TEXT:{ast,policy}".
std::vector<std::string> choices_of(const std::string& type_name) {
    const size_t open = type_name.find('{');
    const size_t close = type_name.find('}');
    std::vector<std::string> choices;
    if (open == std::string::npos || close == std::string::npos) {
        return choices;
    }
    for (size_t from = open + 1; from < close;) {
        const size_t to = std::min(type_name.find(',', from), close);
        choices.push_back(type_name.substr(from, to - from));
        from = to + 1;
    }
    return choices;
}

std::vector<CommandInfo> describe(const CLI::App& app) {
    std::vector<CommandInfo> commands;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
        CommandInfo info{command->get_name(), command->get_description(), {}};
        for (const CLI::Option* option : command->get_options()) {
            CommandInfo::Option entry;
            for (const std::string& name : option->get_snames()) {
                entry.names.push_back("-" + name);
            }
            for (const std::string& name : option->get_lnames()) {
                entry.names.push_back("--" + name);
            }
            entry.description = option->get_description();
            entry.takes_value = option->get_items_expected_max() > 0;
            entry.choices = choices_of(option->get_type_name());
            if (!entry.names.empty()) {
                info.options.push_back(std::move(entry));
            }
        }
        commands.push_back(std::move(info));
    }
    return commands;
}

int dispatch(const CLI::App& app, const std::string& name, Arguments& arguments) {
    if (name == "check") {
        return run_check(arguments.check);
    }
    if (name == "fmt") {
        return run_fmt(arguments.fmt);
    }
    if (name == "emit") {
        return run_emit(arguments.emit);
    }
    if (name == "build") {
        return run_build(arguments.build);
    }
    if (name == "apply") {
        return run_apply_arguments(arguments.apply);
    }
    if (name == "set") {
        return run_set(arguments.set);
    }
    if (name == "detach") {
        return run_detach(arguments.detach);
    }
    if (name == "show") {
        return run_show(arguments.show);
    }
    if (name == "stats") {
        return run_stats_arguments(arguments);
    }
    if (name == "test") {
        return run_test(arguments.test);
    }
    if (name == "trace") {
        return run_trace_arguments(arguments);
    }
    if (name == "monitor") {
        return run_monitor(arguments.monitor);
    }
    if (name == "capture") {
        return run_capture(arguments.capture);
    }
    if (name == "features") {
        return run_features(arguments.features);
    }
    if (name == "completion") {
        put(completion_script(arguments.shell, describe(app)));
        return ExitFine;
    }
    if (arguments.version.json) {
        put_json({{"version", XDPC_VERSION}});
    } else {
        say("xdpc {}\n", XDPC_VERSION);
    }
    return ExitFine;
}

/// A word near to what was not understood: a command, or an option of `command`.
std::string suggestion(const CLI::App& app, const std::string& command, const std::string& word) {
    std::vector<std::string> candidates;
    for (const CommandInfo& info : describe(app)) {
        if (command.empty()) {
            candidates.push_back(info.name);
        } else if (info.name == command) {
            for (const auto& option : info.options) {
                candidates.insert(candidates.end(), option.names.begin(), option.names.end());
            }
        }
    }
    return nearest(word, candidates);
}

int explain_usage(const CLI::App& app, const std::string& command, const CLI::ParseError& error,
                  const std::vector<std::string>& words) {
    std::string message = error.what();
    std::replace(message.begin(), message.end(), '\n', ' ');
    std::string hint = fmt::format("see `xdpc {}--help`", command.empty() ? "" : command + " ");
    for (const std::string& word : words) {
        if (word.size() > 2 && word.starts_with("--") && message.find(word) != std::string::npos) {
            const std::string near = suggestion(app, command, word);
            if (!near.empty() && near != word) {
                hint = fmt::format("did you mean `{}`?", near);
            }
        }
    }
    return usage_error(message, hint);
}

int run_words(std::vector<std::string> words) {
    CLI::App app{
        "A compiler of packet filter policies to XDP. Exit: 0 fine, 1 the policy or a test is wrong, "
        "2 usage, 3 the system refused (a file, the kernel).",
        "xdpc"};
    app.set_version_flag("--version", std::string("xdpc ") + XDPC_VERSION);
    app.require_subcommand(1);
    if (!words.empty() && words[0] == "help") { // `help check` is `check --help`
        words.erase(words.begin());
        words.resize(std::min<size_t>(words.size(), 1));
        words.emplace_back("--help");
    }
    const std::string command = words.empty() || words[0].starts_with("-") ? "" : words[0];
    if (std::find(std::begin(not_built), std::end(not_built), command) != std::end(not_built)) {
        return usage_error(fmt::format("`xdpc {}` is not yet supported", command),
                           "`xdpc --help` lists the commands there are");
    }
    Arguments arguments;
    const bool known = command != "completion" && add_command(app, arguments, command);
    if (!known) {
        add_commands(app, arguments);
    }
    if (!known && !command.empty() && command != "completion") {
        const std::string near = suggestion(app, "", command);
        return usage_error(fmt::format("there is no command `{}`", command),
                           near.empty() ? "`xdpc --help` lists the commands there are"
                                        : fmt::format("did you mean `{}`?", near));
    }
    const std::vector<std::string> given = words;
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::CallForHelp&) {
        put(app.help());
        return ExitFine;
    } catch (const CLI::CallForAllHelp&) {
        put(app.help("", CLI::AppFormatMode::All));
        return ExitFine;
    } catch (const CLI::CallForVersion& version) {
        say("{}\n", version.what());
        return ExitFine;
    } catch (const CLI::ParseError& error) {
        return explain_usage(app, command, error, given);
    }
    return dispatch(app, command, arguments);
}

/// Text that was printed and could not be written (a full disk) is a failure; a reader who left is not.
int flushed(int code) {
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && errno != EPIPE) {
        return std::max<int>(
            code, report({fmt::format("cannot write standard output: {}", std::strerror(errno)), {}}));
    }
    return code;
}

} // namespace

int run(int argc, char** argv) {
    // A pipe whose reader is gone must not end us half-way through an apply.
    std::signal(SIGPIPE, SIG_IGN);
    try {
        install_test_hook();
        return flushed(run_words(std::vector<std::string>(argv + std::min(argc, 1), argv + argc)));
    } catch (const std::exception& error) {
        return report({fmt::format("internal error: {}", error.what()), "please report it with the policy"});
    }
}

} // namespace xdpc::driver
