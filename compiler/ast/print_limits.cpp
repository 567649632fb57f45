// Limits, quotas, named counters, logs and samples as text.
#include "compiler/ast/print_text.h"
#include "compiler/base/overloaded.h"

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

std::string text_of(const LimitStatement& limit) {
    return "limit " + std::visit(Overloaded{[](const Rate& rate) { return text_of(rate); },
                                            [](const Name& name) { return "name " + quoted(name); }},
                                 limit.what);
}

std::string text_of(const QuotaStatement& quota) {
    return "quota " + std::visit(Overloaded{[](const QuotaBytes& bytes) { return text_of(bytes); },
                                            [](const Name& name) { return "name " + quoted(name); }},
                                 quota.what);
}

std::string text_of(const NamedCounterStatement& counter) {
    return "counter name " + quoted(counter.name);
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
