// Elements that run and elements of a new file, put together. Private to adopt.cpp.
#pragma once

#include "runtime/adopt.h"

namespace xdpc::rt {

/// Whether elements of one set can be the other's.
Result<void> check_types(const ArtifactSet& old, const ArtifactSet& next);

struct Merged {
    std::vector<sets::Element> there;       // the old ones; `elements` refer to them
    std::vector<sets::NewElement> elements; // of the file first, in its order, then live ones
    bool differs = false;                   // from what is there
    SetChange change;
};
/// `there` has no expired ones. The file's elements keep counters and remaining time of those that are there.
Result<Merged> merge_elements(const ArtifactSet& old, const ArtifactSet& next, const SetElements& file,
                              std::vector<sets::Element> there, uint64_t now, const ElementText& text);

} // namespace xdpc::rt
