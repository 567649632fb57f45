// Elements of live sets as people write them, from their words.
#pragma once

#include "compiler/artifact.h"
#include "compiler/policy/policy.h"

#include <span>

namespace xdpc::driver {

std::vector<SetPart> parts_of(const ArtifactSet& set);
/// "192.0.2.0/24 . ssh"
std::string element_text(const ArtifactSet& set, std::span<const uint32_t> low,
                         std::span<const uint32_t> high);

} // namespace xdpc::driver
