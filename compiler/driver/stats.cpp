#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/driver/stats_text.h"

#include <chrono>
#include <thread>
#include <unistd.h>

namespace xdpc::driver {

namespace {

struct Snapshot {
    std::vector<rt::Stats> interfaces;
    std::chrono::steady_clock::time_point when;
};

Result<Snapshot> take(const std::vector<std::string>& ifaces) {
    Snapshot out;
    for (const std::string& iface : ifaces) {
        Result<rt::Stats> stats = rt::stats(iface);
        if (!stats) {
            return tl::unexpected(stats.error());
        }
        out.interfaces.push_back(std::move(*stats));
    }
    out.when = std::chrono::steady_clock::now();
    return out;
}

/// One line of the table: a decider's end counter, or its `counter`.
struct Row {
    std::string name;
    std::string text;
    rt::SlotCount count;
};

std::vector<Row> rows_of(const rt::Stats& stats) {
    std::vector<Row> rows;
    for (const rt::DeciderCount& entry : stats.deciders) {
        const Decider& decider = entry.decider;
        if (entry.mid) {
            rows.push_back({decider.display + " (counter)", decider.text, *entry.mid});
        }
        if (entry.end) {
            rows.push_back({decider.display, decider.text, *entry.end});
        }
    }
    rows.push_back({"total", "", stats.total});
    return rows;
}

std::string rate(uint64_t now, uint64_t before, double seconds) {
    // A swap without carried counters would make the difference negative.
    return now < before || seconds <= 0 ? "-"
                                        : fmt::format("{:.0f}", static_cast<double>(now - before) / seconds);
}

void print_table(const Snapshot& now, const Snapshot* before) {
    const double seconds =
        before == nullptr ? 0 : std::chrono::duration<double>(now.when - before->when).count();
    for (size_t i = 0; i < now.interfaces.size(); ++i) {
        const rt::Stats& stats = now.interfaces[i];
        const std::vector<Row> rows = rows_of(stats);
        std::vector<Row> old = before == nullptr ? std::vector<Row>{} : rows_of(before->interfaces[i]);
        say("{}{}: {} ({} mode, generation {})\n", i == 0 ? "" : "\n", stats.status.iface,
            stats.status.policy, rt::name_of(stats.status.mode), stats.status.generation);
        std::vector<Column> columns = {{"RULE"}, {"PACKETS", true}, {"BYTES", true}};
        if (before != nullptr) {
            columns.push_back({"PACKETS/S", true});
            columns.push_back({"BYTES/S", true});
        }
        columns.push_back({"TEXT"});
        std::vector<std::vector<std::string>> cells;
        for (const Row& row : rows) {
            std::vector<std::string> line = {row.name, fmt::format("{}", row.count.packets),
                                             fmt::format("{}", row.count.bytes)};
            if (before != nullptr) {
                rt::SlotCount was = row.count;
                for (const Row& candidate : old) {
                    if (candidate.name == row.name) {
                        was = candidate.count;
                    }
                }
                line.push_back(rate(row.count.packets, was.packets, seconds));
                line.push_back(rate(row.count.bytes, was.bytes, seconds));
            }
            line.push_back(row.text);
            cells.push_back(std::move(line));
        }
        put(table(columns, cells));
        put(state_text(stats.state));
    }
}

Json snapshot_json(const Snapshot& snapshot) {
    auto count = [](const rt::SlotCount& c) { return Json{{"packets", c.packets}, {"bytes", c.bytes}}; };
    Json out = {{"ok", true}, {"interfaces", Json::array()}};
    for (const rt::Stats& stats : snapshot.interfaces) {
        Json entry = to_json(stats.status);
        entry["rules"] = Json::array();
        for (const rt::DeciderCount& decider : stats.deciders) {
            Json rule = to_json(decider.decider);
            if (decider.end) {
                rule.update(count(*decider.end));
            }
            if (decider.mid) {
                rule["counter"] = count(*decider.mid);
            }
            entry["rules"].push_back(std::move(rule));
        }
        entry["total"] = count(stats.total);
        entry.update(to_json(stats.state));
        out["interfaces"].push_back(std::move(entry));
    }
    return out;
}

void print(const StatsOptions& options, const Snapshot& now, const Snapshot* before) {
    if (options.json) {
        put_json(snapshot_json(now));
    } else if (options.prometheus) {
        put(prometheus(now.interfaces));
    } else {
        print_table(now, before);
    }
}

} // namespace

int run_stats(const StatsOptions& options) {
    Result<Snapshot> now = take(options.ifaces);
    if (!now) {
        return failed(now.error(), options.json, ExitSystem);
    }
    print(options, *now, nullptr);
    if (!options.watch) {
        return ExitFine;
    }
    const bool redraw = isatty(STDOUT_FILENO) == 1 && !options.json && !options.prometheus;
    while (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) { // until interrupted or nobody reads
        std::this_thread::sleep_for(std::chrono::duration<double>(*options.watch));
        Result<Snapshot> next = take(options.ifaces);
        if (!next) {
            return failed(next.error(), options.json, ExitSystem);
        }
        put(redraw ? "\x1b[H\x1b[2J" : options.json || options.prometheus ? "" : "\n");
        print(options, *next, &*now);
        now = std::move(next);
    }
    return ExitFine;
}

} // namespace xdpc::driver
