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

/// Whether `bpf_fib_lookup` looks into a table by its number (Linux 6.5 and later).
bool looks_up_tables();

/// Whether programs for BPF cpu v4 load here; false where none may be loaded.
bool runs_cpu_v4();

} // namespace xdpc::rt
