#include "compiler/base/overloaded.h"
#include "compiler/ir/ir.h"

#include <array>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace xdpc::ir {

namespace {

std::string hex(u128 value) {
    const auto high = static_cast<uint64_t>(value >> 64);
    const auto low = static_cast<uint64_t>(value);
    return high ? fmt::format("{:#x}{:016x}", high, low) : fmt::format("{:#x}", low);
}

class Printer {
public:
    Printer(const Program& program, const Policy& policy) : program_(program), policy_(policy) {}
    std::string run();

private:
    static constexpr size_t shown = 8; // intervals of a set, entries of a table

    [[nodiscard]] std::string key(KeyId id, u128 mask) const;
    [[nodiscard]] std::string keys(const std::vector<KeyId>& ids, const std::vector<u128>& masks) const;
    [[nodiscard]] std::string values(const IntervalSet& set, const KeySource& source, u128 mask) const;
    [[nodiscard]] std::string parts(const std::vector<Cond>& parts, const char* between,
                                    const char* none) const;
    [[nodiscard]] std::string cond(const Cond& cond) const;
    [[nodiscard]] std::string map(const std::optional<TableId>& table,
                                  const std::optional<SetId>& live) const;
    [[nodiscard]] std::string step(const Step& step) const;
    [[nodiscard]] std::string table(size_t index) const;
    [[nodiscard]] std::string chain(const Chain& chain) const;

