// Which rules of a chain are answered by one look-up. A rule that may lead on to the next although it matched
// ends a slice, unless nothing behind it in the slice can match what it matches: then the packet goes on
// behind the slice. One that may also change the packet always ends it.
#include "compiler/plan/classify/layout.h"
#include "compiler/plan/cost.h"
#include "compiler/plan/strategy.h"

#include <algorithm>
#include <fmt/format.h>

namespace xdpc::plan {

namespace {

using classify::Family;
using ir::NormalRule;

constexpr size_t least_rules = 16;  // of a slice: fewer are compared as quickly
constexpr size_t max_codes = 128;   // of a slice: what its rules do besides deciding
constexpr size_t max_leading = 512; // rules of a slice that lead on
constexpr double rule_ns = 0.35;    // of one that is compared, half of a list on average
constexpr double far_rule_ns = 0.7; // beyond what the instruction cache holds
constexpr size_t near_rules = 500;

double straight_ns(size_t rules) {
    const size_t near = std::min(rules, near_rules);
    return rule_ns * static_cast<double>(near) + far_rule_ns * static_cast<double>(rules - near);
}

class Slicer {
public:
    Slicer(const ir::Program& program, const std::vector<TablePlan>& tables, const PlanOptions& options)
        : program_(program), tables_(tables), options_(options), budget_(options.classifier_budget),
          rewriting_(ir::rewriting_chains(program)) {
        for (const ir::Chain& chain : program.chains) {
            all_rules_ += chain.rules.size();
        }
    }
    std::vector<Slice> run(const ir::Chain& chain);
    Slices result;

private:
    /// Where a slice that begins there ends.
    size_t end_of(const ir::Chain& chain, size_t begin) const;
    bool add_codes(const ir::Chain& chain, Slice& slice) const;
    bool add_tables(const ir::Chain& chain, Slice& slice, const classify::Layout& not6,
                    const classify::Layout& ip6);
    std::optional<classify::RuleSet> set_of(const Slice& slice, const classify::Layout& layout) const;
    /// How many bytes of what is left a slice's tables may take: as many as it has of all rules, or a little,
    /// which never uses all up.
    size_t share_of(const Slice& slice) const;

