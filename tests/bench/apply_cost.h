// Time from text to attached: `xdpc apply` beside clang and a loader for the hand-written C, as whole
// processes that take turns, on a veth pair in a network namespace of its own.
#pragma once

#include "compiler/base/result.h"
#include "tests/bench/cases.h"

namespace xdpc::bench {

/// Where things are. All are paths.
struct Tools {
    std::string xdpc, loader, clang;
    std::string sources; // tests/bench
    std::string include; // of the architecture: asm/types.h
    std::string scratch; // a directory for objects
};
/// Moves this process into a new network namespace; run it in a child.
Result<std::vector<ApplyRow>> measure_apply(const std::vector<Case>& cases, const Tools& tools,
                                            unsigned rounds);

} // namespace xdpc::bench
