#include "tests/bench/cases.h"
#include "tests/bench/trace_layout.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>
#include <thread>

namespace xdpc::bench {

std::string to_table(const Report& report) {
    std::string out;
    if (!report.packets.empty()) {
        out += fmt::format("ns per packet beyond prelude + `return XDP_DROP`, {} different frames\n"
                           "{:<8} {:>6}  {:<7} {:>10} {:>9} {:>9} {:>7} {:>12} {:>6} {:>6}\n",
                           static_cast<int>(TRACE_FRAMES), "policy", "rules", "frames", "XDP_DROP", "by hand",
                           "xdpc", "ratio", "capture off", "hook", "noise");
        for (const PacketRow& row : report.packets)
            out += fmt::format(
                "{:<8} {:>6}  {:<7} {:>10.1f} {:>9.1f} {:>9.1f} {:>7.2f} {:>12.1f} {:>6.2f} {:>6.2f}\n",
                row.what.shape, row.what.rules, row.trace, row.floor_ns, row.hand_ns, row.xdpc_ns, row.ratio,
                row.no_capture_ns, row.hook_ns, row.noise_ns);
    }
    if (!report.applies.empty()) {
        out += fmt::format(
            "\nfrom text to attached, ms, whole processes\n{:<8} {:>6}  {:>7} {:>7} {:>9} {:>7}  phases\n",
            "policy", "rules", "clang", "load", "xdpc", "ratio");
        for (const ApplyRow& row : report.applies) {
            out += fmt::format("{:<8} {:>6}  {:>7.1f} {:>7.1f} {:>9.1f} {:>7.2f} ", row.what.shape,
                               row.what.rules, row.clang_ms, row.load_ms, row.xdpc_ms, row.ratio);
            for (const Phase& phase : row.phases)
                out += fmt::format(" {} {:.1f}", phase.name, phase.ms);
            out += "\n";
        }
    }
    return out;
}

std::string to_json(const Report& report, unsigned rounds, unsigned runs) {
    utsname system{};
    uname(&system);
    nlohmann::ordered_json json;
    json["kernel"] = system.release;
    json["machine"] = system.machine;
    json["cpus"] = std::thread::hardware_concurrency();
    json["rounds"] = rounds;
    json["runs"] = runs;
    json["frames"] = static_cast<int>(TRACE_FRAMES);
    json["frame_bytes"] = static_cast<int>(TRACE_FRAME_BYTES);
    json["packet_cost"] = nlohmann::ordered_json::array();
    for (const PacketRow& row : report.packets)
        json["packet_cost"].push_back({{"policy", row.what.shape},
                                       {"rules", row.what.rules},
                                       {"trace", row.trace},
                                       {"floor_ns", row.floor_ns},
                                       {"hand_ns", row.hand_ns},
                                       {"xdpc_ns", row.xdpc_ns},
                                       {"ratio", row.ratio},
                                       {"no_capture_ns", row.no_capture_ns},
                                       {"hook_ns", row.hook_ns},
                                       {"noise_ns", row.noise_ns}});
    json["apply"] = nlohmann::ordered_json::array();
    for (const ApplyRow& row : report.applies) {
        nlohmann::ordered_json phases = nlohmann::ordered_json::object();
        for (const Phase& phase : row.phases)
            phases[phase.name] = phase.ms;
        json["apply"].push_back({{"policy", row.what.shape},
                                 {"rules", row.what.rules},
                                 {"xdpc_ms", row.xdpc_ms},
                                 {"clang_ms", row.clang_ms},
                                 {"load_ms", row.load_ms},
                                 {"ratio", row.ratio},
                                 {"phases_ms", phases}});
    }
    return json.dump(2) + "\n";
}

} // namespace xdpc::bench
