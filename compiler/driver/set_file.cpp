// `xdpc set load` and `replace`: elements from a file.
#include "compiler/base/map_targets.h"
#include "compiler/base/set_kinds.h"
#include "compiler/driver/json.h"
#include "compiler/driver/output.h"
#include "compiler/driver/set.h"
#include "compiler/driver/set_text.h"
#include "compiler/policy/live_file.h"

#include <unistd.h>

namespace xdpc::driver {

namespace {

LiveSet live_set(const ArtifactSet& set) {
    LiveSet live;
    live.name = set.name;
    live.family = set.family;
    live.kind = set_kind_of(set.kind).value_or(SetKind::Hash); // of records all are known
    live.is_map = set.is_map();
    if (set.value) {
        live.mapped = parts_of({*set.value})[0];
    } else if (is_object_kind(set.maps_to)) {
        live.objects = set.maps_to;
    }
    live.parts = parts_of(set.parts);
    live.size = set.size;
    live.has_timeout = set.has_timeout;
    live.has_counter = set.has_counter;
    live.auto_merge = set.auto_merge;
    return live;
}

int refused_by_checker(const SetOptions& options, Diagnostics& diagnostics, const Sources& sources) {
    if (options.json) {
        diagnostics.sort();
        put_json({{"ok", false}, {"diagnostics", to_json(diagnostics, sources)}});
    } else {
        report(diagnostics, sources);
    }
    return ExitPolicy;
}

int refused_by_set(const SetOptions& options, const ArtifactSet& set, const rt::LiveSets::Refused& why,
                   Span span, const Sources& sources) {
    std::string other;
    if (!why.other_low.empty()) {
        other = ": " + element_text(set, why.other_low, why.other_high);
    }
    return failed({fmt::format("{}:{}: {} {}{}", sources.where(span), sources.position(span).column,
                               sources.text(span), why.what, other),
                   fmt::format("set `{}` is as it was", set.name)},
                  options.json, ExitPolicy);
}

int say_taken(const SetOptions& options, const rt::LiveSets::Taken& taken) {
    if (options.json) {
        put_json({{"ok", true},
                  {"set", options.name},
                  {"elements", taken.elements},
                  {"added", taken.added},
                  {"kept", taken.kept},
                  {"removed", taken.removed},
                  {"removed_of_policy", taken.removed_of_policy}});
        return ExitFine;
    }
    say("{}: {} elements: {} added, {} were there{}\n", options.name, taken.elements, taken.added, taken.kept,
        taken.removed != 0 ? fmt::format(", {} removed", taken.removed) : "");
    if (taken.removed_of_policy != 0) {
        say("  {} of those removed stand in the policy: the next `xdpc apply` brings them back\n",
            taken.removed_of_policy);
    }
    return ExitFine;
}

} // namespace

int take_file(rt::LiveSets& live, const std::vector<uint32_t>& ids, const SetOptions& options) {
    const bool quiet = options.json || isatty(STDERR_FILENO) != 1;
    const Progress progress(fmt::format("{}: {} into set {}", options.action, options.file, options.name),
                            quiet);
    const bool replaces = options.action == "replace";
    Sources sources;
    Diagnostics diagnostics;
    const auto file = sources.load(options.file);
    if (!file) {
        return failed(file.error(), options.json, ExitSystem);
    }
    std::vector<LiveSet> sets;
    for (const uint32_t id : ids) {
        sets.push_back(live_set(live.sets()[id]));
    }
    const auto read = read_live_file(*file, std::move(sets), live.sets()[ids[0]].names, sources, diagnostics);
    if (!read) {
        return refused_by_checker(options, diagnostics, sources);
    }
    std::vector<rt::LiveSets::FileElements> files;
    for (size_t i = 0; i < ids.size(); ++i) {
        files.push_back({ids[i], &(*read)[i].elements});
    }
    const auto taken = live.take(files, replaces);
    if (taken) {
        return say_taken(options, *taken);
    }
    if (const auto* error = std::get_if<Error>(&taken.error())) {
        return failed(*error, options.json, ExitSystem);
    }
    const auto& refused = std::get<rt::LiveSets::FileRefused>(taken.error());
    for (size_t i = 0; i < ids.size(); ++i) {
        if (ids[i] == refused.set) {
            return refused_by_set(options, live.sets()[ids[i]], refused.why,
                                  (*read)[i].spans[refused.element], sources);
        }
    }
    return ExitPolicy;
}

} // namespace xdpc::driver
