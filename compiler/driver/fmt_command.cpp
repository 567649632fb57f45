#include "compiler/ast/print.h"
#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/parse/parse.h"

#include <algorithm>

namespace xdpc::driver {

namespace {

/// What came of one file.
struct Formatted {
    std::string file; // as messages call it
    Sources sources;
    Diagnostics diagnostics;
    std::optional<Error> failure;    // of reading or writing it
    std::optional<std::string> text; // canonical; none for a file with mistakes
    bool changed = false;            // `text` is not what the file says

    [[nodiscard]] int exit_code(const FmtOptions& options) const {
        if (failure) {
            return ExitSystem;
        }
        return !text || (options.check && changed) ? ExitPolicy : ExitFine;
    }
};

/// A file with mistakes is left alone.
void format_one(const std::string& path, const FmtOptions& options, Formatted& result) {
    const Result<FileId> file = result.sources.load(path);
    if (!file) {
        result.failure = file.error();
        return;
    }
    const Source& source = result.sources.get(*file);
    result.file = source.path;
    const ast::File tree = parse(source, result.diagnostics);
    if (result.diagnostics.has_errors()) {
        return;
    }
    result.text = ast::print(tree, result.sources);
    result.changed = *result.text != source.text;
    if (options.write && result.changed) {
        if (const Result<void> written = write_file(path, *result.text); !written) {
            result.failure = written.error();
        }
    }
}

void print_text(const FmtOptions& options, Formatted& result) {
    report(result.diagnostics, result.sources);
    if (result.failure) {
        report(*result.failure);
    } else if (options.check && result.changed) {
        say("{}: not formatted\n", result.file);
    } else if (result.text && !options.check && !options.write) {
        put(*result.text);
    }
}

Json file_json(const FmtOptions& options, Formatted& result) {
    result.diagnostics.sort();
    Json out = {{"file", result.file}, {"ok", result.exit_code(options) == ExitFine}};
    if (result.text) {
        out["formatted"] = !result.changed;
        if (!options.check && !options.write) {
            out["text"] = *result.text;
        }
    }
    out["diagnostics"] = to_json(result.diagnostics, result.sources);
    if (result.failure) {
        out["error"] = to_json(*result.failure);
    }
    return out;
}

} // namespace

int run_fmt(const FmtOptions& options) {
    if (options.write && std::find(options.files.begin(), options.files.end(), "-") != options.files.end()) {
        put_error("xdpc: error: standard input cannot be formatted in place\n");
        return ExitUsage;
    }
    int worst = ExitFine;
    Json files = Json::array();
    for (const std::string& path : options.files) {
        Formatted result;
        result.file = path;
        format_one(path, options, result);
        worst = std::max(worst, result.exit_code(options));
        if (options.json) {
            files.push_back(file_json(options, result));
        } else {
            print_text(options, result);
        }
    }
    if (options.json) {
        put_json({{"ok", worst == ExitFine}, {"files", std::move(files)}});
    }
    return worst;
}

} // namespace xdpc::driver
