// `xdpc set`: live sets of the policy that runs.
#include "compiler/driver/set.h"
#include "compiler/base/map_targets.h"
#include "compiler/base/set_elements.h"
#include "compiler/base/set_kinds.h"
#include "compiler/driver/command.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/driver/set_text.h"
#include "compiler/driver/stats_text.h"
#include "compiler/policy/live_element.h"
#include "compiler/policy/scalars.h"
#include "runtime/live_sets.h"

#include <algorithm>
#include <ctime>
#include <unistd.h>

namespace xdpc::driver {

namespace {

uint64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<uint64_t>(now.tv_nsec);
}

/// The sets of this name: two of `inet_addr`.
std::vector<uint32_t> find_sets(const rt::LiveSets& live, const std::string& name) {
    std::vector<uint32_t> found;
    for (uint32_t id = 0; id < live.sets().size(); ++id) {
        if (live.sets()[id].name == name) {
            found.push_back(id);
        }
    }
    return found;
}

struct Words {
    std::vector<uint32_t> low, high;
    uint32_t value = 0;
};

/// Nothing if the element is of the other family.
Result<std::optional<Words>> read_words(const ArtifactSet& set, std::string_view text, bool with_value) {
    Words words;
    if (set.is_map() && with_value) {
        const size_t colon = text.rfind(" : ");
        if (colon == std::string_view::npos) {
            return fail(fmt::format("`{}` is no element of map `{}`", text, set.name),
                        fmt::format("KEY : {}", set.maps_to == to_verdict ? "VERDICT" : set.maps_to));
        }
        const auto number = read_mapped(set, text.substr(colon + 3));
        if (!number) {
            return tl::unexpected(number.error());
        }
        words.value = *number;
        text = text.substr(0, colon);
    }
    const auto parts = parts_of(set.parts);
    auto box = read_live_element(text, parts);
    if (!box) {
        return tl::unexpected(box.error());
    }
    if (!*box) {
        return std::optional<Words>{};
    }
    for (size_t i = 0; i < parts.size(); ++i) {
        const Interval& interval = (**box)[i];
        if (interval.lo != interval.hi && !has_two_ends(set_kind_of(set.kind))) {
            return fail(fmt::format("`{}` is more than one value, and set `{}` is without `flags interval`",
                                    text, set.name));
        }
        append_words(words.low, interval.lo, parts[i].width);
        append_words(words.high, interval.hi, parts[i].width);
    }
    return std::optional(std::move(words));
}

Error error_of(const ArtifactSet& set, const std::string& text,
               const std::variant<Error, rt::LiveSets::Refused>& why) {
    if (const auto* error = std::get_if<Error>(&why)) {
        return *error;
    }
    const auto& refused = std::get<rt::LiveSets::Refused>(why);
    const std::string other =
        refused.other_low.empty() ? "" : ": " + element_text(set, refused.other_low, refused.other_high);
    return {fmt::format("set `{}`: {} {}{}", set.name, text, refused.what, other), {}};
}

/// Adds or removes one element; what is wrong with it.
std::optional<std::pair<Error, int>> change_one(rt::LiveSets& live, const std::vector<uint32_t>& ids,
                                                const std::string& text, const SetOptions& options,
                                                uint64_t timeout_ns) {
    std::optional<Error> problem;
    for (const uint32_t id : ids) {
        const ArtifactSet& set = live.sets()[id];
        const auto words = read_words(set, text, options.action == "add");
        if (!words) {
            return std::pair(words.error(), ExitPolicy);
        }
        if (!*words) {
            continue;
        }
        sets::NewElement element{.low = (*words)->low,
                                 .high = (*words)->high,
                                 .timeout_ns = timeout_ns,
                                 .value = (*words)->value,
                                 .comment = options.comment};
        const auto done =
            options.action == "add" ? live.add(id, element) : live.remove(id, (*words)->low, (*words)->high);
        if (!done) {
            const bool refused = std::holds_alternative<rt::LiveSets::Refused>(done.error());
            return std::pair(error_of(set, text, done.error()), refused ? ExitPolicy : ExitSystem);
        }
        return std::nullopt;
    }
    return std::pair(Error{fmt::format("`{}` is of no family of set `{}`", text, options.name), {}},
                     ExitPolicy);
}

int change(rt::LiveSets& live, const std::vector<uint32_t>& ids, const SetOptions& options) {
    uint64_t timeout_ns = 0;
    if (!options.timeout.empty()) {
        const auto read = read_duration(options.timeout);
        if (!read) {
            return failed({"`" + options.timeout + "` is no time", "10s, 1h30m"}, options.json, ExitUsage);
        }
        timeout_ns = *read;
    }
    size_t done = 0;
    int worst = ExitFine;
    Json errors = Json::array();
    for (const std::string& text : options.elements) {
        if (const auto problem = change_one(live, ids, text, options, timeout_ns)) {
            worst = std::max(worst, problem->second);
            errors.push_back(to_json(problem->first));
            if (!options.json) {
                report(problem->first);
            }
            continue;
        }
        ++done;
    }
    if (options.json) {
        put_json({{"ok", worst == ExitFine}, {"changed", done}, {"errors", std::move(errors)}});
    }
    return worst;
}

int list_elements(rt::LiveSets& live, const std::vector<uint32_t>& ids, const SetOptions& options) {
    const uint64_t now = now_ns();
    std::vector<std::vector<std::string>> rows;
    Json elements = Json::array();
    for (const uint32_t id : ids) {
        const ArtifactSet& set = live.sets()[id];
        const auto done = live.list(id, [&](const sets::Element& element) {
            const std::string text = element_text(set, element.low, element.high);
            const std::string mapped = set.is_map() ? mapped_text(set, element.value) : "";
            const uint64_t remaining = element.expires_ns > now ? (element.expires_ns - now) / 1'000'000U : 0;
            if (options.json) {
                Json one = {{"element", text}, {"origin", element.from_file ? "file" : "live"}};
                if (set.is_map()) {
                    one[set.maps_to] = mapped;
                }
                if (element.expires_ns != 0) {
                    one["remaining_ms"] = remaining;
                    one["timeout_ms"] = element.timeout_ns / 1'000'000U;
                }
                if (set.has_counter) {
                    one["packets"] = element.packets;
                    one["bytes"] = element.bytes;
                }
                if (!element.comment.empty()) {
                    one["comment"] = element.comment;
                }
                elements.push_back(std::move(one));
                return true;
            }
            rows.push_back({set.is_map() ? text + " : " + mapped : text, element.from_file ? "file" : "live",
                            element.expires_ns != 0 ? fmt::format("{}s", remaining / 1000) : "",
                            set.has_counter ? fmt::format("{}", element.packets) : "",
                            set.has_counter ? fmt::format("{}", element.bytes) : "", element.comment});
            return true;
        });
        if (!done) {
            return failed(done.error(), options.json, ExitSystem);
        }
    }
    if (options.json) {
        put_json({{"ok", true}, {"set", options.name}, {"elements", std::move(elements)}});
        return ExitFine;
    }
    put(table({{"ELEMENT"}, {"ORIGIN"}, {"EXPIRES", true}, {"PACKETS", true}, {"BYTES", true}, {"COMMENT"}},
              rows));
    return ExitFine;
}

int list_sets(const rt::LiveSets& live, const SetOptions& options) {
    std::vector<rt::SetStats> all;
    for (uint32_t id = 0; id < live.sets().size(); ++id) {
        auto stats = live.stats_of(id);
        if (!stats) {
            return failed(stats.error(), options.json, ExitSystem);
        }
        all.push_back(std::move(*stats));
    }
    if (options.json) {
        Json sets = Json::array();
        for (const rt::SetStats& stats : all) {
            sets.push_back(to_json(stats));
        }
        put_json({{"ok", true}, {"sets", std::move(sets)}});
        return ExitFine;
    }
    const std::string text = sets_text(all);
    put(text.starts_with('\n') ? text.substr(1) : text);
    return ExitFine;
}

} // namespace

