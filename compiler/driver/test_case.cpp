#include "compiler/driver/test_case.h"

#include "compiler/base/bytes.h"
#include "compiler/base/overloaded.h"
#include "compiler/packet/build.h"

#include <algorithm>
#include <chrono>

namespace xdpc::driver {

namespace {

/// How many failures of one test are kept: a wrong rule under `x1000` says nothing new the second time.
constexpr size_t max_failures = 10;

/// A test as it runs.
struct Running {
    const CaseInput& input;
    State state;          // the reference engine's
    Counts short_frames;  // of what the kernel cannot be asked
    uint64_t packets = 0; // sent so far
    uint64_t elapsed_ns = 0;
    std::vector<PacketGroup> groups;
    std::vector<uint8_t> last_frame;
    std::optional<PacketGroup> last;
    TestResult result;

    uint64_t since_expect = 0;  // packets
    bool frames_matter = false; // to what is expected, and not only how they are decided

    explicit Running(const CaseInput& in)
        : input(in), state(*in.begin),
          short_frames{in.begin->end_counts, in.begin->mid_counts, in.begin->named_counts} {}

    void add(Failure failure) {
        if (result.failures.size() < max_failures) {
            result.failures.push_back(std::move(failure));
        }
    }
    void engine_failed(Span span, const Error& error) {
        Failure failure;
        failure.kind = Failure::Kind::Engine;
        failure.where = input.sources.where(span);
        failure.actual = error.message + (error.hint.empty() ? "" : ": " + error.hint);
        add(std::move(failure));
    }
};

void cover(Coverage& coverage, const CaseInput& input, const Trace& trace, const Outcome& outcome) {
    auto hit = [&](Span span) {
        ++coverage[input.sources.get(span.file).path][input.sources.position(span).line];
    };
    for (const TraceStep& step : trace.steps) {
        if (step.matched) {
            hit(input.policy.rule(step.rule).span);
        }
    }
    if (outcome.decider.value >= input.policy.rules.size()) {
        const uint32_t chain = outcome.decider.value - static_cast<uint32_t>(input.policy.rules.size());
        if (chain < input.policy.chains.size() && input.policy.chains[chain].policy) {
            hit(input.policy.chains[chain].policy_span);
        }
    }
}

/// So many packets behind an `expect` are traced where state matters: one that is not as expected is among
/// them, or is like one of them.
constexpr uint64_t traced_packets = 64;

Outcome ask_reference(Running& run, State& state, PacketGroup& packet) {
    Coverage* coverage = run.input.coverage;
    const std::span<const uint8_t> frame = packet.frame;
    const Surroundings& around = packet.around;
    state.elapsed_ns = around.elapsed_ns;
    state.seed = around.seed;
    state.packets = around.packet;
    const bool keep = run.input.policy.has_state() && run.since_expect < traced_packets;
    if (coverage == nullptr && !keep) {
        return evaluate(run.input.policy, state, view_of(frame, around));
    }
    Trace trace;
    const Outcome outcome = evaluate(run.input.policy, state, view_of(frame, around), &trace);
    if (coverage != nullptr) {
        cover(*coverage, run.input, trace, outcome);
    }
    if (keep) {
        packet.trace = std::move(trace);
    }
    return outcome;
}

bool is_decided_alike(const Outcome& a, const Outcome& b) {
    return a.action == b.action && a.decider == b.decider && a.to == b.to;
}

std::string frame_text(const Outcome& outcome) {
    return outcome.frame ? fmt::format("sends 0x{} ({})", hex_text(*outcome.frame), outcome.frame->size())
                         : "leaves the frame as it is";
}

void disagree(Running& run, const PacketGroup& packet, const std::string& kernel,
              const std::string& reference) {
    Failure failure;
    failure.kind = Failure::Kind::Disagreement;
    failure.where = run.input.sources.where(packet.span);
    failure.packet = show(run.input, packet);
    failure.expected = "reference engine: " + reference;
    failure.actual = "kernel engine: " + kernel;
    run.add(std::move(failure));
}

/// A frame that the kernel takes none of meets a copy of the state: what it leaves there, the kernel's state
/// would lack.
Outcome ask_aside(Running& run, PacketGroup& packet) {
    State aside = run.state;
    aside.end_counts = std::move(run.short_frames.end);
    aside.mid_counts = std::move(run.short_frames.mid);
    aside.named_counts = std::move(run.short_frames.named);
    const Outcome outcome = ask_reference(run, aside, packet);
    run.short_frames = {std::move(aside.end_counts), std::move(aside.mid_counts),
                        std::move(aside.named_counts)};
    return outcome;
}

/// Decides one packet on the engines asked for; nothing when the kernel could not be asked.
std::optional<Decision> decide(Running& run, PacketGroup& packet) {
    const CaseInput& input = run.input;
    const bool in_kernel = input.engine != Engine::Reference && packet.frame.size() >= shortest_kernel_frame;
    if (!in_kernel) {
        const bool alone = input.engine == Engine::Reference;
        Outcome outcome = alone ? ask_reference(run, run.state, packet) : ask_aside(run, packet);
        std::vector<uint8_t> frame = outcome.frame.value_or(packet.frame);
        return Decision{std::move(outcome), std::move(frame)};
    }
    std::optional<Outcome> reference;
    if (input.engine == Engine::Both || input.coverage != nullptr || input.policy.has_state()) {
        reference = ask_reference(run, run.state, packet);
    }
    auto kernel = run_in_kernel(*input.program, packet.frame, packet.around);
    if (!kernel) {
        run.engine_failed(packet.span, kernel.error());
        return std::nullopt;
    }
    if (input.engine == Engine::Both) {
        if (!is_decided_alike(kernel->outcome, *reference)) {
            disagree(run, packet, outcome_text(input.policy, kernel->outcome),
                     outcome_text(input.policy, *reference));
        } else if (kernel->outcome.frame != reference->frame) {
            disagree(run, packet, frame_text(kernel->outcome), frame_text(*reference));
        }
    }
    return std::move(*kernel);
}

/// Whether two packets are one to what is expected.
bool is_alike(const Running& run, const PacketGroup& a, const PacketGroup& b) {
    return is_decided_alike(a.outcome, b.outcome) &&
           (!run.frames_matter || (a.frame == b.frame && a.outcome.frame == b.outcome.frame));
}

void send_one(Running& run, const Send& send, Span span, std::span<const uint8_t> frame) {
    PacketGroup packet;
    packet.send = &send;
    packet.span = span;
    packet.frame.assign(frame.begin(), frame.end());
    packet.around = {send.iface, run.elapsed_ns, 1, run.packets++};
    std::optional<Decision> decision = decide(run, packet);
    ++run.since_expect;
    if (!decision) {
        return;
    }
    packet.outcome = decision->outcome;
    packet.count = 1;
    run.last_frame = std::move(decision->frame);
    run.last = packet;
    const auto same = std::find_if(run.groups.begin(), run.groups.end(),
                                   [&](const PacketGroup& group) { return is_alike(run, group, packet); });
    if (same != run.groups.end()) {
        ++same->count;
    } else {
        run.groups.push_back(std::move(packet));
    }
}

void do_send(Running& run, const Send& send, Span span) {
    if (send.at_ns) {
        run.elapsed_ns = *send.at_ns;
    }
    const std::vector<packet::Frame> frames = packet::frames(send.packet);
    for (uint64_t i = 0; i < send.count; ++i) {
        for (const packet::Frame& frame : frames) {
            send_one(run, send, span, frame);
        }
        if (run.result.failures.size() >= max_failures) {
            return;
        }
    }
}

Count sum(const Count& a, const Count& b) {
    return {a.packets + b.packets, a.bytes + b.bytes};
}

/// The counters so far, by the engine whose word counts; says so where two engines differ.
std::optional<Counts> read_counts(Running& run, Span span) {
    const Policy& policy = run.input.policy;
    if (run.input.engine == Engine::Reference) {
        return Counts{run.state.end_counts, run.state.mid_counts, run.state.named_counts};
    }
    Result<Counts> kernel = counts_in_kernel(*run.input.program, policy);
    if (!kernel) {
        run.engine_failed(span, kernel.error());
        return std::nullopt;
    }
    auto compare = [&](const Count& ours, const Count& reference, const std::string& what) {
        if (run.input.engine == Engine::Both && ours != reference) {
            Failure failure;
            failure.kind = Failure::Kind::Disagreement;
            failure.where = run.input.sources.where(span);
            failure.expected = fmt::format("reference engine: {} {} packets, {} bytes", what,
                                           reference.packets, reference.bytes);
            failure.actual = fmt::format("kernel engine: {} packets, {} bytes", ours.packets, ours.bytes);
            run.add(std::move(failure));
        }
    };
    for (size_t i = 0; i < kernel->named.size(); ++i) {
        compare(kernel->named[i], run.state.named_counts[i],
                fmt::format("counter {}:", policy.counters[i].name));
        kernel->named[i] = sum(kernel->named[i], run.short_frames.named[i]);
    }
    const std::vector<Decider>& deciders = run.input.program->artifact().deciders;
    for (uint32_t i = 0; i < kernel->end.size() && i < deciders.size(); ++i) {
        const std::string name = display_of(policy, {i});
        if (deciders[i].slot) {
            compare(kernel->end[i], run.state.end_counts[i], fmt::format("counter of {}:", name));
            kernel->end[i] = sum(kernel->end[i], run.short_frames.end[i]);
        }
        if (deciders[i].mid_slot && i < kernel->mid.size()) {
            compare(kernel->mid[i], run.state.mid_counts[i], fmt::format("`counter` of {}:", name));
            kernel->mid[i] = sum(kernel->mid[i], run.short_frames.mid[i]);
        }
    }
    return std::move(*kernel);
}

/// `counter NAME` of a rule, or a named counter; `note` says more of it.
void judge_counter(Running& run, Span span, const std::string& name, const Count& actual, uint64_t packets,
                   const std::optional<uint64_t>& bytes, std::string note) {
    if (actual.packets == packets && (!bytes || actual.bytes == *bytes)) {
        return;
    }
    Failure failure;
    failure.where = run.input.sources.where(span);
    failure.expected = fmt::format("counter {} {}", name, packets);
    failure.actual = fmt::format("counter {} {}", name, actual.packets);
    if (bytes) {
        failure.expected += fmt::format(" bytes {}", *bytes);
        failure.actual += fmt::format(" bytes {}", actual.bytes);
    }
    failure.notes.push_back(std::move(note));
    run.add(std::move(failure));
}

void do_expect_counter(Running& run, const ExpectCounter& expect, Span span) {
    const std::optional<Counts> counts = read_counts(run, span);
    if (!counts) {
        return;
    }
    const Rule& rule = run.input.policy.rule(expect.rule);
    judge_counter(run, span, rule.display,
                  rule.counts_mid ? counts->mid[expect.rule.value] : counts->end[expect.rule.value],
                  expect.packets, expect.bytes,
                  fmt::format("the rule at {}: {}", run.input.sources.where(rule.span), rule.text));
}

void do_expect_counter(Running& run, const ExpectNamedCounter& expect, Span span) {
    const std::optional<Counts> counts = read_counts(run, span);
    if (!counts) {
        return;
    }
    const NamedCounter& counter = run.input.policy.counters[expect.counter.value];
    judge_counter(run, span, counter.name, counts->named[expect.counter.value], expect.packets, expect.bytes,
                  fmt::format("the counter at {}", run.input.sources.where(counter.span)));
}

void do_expect_bytes(Running& run, const ExpectBytes& expect, Span span) {
    if (run.last && run.last_frame == expect.bytes) {
        return;
    }
    Failure failure;
    failure.where = run.input.sources.where(span);
    failure.expected = fmt::format("bytes 0x{} ({})", hex_text(expect.bytes), expect.bytes.size());
    failure.actual = run.last
                         ? fmt::format("bytes 0x{} ({})", hex_text(run.last_frame), run.last_frame.size())
                         : "no packet was sent";
    if (run.last) {
        failure.packet = show(run.input, *run.last);
        const auto [a, b] = std::mismatch(expect.bytes.begin(), expect.bytes.end(), run.last_frame.begin(),
                                          run.last_frame.end());
        failure.notes.push_back(fmt::format("the first difference is at byte {}", a - expect.bytes.begin()));
    }
    run.add(std::move(failure));
}

void do_step(Running& run, const TestStep& step) {
    std::visit(
        Overloaded{[&](const Send& send) { do_send(run, send, step.span); },
                   [&](const Expect& expect) {
                       if (auto failure = judge(run.input, expect, step.span, run.groups)) {
                           run.add(std::move(*failure));
                       }
                       run.groups.clear();
                       run.since_expect = 0;
                   },
                   [&](const ExpectCounter& expect) { do_expect_counter(run, expect, step.span); },
                   [&](const ExpectNamedCounter& expect) { do_expect_counter(run, expect, step.span); },
                   [&](const ExpectElement& expect) {
                       run.state.elapsed_ns = run.elapsed_ns;
                       if (auto failure = judge(run.input, expect, step.span, run.state)) {
                           run.add(std::move(*failure));
                       }
                   },
                   [&](const ExpectBytes& expect) { do_expect_bytes(run, expect, step.span); },
                   [&](const Advance& advance) { run.elapsed_ns += advance.ns; }},
        step.node);
}

bool asks_frames(const TestStep& step) {
    const auto* expect = std::get_if<Expect>(&step.node);
    return expect != nullptr && std::any_of(expect->verdicts.begin(), expect->verdicts.end(),
                                            [](const ExpectedVerdict& each) { return !each.with.empty(); });
}

bool kernel_failed(const TestResult& result) {
    return std::any_of(result.failures.begin(), result.failures.end(),
                       [](const Failure& failure) { return failure.kind == Failure::Kind::Engine; });
}

} // namespace

TestResult run_case(const CaseInput& input, const TestCase& test) {
    const auto begin = std::chrono::steady_clock::now();
    State state = *input.begin;
    state.network = &test.network;
    CaseInput own = input;
    own.begin = &state;
    Running run(own);
    run.result.title = test.title;
    run.result.where = input.sources.where(test.span);
    std::optional<rt::PrivateNetwork> network;
    if (input.engine != Engine::Reference) {
        const Result<void> ready = reset(*input.program).and_then([&] {
            return enter_network(*input.program, test.network, network);
        });
        if (!ready) {
            run.engine_failed(test.span, ready.error());
        }
    }
    run.frames_matter = std::any_of(test.steps.begin(), test.steps.end(), asks_frames);
    for (const TestStep& step : test.steps) {
        if (kernel_failed(run.result)) { // what follows would only be noise
            break;
        }
        do_step(run, step);
    }
    if (input.engine == Engine::Both && !kernel_failed(run.result)) {
        read_counts(run, test.span);
    }
    run.result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return std::move(run.result);
}

} // namespace xdpc::driver
