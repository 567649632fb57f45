#include "compiler/policy/policy.h"

#include "compiler/base/overloaded.h"

namespace xdpc {

std::string name_of(const Verdict& verdict, const Policy& policy) {
    return std::visit(
        Overloaded{
            [](const Pass&) { return std::string("pass"); },
            [](const Drop&) { return std::string("drop"); },
            [](const Abort&) { return std::string("abort"); },
            [](const Tx&) { return std::string("tx"); },
            [&](const Redirect& v) { return "redirect to " + policy.interfaces[v.to.value].name; },
            [&](const Jump& v) { return "jump " + policy.chain(v.chain).name; },
            [&](const Goto& v) { return "goto " + policy.chain(v.chain).name; },
            [](const Return&) { return std::string("return"); },
            [](const Continue&) { return std::string("continue"); },
        },
        verdict);
}

std::string text_of(const RouteStatement& route) {
    return route.table ? "route table " + std::to_string(*route.table) : "route";
}

const char* name_of(Action action) {
    switch (action) {
    case Action::Abort:
        return "abort";
    case Action::Drop:
        return "drop";
    case Action::Pass:
        return "pass";
    case Action::Tx:
        return "tx";
    case Action::Redirect:
        return "redirect";
    }
    return "?";
}

std::optional<Action> action_of(const Verdict& verdict) {
    using Decision = std::optional<Action>;
    return std::visit(Overloaded{
                          [](const Pass&) -> Decision { return Action::Pass; },
                          [](const Drop&) -> Decision { return Action::Drop; },
                          [](const Abort&) -> Decision { return Action::Abort; },
                          [](const Tx&) -> Decision { return Action::Tx; },
                          [](const Redirect&) -> Decision { return Action::Redirect; },
                          [](const Jump&) -> Decision { return {}; },
                          [](const Goto&) -> Decision { return {}; },
                          [](const Return&) -> Decision { return {}; },
                          [](const Continue&) -> Decision { return {}; },
                      },
                      verdict);
}

bool is_terminal(const Verdict& verdict) {
    return action_of(verdict).has_value();
}

std::string display_of(const Policy& policy, DeciderId decider) {
    if (decider.value < policy.rules.size()) {
        return policy.rules[decider.value].display;
    }
    const ChainId chain{decider.value - static_cast<uint32_t>(policy.rules.size())};
    return chain == policy.entry ? "policy" : "policy of " + policy.chain(chain).name;
}

unsigned LiveSet::key_words() const {
    unsigned words = 0;
    for (const SetPart& part : parts) {
        words += words_of_width(part.width);
    }
    return words;
}

Box LiveSet::box(size_t element) const {
    const unsigned words = key_words();
    const uint32_t* low = elements.words.data() + element * words * (has_intervals() ? 2 : 1);
    const uint32_t* high = has_intervals() ? low + words : low;
    Box box;
    for (const SetPart& part : parts) {
        box.push_back({value_of_words(low, part.width), value_of_words(high, part.width)});
        low += words_of_width(part.width);
        high += words_of_width(part.width);
    }
    return box;
}

} // namespace xdpc
