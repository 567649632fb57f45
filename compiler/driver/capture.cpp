#include "compiler/driver/command.h"
#include "compiler/driver/listening.h"
#include "compiler/driver/output.h"
#include "compiler/packet/filter.h"
#include "compiler/packet/pcapng.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <unistd.h>

namespace xdpc::driver {

namespace {

constexpr const char* actions[] = {"abort", "drop", "pass", "tx", "redirect"}; // enum xdp_action

std::string action_text(uint32_t action) {
    return action < std::size(actions) ? actions[action] : fmt::format("{}", action);
}

uint32_t bits_of(const std::vector<std::string>& verdicts) {
    uint32_t bits = verdicts.empty() ? ~0U : 0;
    for (const std::string& verdict : verdicts) {
        for (size_t i = 0; i < std::size(actions); ++i) {
            bits |= verdict == actions[i] ? 1U << i : 0;
        }
    }
    return bits;
}

struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using Output = std::unique_ptr<std::FILE, Closer>;

Result<Output> open_output(const std::string& path) {
    Output output(path == "-" ? fdopen(dup(STDOUT_FILENO), "wb") : std::fopen(path.c_str(), "wbe"));
    if (!output) {
        return fail(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
    }
    return output;
}

/// Whether it was written; why not is in errno.
bool write(std::FILE* file, const std::string& bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
}

struct Capture {
    const CaptureOptions& options;
    std::FILE* file;
    std::optional<packet::Filter> filter;
    uint64_t written = 0;
    uint64_t left_out = 0;
    int error = 0; // of writing

    bool take(const rt::Event& event) {
        if (filter && !filter->matches(event.frame, event.length)) {
            left_out++;
            return true;
        }
        packet::CapturedFrame frame;
        frame.wall_ns = event.wall_ns;
        frame.bytes = event.frame;
        frame.length = event.length;
        frame.action = event.action.value_or(0);
        frame.queue = event.rxqueue;
        const std::string rule = event.decider != nullptr ? event.decider->display : "?";
        frame.comment = fmt::format("rule {} verdict {}", rule, action_text(frame.action));
        if (!write(file, packet::pcapng_frame(frame))) {
            error = errno;
            return false;
        }
        written++;
        return options.count == 0 || written < options.count;
    }
    bool flush() {
        if (error == 0 && std::fflush(file) != 0) {
            error = errno;
        }
        return error == 0;
    }
};

uint64_t now_ns() {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
}

void summarise(const Capture& capture, uint64_t lost) {
    const CaptureOptions& options = capture.options;
    if (options.json && options.output != "-") {
        put_json({{"ok", true},
                  {"file", options.output},
                  {"captured", capture.written},
                  {"filtered", capture.left_out},
                  {"lost", lost}});
        return;
    }
    std::string text = fmt::format("xdpc: {} packets captured", capture.written);
    text += capture.filter ? fmt::format(", {} left out by the filter", capture.left_out) : "";
    put_error(fmt::format("{}, {} lost\n", text, lost));
}

} // namespace

int run_capture(const CaptureOptions& options) {
    catch_interrupts();
    std::optional<double> seconds;
    if (!options.duration.empty()) {
        seconds = seconds_of(options.duration);
        if (!seconds) {
            return failed(
                {{fmt::format("`--duration {}` is no time", options.duration), "10s, 5m, 1h"}, ExitUsage},
                options.json);
        }
    }
    std::optional<packet::Filter> filter;
    if (!options.filter.empty()) {
        auto compiled = packet::Filter::compile(options.filter);
        if (!compiled) {
            return failed({compiled.error(), ExitUsage}, options.json);
        }
        filter = std::move(*compiled);
    }
    rt::ListenOptions wanted;
    wanted.packets = true;
    wanted.snap = options.snap;
    wanted.actions = bits_of(options.verdicts);
    wanted.rule = options.rule;
    auto listener = listen(options.iface, wanted);
    if (!listener) {
        return failed(listener.error(), options.json);
    }
    if (!listener->policy().captures) {
        return failed({{fmt::format("the policy on `{}` has `options capture off`", options.iface),
                        "apply it without that"},
                       ExitSystem},
                      options.json);
    }
    auto output =
        open_output(options.output); // last: an earlier file stays as it is where nothing is captured
    if (!output) {
        return failed({output.error(), ExitSystem}, options.json);
    }
    Capture capture{options, output->get(), std::move(filter)};
    if (!write(capture.file,
               packet::pcapng_begin(std::string("xdpc ") + XDPC_VERSION, options.iface, options.snap))) {
        capture.error = errno;
    }
    if (isatty(STDERR_FILENO) == 1) {
        put_error(fmt::format("xdpc: capturing on {}; interrupt to end\n", options.iface));
    }
    auto ended = listen_on(
        *listener, seconds, [&](const rt::Event& event) { return capture.take(event); },
        [&] { return capture.flush(); });
    if (capture.error == 0) {
        write(capture.file,
              packet::pcapng_end(now_ns(), capture.written + capture.left_out, listener->lost()));
        capture.flush();
    }
    summarise(capture, listener->lost());
    if (capture.error != 0 && capture.error != EPIPE) { // a reader who leaves ends it
        return failed({{fmt::format("cannot write {}: {}", options.output, std::strerror(capture.error)), {}},
                       ExitSystem},
                      options.json);
    }
    return ended ? ExitFine : failed({ended.error(), ExitSystem}, options.json);
}

} // namespace xdpc::driver
