// A generation has two forms of its programs: without hooks, and while somebody captures with them
// (STATE.md, "Events"). Here one takes the other's place, between two packets. The interface's lock is held.
#pragma once

#include "runtime/code.h"
#include "runtime/generations.h"

namespace xdpc::rt {

/// Whether somebody captures what that generation's programs decide, and is not dead.
bool has_captures(const Generation& generation);
/// The program of the generation that the link runs, or would run.
Fd entry_program(const Generation& generation, bool hooked);
std::string entry_program_pin(const Generation& generation, bool hooked);
/// The programs with hooks, pinned, those that the first goes on to in their places already; the first is to
/// be attached. Invalid where the generation has no hooks.
Result<Fd> make_hooked(const Generation& generation);
/// The live generation tells what it decides from now on.
Result<void> hook(Running& running);
/// It has no hooks any more, unless somebody still captures. Where that fails, they stay for the next
/// command: they only cost.
void unhook_unwatched(Running& running);

} // namespace xdpc::rt
