// The arguments of every command, as CLI11 reads them.
#pragma once

#include "compiler/driver/command.h"

#include <CLI/CLI.hpp>

namespace xdpc::driver {

/// Where the arguments of all commands go; only those of the command that was given are filled.
struct Arguments {
    CheckOptions check;
    FmtOptions fmt;
    EmitOptions emit;
    BuildOptions build;
    ApplyCommandOptions apply;
    DetachOptions detach;
    ShowOptions show;
    StatsOptions stats;
    std::string watch; // of stats: "true" or seconds
    TestOptions test;
    TraceOptions trace;
    std::vector<std::string> trace_positionals; // FILE and LAYERS, or LAYERS
    SetOptions set;
    MonitorOptions monitor;
    CaptureOptions capture;
    FeaturesOptions features;
    std::string shell;
    VersionOptions version;
};

void add_commands(CLI::App& app, Arguments& arguments);
/// Only the command of this name, which is all that most runs need; false if there is none.
bool add_command(CLI::App& app, Arguments& arguments, std::string_view name);

} // namespace xdpc::driver
