// What `monitor` and `capture` share: they listen until interrupted, and say what changes meanwhile.
#pragma once

#include "compiler/driver/json.h"
#include "runtime/events.h"

namespace xdpc::driver {

/// How it was to be used wrongly (exit 2), or what the system said (exit 3).
struct ListenFailure {
    Error error;
    int code = 3;
};
/// Reports it; the exit code.
int failed(const ListenFailure& failure, bool json);
/// Opens a listener; a rule that is asked for has to be one of the policy.
tl::expected<rt::Listener, ListenFailure> listen(const std::string& iface, const rt::ListenOptions& options);

/// From then on interrupts and SIGTERM only end the listening.
void catch_interrupts();
bool interrupted();

/// Polls until interrupted, until `use` returns false, or `seconds` have passed (none: for ever); calls
/// `idle` after each poll, which ends it by false.
Result<void> listen_on(rt::Listener& listener, std::optional<double> seconds,
                       const std::function<bool(const rt::Event&)>& use, const std::function<bool()>& idle);

/// "2026-11-25T14:03:12.123456Z"
std::string time_text(uint64_t wall_ns);
/// "10s", "5m", "1h", "500ms", "10": seconds.
std::optional<double> seconds_of(const std::string& text);

} // namespace xdpc::driver
