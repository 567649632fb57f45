#include "tests/harness/random_text.h"

#include "tests/harness/random_limits.h"
#include "tests/harness/random_text_values.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace xdpc::test {

namespace {

class TextGenerator {
public:
    TextGenerator(Rng& rng, const Frames& samples, const RandomTextOptions& options)
        : rng_(rng), samples_(samples), options_(options), values_(rng, samples) {}
    std::string run();

private:
    struct NamedSet {
        std::string name;
        std::vector<KeySource> keys;
        bool dynamic = false;
        bool timeout = false;
    };

    std::string sets();
    std::string live_set(const std::vector<KeySource>& keys);
    std::string live_map();
    std::string update();
    std::string elements(const std::vector<KeySource>& keys);
    std::string element(const std::vector<KeySource>& keys);
    std::string chain(size_t index);
    std::string rule(size_t index);
    std::string matches(const std::vector<uint8_t>& frame);
    std::string match(const std::vector<uint8_t>& frame, std::set<std::string>& used);
    std::string group(const std::vector<uint8_t>& frame, std::set<std::string>& used);
    std::string lone_match();
    std::string existence();
    std::string meta();
    std::string vmap(const std::vector<uint8_t>& frame, size_t index);
    std::string concatenation(const std::vector<uint8_t>& frame, std::set<std::string>& used);
    std::string verdict(size_t index, bool terminal);
    std::string chain_name(size_t index) { return index == 0 ? "ingress" : fmt::format("c{}", index); }

