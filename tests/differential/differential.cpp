#include "tests/differential/differential.h"

#include "compiler/compile.h"
#include "compiler/driver/test_engine.h"
#include "compiler/packet/build.h"
#include "compiler/policy/check.h"
#include "runtime/state_maps.h"
#include "tests/differential/replace_sets.h"
#include "tests/harness/ear.h"
#include "tests/harness/random_policy.h"
#include "tests/harness/random_routes.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fmt/format.h>
#include <thread>

namespace xdpc::test {
namespace {

struct Pair {
    Policy policy;
    std::vector<std::vector<uint8_t>> frames;
    packet::Network network; // what routes are asked, with those
};

Pair make_pair(uint64_t seed, const DifferentialOptions& options) {
    Rng rng(seed);
    Pair pair;
    pair.frames = random_frames(rng, options.frames, driver::shortest_kernel_frame);
    if (options.routes) {
        for (size_t i = 0; i < options.frames; ++i) {
            pair.frames[i] = chance(rng, 80) ? random_routable_frame(rng) : pair.frames[i];
        }
        pair.network = random_network(rng, pair.frames);
    }
    RandomPolicyOptions what;
    what.routes = options.routes ? 75 : 0;
    what.meters = options.meters;
    what.max_live = options.meters ? 3 : 0;
    pair.policy = random_policy(rng, pair.frames, what);
    if (options.meters) { // so that a bucket is met again
        for (size_t i = 0; i < options.frames; ++i) {
            pair.frames.push_back(pick(rng, pair.frames));
        }
    }
    return pair;
}

std::string describe(const Policy& policy, uint64_t seed) {
    return fmt::format("\nseed {}\n{}", seed, print(policy));
}

std::string describe(const std::vector<uint8_t>& frame) {
    return fmt::format("packet {:02x}\n  {}", fmt::join(frame, ""),
                       fmt::join(packet::describe(frame), "\n  "));
}

std::string name(const Policy& policy, const Outcome& outcome) {
    size_t deciders = policy.rules.size() + policy.chains.size();
    const std::string to = outcome.to.empty() ? "" : " to " + outcome.to;
    return fmt::format("{}{} by {}{}", name_of(outcome.action), to,
                       outcome.decider.value < deciders ? display_of(policy, outcome.decider)
                                                        : fmt::format("decider {}", outcome.decider.value),
                       outcome.frame ? fmt::format(", sends {:02x}", fmt::join(*outcome.frame, "")) : "");
}

std::string compare_counts(const Policy& policy, const State& expected, const driver::Counts& actual) {
    std::string out;
    auto differ = [&](const char* what, size_t i, const Count& want, const Count& have) {
        if (!(want == have))
            out +=
                fmt::format("{} counter of {}: evaluator {} packets {} bytes, kernel {} packets {} bytes\n",
                            what, display_of(policy, DeciderId{static_cast<uint32_t>(i)}), want.packets,
                            want.bytes, have.packets, have.bytes);
    };
    for (size_t i = 0; i < expected.end_counts.size(); ++i)
        differ("end", i, expected.end_counts[i], actual.end[i]);
    for (size_t i = 0; i < expected.mid_counts.size(); ++i)
        differ("mid", i, expected.mid_counts[i], actual.mid[i]);
    for (size_t i = 0; i < expected.named_counts.size(); ++i)
        if (!(expected.named_counts[i] == actual.named[i]))
            out += fmt::format("counter {}: evaluator {} packets, kernel {}\n", policy.counters[i].name,
                               expected.named_counts[i].packets, actual.named[i].packets);
    return out;
}

/// A map of the program as an array of so many T; zeros where passes have dropped all that ask it.
template<class T> Result<std::vector<T>> read_all(const rt::Loaded& loaded, const char* name, size_t count) {
    std::vector<T> out(count);
    const int fd = loaded.map_fd(name);
    if (fd < 0)
        return out;
    auto mapping = rt::map_all(fd);
    if (!mapping)
        return tl::unexpected(mapping.error());
    std::memcpy(out.data(), mapping->address(), std::min(count * sizeof(T), mapping->size()));
    return out;
}

/// What limits and quotas have come to; the program numbers them as the policy does.
Result<std::string> compare_meters(const Policy& policy, const State& expected, const rt::Loaded& loaded) {
    std::string out;
    auto limits = read_all<xdpc_limit>(loaded, "limits", policy.limits.size());
    auto quotas = read_all<xdpc_quota>(loaded, "quotas", policy.quotas.size());
    if (!limits || !quotas)
        return tl::unexpected(limits ? quotas.error() : limits.error());
    for (const Limit& limit : policy.limits) {
        const LimitState& want = expected.meters.limits[limit.id.value];
        const xdpc_limit& have = (*limits)[limit.id.value];
        if (want.within != have.within || want.beyond != have.beyond || want.overflows != have.overflows)
            out += fmt::format("limit {}: evaluator {} within, {} beyond, {} overflows, kernel {}, {}, {}\n",
                               limit.display, want.within, want.beyond, want.overflows, have.within,
                               have.beyond, have.overflows);
    }
    for (const Quota& quota : policy.quotas) {
        const uint64_t want = expected.meters.used[quota.id.value];
        const xdpc_quota& have = (*quotas)[quota.id.value];
        // Without the map, what the policy begins with is nowhere.
        if (want != have.used && (have.used != 0 || want != quota.used))
            out += fmt::format("quota {}: evaluator {} bytes, kernel {}\n", quota.display, want, have.used);
    }
    return out;
}

std::string text_of(const Event& event) {
    return fmt::format("{} {} of rule {} at {}, {} bytes of {}: {:02x}",
                       event.kind == Event::Kind::Log ? "log" : "sample", event.index, event.rule.value,
                       event.time_ns, event.bytes.size(), event.length, fmt::join(event.bytes, ""));
}

/// What the kernel told of a frame, as the evaluator puts it.
Event event_of(const Heard& heard) {
    const xdpc_event& head = heard.head;
    return {head.kind == XDPC_EVENT_LOG ? Event::Kind::Log : Event::Kind::Sample,
            {head.by},
            head.index,
            head.time_ns,
            head.length,
            heard.bytes};
}

std::string text_at(const std::vector<Event>& events, size_t i) {
    return i < events.size() ? text_of(events[i]) : "nothing";
}

/// What was told of the frame just sent; what differs, or nothing.
std::string compare_events(const State& expected, size_t known, const std::vector<Heard>& heard) {
    const std::vector<Event> wanted(expected.meters.events.begin() + static_cast<ptrdiff_t>(known),
                                    expected.meters.events.end());
    std::vector<Event> told(heard.size());
    std::ranges::transform(heard, told.begin(), event_of);
    std::string out;
    for (size_t i = 0; i < std::max(wanted.size(), told.size()); ++i) {
        if (i >= wanted.size() || i >= told.size() || !(told[i] == wanted[i]))
            out +=
                fmt::format("event {}: evaluator {}, kernel {}\n", i, text_at(wanted, i), text_at(told, i));
    }
    return out;
}

void add_counts(State& to, const State& from) {
    const auto add = [](std::vector<Count>& sums, const std::vector<Count>& more) {
        for (size_t i = 0; i < sums.size(); ++i) {
            sums[i].packets += more[i].packets;
            sums[i].bytes += more[i].bytes;
        }
    };
    add(to.end_counts, from.end_counts);
    add(to.mid_counts, from.mid_counts);
    add(to.named_counts, from.named_counts);
}

/// In ns: hours and days go by, or less than a bucket needs to be full again.
uint64_t time_of(uint64_t packet, bool meters) {
    return packet * (meters ? 50'000'000 : 7'919'000'000'000ULL);
}

/// What differs is told without the policy.
Result<void> run_all(const Pair& given, const rt::Loaded& loaded, uint64_t seed, bool meters,
                     DifferentialResult& result) {
    Policy policy = given.policy; // whose sets are replaced
    State state(policy);
    state.network = &given.network;
    std::optional<rt::PrivateNetwork> network;
    if (auto entered = driver::enter_network(loaded, given.network, network); !entered)
        return entered;
    state.seed = seed;
    Rng rng(seed);
    if (auto clear = driver::reset(loaded); !clear)
        return clear;
    std::optional<Ear> ear;
    if (meters && loaded.map_fd("rings") >= 0) {
        ear.emplace(loaded, static_cast<uint32_t>(seed % XDPC_LISTENERS));
        if (!ear->listens())
            return fail("cannot listen to what the program tells");
        ear->watch();
    }
    for (const auto& frame : given.frames) {
        driver::Surroundings around;
        around.seed = seed;
        around.packet = state.packets;
        around.elapsed_ns = state.elapsed_ns = time_of(state.packets, meters);
        if (meters && state.packets % 40 == 39) {
            auto replaced = replace_sets(policy, state, loaded, rng);
            if (!replaced)
                return tl::unexpected(replaced.error());
            result.replaced += *replaced;
        }
        const size_t events = state.meters.events.size();
        Outcome expected = evaluate(policy, state, driver::view_of(frame, around));
        auto actual = driver::run_in_kernel(loaded, frame, around);
        if (!actual)
            return tl::unexpected(actual.error());
        ++result.packets;
        result.routed += expected.to.starts_with(random_interface) ? 1 : 0;
        result.events += state.meters.events.size() - events;
        // A program without rings has lost all that tells something; then nothing may be left to tell.
        const std::string told = compare_events(state, events, ear ? ear->heard() : std::vector<Heard>{});
        if (meters && !told.empty()) {
            result.difference = told + describe(frame);
            return {};
        }
        result.by_rule += expected.decider.value < policy.rules.size() ? 1 : 0;
        if (actual->outcome != expected) {
            result.difference = fmt::format("evaluator: {}, kernel: {}\n{}", name(policy, expected),
                                            name(policy, actual->outcome), describe(frame));
            return {};
        }
    }
    auto counts = driver::counts_in_kernel(loaded, policy);
    if (!counts)
        return tl::unexpected(counts.error());
    auto differing = compare_meters(policy, state, loaded);
    if (!differing)
        return tl::unexpected(differing.error());
    *differing += compare_counts(policy, state, *counts);
    result.difference = std::move(*differing);
    return {};
}

} // namespace

std::string text_of(const rt::LoadError& error) {
    std::string text = "it does not load: " + error.error.message;
    if (error.refusal)
        text += fmt::format("\n{}", fmt::join(error.refusal->log_tail, "\n"));
    return text;
}

Result<DifferentialResult> compare_with_kernel(uint64_t seed, const DifferentialOptions& options) {
    Pair pair = make_pair(seed, options);
    Sources sources;
    sources.add("random.xdp", "a random policy has no text\n");
    Diagnostics diagnostics;
    DifferentialResult result;
    auto compiled =
        compile(pair.policy, sources, diagnostics, {.instrument = true, .cpu = "v3", .break_rule = ""});
    if (!compiled) {
        result.difference = "it does not compile: " + compiled.error().message + describe(pair.policy, seed);
        return result;
    }
    if (!*compiled) {
        result.too_large = true;
        return result;
    }
    auto loaded = rt::load((*compiled)->artifact);
    // Of tuples two elements may not share a product of their prefixes (STATE.md); random ones do now and
    // then.
    if (!loaded && !loaded.error().refusal &&
        loaded.error().error.message.find("overlaps an element") != std::string::npos) {
        result.too_large = true;
        return result;
    }
    if (!loaded) {
        result.difference = text_of(loaded.error()) + describe(pair.policy, seed);
        return result;
    }
    if (auto ran = run_all(pair, *loaded, seed, options.meters, result); !ran)
        return tl::unexpected(ran.error());
    if (!result.difference.empty())
        result.difference += describe(pair.policy, seed);
    return result;
}

Result<DifferentialResult> compare_with_kernel(const Policy& policy,
                                               const std::vector<std::vector<uint8_t>>& frames,
                                               const rt::Loaded& loaded, uint64_t seed) {
    DifferentialResult result;
    if (auto ran = run_all({policy, frames, {}}, loaded, seed, true, result); !ran)
        return tl::unexpected(ran.error());
    return result;
}

Result<DifferentialResult> compare_stateless(const Policy& policy,
                                             const std::vector<std::vector<uint8_t>>& frames,
                                             const rt::Loaded& loaded) {
    if (auto clear = driver::reset(loaded); !clear)
        return tl::unexpected(clear.error());
    std::vector<Outcome> told;
    for (const auto& frame : frames) {
        auto actual = driver::run_in_kernel(loaded, frame, {.iface = "", .packet = told.size()});
        if (!actual)
            return tl::unexpected(actual.error());
        told.push_back(actual->outcome);
    }
    const size_t workers = std::max(1U, std::thread::hardware_concurrency());
    std::vector<State> states(workers, State(policy));
    std::vector<size_t> wrong(workers, frames.size());
    std::atomic<size_t> by_rule = 0;
    std::vector<std::thread> threads;
    for (size_t worker = 0; worker < workers; ++worker)
        threads.emplace_back([&, worker] {
            for (size_t i = worker; i < frames.size(); i += workers) {
                states[worker].packets = i;
                const Outcome wanted =
                    evaluate(policy, states[worker], driver::view_of(frames[i], {.iface = ""}));
                by_rule += wanted.decider.value < policy.rules.size() ? 1 : 0;
                if (wanted != told[i] && wrong[worker] == frames.size())
                    wrong[worker] = i;
            }
        });
    for (std::thread& thread : threads)
        thread.join();
    DifferentialResult result;
    result.packets = frames.size();
    result.by_rule = by_rule;
    if (const size_t first = *std::ranges::min_element(wrong); first != frames.size()) {
        State state(policy);
        const Outcome wanted = evaluate(policy, state, driver::view_of(frames[first], {.iface = ""}));
        result.difference =
            fmt::format("packet {}: evaluator: {}, kernel: {}\n{}", first, name(policy, wanted),
                        name(policy, told[first]), describe(frames[first]));
        return result;
    }
    for (size_t worker = 1; worker < workers; ++worker)
        add_counts(states[0], states[worker]);
    auto counts = driver::counts_in_kernel(loaded, policy);
    if (!counts)
        return tl::unexpected(counts.error());
    result.difference = compare_counts(policy, states[0], *counts);
    return result;
}

} // namespace xdpc::test
