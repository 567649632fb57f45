#include "compiler/driver/command.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::driver {

namespace {

std::string join(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

/// For a single-quoted shell word.
std::string quoted(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return out;
}

std::string bash(const std::vector<CommandInfo>& commands) {
    std::string cases;
    std::string values;
    std::vector<std::string> names;
    for (const CommandInfo& command : commands) {
        names.push_back(command.name);
        std::vector<std::string> options;
        for (const auto& option : command.options) {
            options.insert(options.end(), option.names.begin(), option.names.end());
            if (!option.choices.empty()) {
                values +=
                    fmt::format("        {}:{}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n",
                                command.name, option.names.back(), join(option.choices));
            }
        }
        cases += fmt::format("        {}) words='{}' ;;\n", command.name, join(options));
    }
    return fmt::format(R"sh(# bash completion of xdpc: source it, or put it into /etc/bash_completion.d
_xdpc() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '{}' -- "$cur"))
        return
    fi
    case $prev in
        -i|--interface)
            if [[ $command != fmt ]]; then
                COMPREPLY=($(compgen -W "$(ls /sys/class/net)" -- "$cur")); return
            fi ;;
    esac
    case $command:$prev in
{}    esac
    case $command in
        completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return ;;
{}    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    else
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}}
complete -F _xdpc xdpc
)sh",
                       join(names), values, cases);
}

std::string zsh(const std::vector<CommandInfo>& commands) {
    std::string list;
    std::string cases;
    for (const CommandInfo& command : commands) {
        list += fmt::format("        '{}:{}'\n", command.name, quoted(command.description));
        std::string specs;
        for (const auto& option : command.options) {
            for (const std::string& name : option.names) {
                std::string text = quoted(option.description);
                for (const char bracket : {'[', ']'}) {
                    std::replace(text.begin(), text.end(), bracket, '.');
                }
                const bool iface = name == "--interface" || (name == "-i" && option.takes_value);
                const std::string value = !option.takes_value      ? ""
                                          : iface                  ? ":interface:_net_interfaces"
                                          : option.choices.empty() ? ":value:_files"
                                                                   : ":value:(" + join(option.choices) + ")";
                specs += fmt::format(" \\\n                '*{}[{}]{}'", name, text, value);
            }
        }
        const char* positional =
            command.name == "completion" ? "'*:shell:(bash zsh fish)'" : "'*:file:_files'";
        cases +=
            fmt::format("        {})\n            _arguments {}{} ;;\n", command.name, positional, specs);
    }
    return fmt::format(R"sh(#compdef xdpc
# zsh completion of xdpc: put it into a directory of $fpath as _xdpc
_xdpc() {{
    local -a commands=(
{}    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words; ((CURRENT--))
    case $command in
{}    esac
}}
_xdpc "$@"
)sh",
                       list, cases);
}

std::string fish(const std::vector<CommandInfo>& commands) {
    std::string out = "# fish completion of xdpc: put it into ~/.config/fish/completions/xdpc.fish\n";
    for (const CommandInfo& command : commands) {
        out += fmt::format("complete -c xdpc -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name,
                           quoted(command.description));
        for (const auto& option : command.options) {
            out += fmt::format("complete -c xdpc -n '__fish_seen_subcommand_from {}'", command.name);
            for (const std::string& name : option.names) {
                out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            }
            if (option.takes_value) {
                const bool iface =
                    std::find(option.names.begin(), option.names.end(), "--interface") != option.names.end();
                out += iface                    ? " -x -a '(__fish_print_interfaces)'"
                       : option.choices.empty() ? " -r"
                                                : " -x -a '" + join(option.choices) + "'";
            }
            out += fmt::format(" -d '{}'\n", quoted(option.description));
        }
    }
    return out + "complete -c xdpc -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n";
}

} // namespace

std::string completion_script(const std::string& shell, const std::vector<CommandInfo>& commands) {
    return shell == "bash" ? bash(commands) : shell == "zsh" ? zsh(commands) : fish(commands);
}

} // namespace xdpc::driver
