// Tests in policies: what is sent and what is expected.
#include "compiler/base/overloaded.h"
#include "compiler/policy/check_context.h"
#include "compiler/policy/scalars.h"

#include <algorithm>

namespace xdpc::checking {

namespace {

constexpr uint64_t max_repeats = 1'000'000;

std::optional<std::string_view> text_of(const ast::Value& value) {
    if (const auto* word = std::get_if<ast::Word>(&value.node)) {
        return word->text;
    }
    if (const auto* quoted = std::get_if<ast::Quoted>(&value.node)) {
        return quoted->text;
    }
    return {};
}

std::optional<uint64_t> duration_of(Context& context, const ast::Value& value) {
    const auto text = text_of(value);
    if (!text) {
        if (!std::holds_alternative<ast::ErrorValue>(value.node)) {
            context.report(Diag::WrongBytes, value.span, shown(context, value.span),
                           "a duration as `10s` or `1h30m`");
        }
        return {};
    }
    const auto ns = read_duration(text->starts_with("+") ? text->substr(1) : *text);
    if (!ns) {
        context.report(Diag::WrongBytes, value.span, *text, "a duration as `10s` or `1h30m`");
    }
    return ns;
}

/// A rule's name, or FILE:LINE with or without folders.
std::optional<RuleId> rule_of(Context& context, const ast::Name& name) {
    const std::string& text = name.text;
    const size_t slash = text.rfind('/');
    const std::string place = slash == std::string::npos ? text : text.substr(slash + 1);
    for (const Rule& rule : context.policy.rules) {
        if (rule.display == text || (rule.name.empty() && rule.display == place)) {
            return rule.id;
        }
    }
    for (const Rule& rule : context.policy.rules) { // a named rule may be known by its place too
        const std::string where = context.sources.where(rule.span);
        if (where == text || where.ends_with("/" + text)) {
            return rule.id;
        }
    }
    std::vector<std::string> names = {"policy"};
    for (const Rule& rule : context.policy.rules) {
        names.push_back(rule.display);
    }
    for (const auto& [counter, entry] : context.counters) {
        names.push_back(counter);
    }
    context.report(Diag::UndefinedRule, name.span, text).with_hint(did_you_mean(text, names));
    return {};
}

struct StepReader {
    Context& context;
    TestCase& test;
    Span span;
    uint64_t& pending; // packets sent since the last expect
    bool& sent;        // anything, in this test

    void operator()(const ast::SendStep& step) const {
        Send send;
        bool fine = true;
        auto packet = read_layers(context, step, span);
        fine = packet.has_value();
        const bool unread = step.count == 0 && shown(context, span, 4096).find(" x0") == std::string::npos;
        if (unread) { // a number that did not fit, already reported
            fine = false;
        } else if (step.count < 1 || step.count > max_repeats) {
            context.report(Diag::WrongBytes, span, fmt::format("x{}", step.count),
                           fmt::format("between x1 and x{}", max_repeats));
            fine = false;
        }
        if (step.at) {
            send.at_ns = duration_of(context, *step.at);
            fine = send.at_ns.has_value() && fine;
        }
        sent = true;
        if (!fine) {
            pending = UINT64_MAX; // unknown
            return;
        }
        const auto* frames = std::get_if<std::vector<std::vector<uint8_t>>>(&*packet);
        if (pending != UINT64_MAX) {
            pending += step.count * (frames != nullptr ? frames->size() : 1);
        }
        send.packet = std::move(*packet);
        send.count = step.count;
        send.iface = step.iface ? step.iface->text : "";
        send.text = shown_whole();
        test.steps.push_back({span, std::move(send)});
    }
    void operator()(const ast::ExpectStep& step) const {
        Expect expect;
        uint64_t counted = 0;
        bool all_counted = !step.verdicts.empty();
        bool fine = need_packet();
        for (const ast::ExpectVerdict& wanted : step.verdicts) {
            auto verdict = expected(wanted);
            fine = verdict.has_value() && fine;
            all_counted = all_counted && wanted.count.has_value();
            counted += wanted.count.value_or(0);
            if (verdict) {
                expect.verdicts.push_back(std::move(*verdict));
            }
        }
        if (fine && all_counted && pending != UINT64_MAX && counted != pending) {
            context.report(Diag::CountMismatch, span, pending, counted);
        }
        pending = 0;
        if (fine) {
            test.steps.push_back({span, std::move(expect)});
        }
    }
    void operator()(const ast::ExpectCounterStep& step) const {
        const auto counter = context.counters.find(step.rule.text);
        if (counter != context.counters.end()) {
            const auto rule = context.rule_names.find(step.rule.text);
            if (rule != context.rule_names.end()) {
                context.report(Diag::AmbiguousCounter, step.rule.span, step.rule.text)
                    .with_hint("say FILE:LINE of the rule, or call one of them otherwise")
                    .with_note(rule->second, "the rule")
                    .with_note(counter->second.span, "the counter");
                return;
            }
            const NamedCounterId id{counter->second.id};
            test.steps.push_back({span, ExpectNamedCounter{id, step.packets, step.bytes}});
            return;
        }
        if (const auto rule = rule_of(context, step.rule)) {
            test.steps.push_back({span, ExpectCounter{*rule, step.packets, step.bytes}});
        }
    }
    void operator()(const ast::ExpectElementStep& step) const {
        read_expected_elements(context, step, span, test);
    }
    void operator()(const ast::ExpectBytesStep& step) const {
        const auto text = text_of(step.bytes);
        const auto bytes = text ? read_hex(*text) : std::nullopt;
        if (!bytes) {
            context.report(Diag::WrongBytes, step.bytes.span, shown(context, step.bytes.span),
                           "a frame's bytes as 0x…, two digits a byte");
        } else if (need_packet()) {
            test.steps.push_back({span, ExpectBytes{*bytes}});
        }
    }
    void operator()(const ast::AdvanceStep& step) const {
        if (const auto ns = duration_of(context, step.time)) {
            test.steps.push_back({span, Advance{*ns}});
        }
    }
    void operator()(const ast::GivenIfaceStep& step) const {
        if (comes_first()) {
            read_given(context, step, test.network);
        }
    }
    void operator()(const ast::GivenRouteStep& step) const {
        if (comes_first()) {
            read_given(context, step, span, test.network);
        }
    }
    void operator()(const ast::OtherStep& step) const {
        context.report(Diag::NotYetSupported, step.keyword.span, "`" + step.keyword.text + "` in a test");
    }
    void operator()(const ast::ErrorStep&) const {
        sent = true; // may have been a `send`
        pending = UINT64_MAX;
    }

private:
    [[nodiscard]] std::string shown_whole() const { return shown(context, span, 4096); }

