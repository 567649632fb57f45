// The verifier's log, as text, to what the user asked: which line of the policy, and why.
#include "runtime/helpers.h"
#include "runtime/internal.h"

#include <algorithm>
#include <cctype>

namespace xdpc::rt {

namespace {

std::vector<std::string> split_lines(const std::string& log) {
    std::vector<std::string> lines;
    for (size_t from = 0; from < log.size();) {
        size_t end = std::min(log.find('\n', from), log.size());
        if (end > from)
            lines.push_back(log.substr(from, end - from));
        from = end + 1;
    }
    return lines;
}

std::string trim(const std::string& text) {
    auto from = text.find_first_not_of(" \t");
    return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
}

bool is_annotation(const std::string& line) {
    return line.starts_with("; ");
}

/// "17: (71) r1 = …", or a state: "17: R0=1 …", "from 7 to 20: …".
bool is_trace(const std::string& line) {
    if (line.starts_with("from ") || line.starts_with("func#") || line.starts_with("mark_precise:") ||
        line.starts_with("propagating ") || line.starts_with("safe") || line.starts_with("caller:") ||
        line.starts_with("callee:") || line.starts_with("returning from callee:") ||
        line.starts_with("to caller at") || line.starts_with(" frame"))
        return true;
    auto digits =
        std::find_if(line.begin(), line.end(), [](unsigned char c) { return std::isdigit(c) == 0; });
    return digits != line.begin() && digits != line.end() && *digits == ':';
}

bool is_statistic(const std::string& line) {
    return (line.starts_with("processed ") && line.find(" insns (limit ") != std::string::npos) ||
           line.starts_with("verification time ") || line.starts_with("stack depth ");
}

std::string base_name(const std::string& path) {
    return path.substr(path.rfind('/') + 1);
}

/// The log names files without their folders.
std::string full_path(const std::string& name, const Artifact& artifact) {
    for (const auto& [path, text] : artifact.sources)
        if (base_name(path) == name)
            return path;
    for (const Decider& decider : artifact.deciders)
        if (base_name(decider.file) == name)
            return decider.file;
    return name;
}

/// Kernels before 6.9 give the text of the line but not its place: look for it, if it is there once.
void place_from_text(const std::string& text, const Artifact& artifact, Refusal& refusal) {
    unsigned found = 0;
    for (const auto& [path, source] : artifact.sources) {
        uint32_t number = 0;
        for (size_t from = 0; from < source.size();) {
            size_t end = std::min(source.find('\n', from), source.size());
            number++;
            if (trim(source.substr(from, end - from)) == text) {
                found++;
                refusal.file = path;
                refusal.line = number;
            }
            from = end + 1;
        }
    }
    if (found != 1) {
        refusal.file.clear();
        refusal.line = 0;
    }
}

void place_from_annotation(const std::string& line, const Artifact& artifact, Refusal& refusal) {
    size_t at = line.rfind(" @ ");
    size_t colon = line.rfind(':');
    if (at != std::string::npos && colon != std::string::npos && colon > at && colon + 1 < line.size() &&
        std::all_of(line.begin() + static_cast<ptrdiff_t>(colon) + 1, line.end(),
                    [](unsigned char c) { return std::isdigit(c) != 0; })) {
        refusal.file = full_path(line.substr(at + 3, colon - at - 3), artifact);
        refusal.line = static_cast<uint32_t>(strtoul(line.c_str() + colon + 1, nullptr, 10));
        return;
    }
    place_from_text(trim(line.substr(2)), artifact, refusal);
}

/// "unknown func bpf_loop#181" and "invalid func unknown#181", as this kernel lacks it.
std::string lacks_helper(const std::string& reason) {
    const size_t number = reason.find('#');
    if (number == std::string::npos || (reason.find("unknown func ") == std::string::npos &&
                                        reason.find("invalid func ") == std::string::npos))
        return reason;
    for (const HelperRow& helper : young_helpers)
        if (helper.id == atoi(reason.c_str() + number + 1))
            return std::string("this kernel lacks `") + helper.name + "`, which came with Linux " +
                   helper.since;
    return reason;
}

} // namespace

Refusal refusal_from_log(const std::string& log, const Artifact& artifact) {
    constexpr size_t tail_lines = 12;
    Refusal refusal;
    std::vector<std::string> lines = split_lines(log);
    while (!lines.empty() && is_statistic(lines.back()))
        lines.pop_back();
    size_t from = lines.size() > tail_lines ? lines.size() - tail_lines : 0;
    refusal.log_tail.assign(lines.begin() + static_cast<ptrdiff_t>(from), lines.end());

    size_t index = lines.size();
    // The verifier may say it in two lines: what, then why.
    while (index > 0 && !is_trace(lines[index - 1]) && !is_annotation(lines[index - 1])) {
        index--;
        if (lines.size() - index <= 2)
            refusal.reason = trim(lines[index]) + (refusal.reason.empty() ? "" : "; ") + refusal.reason;
    }
    refusal.reason = lacks_helper(refusal.reason);
    while (index > 0) {
        if (is_annotation(lines[--index])) {
            place_from_annotation(lines[index], artifact, refusal);
            break;
        }
    }
    return refusal;
}

uint32_t stack_depth_from_log(const std::string& log) {
    // "stack depth 16+8": one figure for each function; the deepest path is at most their sum.
    size_t at = log.rfind("stack depth ");
    if (at == std::string::npos)
        return 0;
    const char* cursor = log.c_str() + at + strlen("stack depth ");
    uint32_t sum = 0;
    while (std::isdigit(static_cast<unsigned char>(*cursor)) != 0) {
        char* end = nullptr;
        sum += static_cast<uint32_t>(strtoul(cursor, &end, 10));
        cursor = *end == '+' ? end + 1 : end;
    }
    return sum;
}

} // namespace xdpc::rt