    const Program& program_;
    const Policy& policy_;
};

std::string Printer::key(KeyId id, u128 mask) const {
    const KeySource& source = program_.keys[id.value];
    const std::string name = name_of(source);
    return mask == max_of_width(width_of(source)) ? name : fmt::format("{} & {}", name, hex(mask));
}

std::string Printer::keys(const std::vector<KeyId>& ids, const std::vector<u128>& masks) const {
    std::vector<std::string> names;
    for (size_t i = 0; i < ids.size(); ++i) {
        names.push_back(key(ids[i], masks[i]));
    }
    return fmt::format("{}", fmt::join(names, " . "));
}

std::string Printer::values(const IntervalSet& set, const KeySource& source, u128 mask) const {
    const uint16_t width = width_of(source);
    if (set.is_all(width)) {
        return "any";
    }
    const bool masked = mask != max_of_width(width); // then it is bits, not a value of the field's type
    std::vector<std::string> texts;
    for (const Interval& interval : set.intervals()) {
        if (texts.size() == shown) {
            texts.push_back(fmt::format("… {} in all", set.intervals().size()));
            break;
        }
        if (masked) {
            texts.push_back(interval.lo == interval.hi ? hex(interval.lo)
                                                       : hex(interval.lo) + "-" + hex(interval.hi));
        } else {
            texts.push_back(format_interval(type_of(source), interval, width));
        }
    }
    return texts.size() == 1 ? texts.front() : fmt::format("{{ {} }}", fmt::join(texts, ", "));
}

std::string Printer::parts(const std::vector<Cond>& parts, const char* between, const char* none) const {
    std::vector<std::string> texts;
    for (const Cond& part : parts) {
        texts.push_back(cond(part));
    }
    return texts.empty() ? none : fmt::format("( {} )", fmt::join(texts, between));
}

std::string Printer::cond(const Cond& cond) const {
    return std::visit(
        Overloaded{
            [&](const Atom& atom) {
                return key(atom.key, atom.mask) + " in " +
                       values(atom.values, program_.keys[atom.key.value], atom.mask);
            },
            [&](const Lookup& lookup) {
                return fmt::format("{} {} table {}", keys(lookup.keys, lookup.masks),
                                   lookup.negated ? "not in" : "in", lookup.table.value);
            },
            [&](const SetLookup& lookup) {
                return fmt::format("{} {} @{}", keys(lookup.keys, lookup.masks),
                                   lookup.negated ? "not in" : "in", policy_.set(lookup.set).name);
            },
            [&](const And& all) { return parts(all.parts, " and ", "true"); },
            [&](const Or& any) { return parts(any.parts, " or ", "false"); },
            [&](const Not& negation) { return fmt::format("not {}", this->cond(negation.part.front())); },
        },
        cond.node);
}

std::string Printer::map(const std::optional<TableId>& table, const std::optional<SetId>& live) const {
    return live ? "@" + policy_.set(*live).name : fmt::format("table {}", table->value);
}

std::string Printer::step(const Step& step) const {
    const std::string text = std::visit(
        Overloaded{
            [&](const Guard& guard) { return "if " + cond(guard.cond); },
            [&](const Count& count) { return fmt::format("count {}", count.slot.value); },
            [&](const Decide& decide) { return name_of(decide.verdict, policy_); },
            [&](const Dispatch& dispatch) {
                std::vector<std::string> verdicts;
                for (const Verdict& verdict : dispatch.verdicts) {
                    verdicts.push_back(fmt::format("{}: {}", verdicts.size(), name_of(verdict, policy_)));
                }
                if (dispatch.otherwise) {
                    verdicts.push_back("*: " + name_of(*dispatch.otherwise, policy_));
                }
                return fmt::format("by {} in table {} {{ {} }}", keys(dispatch.keys, dispatch.masks),
                                   dispatch.table.value, fmt::join(verdicts, ", "));
            },
            [&](const LiveDispatch& dispatch) {
                return fmt::format(
                    "by {} in @{}{}", keys(dispatch.keys, dispatch.masks), policy_.set(dispatch.map).name,
                    dispatch.otherwise ? " else " + name_of(*dispatch.otherwise, policy_) : "");
            },
            [&](const LimitStep& limit) {
                return fmt::format("{} limit {}{}", limit.over ? "over" : "within",
                                   policy_.limit(limit.limit).display,
                                   limit.keys.empty() ? "" : " per " + keys(limit.keys, limit.masks));
            },
            [&](const QuotaStep& quota) {
                return fmt::format("{} quota {}", quota.over ? "over" : "within",
                                   policy_.quota(quota.quota).display);
            },
            [&](const UpdateSet& update) {
                static constexpr std::array<const char*, 3> names = {"add to", "update", "delete from"};
                return fmt::format("{} @{}: {}", names[static_cast<size_t>(update.op)],
                                   policy_.set(update.set).name, keys(update.keys, update.masks));
            },
            [&](const Log& log) { return fmt::format("log {}", log.index); },
            [&](const Sample& sample) { return fmt::format("sample 1/{}", sample.one_in); },
            [&](const RewriteStep& rewrite) {
                std::string from = rewrite.keys.empty() ? "" : keys(rewrite.keys, rewrite.masks);
                from += rewrite.table || rewrite.live ? " in " + map(rewrite.table, rewrite.live) : "";
                return packet::text_of(rewrite.what, from);
            },
            [](const Route& route) { return text_of(RouteStatement{route.table, {}}); },
            [&](const Pick& pick) {
                return fmt::format("by {} in {} one of the next {}{}", keys(pick.keys, pick.masks),
                                   map(pick.table, pick.live), pick.count,
                                   pick.otherwise ? fmt::format(", else {}", *pick.otherwise) : "");
            },
        },
        step.node);
    return (step.may_lack ? "where there, " : "") + text;
}

std::string Printer::table(size_t index) const {
    const Table& rows = program_.tables[index];
    std::string text = fmt::format("table {} of {} bits, {} entries\n", index, fmt::join(rows.widths, " . "),
                                   rows.entries.size());
    for (size_t i = 0; i < rows.entries.size() && i < shown; ++i) {
        std::vector<std::string> sides;
        for (const Interval& side : rows.entries[i].box) {
            sides.push_back(side.lo == side.hi ? hex(side.lo) : hex(side.lo) + "-" + hex(side.hi));
        }
        text += fmt::format("    {} : {}\n", fmt::join(sides, " . "), rows.entries[i].value);
    }
    if (rows.entries.size() > shown) {
        text += "    …\n";
    }
    return text;
}

std::string Printer::chain(const Chain& chain) const {
    std::string text = fmt::format("chain {}\n", chain.name);
    for (const Rule& rule : chain.rules) {
        text += fmt::format("    {}:", display_of(policy_, rule.decider));
        for (const Step& each : rule.steps) {
            text += "\n        " + step(each);
        }
        text += rule.slot ? fmt::format("\n        [slot {}]\n", rule.slot->value) : "\n";
    }
    text += "    end: " + (chain.end.verdict ? name_of(*chain.end.verdict, policy_) : std::string("return"));
    return text + (chain.end.slot ? fmt::format(" [slot {}]\n", chain.end.slot->value) : "\n");
}

std::string Printer::run() {
    std::string text =
        fmt::format("entry {}, {} slots\n", program_.chains[program_.entry.value].name, program_.slots);
    for (size_t i = 0; i < program_.tables.size(); ++i) {
        text += table(i);
    }
    for (const Chain& each : program_.chains) {
        text += chain(each);
    }
    return text;
}

} // namespace

std::string print(const Program& program, const Policy& policy) {
    return Printer(program, policy).run();
}

} // namespace xdpc::ir
