#include "compiler/policy/policy.h"

#include "compiler/base/overloaded.h"

namespace xdpc {

std::string name_of(const Verdict& verdict, const Policy& policy) {
    return std::visit(Overloaded{
                          [](const Pass&) { return std::string("pass"); },
                          [](const Drop&) { return std::string("drop"); },
                          [](const Abort&) { return std::string("abort"); },
                          [](const Tx&) { return std::string("tx"); },
                          [&](const Jump& v) { return "jump " + policy.chain(v.chain).name; },
                          [&](const Goto& v) { return "goto " + policy.chain(v.chain).name; },
                          [](const Return&) { return std::string("return"); },
                          [](const Continue&) { return std::string("continue"); },
                      },
                      verdict);
}

bool is_terminal(const Verdict& verdict) {
    return std::visit(Overloaded{
                          [](const Pass&) { return true; },
                          [](const Drop&) { return true; },
                          [](const Abort&) { return true; },
                          [](const Tx&) { return true; },
                          [](const Jump&) { return false; },
                          [](const Goto&) { return false; },
                          [](const Return&) { return false; },
                          [](const Continue&) { return false; },
                      },
                      verdict);
}

std::string display_of(const Policy& policy, DeciderId decider) {
    if (decider.value < policy.rules.size()) {
        return policy.rules[decider.value].display;
    }
    const ChainId chain{decider.value - static_cast<uint32_t>(policy.rules.size())};
    return chain == policy.entry ? "policy" : "policy of " + policy.chain(chain).name;
}

} // namespace xdpc
