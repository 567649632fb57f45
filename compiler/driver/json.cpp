#include "compiler/driver/json.h"

#include "compiler/driver/output.h"

namespace xdpc::driver {

namespace {

Json place(Span span, const Sources& sources) {
    const Position at = sources.position(span);
    return {{"file", sources.get(span.file).path},
            {"line", at.line},
            {"column", at.column},
            {"begin", span.begin},
            {"end", span.end}};
}

} // namespace

Json to_json(const Diagnostics& diagnostics, const Sources& sources) {
    Json out = Json::array();
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        const DiagInfo& row = info(diagnostic.kind);
        Json item = {{"severity", name_of(row.severity)},
                     {"code", fmt::format("XDPC{:04}", row.code)},
                     {"message", diagnostic.message}};
        item.update(place(diagnostic.span, sources));
        if (!diagnostic.hint.empty()) {
            item["hint"] = diagnostic.hint;
        }
        for (const DiagNote& note : diagnostic.notes) {
            Json entry = {{"message", note.message}};
            entry.update(place(note.span, sources));
            item["notes"].push_back(std::move(entry));
        }
        out.push_back(std::move(item));
    }
    return out;
}

Json to_json(const Error& error) {
    Json out = {{"message", error.message}};
    if (!error.hint.empty()) {
        out["hint"] = error.hint;
    }
    return out;
}

Json to_json(const rt::LoadError& error) {
    Json out = to_json(error.error);
    if (error.refusal) {
        out["refusal"] = {{"file", error.refusal->file},
                          {"line", error.refusal->line},
                          {"reason", error.refusal->reason},
                          {"log", error.refusal->log_tail}};
    }
    return out;
}

Json to_json(const rt::VerifierReport& report) {
    Json maps = Json::array();
    for (const auto& map : report.maps) {
        maps.push_back(
            {{"name", map.name}, {"type", map.type}, {"entries", map.entries}, {"bytes", map.bytes}});
    }
    return {{"program", report.program},           {"programs", report.programs},
            {"instructions", report.instructions}, {"processed_instructions", report.processed_instructions},
            {"stack_bytes", report.stack_bytes},   {"maps", std::move(maps)},
            {"memory_bytes", report.memory_bytes}, {"load_ms", report.load_ms}};
}

Json to_json(const Decider& decider) {
    return {{"rule", decider.display}, {"policy", decider.is_policy}, {"chain", decider.chain},
            {"text", decider.text},    {"comment", decider.comment},  {"verdict", decider.verdict},
            {"file", decider.file},    {"line", decider.line}};
}

Json to_json(const rt::Status& status) {
    return {{"interface", status.iface},
            {"ifindex", status.ifindex},
            {"ours", status.ours},
            {"mode", rt::name_of(status.mode)},
            {"program_id", status.program_id},
            {"program_name", status.program_name},
            {"policy", status.policy},
            {"source_digest", status.source_digest},
            {"generation", status.generation},
            {"applied_at", status.applied_at},
            {"sets", status.sets},
            {"limits", status.limits},
            {"quotas", status.quotas},
            {"counters", status.counters}};
}

void put_json(const Json& document) {
    put(document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

int failed(const Error& error, bool json, int code) {
    if (json) {
        put_json({{"ok", false}, {"error", to_json(error)}});
    } else {
        report(error);
    }
    return code;
}

} // namespace xdpc::driver
