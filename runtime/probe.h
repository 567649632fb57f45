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

} // namespace xdpc::rt
