// The policies that are measured, and what the measurements give: plain data for the table and the JSON.
#pragma once

#include <string>
#include <vector>

namespace xdpc::bench {

struct Case {
    std::string shape; // "mixed", "flat": policies/SHAPE_RULES.xdp and hand/SHAPE_RULES.bpf.c
    unsigned rules = 0;
    [[nodiscard]] std::string name() const { return shape + "_" + std::to_string(rules); }
};

struct PacketRow {
    Case what;
    std::string trace; // "hits", "misses"
    double floor_ns = 0, hand_ns = 0, xdpc_ns = 0;
    double ratio = 0;         // xdpc / hand, both beyond the floor
    double no_capture_ns = 0; // xdpc with `options capture off`
    double hook_ns = 0;       // what the hook for listeners costs: xdpc beyond the same without it
    double noise_ns = 0;      // xdpc beyond other copies of the same program
};

struct Phase {
    std::string name;
    double ms = 0;
};
struct ApplyRow {
    Case what;
    double xdpc_ms = 0; // the whole process, from text to attached
    double clang_ms = 0, load_ms = 0;
    double ratio = 0; // xdpc / (clang + load)
    std::vector<Phase> phases;
};

struct Report {
    std::vector<PacketRow> packets;
    std::vector<ApplyRow> applies;
};

std::string to_table(const Report& report);
std::string to_json(const Report& report, unsigned rounds, unsigned runs);

} // namespace xdpc::bench
