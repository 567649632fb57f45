// Maps of what programs tell, as generations hand them on (STATE.md, "Events").
#pragma once

#include "runtime/generations.h"

namespace xdpc::rt {

/// Maps that a generation takes over from the other as they are, so that listeners need not notice.
class SharedMaps {
public:
    /// Those that are pinned for a generation; none for none.
    explicit SharedMaps(const std::optional<Generation>& live);
    /// For LoadOptions::shared; valid as long as this is.
    [[nodiscard]] std::vector<std::pair<std::string, int>> by_name() const;

private:
    std::vector<std::pair<std::string, Fd>> maps_;
};

/// Pins them, and the times of `log … every T`, for the generation whose program that is.
Result<void> pin_event_maps(const Loaded& loaded, const Generation& generation);
/// The statements that are in both policies keep the time of their last event. Where that fails they tell one
/// event too early.
void carry_log_times(const Generation& from, const Artifact& old_policy, const Loaded& to);

} // namespace xdpc::rt
