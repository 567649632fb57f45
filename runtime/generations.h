// What runs of ours on an interface, and how one generation takes over from another: identity of rules across
// policies, counters carried, repair after a kill.
#pragma once

#include "runtime/lock.h"
#include "runtime/pins.h"

namespace xdpc::rt {

/// Calls the hook of set_step_hook.
void step(const char* name);

/// For each of `next`'s deciders the one of `previous` that it continues: same label; unnamed, the same chain
/// and text (the n-th to the n-th); policies by chain.
std::vector<std::optional<size_t>> match_deciders(const std::vector<Decider>& previous,
                                                  const std::vector<Decider>& next);
std::vector<RuleChange> compare_deciders(const std::vector<Decider>& previous,
                                         const std::vector<Decider>& next);

/// The map of totals carried from earlier generations: an ARRAY of xdpc_counter.
Result<Fd> make_base(uint32_t slots);
Result<std::vector<SlotCount>> read_base(int base_fd, uint32_t slots);
/// What was carried and what was counted since.
Result<std::vector<SlotCount>> read_totals(const Generation& generation, uint32_t slots);
/// Writes into `to`'s base what `from` counted in all. Reads only what no longer changes and overwrites, so
/// that it may be done again after a kill. Artifacts that are not given are read from the pins, which takes
/// long where rules are many.
Result<void> carry_counters(const Generation& from, const Generation& to, const Artifact* old = nullptr,
                            const Artifact* next = nullptr);
/// Adds what `from` counted on its own to `to`'s base: for taking a swap back.
Result<void> give_back_counters(const Generation& from, const Generation& to);
/// Returns when no CPU runs a program that was replaced before the call.
void wait_for_running_programs();

/// What is pinned for an interface after repair.
struct Running {
    std::string directory; // "" if there is none
    std::optional<PinnedLink> link;
    std::vector<Generation> generations; // as they were found, where the link is attached
    std::optional<Generation> live;      // whose program the link runs
    bool hooked = false;                 // it is the one with hooks
};
/// Looks only.
Result<Running> find_running(const std::string& directory);
/// Finishes or undoes what a killed command left. The lock must be held.
Result<Running> repair(const std::string& directory);
/// Repairs all interfaces that no other process works on.
void repair_all();

} // namespace xdpc::rt