int run_set(const SetOptions& options) {
    const bool changes = options.action == "add" || options.action == "del";
    const bool takes_file = options.action == "load" || options.action == "replace";
    if (takes_file != !options.file.empty() || (takes_file && !options.elements.empty())) {
        return failed({"`load` and `replace` take their elements from `--file`, the others do not",
                       "xdpc set replace blocklist -i eth0 --file blocklist.txt"},
                      options.json, ExitUsage);
    }
    if (takes_file && (!options.timeout.empty() || !options.comment.empty())) {
        return failed(
            {"timeouts and comments stand in the file", "192.0.2.1 timeout 10m comment \"scanner\""},
            options.json, ExitUsage);
    }
    if ((options.name.empty() && options.action != "list") || (changes && options.elements.empty())) {
        return failed({fmt::format("`set {}` takes a set{}", options.action, changes ? " and elements" : ""),
                       "xdpc set add blocklist -i eth0 192.0.2.1"},
                      options.json, ExitUsage);
    }
    auto live = rt::LiveSets::open(options.iface);
    if (!live) {
        return failed(live.error(), options.json, ExitSystem);
    }
    if (options.name.empty()) {
        return list_sets(*live, options);
    }
    const auto ids = find_sets(*live, options.name);
    if (ids.empty()) {
        return failed({fmt::format("the policy on `{}` has no live set `{}`", options.iface, options.name),
                       "`xdpc set list -i IF` lists them; a set with `flags constant` is compiled in"},
                      options.json, ExitPolicy);
    }
    if (changes) {
        return change(*live, ids, options);
    }
    if (takes_file) {
        return take_file(*live, ids, options);
    }
    const bool is_list = options.action == "list";
    const Progress progress(fmt::format("{} set {}", is_list ? "listing" : "flushing", options.name),
                            options.json || isatty(STDERR_FILENO) != 1);
    if (is_list) {
        return list_elements(*live, ids, options);
    }
    for (const uint32_t id : ids) {
        if (const auto done = live->flush(id); !done) {
            return failed(done.error(), options.json, ExitSystem);
        }
    }
    if (options.json) {
        put_json({{"ok", true}});
    }
    return ExitFine;
}

} // namespace xdpc::driver
