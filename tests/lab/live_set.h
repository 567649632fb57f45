// What tests of live sets share.
#pragma once

#include "tests/lab/lab.h"

#include <nlohmann/json.hpp>

namespace xdpc::lab {

/// `xdpc set WORDS` on the inner interface.
Ran set(const Lab& lab, std::vector<std::string> words, const std::vector<std::string>& environment = {});
/// Elements by name, as `list --json` gives them.
std::map<std::string, nlohmann::json> elements(const Lab& lab, const std::string& name = "ports");
/// Their names, in their order there.
std::string names(const Lab& lab, const std::string& name = "ports");
/// `xdpc set ACTION NAME --file` with a file of this text.
Ran take(const Lab& lab, const std::string& action, const std::string& name, const std::string& text,
         const std::vector<std::string>& environment = {});
/// Whether a datagram to the port gets through.
bool passes(const Lab& lab, uint16_t port);

} // namespace xdpc::lab