    /// What is given holds from the test's begin.
    [[nodiscard]] bool comes_first() const {
        if (sent) {
            context.report(Diag::MisplacedValue, span, "`" + shown_whole() + "`")
                .with_hint("what a test is given comes before what it sends");
        }
        return !sent;
    }
    [[nodiscard]] bool need_packet() const {
        if (!sent) {
            context.report(Diag::NothingSent, span).with_hint("`send LAYERS` comes first");
        }
        return sent;
    }
    /// A match that a frame is asked for; flags are exact, as in what is sent.
    [[nodiscard]] std::optional<Condition> read_with(const ast::Statement& statement) const {
        if (const auto* group = std::get_if<ast::Group>(&statement.node)) {
            return check_group(context, *group, statement.span);
        }
        const auto* match = std::get_if<ast::Match>(&statement.node);
        if (match == nullptr) {
            context.report(Diag::MisplacedValue, statement.span, "`" + shown(context, statement.span) + "`");
            return {};
        }
        const auto* field =
            match->keys.empty() ? nullptr : std::get_if<ast::FieldSelector>(&match->keys.front().node);
        const bool flags = field != nullptr && field->header.text == "tcp" && field->field.text == "flags";
        ast::Match exact = *match;
        if (flags && match->relation == ast::Relation::Implied) {
            exact.relation = ast::Relation::Eq;
        }
        return check_match(context, exact, statement.span);
    }
    /// What packets are to be redirected to, as far as rules redirect there, or a route leads there; false
    /// after an error was reported.
    [[nodiscard]] bool find_target(const ast::Name& name, ExpectedVerdict& result) const {
        std::vector<std::string> names;
        for (const NamedInterface& iface : context.policy.interfaces) {
            names.push_back(iface.name);
        }
        for (const packet::GivenInterface& iface : test.network.interfaces) {
            names.push_back(iface.name);
        }
        result.to = name.text;
        if (std::find(names.begin(), names.end(), name.text) != names.end()) {
            return true;
        }
        context.report(Diag::NoRedirect, name.span, name.text).with_hint(did_you_mean(name.text, names));
        return false;
    }
    [[nodiscard]] std::optional<ExpectedVerdict> expected(const ast::ExpectVerdict& wanted) const {
        ExpectedVerdict result;
        result.span = wanted.verdict.span;
        result.count = wanted.count;
        switch (wanted.verdict.kind) {
        case ast::VerdictKind::Pass:
            result.verdict = Pass{};
            break;
        case ast::VerdictKind::Drop:
            result.verdict = Drop{};
            break;
        case ast::VerdictKind::Abort:
            result.verdict = Abort{};
            break;
        case ast::VerdictKind::Tx:
            result.verdict = Tx{};
            break;
        case ast::VerdictKind::Redirect:
            result.verdict = Redirect{};
            if (wanted.iface && !find_target(*wanted.iface, result)) {
                return {};
            }
            break;
        case ast::VerdictKind::Jump:
        case ast::VerdictKind::Goto:
        case ast::VerdictKind::Return:
        case ast::VerdictKind::Continue:
            context.report(Diag::WrongExpectation, wanted.verdict.span, shown(context, wanted.verdict.span));
            return {};
        }
        if (wanted.iface && wanted.verdict.kind != ast::VerdictKind::Redirect) {
            context.report(Diag::MisplacedValue, wanted.iface->span, "`to " + wanted.iface->text + "`")
                .with_hint("`expect redirect to " + wanted.iface->text + "`");
            return {};
        }
        for (const ast::Statement& statement : wanted.with) {
            auto holds = read_with(statement);
            if (!holds) {
                return {};
            }
            result.with.push_back(std::move(*holds));
        }
        if (wanted.by && wanted.by->text == "policy") {
            result.by = ByPolicy{};
        } else if (wanted.by) {
            const auto rule = rule_of(context, *wanted.by);
            if (!rule) {
                return {};
            }
            result.by = ByRule{*rule};
        }
        return result;
    }
};

} // namespace

void check_tests(Context& context) {
    for (size_t i = 0; i < context.test_items.size(); ++i) {
        const ast::TestItem& item = *context.test_items[i];
        TestCase test;
        test.title = item.title.text;
        test.span = context.test_spans[i];
        uint64_t pending = 0;
        bool sent = false;
        for (const ast::TestStep& step : item.steps) {
            std::visit(StepReader{context, test, step.span, pending, sent}, step.node);
        }
        context.policy.tests.push_back(std::move(test));
    }
}

} // namespace xdpc::checking
