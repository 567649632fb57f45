#include "compiler/base/bytes.h"
#include "compiler/driver/command.h"
#include "compiler/driver/listening.h"
#include "compiler/driver/output.h"
#include "compiler/packet/build.h"

#include <cstdio>
#include <sstream>

namespace xdpc::driver {

namespace {

const char* kind_of(const rt::Event& event) {
    return event.kind == rt::Event::Kind::Sample ? "sample" : "log";
}

std::string line_of(const rt::Event& event) {
    std::string text = fmt::format("{} {} ", time_text(event.wall_ns), kind_of(event));
    text += event.decider != nullptr ? event.decider->display : "?";
    if (event.decider != nullptr && !event.decider->verdict.empty()) {
        text += " " + event.decider->verdict;
    }
    text += event.prefix.empty() ? "" : fmt::format(" \"{}\"", event.prefix);
    return fmt::format("{}: {}\n", text, packet::describe_line(event.frame, event.length));
}

Json json_of(const rt::Event& event, const std::string& iface) {
    Json out = {{"time", time_text(event.wall_ns)}, {"time_ns", event.wall_ns},
                {"event", kind_of(event)},          {"interface", iface},
                {"queue", event.rxqueue},           {"generation", event.generation}};
    if (event.decider != nullptr) {
        out["rule"] = event.decider->display;
        out["chain"] = event.decider->chain;
        out["verdict"] = event.decider->verdict;
    }
    out["prefix"] = event.prefix;
    out["length"] = event.length;
    out["packet"] = packet::describe_line(event.frame, event.length);
    out["frame"] = hex_text(event.frame);
    return out;
}

/// One line, at once.
void put_line(const std::string& line) {
    put(line);
    std::fflush(stdout);
}

/// Whether a rule of the policy tells anything.
bool tells(const Artifact& policy) {
    for (const Decider& decider : policy.deciders) {
        std::istringstream words(decider.text);
        for (std::string word; words >> word;) {
            if (word == "log" || word == "sample") {
                return true;
            }
        }
    }
    return false;
}

} // namespace

int run_monitor(const MonitorOptions& options) {
    catch_interrupts();
    rt::ListenOptions wanted;
    wanted.statements = true;
    wanted.rule = options.rule;
    wanted.ring_bytes = 1U << 20U;
    auto listener = listen(options.iface, wanted);
    if (!listener) {
        return failed(listener.error(), options.json);
    }
    if (!tells(listener->policy())) {
        put_error(fmt::format("xdpc: no rule on `{}` has `log` or `sample`: there is nothing to print; `xdpc "
                              "capture` shows packets without them\n",
                              options.iface));
    }
    uint64_t seen = 0;
    const auto use = [&](const rt::Event& event) {
        seen++;
        put_line(options.json
                     ? json_of(event, options.iface).dump(-1, ' ', false, Json::error_handler_t::replace) +
                           "\n"
                     : line_of(event));
        return (options.count == 0 || seen < options.count) && std::ferror(stdout) == 0;
    };
    uint64_t told_lost = 0;
    const auto idle = [&] {
        if (const uint64_t lost = listener->lost(); lost != told_lost) {
            put_error(fmt::format("xdpc: {} events lost: more came than were read\n", lost - told_lost));
            told_lost = lost;
        }
        return std::ferror(stdout) == 0;
    };
    auto ended = listen_on(*listener, std::nullopt, use, idle);
    return ended ? ExitFine : failed({ended.error(), ExitSystem}, options.json);
}

} // namespace xdpc::driver
