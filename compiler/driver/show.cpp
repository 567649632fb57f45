#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"

#include <ctime>
#include <fmt/ranges.h>

namespace xdpc::driver {

namespace {

std::string local_time(uint64_t seconds) {
    const auto when = static_cast<time_t>(seconds);
    tm parts{};
    char text[32];
    if (seconds == 0 || localtime_r(&when, &parts) == nullptr ||
        std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) == 0) {
        return "";
    }
    return text;
}

/// "sets blocklist, seen; limits flood"
std::string state_text(const rt::Status& status) {
    std::string text;
    const auto add = [&](const char* what, const std::vector<std::string>& names) {
        if (!names.empty()) {
            text += fmt::format("{}{} {}", text.empty() ? "" : "; ", what, fmt::join(names, ", "));
        }
    };
    add("sets", status.sets);
    add("limits", status.limits);
    add("quotas", status.quotas);
    add("counters", status.counters);
    return text;
}

} // namespace

int run_show(const ShowOptions& options) {
    const auto list = rt::show();
    if (options.json) {
        Json out = {{"ok", list.has_value()}, {"interfaces", Json::array()}};
        if (!list) {
            out["error"] = to_json(list.error());
        } else {
            for (const rt::Status& status : *list) {
                out["interfaces"].push_back(to_json(status));
            }
        }
        put_json(out);
        return list ? ExitFine : ExitSystem;
    }
    if (!list) {
        return report(list.error());
    }
    if (list->empty()) {
        put("no interface here has an XDP program\n");
        return ExitFine;
    }
    std::vector<std::vector<std::string>> rows;
    for (const rt::Status& status : *list) {
        const std::string foreign = status.program_name.empty()
                                        ? "(not of xdpc)"
                                        : fmt::format("(not of xdpc: {})", status.program_name);
        rows.push_back({status.iface, rt::name_of(status.mode), fmt::format("{}", status.program_id),
                        status.ours ? status.policy : foreign,
                        status.ours ? fmt::format("{}", status.generation) : "",
                        status.ours ? local_time(status.applied_at) : "", state_text(status)});
    }
    put(table({{"INTERFACE"},
               {"MODE"},
               {"PROGRAM", true},
               {"POLICY"},
               {"GENERATION", true},
               {"APPLIED"},
               {"STATE"}},
              rows));
    return ExitFine;
}

int run_detach(const DetachOptions& options) {
    int worst = ExitFine;
    Json out = {{"ok", true}, {"interfaces", Json::array()}};
    for (const std::string& iface : options.ifaces) {
        const Result<bool> done = rt::detach(iface);
        Json entry = {{"interface", iface}, {"detached", done.value_or(false)}};
        if (!done) {
            entry["error"] = to_json(done.error());
            worst = ExitSystem;
        }
        out["interfaces"].push_back(std::move(entry));
        if (options.json) {
            continue;
        }
        if (!done) {
            report(done.error());
        } else if (*done) {
            say("{}: detached\n", iface);
        } else {
            say("{}: no policy was attached\n", iface);
        }
    }
    if (options.json) {
        out["ok"] = worst == ExitFine;
        put_json(out);
    }
    return worst;
}

} // namespace xdpc::driver
