// The command line: one file a command, each a function from parsed options to an exit code.
#pragma once

#include "compiler/base/diagnostics.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace xdpc::driver {

enum Exit : int { ExitFine = 0, ExitPolicy = 1, ExitUsage = 2, ExitSystem = 3 };

/// What a subcommand's callback leaves behind.
struct Context {
    int exit_code = ExitFine;
};

// Each adds its subcommand(s) to `app`; the callback runs the command and sets `context.exit_code`.
void add_check(CLI::App& app, Context& context);
void add_fmt(CLI::App& app, Context& context);
void add_emit(CLI::App& app, Context& context);
void add_build(CLI::App& app, Context& context);
void add_apply(CLI::App& app, Context& context);
void add_detach(CLI::App& app, Context& context);
void add_show(CLI::App& app, Context& context);
void add_stats(CLI::App& app, Context& context);
void add_test(CLI::App& app, Context& context);
void add_trace(CLI::App& app, Context& context);
void add_features(CLI::App& app, Context& context);
void add_completion(CLI::App& app, Context& context);

/// Colour only on a terminal, and not if NO_COLOR is set.
bool use_color(int fd);
/// Prints the diagnostics to standard error (or, for JSON, gives them as an array); true if there were
/// errors.
bool report(Diagnostics& diagnostics, const Sources& sources);
/// "xdpc: error: …" and the hint, to standard error.
void report(const Error& error);
std::string to_json(const Diagnostics& diagnostics, const Sources& sources);

} // namespace xdpc::driver
