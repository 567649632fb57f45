// A file of elements for a live set that runs, one a line, as a policy's `file`: read by the checker's own
// words.
#pragma once

#include "compiler/base/diagnostics.h"
#include "compiler/policy/policy.h"

namespace xdpc {

/// Of one set: its elements in the file's order, each once, and where they stand.
struct LiveFile {
    SetElements elements;
    std::vector<Span> spans;
};

/// For each of `sets`, which are those of one name: two of `inet_addr`, IPv4 first. They need name, family,
/// kind, parts and flags, and what they map to; `names`, of a map to verdicts or objects, are what its
/// elements may map to ("drop", "jump ssh", "gold"), and SetElements::values are indices of these. Nothing
/// after errors.
std::optional<std::vector<LiveFile>> read_live_file(FileId file, std::vector<LiveSet> sets,
                                                    const std::vector<std::string>& names, Sources& sources,
                                                    Diagnostics& diagnostics);

} // namespace xdpc
