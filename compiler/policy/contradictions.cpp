// Rules that no packet can match: the same key in disjoint sets, or headers that exclude each other.
#include "compiler/base/overloaded.h"
#include "compiler/fields/key_facts.h"
#include "compiler/policy/check_context.h"

#include <algorithm>
#include <span>

namespace xdpc::checking {

namespace {

/// Larger sets are not intersected: what is found here is a typo, not a proof.
constexpr size_t largest_set = 65536;
/// Facts of one rule that are remembered: bounds the work for rules of thousands of matches.
constexpr size_t most_facts = 256;

/// That (key & mask) must lie in `values`.
struct Fact {
    KeySource key;
    u128 mask;
    IntervalSet values;
    Span span;
    std::string needs; // "TCP": what a header asks for; "" for what the rule says of the key itself
};
struct Conflict {
    Fact later, earlier;
};
struct Facts {
    std::vector<Fact> all;
    std::vector<Fact> narrowed; // one for each key and mask: the intersection so far
};

const KeySource ether_type = MetaKey{MetaId::Protocol};
const KeySource l4_protocol = MetaKey{MetaId::L4proto};

std::optional<Conflict> add(Facts& facts, Fact fact) {
    auto same = [&](const Fact& other) { return other.key == fact.key && other.mask == fact.mask; };
    auto known = [&](const Fact& other) { return same(other) && other.values == fact.values; };
    if (facts.all.size() >= most_facts || std::any_of(facts.all.begin(), facts.all.end(), known)) {
        return {};
    }
    auto found = std::find_if(facts.narrowed.begin(), facts.narrowed.end(), same);
    if (found == facts.narrowed.end()) {
        facts.narrowed.push_back(fact);
        facts.all.push_back(std::move(fact));
        return {};
    }
    IntervalSet both = found->values.intersect(fact.values);
    if (!both.empty()) {
        found->values = std::move(both);
        facts.all.push_back(std::move(fact));
        return {};
    }
    const Fact* earlier = nullptr;
    for (const Fact& other : facts.all) {
        const bool excludes = same(other) && other.values.intersect(fact.values).empty();
        if (excludes || (earlier == nullptr && same(other))) {
            earlier = &other;
            if (excludes) {
                break;
            }
        }
    }
    return Conflict{std::move(fact), *earlier};
}

IntervalSet values_of(const std::vector<u128>& numbers) {
    std::vector<Interval> intervals;
    for (const u128 number : numbers) {
        intervals.push_back({number, number});
    }
    return IntervalSet::of(std::move(intervals));
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

/// What reaching `header` asks for.
void implied_by(HeaderId header, Span span, std::vector<Fact>& out) {
    const HeaderInfo& row = info(header);
    const u128 all = Key{}.mask;
    const auto ports = protocols_with_ports();
    auto network = [&](const std::vector<u128>& types, std::string needs) {
        out.push_back({ether_type, all, values_of(types), span, std::move(needs)});
    };
    auto transport = [&](const std::vector<u128>& protocols, std::string needs) {
        out.push_back({l4_protocol, all, values_of(protocols), span, std::move(needs)});
    };
    switch (row.layer) {
    case Layer::Link:
    case Layer::Tag:
        return;
    case Layer::Arp:
        return network({row.guard}, "ARP");
    case Layer::Ip:
        return network({row.guard}, "IPv4");
    case Layer::Ip6:
        return network({row.guard}, "IPv6");
    case Layer::Extension:
        return network({0x86dd}, "IPv6");
    case Layer::Transport4:
        network({0x0800}, "IPv4");
        return transport({row.guard}, upper(row.keyword));
    case Layer::Transport6:
        network({0x86dd}, "IPv6");
        return transport({row.guard}, "ICMPv6");
    case Layer::Transport:
        network({0x0800, 0x86dd}, "IP");
        if (header != HeaderId::Ah) { // stepped over on the way to another
            transport({row.guard}, upper(row.keyword));
        }
        return;
    case Layer::AnyTransport:
        network({0x0800, 0x86dd}, "IP");
        return transport({ports.begin(), ports.end()}, "a protocol with ports");
    case Layer::Option:
        return implied_by(row.parent, span, out);
    }
}

/// What the presence of a key asks for; of an existence, its being 1.
void implied_by(const KeySource& key, const IntervalSet* values, Span span, std::vector<Fact>& out) {
    std::visit(Overloaded{
                   [&](const FieldKey& field) { implied_by(info(field.field).header, span, out); },
                   [&](const RawKey& raw) {
                       if (raw.base == RawBase::Th || raw.base == RawBase::Ih) {
                           out.push_back({ether_type, Key{}.mask, values_of({0x0800, 0x86dd}), span, "IP"});
                       }
                   },
                   [&](const ExistsKey& exists) {
                       const bool option = info(exists.header).layer == Layer::Option;
                       if (option || (values != nullptr && !values->contains(0))) {
                           implied_by(exists.header, span, out);
                       }
                   },
                   [&](const MetaKey& meta) {
                       if (meta.meta == MetaId::L4proto || meta.meta == MetaId::Fragment) {
                           out.push_back({ether_type, Key{}.mask, values_of({0x0800, 0x86dd}), span, "IP"});
                       }
                   },
               },
               key);
}

/// A protocol number in the IP header is the transport protocol, unless the walk goes on behind it. Of the
/// last fact.
void follow(std::vector<Fact>& out) {
    const Fact fact = out.back(); // a copy: more are put behind it
    const auto* field = std::get_if<FieldKey>(&fact.key);
    if (field == nullptr || fact.mask != Key{}.mask) {
        return;
    }
    const auto also = [&](const KeySource& key) {
        out.push_back(Fact{key, fact.mask, fact.values, fact.span, ""});
    };
    auto lacks = [&](std::initializer_list<u128> numbers) {
        return std::none_of(numbers.begin(), numbers.end(),
                            [&](u128 number) { return fact.values.contains(number); });
    };
    if ((field->field == FieldId::IpProtocol && lacks({51})) ||
        (field->field == FieldId::Ip6Nexthdr && lacks({0, 43, 44, 51, 60, 135}))) {
        also(l4_protocol);
    }
    if (field->field == FieldId::VlanType && lacks({0x8100, 0x88a8, 0x9100})) {
        also(ether_type);
    }
}

std::optional<Conflict> add_test(Facts& facts, const Test& test) {
    std::vector<Fact> found;
    for (size_t i = 0; i < test.keys.size(); ++i) {
        const Key& key = test.keys[i];
        const bool random = std::holds_alternative<MetaKey>(key.source) &&
                            std::get<MetaKey>(key.source).meta == MetaId::Random;
        const bool usable = !test.boxes.empty() && test.boxes.size() <= largest_set && !random &&
                            !(test.negated && test.keys.size() > 1);
        if (!usable) {
            implied_by(key.source, nullptr, test.span, found);
            continue;
        }
        std::vector<Interval> intervals;
        for (const Box& box : test.boxes) {
            intervals.push_back(box[i]);
        }
        IntervalSet values = IntervalSet::of(std::move(intervals));
        if (test.negated) {
            values = values.complement(width_of(key.source));
        }
        implied_by(key.source, &values, test.span, found);
        found.push_back({key.source, key.mask, std::move(values), test.span, ""});
        follow(found);
    }
    for (Fact& fact : found) {
        if (auto conflict = add(facts, std::move(fact))) {
            return conflict;
        }
    }
    return {};
}

std::optional<Conflict> add_condition(Facts& facts, const Condition& condition);

/// Alternatives come last, when all else that must hold is known.
template<class Conditions> std::optional<Conflict> add_conditions(Facts& facts, const Conditions& parts) {
    for (const bool alternatives : {false, true}) {
        for (const Condition& part : parts) {
            if (std::holds_alternative<AnyOf>(part.node) != alternatives) {
                continue;
            }
            if (auto conflict = add_condition(facts, part)) {
                return conflict;
            }
        }
    }
    return {};
}

std::optional<Conflict> add_condition(Facts& facts, const Condition& condition) {
    if (const auto* test = std::get_if<Test>(&condition.node)) {
        return add_test(facts, *test);
    }
    if (const auto* all = std::get_if<AllOf>(&condition.node)) {
        return add_conditions(facts, all->parts);
    }
    const auto* any = std::get_if<AnyOf>(&condition.node);
    if (any == nullptr) {
        return {}; // of a `not ( )` nothing follows that easily
    }
    std::optional<Conflict> first;
    for (const Condition& part : any->parts) {
        Facts own = facts;
        auto conflict = add_condition(own, part);
        if (!conflict) {
            return {};
        }
        first = first ? std::move(first) : std::move(conflict);
    }
    return first;
}

void report(Context& context, const Conflict& conflict) {
    constexpr const char* one_protocol = "no packet is both: leave one out, or write a rule for each";
    const Fact& later = conflict.later;
    const Fact& earlier = conflict.earlier;
    const std::string later_text = shown(context, later.span);
    const std::string earlier_text = shown(context, earlier.span);
    if (!later.needs.empty()) {
        context.report(Diag::HeaderContradiction, later.span, later_text, later.needs, earlier_text)
            .with_note(earlier.span,
                       earlier.needs.empty() ? "said here" : fmt::format("which needs {}", earlier.needs))
            .with_hint(one_protocol);
    } else if (!earlier.needs.empty()) {
        context.report(Diag::HeaderContradiction, earlier.span, earlier_text, earlier.needs, later_text)
            .with_note(later.span, "said here")
            .with_hint(one_protocol);
    } else {
        Diagnostic& diagnostic = context.report(Diag::Contradiction, later.span, later_text, earlier_text);
        diagnostic.with_note(earlier.span, "said here");
        const bool plain = (later_text + earlier_text).find_first_of("!<>&/") == std::string::npos;
        if (plain && std::holds_alternative<FieldKey>(later.key)) {
            diagnostic.with_hint("any of several values: `" + name_of(later.key) + " { a, b }`");
        }
    }
}

/// That the keys are present and, without a default, among the entries.
Test keys_of(const VmapStatement& vmap) {
    Test test{vmap.keys, {}, false, vmap.span, ""};
    if (!vmap.otherwise && vmap.entries.size() <= largest_set) {
        for (const auto& [box, verdict] : vmap.entries) {
            test.boxes.push_back(box);
        }
    }
    return test;
}

/// The field that a statement sets has to be there.
Test field_of(const RewriteStatement& rewrite) {
    const auto* set = std::get_if<packet::SetField>(&rewrite.what);
    return set != nullptr ? Test{{{FieldKey{set->field}}}, {}, false, rewrite.span, ""} : Test{};
}

/// Among statements that meet the same packet.
std::optional<Conflict> find_conflict(std::span<const Statement> statements) {
    Facts facts;
    std::optional<Conflict> conflict;
    for (const bool alternatives : {false, true}) {
        for (const Statement& statement : statements) {
            if (conflict) {
                break;
            }
            const auto* match = std::get_if<MatchStatement>(&statement);
            const auto* vmap = std::get_if<VmapStatement>(&statement);
            const auto* rewrite = std::get_if<RewriteStatement>(&statement);
            if (match != nullptr && std::holds_alternative<AnyOf>(match->condition.node) == alternatives) {
                conflict = add_condition(facts, match->condition);
            } else if (vmap != nullptr && !vmap->may_lack && !alternatives) {
                conflict = add_test(facts, keys_of(*vmap));
            } else if (rewrite != nullptr && !alternatives) {
                conflict = add_test(facts, field_of(*rewrite));
            }
        }
    }
    return conflict;
}

} // namespace

void find_contradictions(Context& context, const Rule& rule) {
    const std::span<const Statement> statements = rule.statements;
    std::optional<Conflict> conflict;
    for (size_t begin = 0, end = 0; begin < statements.size() && !conflict; begin = end) {
        while (end < statements.size() && !std::holds_alternative<RewriteStatement>(statements[end++])) {
        }
        conflict = find_conflict(statements.subspan(begin, end - begin));
    }
    if (conflict) {
        report(context, *conflict);
    }
}

} // namespace xdpc::checking
