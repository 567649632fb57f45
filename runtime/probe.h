// What this kernel lets xdpc do, found by trying, never by version. For `xdpc features`.
#pragma once

#include <string>
#include <vector>

namespace xdpc::rt {

struct Feature {
    std::string name;
    bool available = false;
    std::string use;    // what xdpc wants it for
    std::string detail; // why not, where it can be told
};
std::vector<Feature> probe_features();

/// Whether programs for BPF cpu v4 load here; false where none may be loaded.
bool runs_cpu_v4();

} // namespace xdpc::rt
