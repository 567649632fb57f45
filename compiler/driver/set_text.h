// Elements of live sets as people write them, from their words.
#pragma once

#include "compiler/artifact.h"
#include "compiler/policy/policy.h"

#include <span>

namespace xdpc::driver {

std::vector<SetPart> parts_of(const std::vector<std::pair<std::string, uint16_t>>& parts);
/// "ipv4_addr . inet_service"
std::string type_text(const ArtifactSet& set);
/// Of parts as an artifact has them.
std::string key_text(const std::vector<std::pair<std::string, uint16_t>>& parts,
                     std::span<const uint32_t> low, std::span<const uint32_t> high);
/// "192.0.2.0/24 . ssh"
std::string element_text(const ArtifactSet& set, std::span<const uint32_t> low,
                         std::span<const uint32_t> high);

/// What an element of a map is mapped to: "drop", "22", "gold".
std::string mapped_text(const ArtifactSet& set, uint32_t number);
/// The same the other way round.
Result<uint32_t> read_mapped(const ArtifactSet& set, std::string_view text);

} // namespace xdpc::driver
