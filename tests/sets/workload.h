// What xdpc-bench-sets measures: elements, keys, and which programs of lookups.bpf.c look for them.
#pragma once

#include "tests/sets/kernel_set.h"

#include <string>
#include <vector>

namespace xdpc::sets {

using Words = std::vector<uint32_t>;

/// Ends of elements one after the other, and keys to look for.
struct Workload {
    std::string name = {};
    Shape shape = {};
    uint32_t words = 1;
    Words low = {}, high = {};
    std::vector<unsigned> lengths = {}; // of prefixes
    Words keys = {};
    std::string program = {}, floor = {}, peer = {}, peer_map = {}; // of lookups.bpf.c
};

Workload addresses4(uint32_t size);
/// Real-world mixes of prefix lengths; in IPv6 under the registries' prefixes.
Workload prefixes4(uint32_t size);
Workload prefixes6(uint32_t size);

} // namespace xdpc::sets
