// xdpc-rulegen SHAPE COUNT [--ip6] [--seed N] [--classbench]: a generated rule set on standard output, as a
// policy or in ClassBench's text format.
#include "tests/harness/rulegen.h"

#include <CLI/CLI.hpp>
#include <cstdio>

int main(int argc, char** argv) {
    using namespace xdpc::test;
    CLI::App app("rule sets of realistic shape and size");
    std::string shape;
    RuleOptions options;
    bool classbench = false;
    app.add_option("shape", shape, "acl, fw, ipc, droplist, allow, tenants, services, flat")->required();
    app.add_option("count", options.rules)->required()->check(CLI::Range(1, 2'000'000));
    app.add_flag("--ip6", options.ip6);
    app.add_option("--seed", options.seed);
    app.add_flag("--classbench", classbench);
    CLI11_PARSE(app, argc, argv);
    const auto known = find_shape(shape);
    if (!known || (classbench && options.ip6)) {
        std::fputs(known ? "ClassBench's format is of IPv4\n" : "there is no such shape\n", stderr);
        return 2;
    }
    options.shape = *known;
    const auto rules = make_rules(options);
    const std::string text = classbench ? classbench_text(rules) : policy_text(rules, options.ip6);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 3;
}
