// ast::File to Policy: resolves names, reads values by type, finds contradictions and cycles. Reports all it
// can find in one run; gives no Policy if there was an error (also one of parsing, already in `diagnostics`).
#pragma once

#include "compiler/ast/ast.h"
#include "compiler/base/diagnostics.h"
#include "compiler/policy/policy.h"

namespace xdpc {

/// `sources` is used for paths beside which `file` and `pcap` are looked up, and grows by the set files read.
std::optional<Policy> check(const ast::File& file, Sources& sources, Diagnostics& diagnostics);

/// The layers of a `send` alone, for `xdpc trace`.
std::optional<packet::Source> check_layers(const ast::SendStep& step, Sources& sources,
                                           Diagnostics& diagnostics);

/// The checked policy, one item a line, for `xdpc emit --as policy`.
std::string print(const Policy& policy);

} // namespace xdpc