    const ir::Program& program_;
    const std::vector<TablePlan>& tables_;
    const PlanOptions& options_;
    classify::Budget budget_;     // what is left of it
    std::vector<bool> rewriting_; // chains that may change the packet
    size_t all_rules_ = 0;
    std::vector<NormalRule> rules_;
};

/// What a rule's code does, if many rules can do the same: go to a chain, or return.
std::optional<uint64_t> shared_code(const ir::Rule& rule, const NormalRule& normal) {
    const auto* decide = rule.steps.empty() ? nullptr : std::get_if<ir::Decide>(&rule.steps.back().node);
    const bool alone =
        rule.steps.size() < 2 || std::holds_alternative<ir::Guard>(rule.steps[rule.steps.size() - 2].node);
    if (!decide || !alone || !normal.exact || normal.data) {
        return {};
    }
    return ir::identity_of(decide->verdict);
}

size_t Slicer::end_of(const ir::Chain& chain, size_t begin) const {
    std::vector<size_t> leading;
    std::map<uint64_t, size_t> shared;
    size_t codes = 0;
    for (size_t i = begin; i < chain.rules.size(); ++i) {
        const NormalRule& rule = rules_[i];
        const bool meets = std::any_of(leading.begin(), leading.end(),
                                       [&](size_t earlier) { return ir::may_meet(rules_[earlier], rule); });
        if (!rule.data) {
            const auto code = shared_code(chain.rules[i], rule);
            codes += !code || shared.try_emplace(*code, i).second ? 1 : 0;
        }
        if (meets || codes > max_codes || leading.size() == max_leading) {
            return i;
        }
        if (rule.falls && ir::rewrites(chain.rules[i], rewriting_)) {
            return i + 1; // what follows meets another packet
        }
        if (rule.falls) {
            leading.push_back(i);
        }
    }
    return chain.rules.size();
}

/// False if the code would be too much for one function.
bool Slicer::add_codes(const ir::Chain& chain, Slice& slice) const {
    std::map<uint64_t, uint32_t> shared;
    size_t instructions = 0;
    for (size_t i = slice.begin; i < slice.end; ++i) {
        slice.exact.push_back(rules_[i].exact);
        if (rules_[i].data) {
            slice.codes.emplace_back();
            continue;
        }
        const auto code = shared_code(chain.rules[i], rules_[i]);
        const auto next = static_cast<uint32_t>(slice.coded.size());
        const uint32_t index = code ? shared.try_emplace(*code, next).first->second : next;
        if (index == next) {
            slice.coded.push_back(static_cast<uint32_t>(i - slice.begin));
            for (const ir::Step& step : chain.rules[i].steps) {
                instructions = cost::add(instructions, cost::of_step(step, program_, tables_).code);
            }
        }
        slice.codes.emplace_back(index);
    }
    return instructions <= options_.max_function_instructions / 2;
}

std::optional<classify::RuleSet> Slicer::set_of(const Slice& slice, const classify::Layout& layout) const {
    classify::RuleSet set = layout.empty_set();
    for (size_t i = slice.begin; i < slice.end; ++i) {
        if (!layout.add(set, rules_[i], static_cast<uint32_t>(i - slice.begin), program_)) {
            return {};
        }
    }
    classify::drop_unused(set);
    classify::relate(set, program_);
    return set;
}

size_t Slicer::share_of(const Slice& slice) const {
    const size_t rules = slice.end - slice.begin;
    const size_t share = options_.classifier_budget.bytes / all_rules_ * rules;
    return std::min(budget_.bytes, std::max(share, budget_.bytes / 64));
}

/// Whether some box asks for what only IPv6 has.
bool asks_ip6(const classify::RuleSet& set, const ir::Program& program) {
    return std::any_of(set.presence.begin(), set.presence.end(),
                       [&](ir::KeyId key) { return classify::is_ip6(program.keys[key.value]); });
}

bool Slicer::add_tables(const ir::Chain& chain, Slice& slice, const classify::Layout& not6,
                        const classify::Layout& ip6) {
    auto other = set_of(slice, not6);
    auto own = set_of(slice, ip6);
    if (!other || !own) {
        return false;
    }
    const size_t before = result.classifiers.size();
    double ns = 0;
    const auto add = [&](classify::RuleSet set, std::optional<size_t>& place) {
        if (set.size() == 0) {
            return true;
        }
        classify::Budget own = budget_;
        own.bytes = share_of(slice);
        std::optional<classify::Classifier> classifier = classify::build(std::move(set), own);
        if (!classifier) {
            return false;
        }
        ns = std::max(ns, classifier->ns);
        budget_.bytes -= std::min(budget_.bytes, classifier->bytes);
        place = result.classifiers.size();
        result.classifiers.push_back(std::move(*classifier));
        return true;
    };
    const bool with_ip6 = asks_ip6(*own, program_);
    if (with_ip6) {
        for (const ir::KeyId key : own->presence) {
            if (classify::is_ip6(program_.keys[key.value])) {
                slice.ip6_keys.push_back(key);
            }
        }
    }
    const double straight = straight_ns(slice.end - slice.begin);
    if (add(std::move(*other), slice.other) && (!with_ip6 || add(std::move(*own), slice.ip6)) &&
        ns < straight) {
        return true;
    }
    result.classifiers.resize(before);
    result.notes.push_back(fmt::format("chain {}, rules {} to {}: compared one by one, about {:.0f} ns",
                                       chain.name, slice.begin, slice.end - 1, straight));
    return false;
}

std::vector<Slice> Slicer::run(const ir::Chain& chain) {
    std::vector<Slice> slices;
    rules_.clear();
    for (const ir::Rule& rule : chain.rules) {
        rules_.push_back(ir::normalize(rule, program_));
    }
    const classify::Layout not6(rules_, Family::Not6, program_);
    const classify::Layout ip6(rules_, Family::Ip6, program_);
    for (NormalRule& rule : rules_) { // what no field stands for has to be looked at again
        for (const classify::Conjunction& all : rule.any) {
            const auto family = classify::family_of(all, program_);
            for (const classify::Asked& asked : all) {
                const bool known =
                    (family == Family::Ip6 || not6.has(asked)) && (family == Family::Not6 || ip6.has(asked));
                rule.exact = rule.exact && known;
            }
        }
        rule.falls = rule.falls || !rule.exact;
        rule.data = rule.data && rule.exact;
    }
    for (size_t begin = 0; begin < chain.rules.size();) {
        Slice slice;
        slice.begin = begin;
        slice.end = end_of(chain, begin);
        begin = slice.end = std::max(slice.end, begin + 1);
        if (slice.end - slice.begin >= least_rules && add_codes(chain, slice) &&
            add_tables(chain, slice, not6, ip6)) {
            slices.push_back(std::move(slice));
        }
    }
    return slices;
}

/// Where the look-ups are few and without loops to speak of, they stand where they are asked for.
void choose_inlined(Slices& slices) {
    constexpr size_t most = 2;            // look-ups
    constexpr size_t instructions = 1500; // of all; a program has them for each kind of packet
    size_t all = 0;
    for (const classify::Classifier& classifier : slices.classifiers) {
        if (!std::holds_alternative<classify::Pairs>(classifier.tables)) {
            return;
        }
        all += cost::of_classifier(classifier).code;
    }
    if (slices.classifiers.size() > most || all > instructions) {
        return;
    }
    for (std::vector<Slice>& chain : slices.chains) {
        for (Slice& slice : chain) {
            slice.inlined = cost::slice + all;
        }
    }
}

} // namespace

Slices choose_slices(const ir::Program& program, const std::vector<TablePlan>& tables,
                     const PlanOptions& options) {
    Slicer slicer(program, tables, options);
    std::vector<std::vector<Slice>> chains;
    for (const ir::Chain& chain : program.chains) {
        const bool enough = options.classify && chain.rules.size() >= least_rules;
        chains.push_back(enough ? slicer.run(chain) : std::vector<Slice>());
    }
    slicer.result.chains = std::move(chains);
    choose_inlined(slicer.result);
    return std::move(slicer.result);
}

} // namespace xdpc::plan
