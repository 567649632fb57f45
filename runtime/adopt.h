// What a new policy takes over of the state of the one that runs, worked out before anything is touched; and
// what is carried once no packet meets the old program any more. STATE.md, "What carries over"; PROTOCOL.md.
#pragma once

#include "runtime/attach.h"
#include "runtime/generations.h"
#include "runtime/load_state.h"

namespace xdpc::rt {

struct Adoption {
    std::shared_ptr<LoadedState> state;
    std::vector<SetChange> changes;
    /// By SetId: what has to be carried of an array that was built from another one's counters, or the table
    /// of another size; see carry_pin().
    std::vector<Fd> carry;
    /// Elements of dynamic sets that were the old file's and are not the new one's.
    std::vector<std::pair<uint32_t, std::vector<uint32_t>>> leaving;
};
/// `previous` is none where nothing of ours runs. The error names what cannot go on.
Result<Adoption> adopt(const Artifact& next, const Generation* previous, bool reset_sets,
                       const ElementText& text);

/// Gives `to` what `from`'s program counted and added since the copies were made. May be done again after a
/// kill.
Result<void> carry_state(const Generation& from, const Generation& to);
/// The other way round, for taking a swap back.
Result<void> give_back_state(const Generation& from, const Generation& to);

/// For each of `next` the one of `previous` that it continues.
std::vector<std::optional<uint32_t>> match_sets(const std::vector<ArtifactSet>& previous,
                                                const std::vector<ArtifactSet>& next);
std::vector<std::optional<uint32_t>> match_limits(const std::vector<ArtifactLimit>& previous,
                                                  const std::vector<ArtifactLimit>& next);
std::vector<std::optional<uint32_t>> match_quotas(const std::vector<ArtifactQuota>& previous,
                                                  const std::vector<ArtifactQuota>& next);

} // namespace xdpc::rt
