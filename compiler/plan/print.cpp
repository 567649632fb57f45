#include "compiler/plan/plan.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <span>

namespace xdpc {

namespace {

// Lists are cut so that the plan of any policy is about a screen; a line says what was left out.
constexpr size_t most_tables = 6;
constexpr size_t most_chains = 8;
constexpr size_t most_slices = 6;   // of all chains
constexpr size_t most_segments = 6; // of a chain
constexpr size_t most_notes = 6;

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
        const size_t shown = std::min(chain.segments.size(), most_segments);
        text += fmt::format(", in {} segments from rules {}{}", chain.segments.size(),
                            fmt::join(std::span(chain.segments).first(shown), ", "),
                            shown < chain.segments.size() ? ", …" : "");
    }
    return text;
}

std::string kib(size_t bytes) {
    return fmt::format("{} KiB", (bytes + 1023) / 1024);
}

std::string print(const classify::Classifier& classifier, const char* family) {
    std::string text = fmt::format("    {}{} over {} boxes of {} fields, {}, about {:.0f} ns\n", family,
                                   name_of(classifier.tables), classifier.set.size(),
                                   classifier.set.fields.size(), kib(classifier.bytes), classifier.ns);
    for (const std::string& refused : classifier.refused) {
        text += "      not " + refused + "\n";
    }
    return text;
}

std::string print(const Slice& slice, const Plan& plan) {
    std::string text = fmt::format("  rules {} to {} by look-up", slice.begin, slice.end - 1);
    if (!slice.coded.empty()) {
        text += fmt::format(", {} with code of their own", slice.coded.size());
    }
    text += "\n";
    if (slice.other) {
        text += print(plan.classifiers[*slice.other], "");
    }
    if (slice.ip6) {
        text += print(plan.classifiers[*slice.ip6], "ip6: ");
    }
    return text;
}

/// Not more lines than fit a screen beside the rest.
std::string print_programs(const Plan& plan, const ir::Program& program) {
    constexpr size_t shown = 8;
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

std::string print_tables(const Plan& plan, const ir::Program& program) {
    std::string text;
    size_t bytes = 0;
    for (size_t i = 0; i < plan.tables.size(); ++i) {
        const ir::Table& table = program.tables[i];
        if (i < most_tables) {
            text +=
                fmt::format("table {} {}, {} {} of {} bits, {} bytes\n", i, name_of(plan.tables[i].strategy),
                            table.entries.size(), table.entries.size() == 1 ? "entry" : "entries",
                            fmt::join(table.widths, " . "), plan.tables[i].bytes);
        }
        bytes += plan.tables[i].bytes;
    }
    if (plan.tables.size() > most_tables) {
        text += fmt::format("and {} more tables, {} bytes in all\n", plan.tables.size() - most_tables, bytes);
    }
    return text;
}

std::string print_chains(const Plan& plan, const ir::Program& program) {
    std::string text;
    size_t chains = 0;
    size_t slices = 0;
    size_t left_out = 0; // rules of chains that are not shown
    for (size_t i = 0; i < plan.chains.size(); ++i) {
        const bool entry = i == program.entry.value;
        if (!entry && plan.chains[i].call_sites == 0) {
            continue;
        }
        if (++chains > most_chains && !entry) {
            left_out += program.chains[i].rules.size();
            continue;
        }
        text += fmt::format("chain {}, {} rules, {}\n", program.chains[i].name,
                            program.chains[i].rules.size(), print(plan.chains[i], entry));
        const std::vector<Slice>& own = plan.chains[i].slices;
        const size_t shown = std::min(own.size(), most_slices - std::min(slices, most_slices));
        for (size_t k = 0; k < shown; ++k) {
            text += print(own[k], plan);
        }
        slices += shown;
        if (shown < own.size()) {
            size_t rules = 0;
            for (size_t k = shown; k < own.size(); ++k) {
                rules += own[k].end - own[k].begin;
            }
            text += fmt::format("  look-ups besides: {}, for {} rules\n", own.size() - shown, rules);
        }
    }
    if (chains > most_chains) {
        text += fmt::format("and {} more chains, with {} rules\n", chains - most_chains, left_out);
    }
    return text;
}

/// What all look-ups come to.
std::string print_total(const Plan& plan, const ir::Program& program) {
    size_t rules = 0;
    size_t covered = 0;
    for (size_t i = 0; i < plan.chains.size(); ++i) {
        rules += program.chains[i].rules.size();
        for (const Slice& slice : plan.chains[i].slices) {
            covered += slice.end - slice.begin;
        }
    }
    size_t bytes = 0;
    double ns = 0;
    for (const classify::Classifier& classifier : plan.classifiers) {
        bytes += classifier.bytes;
        ns = std::max(ns, classifier.ns);
    }
    return fmt::format("{} of {} rules by {} look-up{}, {}, the slowest about {:.0f} ns\n", covered, rules,
                       plan.classifiers.size(), plan.classifiers.size() == 1 ? "" : "s", kib(bytes), ns);
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
    text += print_tables(plan, program) + print_chains(plan, program);
    text += plan.classifiers.empty() ? "" : print_total(plan, program);
    if (!plan.packet_classes.empty()) {
        text += fmt::format("specialised for {}\n", fmt::join(plan.packet_classes, ", "));
    } else {
        text += plan.specialise.enabled ? "specialised for kinds of packet\n" : "not specialised\n";
    }
    text += print_programs(plan, program);
    text += fmt::format("about {} instructions\n", plan.estimated_instructions);
    for (size_t i = 0; i < plan.notes.size() && i < most_notes; ++i) {
        text += "note: " + plan.notes[i] + "\n";
    }
    if (plan.notes.size() > most_notes) {
        text += fmt::format("and {} more notes\n", plan.notes.size() - most_notes);
    }
    return text;
}

} // namespace xdpc
