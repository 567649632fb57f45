// Limits, quotas, named counters, logs and samples as text.
#include "compiler/ast/print_text.h"

#include <fmt/format.h>

namespace xdpc::ast {
namespace {

std::string text_of(const Amount& amount) {
    return fmt::format("{}{}{}", amount.number, amount.unit.text.empty() ? "" : " ", amount.unit.text);
}

std::string quoted(const Name& name) {
    return "\"" + name.text + "\"";
}

} // namespace

std::string text_of(const Rate& rate) {
    std::string out =
        fmt::format("rate {}{}/{}", rate.over ? "over " : "", text_of(rate.amount), rate.time.text);
    out += rate.burst ? " burst " + text_of(*rate.burst) : "";
    out += rate.keys.empty() ? "" : " per " + text_of(rate.keys);
    out += rate.size ? " size " + text_of(*rate.size) : "";
    return rate.on_full.text.empty() ? out : out + " on full " + rate.on_full.text;
}

std::string text_of(const QuotaBytes& quota) {
    const std::string used = quota.used ? " used " + text_of(*quota.used) : "";
    return (quota.over ? "over " : "") + text_of(quota.amount) + used;
}

namespace {

std::string text_of(const Name& name) {
    return "name " + quoted(name);
}
std::string text_of(const ObjectMap& map) {
    return "name " + text_of(map.keys) + " map " + text_of(map.table, 0);
}

} // namespace

std::string text_of(const LimitStatement& limit) {
    return "limit " + std::visit([](const auto& what) { return text_of(what); }, limit.what);
}

std::string text_of(const QuotaStatement& quota) {
    return "quota " + std::visit([](const auto& what) { return text_of(what); }, quota.what);
}

std::string text_of(const NamedCounterStatement& counter) {
    return "counter " + std::visit([](const auto& what) { return text_of(what); }, counter.what);
}

std::string text_of(const LogStatement& log) {
    std::string out = "log";
    out += log.prefix ? " prefix " + quoted(*log.prefix) : "";
    out += log.every ? " every " + log.every->text : "";
    for (const Name& ignored : log.ignored) {
        out += " " + ignored.text;
    }
    return out;
}

std::string text_of(const SampleStatement& sample) {
    return fmt::format("sample {}/{}{}", sample.one.number, sample.one_in.number,
                       sample.snap ? " snap " + text_of(*sample.snap) : "");
}

} // namespace xdpc::ast
