#include "compiler/driver/listening.h"

#include "compiler/driver/command.h"
#include "compiler/driver/output.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>

namespace xdpc::driver {

namespace {

volatile std::sig_atomic_t was_interrupted = 0;

void note_interrupt(int) {
    was_interrupted = 1;
}

std::string wanted_rule(const std::string& wanted, const Artifact& policy) {
    std::vector<std::string> names;
    for (const Decider& decider : policy.deciders) {
        names.push_back(decider.display);
    }
    if (std::find(names.begin(), names.end(), wanted) != names.end()) {
        return {};
    }
    const std::string near = nearest(wanted, names);
    return near.empty() ? "`xdpc stats` lists the rules" : fmt::format("did you mean `{}`?", near);
}

} // namespace

int failed(const ListenFailure& failure, bool json) {
    return failed(failure.error, json, failure.code);
}

tl::expected<rt::Listener, ListenFailure> listen(const std::string& iface, const rt::ListenOptions& options) {
    auto listener = rt::Listener::open(iface, options);
    if (!listener) {
        return tl::unexpected(ListenFailure{listener.error(), ExitSystem});
    }
    if (!options.rule.empty()) {
        const std::string hint = wanted_rule(options.rule, listener->policy());
        if (!hint.empty()) {
            return tl::unexpected(ListenFailure{
                {fmt::format("the policy on `{}` has no rule `{}`", iface, options.rule), hint}, ExitUsage});
        }
    }
    return std::move(*listener);
}

void catch_interrupts() {
    struct sigaction action{};
    action.sa_handler = note_interrupt; // without SA_RESTART: waits end at once
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool interrupted() {
    return was_interrupted != 0;
}

Result<void> listen_on(rt::Listener& listener, std::optional<double> seconds,
                       const std::function<bool(const rt::Event&)>& use, const std::function<bool()>& idle) {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds.value_or(0));
    bool wanted = true;
    while (wanted && !interrupted()) {
        double wait = 0.2;
        if (seconds) {
            const double left = std::chrono::duration<double>(end - Clock::now()).count();
            if (left <= 0) {
                return {};
            }
            wait = std::min(wait, left);
        }
        auto polled = listener.poll(static_cast<int>(wait * 1000) + 1, [&](const rt::Event& event) {
            wanted = wanted && use(event);
            return wanted;
        });
        for (const std::string& note : listener.take_notes()) {
            put_error(fmt::format("xdpc: {}\n", note));
        }
        wanted = idle() && wanted;
        if (!polled) {
            return polled;
        }
    }
    return {};
}

std::string time_text(uint64_t wall_ns) {
    const auto seconds = static_cast<time_t>(wall_ns / 1'000'000'000);
    tm utc{};
    gmtime_r(&seconds, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                       utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, wall_ns / 1000 % 1'000'000);
}

std::optional<double> seconds_of(const std::string& text) {
    struct Unit {
        const char* name;
        double seconds;
    };
    static constexpr Unit units[] = {{"", 1}, {"s", 1}, {"ms", 0.001}, {"m", 60}, {"h", 3600}, {"d", 86400}};
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    for (const Unit& unit : units) {
        const double seconds = number * unit.seconds;
        if (end != text.c_str() && std::string(end) == unit.name && seconds > 0 && seconds < 1e9) {
            return seconds;
        }
    }
    return {};
}

} // namespace xdpc::driver
