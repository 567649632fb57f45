// Text to ast::File, with PEGTL (grammar/). Always yields a file; what could not be read becomes error nodes
// and diagnostics, and parsing goes on at the next `;`, newline or `}`.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diagnostics.h"

namespace xdpc {

ast::File parse(const Source& source, Diagnostics& diagnostics);

/// Parses the file and, through `include`, those it names (beside it; a cycle or a missing file is a
/// diagnostic at the include). Fails only if `path` itself cannot be read.
Result<ast::File> parse_file(const std::string& path, Sources& sources, Diagnostics& diagnostics);
/// The same for a text that is already in `sources`.
ast::File parse_with_includes(FileId file, Sources& sources, Diagnostics& diagnostics);

/// The layers of a `send` alone ("ip saddr 1.2.3.4 / tcp dport 22"), for `xdpc trace`.
ast::SendStep parse_layers(const Source& source, Diagnostics& diagnostics);

} // namespace xdpc