    Rng& rng_;
    const Frames& samples_;
    const RandomTextOptions& options_;
    ValueSource values_;
    std::vector<NamedSet> sets_;
    std::vector<NamedSet> maps_;
    size_t chains_ = 1;
};

std::string names_of(const std::vector<KeySource>& keys) {
    std::string text;
    for (const KeySource& key : keys) {
        text += (text.empty() ? "" : " . ") + name_of(key);
    }
    return text;
}

std::string TextGenerator::element(const std::vector<KeySource>& keys) {
    std::string text;
    for (const KeySource& key : keys) {
        text += (text.empty() ? "" : " . ") + values_.interval(key);
    }
    return text;
}

std::string TextGenerator::elements(const std::vector<KeySource>& keys) {
    std::set<std::string> parts;
    for (size_t i = 1 + below(rng_, options_.max_elements); i-- > 0;) {
        parts.insert(element(keys));
    }
    return fmt::format("{{ {} }}", fmt::join(parts, ", "));
}

std::string single(ValueSource& values, const std::vector<KeySource>& keys) {
    std::string text;
    for (const KeySource& key : keys) {
        text += (text.empty() ? "" : " . ") + ValueSource::worded(key, values.value(key));
    }
    return text;
}

/// Small, so that those which rules fill get full, and elements expire within a few packets.
std::string TextGenerator::live_set(const std::vector<KeySource>& keys) {
    NamedSet set{fmt::format("s{}", sets_.size()), keys};
    const bool intervals = chance(rng_, 40);
    set.dynamic = !intervals && chance(rng_, 80);
    set.timeout = chance(rng_, 60);
    std::string flags = intervals ? "interval" : set.dynamic ? "dynamic" : "";
    flags += set.timeout ? (flags.empty() ? "timeout" : ", timeout") : "";
    std::string text = fmt::format("set {} {{\n    typeof {}\n", set.name, names_of(keys));
    text += flags.empty() ? "" : fmt::format("    flags {}\n", flags);
    text += set.dynamic ? fmt::format("    size {}\n", 2 + below(rng_, 8)) : "    size 100\n";
    text += set.timeout && chance(rng_, 70) ? fmt::format("    timeout {}s\n", 1 + below(rng_, 9)) : "";
    text += chance(rng_, 50) ? "    counter\n" : "";
    text += intervals ? "    auto-merge\n" : "";
    std::set<std::string> parts;
    for (size_t i = set.dynamic ? below(rng_, 3) : 1 + below(rng_, options_.max_elements); i-- > 0;) {
        const std::string time =
            set.timeout && chance(rng_, 30) ? fmt::format(" timeout {}s", 1 + below(rng_, 9)) : "";
        parts.insert((intervals ? element(keys) : single(values_, keys)) + time);
    }
    text += parts.empty() ? "" : fmt::format("    elements = {{ {} }}\n", fmt::join(parts, ", "));
    sets_.push_back(set);
    return text + "}\n";
}

std::string TextGenerator::live_map() {
    static const std::vector<FieldId> fields{FieldId::IpSaddr, FieldId::TcpDport, FieldId::Ip6Daddr};
    const NamedSet map{fmt::format("m{}", maps_.size()), {FieldKey{pick(rng_, fields)}}};
    static const std::vector<std::string> ends{"pass", "drop", "tx", "continue", "return"};
    std::set<u128> known;
    std::string text;
    for (size_t i = 1 + below(rng_, 6); i-- > 0;) {
        const u128 value = values_.value(map.keys[0]);
        if (known.insert(value).second) {
            text += fmt::format("{}{} : {}", text.empty() ? "" : ", ",
                                ValueSource::worded(map.keys[0], value), pick(rng_, ends));
        }
    }
    text += chance(rng_, 30) ? ", * : " + pick(rng_, ends) : "";
    maps_.push_back(map);
    return fmt::format("map {} {{\n    typeof {} : verdict\n    elements = {{ {} }}\n}}\n", map.name,
                       names_of(map.keys), text);
}

/// A change of a live set, or "".
std::string TextGenerator::update() {
    static const std::vector<std::string> words{"add", "add", "update", "update", "delete"};
    if (sets_.empty() || options_.max_live == 0) {
        return {};
    }
    const NamedSet& set = pick(rng_, sets_);
    if (!set.dynamic) {
        return {};
    }
    const std::string word = pick(rng_, words);
    const bool timed = set.timeout && word != "delete" && chance(rng_, 50);
    return fmt::format("{} @{} {{ {}{} }} ", word, set.name, names_of(set.keys),
                       timed ? fmt::format(" timeout {}s", 1 + below(rng_, 9)) : "");
}

std::string TextGenerator::sets() {
    static const std::vector<std::vector<KeySource>> kinds = {
        {FieldKey{FieldId::IpSaddr}},
        {FieldKey{FieldId::Ip6Daddr}},
        {FieldKey{FieldId::TcpDport}},
        {FieldKey{FieldId::IpSaddr}, FieldKey{FieldId::TcpDport}},
        {FieldKey{FieldId::IpProtocol}, FieldKey{FieldId::ThDport}},
        {FieldKey{FieldId::EtherSaddr}, FieldKey{FieldId::IpDaddr}, FieldKey{FieldId::UdpDport}},
    };
    std::string text;
    for (size_t i = below(rng_, options_.max_sets + 1); i-- > 0;) {
        const NamedSet set{fmt::format("s{}", sets_.size()), pick(rng_, kinds)};
        text += fmt::format("set {} {{\n    typeof {}\n    flags constant, interval\n    elements = {}\n}}\n",
                            set.name, names_of(set.keys), elements(set.keys));
        sets_.push_back(set);
    }
    for (size_t i = options_.max_live == 0 ? 0 : 1 + below(rng_, options_.max_live); i-- > 0;) {
        text += chance(rng_, 25) ? live_map() : live_set(pick(rng_, kinds));
    }
    text += fmt::format("define addresses = {{ {}, {}, {} }}\n", values_.interval(FieldKey{FieldId::IpSaddr}),
                        values_.interval(FieldKey{FieldId::IpDaddr}),
                        values_.interval(FieldKey{FieldId::Ip6Saddr}));
    return text;
}

std::string TextGenerator::verdict(size_t index, bool terminal) {
    static const std::vector<std::string> ends{"pass", "drop", "drop", "pass", "tx", "abort"};
    if (terminal || chance(rng_, 60)) {
        return pick(rng_, ends);
    }
    if (index + 1 < chains_ && chance(rng_, 80)) {
        const size_t to = index + 1 + below(rng_, chains_ - index - 1);
        return fmt::format("{} {}", chance(rng_, 70) ? "jump" : "goto", chain_name(to));
    }
    return chance(rng_, 50) ? "return" : "continue";
}

std::string TextGenerator::existence() {
    static const std::vector<std::string> things{"exthdr hbh",
                                                 "exthdr rt",
                                                 "exthdr frag",
                                                 "exthdr dst",
                                                 "exthdr mh",
                                                 "tcp option maxseg",
                                                 "tcp option sack-perm",
                                                 "tcp option window",
                                                 "tcp option nop",
                                                 "tcp option eol",
                                                 "tcp option timestamp",
                                                 "ip option rr",
                                                 "ip option ra",
                                                 "ip option lsrr",
                                                 "meta vlan",
                                                 "tcp option sack"};
    return pick(rng_, things) + (chance(rng_, 60) ? " exists" : " missing");
}

std::string TextGenerator::meta() {
    static const std::vector<std::string> plain{"meta malformed",      "meta fragment any",
                                                "meta fragment first", "meta fragment later",
                                                "meta fragment none",  "meta fragment != none"};
    static const std::vector<std::string> around{"meta random < 2000000000", "meta rxqueue 0",
                                                 "meta cpu != 1", "meta iifname \"eth0\"",
                                                 "meta iifname \"e*\""};
    if (options_.surroundings && chance(rng_, 20)) {
        return pick(rng_, around);
    }
    if (chance(rng_, 50)) {
        return pick(rng_, plain);
    }
    static const std::vector<MetaId> numbers{MetaId::Length, MetaId::Protocol, MetaId::L4proto};
    const KeySource key = MetaKey{pick(rng_, numbers)};
    return name_of(key) + values_.relation(key);
}

/// What could contradict others stands alone in its rule.
std::string TextGenerator::lone_match() {
    if (chance(rng_, 25)) {
        return existence();
    }
    if (chance(rng_, 30)) {
        return meta();
    }
    if (chance(rng_, 15)) {
        return (chance(rng_, 50) ? "saddr " : "daddr != ") + std::string("$addresses");
    }
    if (!sets_.empty() && chance(rng_, 30)) {
        const NamedSet& set = pick(rng_, sets_);
        return fmt::format("{} {}@{}", names_of(set.keys), chance(rng_, 80) ? "" : "!= ", set.name);
    }
    const KeySource key = FieldKey{values_.any_field()};
    return name_of(key) + values_.relation(key);
}

std::string TextGenerator::concatenation(const std::vector<uint8_t>& frame, std::set<std::string>& used) {
    std::vector<KeySource> keys;
    while (keys.size() < 3 && (keys.size() < 2 || chance(rng_, 40))) {
        const auto field = values_.field_of(frame, true);
        if (!field || !used.insert(name_of(KeySource(FieldKey{*field}))).second) {
            return {};
        }
        keys.emplace_back(FieldKey{*field});
    }
    std::set<std::string> parts;
    for (size_t i = 1 + below(rng_, 4); i-- > 0;) {
        parts.insert(element(keys));
    }
    return fmt::format("{} {{ {} }}", names_of(keys), fmt::join(parts, ", "));
}

std::string TextGenerator::match(const std::vector<uint8_t>& frame, std::set<std::string>& used) {
    if (chance(rng_, 8)) {
        return concatenation(frame, used);
    }
    if (chance(rng_, 8)) {
        static const std::vector<RawBase> bases{RawBase::Ll, RawBase::Nh, RawBase::Th, RawBase::Ih};
        const auto width = static_cast<uint16_t>(1 + below(rng_, chance(rng_, 80) ? 32 : 128));
        const KeySource key = RawKey{pick(rng_, bases), static_cast<uint32_t>(below(rng_, 160)), width};
        return name_of(key) + values_.relation(key);
    }
    const auto field = values_.field_of(frame, true);
    if (!field || !used.insert(name_of(KeySource(FieldKey{*field}))).second) {
        return {};
    }
    return name_of(KeySource(FieldKey{*field})) + values_.relation(FieldKey{*field});
}

std::string TextGenerator::group(const std::vector<uint8_t>& frame, std::set<std::string>& used) {
    std::string text;
    for (size_t i = 1 + below(rng_, 3); i-- > 0;) {
        const std::string part = match(frame, used);
        text += part.empty() ? "" : (text.empty() ? "" : " or ") + part;
    }
    return text.empty() ? "" : fmt::format("{}( {} )", chance(rng_, 30) ? "not " : "", text);
}

std::string TextGenerator::matches(const std::vector<uint8_t>& frame) {
    if (chance(rng_, 25)) {
        return lone_match();
    }
    std::string text;
    std::set<std::string> used;
    for (size_t i = 1 + below(rng_, 3); i-- > 0;) {
        const std::string part = chance(rng_, 15) ? group(frame, used) : match(frame, used);
        text += part.empty() ? "" : (text.empty() ? "" : " ") + part;
    }
    return text;
}

std::string TextGenerator::vmap(const std::vector<uint8_t>& frame, size_t index) {
    const auto field = values_.field_of(frame, true);
    if (!field || info(*field).type == TypeId::TcpFlag) {
        return {};
    }
    const KeySource key = FieldKey{*field};
    std::set<u128> seen;
    std::string text;
    for (size_t i = 1 + below(rng_, 5); i-- > 0;) {
        const u128 value = values_.value(key);
        if (seen.insert(value).second) {
            text += fmt::format("{}{} : {}", text.empty() ? "" : ", ", ValueSource::worded(key, value),
                                verdict(index, false));
        }
    }
    if (chance(rng_, 40)) {
        text += ", * : " + verdict(index, false);
    }
    return fmt::format("{} vmap {{ {} }}", name_of(key), text);
}

std::string TextGenerator::rule(size_t index) {
    const std::vector<uint8_t>& frame = pick(rng_, samples_);
    if (chance(rng_, 8)) {
        return vmap(frame, index);
    }
    if (!maps_.empty() && chance(rng_, 15)) {
        const NamedSet& map = pick(rng_, maps_);
        return fmt::format("{} vmap @{}", names_of(map.keys), map.name);
    }
    if (options_.max_live != 0 && chance(rng_, 25)) { // changes a set and goes on
        const std::string change = update();
        return change.empty() ? "" : change + (chance(rng_, 30) ? "counter" : "continue");
    }
    std::string text = matches(frame);
    if (text.empty()) {
        return {};
    }
    if (options_.meters && chance(rng_, 50)) {
        static const std::vector<std::string> keys{"ip saddr",     "ip saddr & 255.255.255.0 . ip daddr",
                                                   "tcp dport",    "ip6 saddr",
                                                   "meta l4proto", "ether saddr . th sport"};
        text += " " + random_meter_text(rng_, keys);
    }
    if (chance(rng_, 15)) {
        return text + (chance(rng_, 50) ? " counter" : " counter " + verdict(index, false));
    }
    return text + " " + verdict(index, false) + (chance(rng_, 5) ? " comment \"a rule\"" : "");
}

std::string TextGenerator::chain(size_t index) {
    std::string text = fmt::format("chain {} {{\n", chain_name(index));
    if (index == 0 || chance(rng_, 25)) {
        text += fmt::format("    policy {}\n", verdict(index, true));
    }
    if (index + 1 < chains_) { // so that all are reached
        text += fmt::format("    {} jump {}\n", lone_match(), chain_name(index + 1));
    }
    for (size_t i = 1 + below(rng_, options_.max_rules); i-- > 0;) {
        const std::string line = rule(index);
        text += line.empty() ? "" : fmt::format("    {}\n", line);
    }
    return text + "}\n";
}

std::string TextGenerator::run() {
    chains_ = 1 + below(rng_, options_.max_chains + 1);
    std::string text = sets() + (options_.meters ? random_objects_text() : "");
    for (size_t i = 0; i < chains_; ++i) {
        text += chain(i);
    }
    return text;
}

} // namespace

std::string random_policy_text(Rng& rng, const Frames& samples, const RandomTextOptions& options) {
    return TextGenerator(rng, samples, options).run();
}

} // namespace xdpc::test
