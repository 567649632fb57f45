#include "compiler/plan/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc {

namespace {

const char* name_of(TableStrategy strategy) {
    switch (strategy) {
    case TableStrategy::Compare:
        return "compare";
    case TableStrategy::Bitmap:
        return "bitmap";
    case TableStrategy::Search:
        return "search";
    case TableStrategy::Scan:
        return "scan";
    }
    return "";
}

std::string print(const ParseNeeds& needs) {
    std::vector<std::string> names;
    const auto add = [&](bool needed, const char* name) {
        if (needed) {
            names.emplace_back(name);
        }
    };
    add(needs.tags, "tags");
    add(needs.network, "network");
    add(needs.transport, "transport");
    add(needs.extensions, "extensions");
    add(needs.ip_options, "ip-options");
    add(needs.tcp_options, "tcp-options");
    add(needs.inner, "inner");
    add(needs.malformed, "malformed");
    add(needs.fragment, "fragment");
    add(needs.l4proto, "l4proto");
    return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
}

std::string print(const ChainPlan& chain, bool entry) {
    const char* how = chain.programs   ? "programs of its own"
                      : entry          ? "the program"
                      : chain.function ? "a function"
                                       : "inlined";
    std::string text = how;
    if (!entry) {
        text +=
            fmt::format(", reached from {} {}", chain.call_sites, chain.call_sites == 1 ? "place" : "places");
    }
    text += fmt::format(", about {} instructions", chain.instructions);
    if (!chain.segments.empty()) {
        text += fmt::format(", in segments from rules {}", fmt::join(chain.segments, ", "));
    }
    return text;
}

std::string print(const classify::Classifier& classifier) {
    std::string text = fmt::format("{} over {} boxes of {} fields, {} KiB, about {:.0f} ns",
                                   name_of(classifier), classifier.set.size(), classifier.set.fields.size(),
                                   (classifier.bytes + 1023) / 1024, classifier.ns);
    return classifier.refused.empty()
               ? text
               : text + "; not " + fmt::format("{}", fmt::join(classifier.refused, "; "));
}

std::string print(const Slice& slice, const Plan& plan) {
    std::string text = fmt::format("  rules {} to {} by look-up", slice.begin, slice.end - 1);
    if (!slice.coded.empty()) {
        text += fmt::format(", {} with code of their own", slice.coded.size());
    }
    text += "\n";
    if (slice.other) {
        text += "    " + print(plan.classifiers[*slice.other]) + "\n";
    }
    if (slice.ip6) {
        text += "    ip6: " + print(plan.classifiers[*slice.ip6]) + "\n";
    }
    return text;
}

/// Not more lines than fit a screen beside the rest.
std::string print_programs(const Plan& plan, const ir::Program& program) {
    constexpr size_t shown = 20;
    std::string text = plan.programs.empty() ? ""
                                             : fmt::format("{} programs, at most {} tail calls a packet\n",
                                                           plan.programs.size(), plan.tail_calls);
    for (size_t i = 0; i < std::min(shown, plan.programs.size()); ++i) {
        const ProgramPlan& part = plan.programs[i];
        const std::string& chain = program.chains[part.chain].name;
        text += part.begin == part.end
                    ? fmt::format("  {} the end of chain {}\n", i, chain)
                    : fmt::format(
                          "  {} chain {} rules {} to {}, about {} instructions{}{}\n", i, chain, part.begin,
                          part.end - 1, part.instructions,
                          part.segments.empty() ? "" : fmt::format(" in {} functions", part.segments.size()),
                          part.leaves ? ", leads to others" : "");
    }
    if (plan.programs.size() > shown) {
        text += fmt::format("  … and {} more\n", plan.programs.size() - shown);
    }
    return text;
}

} // namespace

std::string print(const Plan& plan, const ir::Program& program) {
    std::string text = "parse " + print(plan.needs) + "\n";
    if (!plan.headers.empty()) {
        std::vector<std::string> names;
        for (const HeaderId id : plan.headers) {
            names.emplace_back(info(id).keyword);
        }
        text += fmt::format("headers {}\n", fmt::join(names, ", "));
    }
    for (size_t i = 0; i < plan.tables.size(); ++i) {
        const ir::Table& table = program.tables[i];
        text += fmt::format("table {} {}, {} {} of {} bits, {} bytes\n", i, name_of(plan.tables[i].strategy),
                            table.entries.size(), table.entries.size() == 1 ? "entry" : "entries",
                            fmt::join(table.widths, " . "), plan.tables[i].bytes);
    }
    for (size_t i = 0; i < plan.chains.size(); ++i) {
        const bool entry = i == program.entry.value;
        if (entry || plan.chains[i].call_sites > 0) {
            text += fmt::format("chain {} {}\n", program.chains[i].name, print(plan.chains[i], entry));
            for (const Slice& slice : plan.chains[i].slices) {
                text += print(slice, plan);
            }
        }
    }
    if (!plan.packet_classes.empty()) {
        text += fmt::format("specialised for {}\n", fmt::join(plan.packet_classes, ", "));
    } else {
        text += plan.specialise.enabled ? "specialised for kinds of packet\n" : "not specialised\n";
    }
    text += print_programs(plan, program);
    text += fmt::format("about {} instructions\n", plan.estimated_instructions);
    for (const std::string& note : plan.notes) {
        text += "note: " + note + "\n";
    }
    return text;
}

} // namespace xdpc
