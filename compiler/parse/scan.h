// A first look at a text: its comments, which brackets belong together, and bytes that no policy has.
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diagnostics.h"

namespace xdpc::parsing {

struct Scan {
    std::vector<ast::Comment> comments;
    std::vector<std::pair<uint32_t, uint32_t>> brackets; // (opening, closing), by opening
    std::vector<uint32_t> unclosed;                      // `{` without `}`

    /// The bracket that closes the one at `opening`, if there is one.
    [[nodiscard]] std::optional<uint32_t> closing(uint32_t opening) const;
};

Scan scan(const Source& source, Diagnostics& diagnostics);

} // namespace xdpc::parsing
