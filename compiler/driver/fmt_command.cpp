#include "compiler/ast/print.h"
#include "compiler/driver/command.h"
#include "compiler/driver/output.h"
#include "compiler/parse/parse.h"

#include <algorithm>

namespace xdpc::driver {

namespace {

/// One file; a file with mistakes is left alone.
int format_one(const std::string& path, const FmtOptions& options) {
    Sources sources;
    const Result<FileId> file = sources.load(path);
    if (!file) {
        return report(file.error());
    }
    const Source& source = sources.get(*file);
    Diagnostics diagnostics;
    const ast::File tree = parse(source, diagnostics);
    if (report(diagnostics, sources)) {
        return ExitPolicy;
    }
    const std::string text = ast::print(tree, sources);
    if (options.check) {
        if (text != source.text) {
            say("{}: not formatted\n", source.path);
            return ExitPolicy;
        }
        return ExitFine;
    }
    if (!options.write) {
        put(text);
        return ExitFine;
    }
    if (text == source.text) {
        return ExitFine;
    }
    const Result<void> written = write_file(path, text);
    return written ? ExitFine : report(written.error());
}

} // namespace

int run_fmt(const FmtOptions& options) {
    if (options.write && std::find(options.files.begin(), options.files.end(), "-") != options.files.end()) {
        put_error("xdpc: error: standard input cannot be formatted in place\n");
        return ExitUsage;
    }
    int worst = ExitFine;
    for (const std::string& path : options.files) {
        worst = std::max(worst, format_one(path, options));
    }
    return worst;
}

} // namespace xdpc::driver
